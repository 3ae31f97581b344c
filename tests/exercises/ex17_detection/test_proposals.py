import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT
from exercises.ex17_detection.boxes import iou, non_max_suppression

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import proposals

    return proposals


TRUTH = np.array(
    [[[8, 10, 30, 34, 3], [40, 30, 60, 62, 9]], [[20, 44, 50, 60, 1], [0, 0, 0, 0, ABSENT]]],
    np.float32,
)


def right_answers(ex17):
    """Ce qu'un premier étage parfait répondrait : sûr de lui, et chaque boîte corrigée."""
    from exercises.ex17_detection import anchors

    made = np.tile(anchors.make_anchors(), (2, 1, 1))
    overlaps = np.stack([iou(made[i], TRUTH[i, :, :4]) for i in range(2)])  # (2, 384, 2)
    objects = np.take_along_axis(TRUTH, overlaps.argmax(-1)[..., None], axis=1)
    best = overlaps == overlaps.max(1, keepdims=True)
    present = (overlaps.max(-1) >= 0.5) | (best & (overlaps > 0)).any(-1)
    judged = present | (overlaps.max(-1) < 0.4)
    corrections = np.asarray(anchors.encode(objects[..., :4], made))
    scores = np.where(present, 30.0, -30.0)
    return np.concatenate([scores[..., None], corrections], -1), present, judged


@pytest.mark.question(QUESTION)
def test_the_suppression_in_the_network_is_that_of_numpy(ex17):
    rng = np.random.default_rng(0)
    low = rng.integers(0, 8, (3, 60, 2))
    boxes = np.concatenate([low, low + rng.integers(20, 30, (3, 60, 2))], -1).astype(np.float32)
    scores = rng.permuted(np.tile(np.linspace(0, 1, 60), (3, 1)), axis=1).astype(np.float32)
    found = np.asarray(ex17.suppress(boxes, scores, 8))
    for i in range(3):
        kept = non_max_suppression(boxes[i], scores[i], np.zeros(60), threshold=ex17.IOU_PROPOSED)[
            :8
        ]
        assert kept.tolist() != np.argsort(-scores[i])[:8].tolist()
        np.testing.assert_array_equal(found[i], boxes[i][kept])


@pytest.mark.question(QUESTION)
def test_a_perfect_first_stage_proposes_the_objects(ex17):
    answers, *_ = right_answers(ex17)
    proposed = np.asarray(ex17.Propose()(answers))
    assert proposed.shape == (2, ex17.NUM_PROPOSALS, 4)
    assert ex17.recall(proposed, TRUTH, 0.99) == 1
    np.testing.assert_allclose(iou(proposed[0, :2], TRUTH[0, :, :4]).max(0), 1, atol=1e-3)


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum(ex17):
    answers, present, judged = right_answers(ex17)
    rng = np.random.default_rng(2)
    guess = (answers + rng.normal(0, 0.1, answers.shape)).astype(np.float32)
    guess[..., 0] = rng.normal(size=guess.shape[:2])
    expected = np.zeros(2)
    for i, k in np.ndindex(present.shape):
        score = guess[i, k, 0]
        if present[i, k]:
            gaps = np.abs(guess[i, k, 1:] - answers[i, k, 1:])
            lost = np.where(gaps < 0.1, 5 * gaps**2, gaps - 0.05)
            expected[i] += np.log1p(np.exp(-score)) + ex17.BOX_WEIGHT * lost.sum()
        elif judged[i, k]:
            expected[i] += np.log1p(np.exp(score))
    assert (present.sum(1) > 5).all() and (~judged).any()
    found = np.asarray(ex17.loss(TRUTH, guess))
    np.testing.assert_allclose(found, expected / present.sum(1), rtol=1e-3)
    np.testing.assert_allclose(ex17.loss(TRUTH, answers.astype(np.float32)), 0, atol=1e-4)


@pytest.mark.question(QUESTION)
def test_an_object_that_no_anchor_surrounds_has_its_closest_one(ex17):
    """Étroit, il ne recouvre assez aucune ancre : la plus proche en répond quand même."""
    from exercises.ex17_detection import anchors

    truth = np.array([[[33.5, 27, 38.5, 45, 3]]], np.float32)
    overlaps = iou(anchors.make_anchors(), truth[0, :, :4])[:, 0]
    assert 0 < overlaps.max() < ex17.IOU_BACKGROUND
    closest = overlaps == overlaps.max()
    assert closest.sum() == 1
    answers = np.zeros((1, len(overlaps), 5), np.float32)
    answers[..., 1:] = anchors.encode(truth[:, :, :4], anchors.make_anchors()[None])
    losses = {}
    for name, there in {"closest": closest, "nothing": closest & False}.items():
        answers[..., 0] = np.where(there, 30, -30)
        losses[name] = float(ex17.loss(truth, answers)[0])
    assert losses["closest"] == pytest.approx(0, abs=1e-4)
    assert losses["nothing"] > 10
