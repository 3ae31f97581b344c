"""Les images étrangères que la familiarité apprend : huit sortes, de la forme des autres."""

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
