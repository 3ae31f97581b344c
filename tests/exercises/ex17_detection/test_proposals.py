import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT
from exercises.ex17_detection import proposals as ex17
from exercises.ex17_detection.boxes import iou, non_max_suppression

QUESTION = "S3 Different problems, models & metrics"
NOTHING = [0, 0, 0, 0, ABSENT]
# Le deuxième objet de la seconde scène est si étroit qu'aucune ancre ne le recouvre assez.
TRUTH = np.array(
    [
        [[8, 10, 30, 34, 3], [40, 30, 60, 62, 9], NOTHING],
        [[20, 44, 50, 60, 1], [33.5, 17, 38.5, 35, 3], NOTHING],
    ],
    np.float32,
)


# --- Les ancres ----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_six_anchors_at_the_center_of_each_cell():
    found = ex17.make_anchors().reshape(8, 8, 6, 4)
    centers, sizes = (found[..., :2] + found[..., 2:]) / 2, found[..., 2:] - found[..., :2]
    middles = np.arange(8) * 8 + 4
    np.testing.assert_allclose(centers[3, :, 5], [(x, 28) for x in middles], atol=1e-5)
    np.testing.assert_allclose(sizes.prod(-1)[2, 7], [16**2] * 3 + [26**2] * 3, rtol=1e-5)
    ratios = sizes[..., 1] / sizes[..., 0]
    np.testing.assert_allclose(ratios[2, 7], [0.5, 1, 2] * 2, rtol=1e-5)


@pytest.mark.question(QUESTION)
def test_each_box_gets_the_object_it_covers_best():
    boxes = np.array([[[0, 0, 10, 10], [20, 20, 32, 30], [50, 50, 60, 60]]], np.float32)
    truth = np.array([[[2, 0, 10, 10, 7], [20, 20, 30, 30, 3], NOTHING]], np.float32)
    objects, overlaps = (np.asarray(each) for each in ex17.assign(boxes, truth))
    np.testing.assert_array_equal(objects[0, :2], truth[0, :2])
    np.testing.assert_allclose(overlaps[0], [[0.8, 0, 0], [0, 10 / 12, 0], [0, 0, 0]], atol=1e-6)


@pytest.mark.question(QUESTION)
def test_a_correction_by_hand():
    reference, box = np.array([[10.0, 10, 30, 20]]), np.array([[20.0, 10, 60, 15]])
    # Centre (20, 15) → (40, 12,5) : une largeur à droite, un quart de hauteur plus haut.
    expected = [[1, -0.25, np.log(2), np.log(0.5)]]
    np.testing.assert_allclose(ex17.encode(box, reference), expected, atol=1e-6)
    np.testing.assert_allclose(ex17.decode(np.array(expected), reference), box, atol=1e-4)


# --- Les propositions ----------------------------------------------------------------


def right_answers():
    """Ce qu'un premier étage parfait répondrait : sûr de lui, et chaque boîte corrigée."""
    made = np.tile(ex17.make_anchors(), (2, 1, 1))
    overlaps = np.stack([iou(made[i], TRUTH[i, :, :4]) for i in range(2)])  # (2, 384, 3)
    objects = np.take_along_axis(TRUTH, overlaps.argmax(-1)[..., None], axis=1)
    best = overlaps == overlaps.max(1, keepdims=True)
    present = (overlaps.max(-1) >= 0.5) | (best & (overlaps > 0)).any(-1)
    judged = present | (overlaps.max(-1) < 0.4)
    scores = np.where(present, 30.0, -30.0)
    corrections = np.asarray(ex17.encode(objects[..., :4], made))
    return np.concatenate([scores[..., None], corrections], -1, dtype=np.float32), present, judged


@pytest.mark.question(QUESTION)
def test_the_suppression_in_the_network_is_that_of_numpy():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 8, (60, 2))
    boxes = np.concatenate([low, low + rng.integers(20, 30, (60, 2))], -1).astype(np.float32)
    scores = rng.random(60).astype(np.float32)
    found = np.asarray(ex17.suppress(boxes[None], scores[None], 8))[0]
    kept = non_max_suppression(boxes, scores, np.zeros(60), threshold=ex17.IOU_PROPOSED)
    np.testing.assert_array_equal(found, boxes[kept[:8]])


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_a_perfect_first_stage_proposes_the_objects():
    answers, *_ = right_answers()
    proposed = np.asarray(ex17.Propose()(answers))
    assert proposed.shape == (2, ex17.NUM_PROPOSALS, 4)
    assert ex17.recalled(proposed, TRUTH, 0.99).tolist() == [2, 2]
    assert ex17.recalled(proposed[:, :1], TRUTH, 0.99).tolist() == [1, 1]  # une, pour deux objets


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum():
    answers, present, judged = right_answers()
    rng = np.random.default_rng(2)
    guess = answers + rng.normal(0, 0.1, answers.shape).astype(np.float32)
    guess[..., 0] = rng.normal(size=guess.shape[:2])
    expected = np.zeros(2)
    for i, k in np.ndindex(present.shape):
        score = guess[i, k, 0]
        if present[i, k]:
            gaps = np.abs(guess[i, k, 1:] - answers[i, k, 1:])
            lost = np.where(gaps < 0.1, gaps**2 / 2, 0.1 * (gaps - 0.05))
            expected[i] += np.log1p(np.exp(-score)) + ex17.BOX_WEIGHT * lost.mean()
        elif judged[i, k]:
            expected[i] += np.log1p(np.exp(score))
    assert (present.sum(1) > 5).all() and (~judged).any()
    found = np.asarray(ex17.loss(TRUTH, guess))
    np.testing.assert_allclose(found, expected / present.sum(1), rtol=1e-3)
