import numpy as np
import pytest

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex18():
    from exercises.ex18_segmentation import measures

    return measures


def masks_pair(seed=0):
    rng = np.random.default_rng(seed)
    truth = np.zeros((3, 12, 17), np.uint8)
    for i, row, column in zip((0, 0, 1, 2), (1, 6, 0, 4), (2, 9, 8, 5), strict=True):
        truth[i, row : row + 5, column : column + 6] = rng.integers(1, 8)
    answer = np.roll(truth, 1, axis=2)
    answer[rng.random(truth.shape) < 0.1] = 9
    return truth, answer


@pytest.mark.question("N26")
def test_iou_by_hand(ex18):
    # Deux carrés 2 × 2 décalés de (1, 1) : 1 pixel commun sur 7 (N26).
    truth, answer = np.zeros((2, 1, 6, 6), np.uint8)
    truth[0, 1:3, 1:3] = answer[0, 2:4, 2:4] = 4
    found = ex18.measure(truth, answer)
    assert found["object_iou"] == found["object_mean_iou"] == pytest.approx(1 / 7)
    assert found["mean_iou"] == pytest.approx((1 / 7 + 29 / 35) / 2)
    assert found["accuracy"] == pytest.approx(30 / 36)
    # Bien placé, mais d'une autre classe : l'objet est trouvé, et n'est pas reconnu.
    answer[:] = 2 * (truth > 0)
    found = ex18.measure(truth, answer)
    assert found["object_iou"] == 1 and found["object_mean_iou"] == 0


@pytest.mark.question(QUESTION)
def test_measures_match_a_loop(ex18):
    truth, answer = masks_pair()
    common, union = np.zeros(11), np.zeros(11)
    right = near_right = near = total = 0
    for (i, y, x), true in np.ndenumerate(truth):
        said = answer[i, y, x]
        total, right = total + 1, right + (true == said)
        for k in range(11):
            common[k] += true == k and said == k
            union[k] += true == k or said == k
        around = truth[i, max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        if any(each != true for each in around.reshape(-1)):
            near, near_right = near + 1, near_right + (true == said)
    ious = [c / u for c, u in zip(common, union, strict=True) if u]
    found = ex18.measure(truth, answer)
    assert found["accuracy"] == pytest.approx(right / total)
    assert found["contour_accuracy"] == pytest.approx(near_right / near)
    assert found["mean_iou"] == pytest.approx(np.mean(ious))
    assert found["object_mean_iou"] == pytest.approx(np.mean(ious[1:]))
    both, either = (truth > 0) & (answer > 0), (truth > 0) | (answer > 0)
    assert found["object_iou"] == pytest.approx(both.sum() / either.sum())
    assert 0 < near < total and found["contour_accuracy"] < found["accuracy"]


@pytest.mark.filterwarnings("error")
def test_absent_classes_do_not_count(ex18):
    np.testing.assert_array_equal(ex18.iou(np.diag([3, 0, 2])), [1, np.nan, 1])
    truth, _ = masks_pair()
    perfect = ex18.measure(truth, truth)
    assert set(perfect.values()) == {1.0}
    # « Fond » partout : bonne exactitude, mais une seule IoU n'est pas nulle.
    share = np.mean(truth == 0)
    trivial = ex18.measure(truth, np.zeros_like(truth))
    num_classes = len(np.unique(truth))
    assert trivial["accuracy"] == pytest.approx(share) and share > 0.7
    assert trivial["mean_iou"] == pytest.approx(share / num_classes)
    assert trivial["object_mean_iou"] == trivial["object_iou"] == 0
