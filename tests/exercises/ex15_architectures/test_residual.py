import keras
import numpy as np
import pytest

from exercises.ex15_architectures import residual as deep

QUESTION = "S3 Deep CNN / VGG / ResNet"


@pytest.fixture(scope="module")
def pair():
    """Les deux réseaux de trente couches, aux mêmes poids initiaux."""
    keras.utils.set_random_seed(0)
    models = [deep.DEEP[name]() for name in ("plain_30", "residual_30")]
    models[1].set_weights(models[0].get_weights())
    return models


def run(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


@pytest.mark.question(QUESTION)
def test_shortcuts_have_no_weights(pair):
    first, layer = 16 * 49, 16 * (16 * 9 + 1)
    for model in pair:
        assert model.count_params() == first + 30 * layer + 17 * 10
    adds = [sum(isinstance(each, keras.layers.Add) for each in model.layers) for model in pair]
    assert adds == [0, 15]


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("depth", [0, 7])
def test_depth_is_checked(depth):
    with pytest.raises(ValueError, match="nombre pair"):
        deep.build_deep(depth, shortcuts=True)


def convolve(x, kernel, bias):
    """Une convolution 3×3 « same », position par position."""
    padded, out = np.pad(x, ((1, 1), (1, 1), (0, 0))), np.zeros(x.shape[:2] + bias.shape)
    for row, column in np.ndindex(x.shape[:2]):
        out[row, column] = np.tensordot(padded[row : row + 3, column : column + 3], kernel, 3)
    return out + bias


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("shortcuts", [False, True])
def test_a_block_is_the_published_equation(extract, shortcuts):
    keras.utils.set_random_seed(1)
    model, image = deep.build_deep(2, shortcuts=shortcuts), extract("cifar10")[0][0]
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    stem, bias, first, first_bias, second, second_bias, dense, dense_bias = model.get_weights()
    pixels, x = image / 64 - 2, np.zeros((8, 8, 16))
    for row, column in np.ndindex(8, 8):
        patch = pixels[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        x[row, column] = np.maximum(np.tensordot(patch, stem, 3) + bias, 0)
    added = convolve(np.maximum(convolve(x, first, first_bias), 0), second, second_bias)
    out = np.maximum(x + added if shortcuts else added, 0)
    scores = out.mean((0, 1)) @ dense + dense_bias
    expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    np.testing.assert_allclose(run(model, image[None])[0], expected, atol=1e-4)


@pytest.mark.question(QUESTION)
def test_nothing_crosses_thirty_layers_without_shortcuts(pair, extract):
    """Aux mêmes poids initiaux, et sur des photographies très différentes."""
    x = extract("cifar10")[0][:20]
    answers = [run(model, x) for model in pair]
    spreads = [np.ptp(before, axis=0).max() for before in answers]
    assert spreads[0] < 1e-3 and spreads[1] > 0.05
