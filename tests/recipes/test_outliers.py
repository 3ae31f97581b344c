"""Les images étrangères que la familiarité apprend : leur forme, et ce qu'elles ont d'étrange."""

import numpy as np
import pytest

from recipes import outliers


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(1, 256, (20, 16, 16, 3), np.uint8)


@pytest.mark.parametrize("grey", [True, False])
def test_each_kind_has_the_shape_of_the_images(images, grey):
    images = images[..., 0] if grey else images
    found = outliers.make(images, count=5)
    assert len(found) == 8
    for name, each in found.items():
        assert each.shape == (5, *images.shape[1:]) and each.dtype == np.uint8, name
        assert each.reshape(5, -1).std(axis=1).mean() > 10, name


def test_the_seed_decides(images):
    one, same, other = (outliers.make(images, count=4, seed=seed) for seed in (0, 0, 1))
    for name, each in one.items():
        np.testing.assert_array_equal(each, same[name])
        assert not np.array_equal(each, other[name]), name


def test_quarters_and_halves_come_from_the_pictures(images):
    found = outliers.make(images, count=6)
    for image in found["quatre quarts"]:
        for rows in (slice(8), slice(8, None)):
            for columns in (slice(8), slice(8, None)):
                part = image[rows, columns]
                assert any(np.array_equal(part, each[rows, columns]) for each in images)
    for image in found["deux moitiés"]:
        ends = image[:4, :4], image[-4:, -4:]
        places = (slice(4), slice(4)), (slice(-4, None), slice(-4, None))
        for end, place in zip(ends, places, strict=True):
            assert any(np.array_equal(end, each[place]) for each in images)


def test_a_mosaic_holds_four_whole_pictures():
    flat = np.full((1, 16, 16, 3), 7, np.uint8)
    flat[:, 8:] = 200
    (image,) = outliers.make(flat, count=1)["mosaïques"]
    expected = np.repeat([7, 200, 7, 200], 4)
    np.testing.assert_array_equal(image[..., 0], np.tile(expected[:, np.newaxis], 16))
