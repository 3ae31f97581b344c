import keras
import numpy as np
import pytest
from keras import layers

QUESTION = "S3 Deep CNN / VGG / ResNet"


@pytest.fixture(scope="module")
def ops():
    from exercises.ex15_architectures import operations

    return operations


@pytest.fixture(scope="module")
def full_size(ops):
    """Les réseaux publiés, construits une seule fois, et sans tirer leurs poids."""
    with keras.StatelessScope(initialize_variables=False):
        return {name: ops.measure(build_model()) for name, build_model in ops.FULL_SIZE.items()}


def slow_convolution(x, kernel, *, stride, groups):
    """Une convolution « same » sans vectorisation, qui compte ses produits un à un."""
    (height, width, channels), (side, _, _, filters) = x.shape, kernel.shape
    rows, columns = -(-height // stride), -(-width // stride)
    pads = [
        max((n - 1) * stride + side - size, 0) for n, size in ((rows, height), (columns, width))
    ]
    padded = np.pad(x, [(p // 2, p - p // 2) for p in pads] + [(0, 0)])
    out, count = np.zeros((rows, columns, filters)), 0
    seen = channels // groups
    for row, column, f in np.ndindex(out.shape):
        start = f // (filters // groups) * seen
        for i, j, c in np.ndindex(side, side, seen):
            pixel = padded[row * stride + i, column * stride + j, start + c]
            out[row, column, f] += pixel * kernel[i, j, c, f]
            count += 1
    return out, count


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(("side", "stride", "groups"), [(3, 1, 1), (3, 2, 2), (5, 2, 1), (1, 3, 4)])
def test_a_convolution_is_counted_product_by_product(ops, side, stride, groups):
    rng, x = np.random.default_rng(0), np.random.default_rng(1).normal(size=(7, 5, 4))
    images = keras.Input((7, 5, 4))
    convolution = layers.Conv2D(8, side, strides=stride, padding="same", groups=groups)
    model = keras.Model(images, convolution(images))
    kernel = rng.normal(size=convolution.kernel.shape)
    convolution.set_weights([kernel, np.zeros(8)])
    out, count = slow_convolution(x, kernel, stride=stride, groups=groups)
    got = keras.ops.convert_to_numpy(model(x[None].astype(np.float32)))[0]
    np.testing.assert_allclose(got, out, atol=1e-4)  # c'est bien cette convolution qu'on compte
    assert ops.operations(model) == count


@pytest.mark.question(QUESTION)
def test_only_products_by_a_weight_count(ops):
    images = keras.Input((6, 10, 3))
    x = layers.Conv2D(4, 3)(images)  # (n, 4, 8, 4) : 32 positions
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([x, x])
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)  # (n, 2, 6, 8) : 12 positions
    x = layers.Dense(5)(layers.AveragePooling2D(2)(x))  # (n, 1, 3, 5) : une dense par position
    x = layers.Dense(7)(layers.Flatten()(x))
    model = keras.Model(images, x)
    assert ops.operations(model) == 32 * 27 * 4 + 12 * 9 * 8 + 3 * 8 * 5 + 15 * 7
    size = ops.measure(model)
    assert size.parameters == 28 * 4 + 16 + (9 * 8 + 8) + 9 * 5 + 16 * 7
    assert size.dense_share == pytest.approx((9 * 5 + 16 * 7) / size.parameters)
    again = keras.Input((6, 10, 3))
    assert ops.operations(keras.Model(again, model(again))) == ops.operations(model)


@pytest.mark.question(QUESTION)
def test_what_cannot_be_counted_is_said(ops):
    images = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="taille libre.*taille fixe"):
        ops.operations(keras.Model(images, layers.Conv2D(2, 3)(images)))
    words = keras.Input((5, 3))
    with pytest.raises(ValueError, match="Conv1D.*seules le sont"):
        ops.operations(keras.Model(words, layers.Conv1D(2, 3)(words)))


# --- Les réseaux publiés -------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_published_numbers_of_parameters(full_size):
    assert [size.parameters for size in full_size.values()] == [
        60_965_224,
        62_378_344,
        138_357_544,
        25_636_712,
    ]
    # Les paramètres d'AlexNet sont dans ses couches denses, ceux de ResNet, non.
    shares = [size.dense_share for size in full_size.values()]
    assert min(shares[:2]) > 0.9 and shares[3] == pytest.approx(2_049_000 / 25_636_712)
