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


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shortcuts_have_no_weights(pair):
    first, layer = 16 * (48 + 4), 16 * (16 * 9 + 4)
    for model in pair:
        assert model.count_params() == first + 30 * layer + 17 * 10
    adds = [sum(isinstance(each, keras.layers.Add) for each in model.layers) for model in pair]
    assert adds == [0, 15]


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("depth", [0, 7])
def test_depth_is_checked(depth):
    with pytest.raises(ValueError, match="nombre pair"):
        deep.build_deep(depth, shortcuts=True)


def normalise(x, scale, shift, mean, variance):
    return scale * (x - mean) / np.sqrt(variance + 1e-3) + shift


def convolve(x, kernel, *norm):
    """Une convolution 3×3 « same », position par position, et sa normalisation."""
    padded, out = np.pad(x, ((1, 1), (1, 1), (0, 0))), np.zeros(x.shape[:2] + kernel.shape[3:])
    for row, column in np.ndindex(x.shape[:2]):
        out[row, column] = np.tensordot(padded[row : row + 3, column : column + 3], kernel, 3)
    return normalise(out, *norm)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("shortcuts", [False, True])
def test_a_block_is_the_published_equation(extract, shortcuts):
    keras.utils.set_random_seed(1)
    model, image = deep.build_deep(2, shortcuts=shortcuts), extract("cifar10")[0][0]
    rng = np.random.default_rng(0)
    # Les variances, comme tout ce qui n'a qu'une dimension, sont positives.
    model.set_weights(
        [
            abs(rng.normal(0.1, 0.2, w.shape)) if w.ndim == 1 else rng.normal(0, 0.2, w.shape)
            for w in model.get_weights()
        ]
    )
    weights = model.get_weights()
    (stem, *norm), first, second = weights[:5], weights[5:10], weights[10:15]
    dense, dense_bias = weights[15:]
    pixels, x = image / 64 - 2, np.zeros((8, 8, 16))
    for row, column in np.ndindex(8, 8):
        patch = pixels[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        x[row, column] = np.maximum(normalise(np.tensordot(patch, stem, 3), *norm), 0)
    added = convolve(np.maximum(convolve(x, *first), 0), *second)
    out = np.maximum(x + added if shortcuts else added, 0)
    scores = out.mean((0, 1)) @ dense + dense_bias
    expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    np.testing.assert_allclose(run(model, image[None])[0], expected, atol=1e-4)


@pytest.mark.question(QUESTION)
def test_a_shortcut_of_zero_changes_nothing(pair, extract):
    """Le dernier facteur de chaque bloc mis à zéro : le bloc rend son entrée, ou rien."""
    x = extract("cifar10")[0][:20]
    spreads = []
    for model in pair:
        before, norms = model.get_weights(), model.layers
        scales = [each for each in norms if isinstance(each, keras.layers.BatchNormalization)]
        for each in scales[2::2]:
            each.gamma.assign(np.zeros(16))
        spreads.append(np.ptp(run(model, x), axis=0).max())
        model.set_weights(before)
    assert spreads[0] == 0 and spreads[1] > 0.05
