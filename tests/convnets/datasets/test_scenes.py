"""Les scènes composées : ce qu'elles disent de leurs objets est exact."""

import numpy as np
import pytest

from convnets.datasets import scenes


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(0)
    objects = np.zeros((6, 28, 28), np.uint8)
    for k in range(6):  # des pavés, tous différents
        objects[k, 2 : 20 + k, 4 : 26 - k] = 255
    backgrounds = rng.integers(0, 90, (5, 32, 32, 3)).astype(np.uint8)
    labels = np.arange(6) % 3
    return scenes.compose_scenes(
        objects, labels, backgrounds, num_scenes=60, num_objects=(1, 4), seed=7
    )


def test_every_scene_has_an_object_and_empty_rows_come_last(made):
    present = made.labels != scenes.ABSENT
    assert present[:, 0].all() and present.sum() > 100
    assert (np.diff(present.astype(int), axis=1) <= 0).all()
    assert (made.boxes[~present] == 0).all()


def test_one_object_its_box_is_the_hull_of_its_mask(made):
    alone = np.flatnonzero((made.labels != scenes.ABSENT).sum(1) == 1)
    assert len(alone) > 5
    for i in alone:
        rows, columns = np.nonzero(made.masks[i])
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert made.boxes[i, 0].tolist() == expected
        assert set(made.masks[i][rows, columns]) == {made.labels[i, 0] + 1}


def test_later_objects_hide_little_and_the_mask_is_where_they_are_seen():
    """Des objets blancs sur fond noir : la scène n'est claire que sous le masque, et partout."""
    objects = np.full((1, 28, 28), 255, np.uint8)
    black = np.zeros((1, 32, 32, 3), np.uint8)
    found = scenes.compose_scenes(objects, [4], black, num_scenes=40, num_objects=(3, 3), seed=2)
    assert np.array_equal(found.images.max(-1) > 0, found.masks == 5)
    least = (28 * scenes.SCALES[0] - 1) ** 2 * (1 - scenes.MAX_HIDDEN) ** 2  # du plus petit objet
    sides = found.boxes[..., 2:] - found.boxes[..., :2]
    assert (sides.prod(-1)[found.labels != scenes.ABSENT] > least).all()


def test_no_picture_is_shared_between_the_three_sets(as_dataset, monkeypatch):
    garments, photographs = as_dataset("fashion_mnist"), as_dataset("cifar10")
    monkeypatch.setattr(scenes.sources, "load_fashion_mnist", lambda: garments)
    monkeypatch.setattr(scenes.sources, "load_cifar10", lambda: photographs)
    parts = scenes.split_pictures()
    for rank in (0, 2):  # vêtements, photographies
        used = [each.tobytes() for part in parts.values() for each in part[rank]]
        assert len(used) == len({*used}) == 400
    assert [len(part[1]) for part in parts.values()] == [270, 30, 100]


def test_a_trial_has_ten_times_fewer_validation_scenes():
    sizes = {"train": 500, "val": 40, "test": 100}
    assert scenes.limited(sizes, None) == sizes
    assert scenes.limited(sizes, 200) == {"train": 200, "val": 20, "test": 100}
    assert scenes.limited(sizes, 4) == {"train": 4, "val": 1, "test": 4}
