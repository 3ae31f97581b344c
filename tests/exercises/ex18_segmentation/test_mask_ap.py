import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex18_segmentation import mask_ap
from exercises.ex18_segmentation.grouping import Instances

QUESTION = "S3 Different problems, models & metrics"


def strips(*spans):
    """Des masques d'une ligne de vingt pixels : de `début` à `fin`."""
    masks = np.zeros((len(spans), 1, 20), bool)
    for mask, (start, end) in zip(masks, spans, strict=True):
        mask[0, start:end] = True
    return masks


def objects(*spans, scores=None):
    scores = np.ones(len(spans)) if scores is None else np.array(scores)
    return Instances(strips(*spans), np.zeros(len(spans), int), scores)


@pytest.mark.question(QUESTION)
def test_a_mask_counts_up_to_its_iou():
    """IoU de 7/10 : bon aux cinq premiers seuils, de 0,5 à 0,7 compris."""
    found = mask_ap.average_precisions([objects((0, 7))], [objects((0, 10))])
    assert found.tolist() == [1] * 5 + [0] * 5


@pytest.mark.question(QUESTION)
def test_one_spot_for_two_objects():
    """La tache couvre bien les deux : un masque de classes parfait, et pas un objet de juste."""
    found = mask_ap.average_precisions([objects((0, 20))], [objects((0, 10), (10, 20))])
    assert found.tolist() == [0.5] + [0] * 9  # IoU de 1/2 : un seul des deux, au premier seuil


def loop(found, true, threshold):
    """La même, sans rien partager : chaque masque à son tour, chaque rappel à son tour."""
    ranked = sorted(
        ((-each.scores[k], i, k) for i, each in enumerate(found) for k in range(len(each.scores)))
    )
    taken, right, points = set(), 0, []
    for number, (_, i, k) in enumerate(ranked, 1):
        best, chosen = threshold, None
        for j, mask in enumerate(true[i].masks):
            common, union = (mask & found[i].masks[k]).sum(), (mask | found[i].masks[k]).sum()
            if (i, j) not in taken and common / union >= best:
                if chosen is None or common / union > best:
                    best, chosen = common / union, (i, j)
        taken, right = taken | {chosen}, right + (chosen is not None)
        points.append((right, right / number))
    num_true = sum(len(each.masks) for each in true)
    return (
        sum(
            max((precision for found, precision in points if found >= recall), default=0)
            for recall in range(1, num_true + 1)
        )
        / num_true
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999))
def test_it_is_what_a_loop_finds(seed):
    rng = np.random.default_rng(seed)

    def some(least):
        starts = rng.integers(0, 15, rng.integers(least, 5))
        spans = [(start, start + rng.integers(1, 6)) for start in starts]
        return objects(*spans, scores=rng.random(len(spans)))

    found, true = [some(0) for _ in range(3)], [some(1) for _ in range(3)]
    alone = [loop([one], [other], 0.5) for one, other in zip(found, true, strict=True)]
    np.testing.assert_allclose(mask_ap.ap50_each(found, true), alone)
    for threshold, value in zip(
        mask_ap.THRESHOLDS[::4], mask_ap.average_precisions(found, true)[::4], strict=True
    ):
        assert value == pytest.approx(loop(found, true, threshold))
