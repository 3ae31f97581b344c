import numpy as np
import pytest

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def grouping():
    from exercises.ex18_segmentation import grouping as ex18_grouping

    return ex18_grouping


@pytest.fixture
def owners():
    """Trois carrés d'une classe, en file : le premier et le deuxième se touchent."""
    owners = np.zeros((1, 24, 40), np.uint8)
    owners[0, 5:14, 2:11] = 1
    owners[0, 5:14, 11:20] = 2
    owners[0, 5:14, 26:35] = 3
    return owners


def perfect(grouping, owners, label):
    """Ce que répondrait un réseau sans défaut : les bonnes réponses, dans la forme des sorties."""
    targets = grouping.make_targets(owners, np.array([label])).astype(np.float32)
    certain = np.eye(grouping.NUM_CLASSES, dtype=np.float32)[targets[..., 0].astype(int)]
    height, shifts = targets[..., 1:2] / grouping.HEIGHT, targets[..., 2:] / grouping.UNIT_PX
    return np.concatenate([certain, height, shifts], axis=-1)


@pytest.mark.question(QUESTION)
def test_targets_by_hand(grouping, owners):
    targets = grouping.make_targets(owners, np.array([4]))
    assert targets.dtype == np.int8 and targets.shape == (1, 24, 40, 4)
    np.testing.assert_array_equal(targets[..., 0], np.where(owners > 0, 5, 0))
    # Les centres : (9, 6), (9, 15) et (9, 30) ; le sommet y est, et chaque pixel y mène.
    tops = np.argwhere(targets[0, ..., 1] == grouping.HEIGHT)
    assert tops.tolist() == [[9, 6], [9, 15], [9, 30]]
    at = grouping.SIGMA_PX
    assert targets[0, 9, 30 + int(at), 1] == round(grouping.HEIGHT * np.exp(-0.5))
    assert targets[0, 5, 2, 2:].tolist() == [4, 4] and targets[0, 13, 10, 2:].tolist() == [-4, -4]
    assert targets[0, 7, 11, 2:].tolist() == [2, 4]  # voisin du précédent, et l'autre centre
    assert not targets[0][owners[0] == 0][:, 2:].any()


@pytest.mark.question(QUESTION)
def test_the_right_answers_give_the_objects_back(grouping, owners):
    """Planté : des objets de même classe, collés, sortent entiers ; les taches les réunissent."""
    outputs = perfect(grouping, owners, 4)[0]
    found = grouping.group(outputs)
    np.testing.assert_array_equal(found.masks, owners == np.arange(1, 4)[:, None, None])
    assert found.labels.tolist() == [4, 4, 4] and found.scores.tolist() == [1, 1, 1]
    spots = grouping.components(grouping.split(outputs)[0])
    expected = [(owners[0] == 1) | (owners[0] == 2), owners[0] == 3]
    np.testing.assert_array_equal(spots.masks, expected)
    assert spots.labels.tolist() == [4, 4]


@pytest.mark.question(QUESTION)
def test_no_center_no_object(grouping, owners):
    outputs = perfect(grouping, owners, 4)[0]
    outputs[..., grouping.NUM_CLASSES] = 0.9 * grouping.MIN_PEAK
    found = grouping.group(outputs)
    assert found.masks.shape == (0, 24, 40) and len(found.labels) == len(found.scores) == 0
    outputs = perfect(grouping, np.zeros_like(owners), 4)[0]  # rien que du fond
    for answer in (grouping.group(outputs), grouping.components(grouping.split(outputs)[0])):
        assert len(answer.masks) == 0


def test_centers_are_the_tops(grouping):
    heights = np.zeros((30, 30))
    heights[5, 5], heights[5, 7], heights[20, 10], heights[29, 29] = 0.9, 0.8, 0.5, 0.01
    assert grouping.find_centers(heights).tolist() == [[5, 5], [20, 10]]


def test_the_majority_names_a_mask(grouping):
    probabilities = np.zeros((6, 10, 11), np.float32)
    probabilities[:, :3, 6] = 1  # dix-huit pixels de sandale…
    probabilities[:, 3:5, 8] = 1  # … et douze de basket
    probabilities[:, 5:, 0] = 1
    masks = np.zeros((2, 6, 10), bool)
    masks[0, :, :5], masks[1, :3, 5:] = True, True  # le deuxième est trop petit
    found = grouping.name_masks(masks, probabilities, sureness=np.array([0.5, 1]))
    assert found.labels.tolist() == [5] and found.scores.tolist() == [pytest.approx(0.3)]
    np.testing.assert_array_equal(found.masks, masks[:1])


def test_boxes_are_the_smallest(grouping):
    masks = np.zeros((2, 5, 7), bool)
    masks[0, 1, 2] = masks[0, 3, 5] = masks[1, 4, 0] = True
    filled = grouping.fill_boxes(grouping.Instances(masks, np.arange(2), np.ones(2)))
    expected = np.zeros_like(masks)
    expected[0, 1:4, 2:6] = expected[1, 4, 0] = True
    np.testing.assert_array_equal(filled.masks, expected)
    assert filled.labels.tolist() == [0, 1]


@pytest.mark.question(QUESTION)
def test_the_loss_counts_each_mistake(grouping, owners):
    targets = grouping.make_targets(owners, np.array([4]))
    right = perfect(grouping, owners, 4)

    def total(outputs):
        return np.asarray(grouping.loss(targets, outputs))[0]

    assert total(right).shape == (24, 40)
    np.testing.assert_allclose(total(right), 0, atol=1e-5)
    wrong = right.copy()
    wrong[..., grouping.NUM_CLASSES :] += 0.5  # un centre trop haut, deux décalages de trop
    on_object = 2 * 0.5 * (owners[0] > 0)
    expected = grouping.CENTER_WEIGHT * 0.25 + on_object
    np.testing.assert_allclose(total(wrong), expected, rtol=1e-4)
    doubtful = right.copy()
    doubtful[..., :11] = 1 / 11
    np.testing.assert_allclose(total(doubtful), np.log(11), rtol=1e-4)
