import numpy as np
import pytest

from exercises.ex20_source_separation import network

QUESTION = "S3 CNN & Time-Frequency representation"


@pytest.mark.question(QUESTION)
def test_the_network_gives_one_mask_value_a_bin():
    model = network.build_model()
    assert model.input_shape == model.output_shape == (None, None, 257, 1)
    convolutions = [
        (1, 8),
        (8, 16),
        (16, 24),
        (24, 32),
        (32, 32),
        (32, 32),
        (32, 32),
        (32 + 24, 24),
        (24 + 16, 16),
        (16 + 8, 8),
    ]
    assert model.count_params() == (
        4 + sum(9 * a * b + 4 * b for a, b in convolutions) + (8 + 1)
    )  # les normalisations ont quatre nombres par carte
    masks = np.asarray(model(np.random.default_rng(0).uniform(size=(2, 5, 257, 1))))
    assert masks.shape == (2, 5, 257, 1) and 0 < masks.min() < masks.max() < 1
    np.testing.assert_array_equal(masks[:, :, 256], 0.5)  # 4000 Hz n'est pas décidé


@pytest.mark.question(QUESTION)
def test_the_loss_is_a_weighted_cross_entropy():
    rng = np.random.default_rng(0)
    sources, masks = rng.uniform(size=(2, 3, 4, 2)), rng.uniform(0.1, 0.9, (2, 3, 4, 1))
    melody, percussion = np.moveaxis(sources, -1, 0)
    right = np.where(melody > percussion, masks[..., 0], 1 - masks[..., 0])
    weights = melody + percussion
    expected = -(weights * np.log(right)).sum((1, 2)) / weights.sum((1, 2))
    found = network.classification_loss(sources.astype("float32"), masks.astype("float32"))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
