import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from exercises.ex18_segmentation import measures as ex18

QUESTION = "S3 Different problems, models & metrics"


@pytest.mark.question("N26")
def test_iou_by_hand():
    # Deux carrés 2 × 2 décalés de (1, 1) : 1 pixel commun sur 7 (N26).
    truth, answer = np.zeros((2, 1, 6, 6), np.uint8)
    truth[0, 1:3, 1:3] = answer[0, 2:4, 2:4] = 4
    found = ex18.measure(truth, answer)
    assert found["object_iou"] == found["object_mean_iou"] == pytest.approx(1 / 7)
    assert found["mean_iou"] == pytest.approx((1 / 7 + 29 / 35) / 2)
    # Bien placé, mais d'une autre classe : l'objet est trouvé, et n'est pas reconnu.
    found = ex18.measure(truth, 2 * (truth > 0))
    assert found["object_iou"] == 1 and found["object_mean_iou"] == 0
    with pytest.raises(ValueError, match="même forme attendue"):
        ex18.measure(truth, answer[0])


@pytest.mark.question(QUESTION)
@pytest.mark.filterwarnings("error")
def test_measures_match_a_loop_and_scikit_learn():
    rng = np.random.default_rng(0)
    truth = np.zeros((3, 12, 17), np.uint8)
    for i, row, column, label in ((0, 1, 2, 5), (0, 6, 9, 1), (1, 0, 8, 7), (2, 4, 5, 5)):
        truth[i, row : row + 5, column : column + 6] = label
    answer = np.roll(truth, 1, axis=2)
    answer[rng.random(truth.shape) < 0.1] = 9
    right, near = truth == answer, np.zeros(truth.shape, bool)
    for i, y, x in np.ndindex(truth.shape):
        around = truth[i, max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        near[i, y, x] = len(np.unique(around)) > 1
    ious = jaccard_score(truth.ravel(), answer.ravel(), average=None)  # des classes présentes
    objects = jaccard_score(truth.ravel() > 0, answer.ravel() > 0)
    expected = [right.mean(), right[near].mean(), ious.mean(), ious[1:].mean(), objects]
    assert list(ex18.measure(truth, answer).values()) == pytest.approx(expected)


@pytest.mark.question(QUESTION)
def test_each_image_is_judged_alone_and_its_unnamed_pixels_do_not_count():
    truth = np.array([[[0, 0, 4, 4]], [[0, 0, 7, 7]]], np.uint8)
    answer = np.array([[[0, 0, 4, 9]], [[0, 0, 7, 7]]], np.uint8)
    # Fond 2/2, classe 4 1/2, classe 9 inventée ; puis tout juste.
    np.testing.assert_allclose(ex18.iou_each(truth, answer), [(1 + 1 / 2 + 0) / 3, 1])
    truth[0, 0, 3] = ex18.VOID
    np.testing.assert_allclose(ex18.iou_each(truth, answer), [1, 1])
