import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT
from exercises.ex17_detection import grid as ex17
from exercises.ex17_detection.boxes import iou

QUESTION = "S3 Different problems, models & metrics"


BOXES = np.array([[[10, 20, 22, 52], [0, 0, 0, 0]], [[40, 0, 64, 16], [41, 1, 63, 15]]], float)
LABELS = np.array([[7, ABSENT], [1, 2]])


# --- Écrire et relire la grille ------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_encode_by_hand():
    grids = ex17.encode(BOXES, LABELS)
    # Centre (16, 36) : colonne 2, ligne 4, à (0, 1/2) dans la case ; taille 12 × 32.
    expected = [1, 0, 0.5, 12 / 64, 32 / 64, *np.eye(10)[7]]
    np.testing.assert_allclose(grids[0, 4, 2], expected)
    # Deux objets de même centre : le dernier, qui est devant, reste seul.
    np.testing.assert_allclose(grids[1, 1, 6], [1, 0.5, 0, 22 / 64, 14 / 64, *np.eye(10)[2]])
    assert grids[..., 0].sum() == 2


@pytest.mark.question(QUESTION)
def test_decode_scores_sorts_clips_and_suppresses():
    grids = np.zeros((1, 8, 8, 15), np.float32)
    grids[0, 0, 0] = [0.75, 0.5, 0.5, 0.5, 0.5, *np.eye(10)[4]]  # centre (4, 4), côté 32
    grids[0, 0, 1] = [0.9, 0, 0.5, 0.5, 0.5, *(0.5 * np.eye(10)[4])]  # centre (8, 4) : un doublon
    grids[0, 6, 5] = [0.5, 0.5, 0.25, 0.25, 0.125, *np.eye(10)[9]]  # centre (44, 50), 16 × 8
    both = ex17.decode(grids, suppress=False)[0]
    np.testing.assert_allclose(both.scores, [0.75, 0.5, 0.45], atol=1e-6)
    assert both.labels.tolist() == [4, 9, 4]
    # Ce qui déborde de l'image est coupé.
    np.testing.assert_allclose(both.boxes[:2], [[0, 0, 20, 20], [36, 46, 52, 54]])
    assert ex17.decode(grids)[0].labels.tolist() == [4, 9]
    assert ex17.decode(grids, min_score=0.5)[0].labels.tolist() == [4, 9]  # juste assez sûr
    assert ex17.decode(grids, min_score=0.8)[0].boxes.shape == (0, 4)


# --- La perte ------------------------------------------------------------------------


def corners(cell):
    x, y, w, h = cell[1:5] * [8, 8, 64, 64]
    return np.array([[x - w / 2, y - h / 2, x + w / 2, y + h / 2]])


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum():
    truth = ex17.encode(BOXES, LABELS)
    guess = np.random.default_rng(0).uniform(0.3, 0.7, truth.shape).astype(np.float32)
    guess[..., 5:] /= guess[..., 5:].sum(-1, keepdims=True)
    expected = np.zeros(2)
    for i, row, column in np.ndindex(2, 8, 8):
        true, got = truth[i, row, column], guess[i, row, column].astype(float)
        if true[0]:
            expected[i] -= np.log(got[0]) + np.log(got[5 + true[5:].argmax()])
            expected[i] += ex17.BOX_WEIGHT * (1 - iou(corners(true), corners(got))[0, 0])
        else:
            expected[i] -= np.log(1 - got[0])
    np.testing.assert_allclose(np.asarray(ex17.loss(truth, guess)), expected, rtol=1e-4)
