import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convnets.datasets.scenes import ABSENT
from exercises.ex17_detection.boxes import iou

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import anchors

    return anchors


def random_boxes(num, seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 50, (num, 2))
    return np.concatenate([low, low + rng.uniform(2, 14, (num, 2))], axis=1).astype(np.float32)


# --- La grille d'ancres --------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_six_anchors_at_the_center_of_each_cell(ex17):
    found = ex17.make_anchors()
    assert found.shape == (8 * 8 * 6, 4)
    centers, sizes = (found[:, :2] + found[:, 2:]) / 2, found[:, 2:] - found[:, :2]
    # La première case, puis sa voisine de droite, puis, huit cases plus loin, celle du dessous.
    np.testing.assert_allclose(
        centers[[0, 5, 6, 48]], [[4, 4], [4, 4], [12, 4], [4, 12]], atol=1e-5
    )
    np.testing.assert_allclose(sizes.prod(1)[:6], [16**2] * 3 + [26**2] * 3, rtol=1e-5)
    np.testing.assert_allclose((sizes[:, 1] / sizes[:, 0])[:6], [0.5, 1, 2] * 2, rtol=1e-5)
    np.testing.assert_allclose(sizes.reshape(64, 6, 2), np.tile(sizes[:6], (64, 1, 1)), rtol=1e-5)


# --- Quelle ancre, quel objet --------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_overlaps_are_those_of_numpy(ex17):
    first, second = random_boxes(20, 0), random_boxes(15, 1)
    expected = iou(first, second)
    assert expected.max() > 0.3 and expected.min() == 0
    np.testing.assert_allclose(ex17.pair_iou(first, second), expected, atol=1e-6)


@pytest.mark.question(QUESTION)
def test_each_box_gets_the_object_it_covers_best(ex17):
    boxes = np.array([[[0, 0, 10, 10], [20, 20, 32, 30], [50, 50, 60, 60]]], np.float32)
    truth = np.array([[[2, 0, 10, 10, 7], [20, 20, 30, 30, 3], [0, 0, 0, 0, ABSENT]]], np.float32)
    objects, overlaps = (np.asarray(each) for each in ex17.assign(boxes, truth))
    np.testing.assert_array_equal(objects[0, :2], truth[0, :2])
    np.testing.assert_allclose(overlaps[0], [[0.8, 0, 0], [0, 10 / 12, 0], [0, 0, 0]], atol=1e-6)


@pytest.mark.question(QUESTION)
def test_an_empty_line_is_never_given(ex17):
    """Une ligne vide dont les nombres seraient ceux d'une vraie boîte reste vide."""
    boxes = np.array([[[0, 0, 10, 10]]], np.float32)
    truth = np.array([[[0, 0, 10, 10, ABSENT], [0, 0, 10, 5, 2]]], np.float32)
    objects, overlaps = ex17.assign(boxes, truth)
    assert np.asarray(objects)[0, 0, 4] == 2
    np.testing.assert_allclose(overlaps, [[[0, 0.5]]])


# --- Corriger une boîte --------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_a_correction_by_hand(ex17):
    reference, box = np.array([[10.0, 10, 30, 20]]), np.array([[20.0, 10, 60, 15]])
    # Centre (20, 15) → (40, 12,5) : une largeur à droite, un quart de hauteur plus haut.
    expected = [[1, -0.25, np.log(2), np.log(0.5)]]
    np.testing.assert_allclose(ex17.encode(box, reference), expected, atol=1e-6)
    np.testing.assert_allclose(ex17.encode(reference, reference), np.zeros((1, 4)), atol=1e-6)


@pytest.mark.question(QUESTION)
@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10_000))
def test_what_is_encoded_is_decoded(seed):
    from exercises.ex17_detection import anchors

    boxes, references = random_boxes(6, seed), anchors.make_anchors()[seed % 379 :][:6]
    again = anchors.decode(anchors.encode(boxes, references), references)
    np.testing.assert_allclose(again, boxes, atol=1e-3)
