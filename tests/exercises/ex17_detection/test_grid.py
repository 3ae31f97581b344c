import numpy as np
import pytest

from convnets.datasets import scenes
from exercises.ex17_detection.boxes import iou

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import grid

    return grid


@pytest.fixture
def several(extract):
    objects, labels = extract("fashion_mnist")
    return scenes.compose_scenes(
        objects, labels, extract("cifar10")[0], num_scenes=30, num_objects=(1, 4), seed=5
    )


# --- Écrire et relire la grille ------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_what_is_encoded_is_decoded(ex17, several):
    grids = ex17.encode(several.boxes, several.labels)
    assert grids.shape == (30, 8, 8, 15) and grids.dtype == np.float32
    num_checked = 0
    for i, found in enumerate(ex17.decode(grids, suppress=False)):
        present = several.labels[i] != scenes.ABSENT
        if grids[i, ..., 0].sum() < present.sum():
            continue  # deux centres dans une case
        num_checked += 1
        expected = np.column_stack([several.boxes[i][present], several.labels[i][present]])
        got = np.column_stack([found.boxes, found.labels])
        order, order_got = np.lexsort(expected.T), np.lexsort(got.round().T)
        np.testing.assert_allclose(got[order_got], expected[order], atol=1e-4)
        np.testing.assert_array_equal(found.scores, 1)
    assert num_checked >= 25


@pytest.mark.question(QUESTION)
def test_encode_by_hand(ex17):
    boxes = np.array([[[10, 20, 22, 52], [0, 0, 0, 0]], [[40, 0, 64, 16], [41, 1, 63, 15]]], float)
    grids = ex17.encode(boxes, np.array([[7, scenes.ABSENT], [1, 2]]))
    # Centre (16, 36) : colonne 2, ligne 4, à (0, 1/2) dans la case ; taille 12 × 32.
    expected = [1, 0, 0.5, 12 / 64, 32 / 64, *np.eye(10)[7]]
    np.testing.assert_allclose(grids[0, 4, 2], expected)
    assert grids[0].sum() == pytest.approx(sum(expected))
    # Deux objets de même centre : le dernier, qui est devant, reste seul.
    np.testing.assert_allclose(grids[1, 1, 6, :5], [1, 0.5, 0, 22 / 64, 14 / 64])
    assert grids[1, 1, 6, 5:].tolist() == np.eye(10)[2].tolist()


@pytest.mark.question(QUESTION)
def test_decode_scores_sorts_clips_and_suppresses(ex17):
    grids = np.zeros((1, 8, 8, 15), np.float32)
    grids[0, 0, 0] = [0.8, 0.5, 0.5, 0.5, 0.5, *np.eye(10)[4]]  # centre (4, 4), côté 32
    grids[0, 0, 1] = [0.9, 0, 0.5, 0.5, 0.5, *(0.5 * np.eye(10)[4])]  # centre (8, 4) : un doublon
    grids[0, 6, 6] = [0.6, 0.5, 0.5, 0.25, 0.25, *np.eye(10)[9]]
    both = ex17.decode(grids, suppress=False)[0]
    np.testing.assert_allclose(both.scores, [0.8, 0.6, 0.45], atol=1e-6)
    assert both.labels.tolist() == [4, 9, 4]
    np.testing.assert_allclose(both.boxes[0], [0, 0, 20, 20])  # ce qui déborde est coupé
    np.testing.assert_allclose(both.boxes[1], [44, 44, 60, 60])
    assert ex17.decode(grids)[0].labels.tolist() == [4, 9]
    assert ex17.decode(grids, min_score=0.7)[0].labels.tolist() == [4]
    assert ex17.decode(grids, min_score=0.81)[0].boxes.shape == (0, 4)


# --- La perte ------------------------------------------------------------------------


def random_grids(several, ex17):
    truth = ex17.encode(several.boxes, several.labels)[:4]
    guess = np.random.default_rng(0).uniform(0.05, 0.95, truth.shape)
    guess[..., 5:] /= guess[..., 5:].sum(-1, keepdims=True)
    return truth, guess.astype(np.float32)


@pytest.mark.question(QUESTION)
def test_the_iou_of_a_cell_is_that_of_its_boxes(ex17, several):
    truth, guess = random_grids(several, ex17)
    found = np.asarray(ex17.cell_iou(truth, guess))

    def corners(cell):
        x, y, w, h = cell[1] * 8, cell[2] * 8, cell[3] * 64, cell[4] * 64
        return np.array([[x - w / 2, y - h / 2, x + w / 2, y + h / 2]])

    for cell in np.argwhere(truth[..., 0] == 1):
        expected = iou(corners(truth[*cell]), corners(guess[*cell]))[0, 0]
        assert found[*cell] == pytest.approx(expected, abs=1e-5)


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum(ex17, several):
    truth, guess = random_grids(several, ex17)
    overlaps = np.asarray(ex17.cell_iou(truth, guess))
    expected = np.zeros(4)
    for i, row, column in np.ndindex(4, 8, 8):
        true, got = truth[i, row, column], guess[i, row, column].astype(float)
        if true[0]:
            expected[i] -= np.log(got[0]) + np.log(got[5 + true[5:].argmax()])
            expected[i] += ex17.BOX_WEIGHT * (1 - overlaps[i, row, column])
        else:
            expected[i] -= np.log(1 - got[0])
    np.testing.assert_allclose(np.asarray(ex17.loss(truth, guess)), expected, rtol=1e-4)
