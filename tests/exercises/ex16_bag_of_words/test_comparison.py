import numpy as np
import pytest

from exercises.ex16_bag_of_words import comparison

QUESTION = "S3 Avant le deep"


@pytest.mark.question(QUESTION)
def test_the_network_has_the_size_of_the_bag():
    model = comparison.build_cnn()
    assert model.output_shape == (None, 10) and model.inputs[0].dtype == "uint8"
    bag = 108 * 108 + 800 * 109 + (4 * 800 + 1) * 10
    assert 0.9 < model.count_params() / bag < 1.1


def test_augment_moves_and_mirrors_without_touching_the_images():
    x = np.zeros((200, 32, 32, 3), np.uint8)
    x[:, 16, 10] = 255
    before = x.copy()
    found = comparison.augment(x, indices=None, epoch=0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(x, before)
    _, rows, columns = np.nonzero(found[..., 0])
    assert set(rows) == set(range(13, 20))
    assert set(columns) == set(range(7, 14)) | set(range(18, 25))  # 10 ± 3, et son reflet 21 ± 3
