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


def test_quarters_come_from_the_pictures(images):
    places = [
        (rows, columns) for rows in (slice(8), slice(8, 16)) for columns in (slice(8), slice(8, 16))
    ]
    for image in outliers.make(images, count=6)["quatre quarts"]:
        for place in places:
            assert any(np.array_equal(image[place], each[place]) for each in images)


def test_a_mosaic_holds_four_whole_pictures():
    flat = np.full((1, 16, 16, 3), 7, np.uint8)
    flat[:, 8:] = 200
    (image,) = outliers.make(flat, count=1)["mosaïques"]
    expected = np.repeat([7, 200, 7, 200], 4)
    np.testing.assert_array_equal(image[..., 0], np.tile(expected[:, np.newaxis], 16))
