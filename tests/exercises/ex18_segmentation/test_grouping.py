import numpy as np
import pytest

from exercises.ex18_segmentation import grouping

QUESTION = "S3 Different problems, models & metrics"
# Trois carrés d'une classe, en file : le premier et le deuxième se touchent.
OWNERS = np.zeros((1, 24, 40), np.uint8)
OWNERS[0, 5:14] = np.repeat([0, 1, 2, 0, 3, 0], [2, 9, 9, 6, 9, 5])
TARGETS = grouping.make_targets(OWNERS, np.array([4]))


@pytest.fixture
def perfect():
    """Ce que répondrait un réseau sans défaut : les bonnes réponses, dans la forme des sorties."""
    targets = TARGETS.astype(np.float32)
    certain = np.eye(grouping.NUM_CLASSES, dtype=np.float32)[targets[..., 0].astype(int)]
    height, shifts = targets[..., 1:2] / grouping.HEIGHT, targets[..., 2:] / grouping.UNIT_PX
    return np.concatenate([certain, height, shifts], axis=-1)


@pytest.mark.question(QUESTION)
def test_targets_by_hand():
    classes, heights, shifts = TARGETS[0, ..., 0], TARGETS[0, ..., 1], TARGETS[0, ..., 2:]
    np.testing.assert_array_equal(classes, np.where(OWNERS[0] > 0, 5, 0))
    # Les centres : (9, 6), (9, 15) et (9, 30) ; le sommet y est, et chaque pixel y mène.
    assert np.argwhere(heights == grouping.HEIGHT).tolist() == [[9, 6], [9, 15], [9, 30]]
    assert heights[9, 33] == round(grouping.HEIGHT * np.exp(-0.5))  # à un rayon du sommet
    assert shifts[5, 2].tolist() == [4, 4] and shifts[13, 10].tolist() == [-4, -4]
    assert shifts[7, 11].tolist() == [2, 4]  # voisin du précédent, et l'autre centre
    assert not shifts[OWNERS[0] == 0].any()


@pytest.mark.question(QUESTION)
def test_the_right_answers_give_the_objects_back(perfect):
    """Planté : des objets de même classe, collés, sortent entiers ; les taches les réunissent."""
    found = grouping.group(perfect[0])
    np.testing.assert_array_equal(found.masks, [OWNERS[0] == k for k in (1, 2, 3)])
    assert found.labels.tolist() == [4, 4, 4] and found.scores.tolist() == [1, 1, 1]
    spots = grouping.components(grouping.split(perfect[0])[0])
    together = (OWNERS[0] == 1) | (OWNERS[0] == 2)
    np.testing.assert_array_equal(spots.masks, [together, OWNERS[0] == 3])


@pytest.mark.question(QUESTION)
def test_no_center_no_object(perfect):
    perfect[..., grouping.NUM_CLASSES] = 0.9 * grouping.MIN_PEAK
    found = grouping.group(perfect[0])
    assert found.masks.shape == (0, 24, 40) and len(found.labels) == len(found.scores) == 0


def test_centers_are_the_tops():
    heights = np.zeros((30, 30))
    heights[[5, 5, 20, 29], [5, 7, 10, 29]] = 0.9, 0.8, 0.5, 0.01
    assert grouping.find_centers(heights).tolist() == [[5, 5], [20, 10]]


def test_the_majority_names_a_mask():
    probabilities = np.zeros((6, 10, 11), np.float32)
    probabilities[:, :3, 6] = 1  # dix-huit pixels de sandale…
    probabilities[:, 3:5, 8] = 1  # … et douze de basket
    masks = np.zeros((2, 6, 10), bool)
    masks[0, :, :5] = masks[1, :3, 5:] = True  # le deuxième est trop petit
    found = grouping.name_masks(masks, probabilities, sureness=np.array([0.5, 1]))
    assert found.labels.tolist() == [5] and found.scores.tolist() == [pytest.approx(0.3)]


def test_touching_objects_are_neighbours():
    apart = np.where(OWNERS == 2, 0, OWNERS)
    corner = np.zeros_like(OWNERS)
    corner[0, :4, :4], corner[0, 4:8, 4:8] = 2, 1  # par un coin
    assert grouping.touching(np.concatenate([OWNERS, apart, corner])).tolist() == [
        True,
        False,
        True,
    ]


@pytest.mark.question(QUESTION)
def test_the_loss_counts_each_mistake(perfect):
    np.testing.assert_allclose(grouping.loss(TARGETS, perfect), 0, atol=1e-5)
    perfect[..., grouping.NUM_CLASSES :] += 0.5  # un centre trop haut, deux décalages de trop
    perfect[..., :11] = 1 / 11
    on_object = 2 * 0.5 * (OWNERS > 0)
    expected = np.log(11) + grouping.CENTER_WEIGHT * 0.25 + on_object
    np.testing.assert_allclose(grouping.loss(TARGETS, perfect), expected, rtol=1e-4)
