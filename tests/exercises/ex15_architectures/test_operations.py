import keras
import numpy as np
import pytest
from keras import layers

from exercises.ex15_architectures import operations as ops

QUESTION = "S3 Deep CNN / VGG / ResNet"


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(("side", "stride", "groups"), [(3, 1, 1), (3, 2, 2), (5, 2, 1), (1, 3, 4)])
def test_a_convolution_is_counted_product_by_product(side, stride, groups):
    """Tous les poids à 1, et une image de 1, sans bord : chaque sortie dit ses produits."""
    images = keras.Input((7, 5, 4))
    convolution = layers.Conv2D(
        8, side, strides=stride, groups=groups, kernel_initializer="ones", use_bias=False
    )
    model = keras.Model(images, convolution(images))
    assert ops.operations(model) == np.asarray(model(np.ones((1, 7, 5, 4)))).sum()


@pytest.mark.question(QUESTION)
def test_only_products_by_a_weight_count():
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
def test_what_cannot_be_counted_is_said():
    images = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="taille libre.*taille fixe"):
        ops.operations(keras.Model(images, layers.Conv2D(2, 3)(images)))
    words = keras.Input((5, 3))
    with pytest.raises(ValueError, match="Conv1D.*seules le sont"):
        ops.operations(keras.Model(words, layers.Conv1D(2, 3)(words)))


# --- Les réseaux publiés -------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_published_numbers_of_parameters():
    with keras.StatelessScope(initialize_variables=False):  # sans tirer de poids
        sizes = [ops.measure(build_model()) for build_model in ops.FULL_SIZE.values()]
    published = [138_357_544, 25_636_712]
    assert [size.parameters for size in sizes] == published
    # Les paramètres de VGG sont dans ses couches denses, ceux de ResNet, non.
    assert sizes[0].dense_share > 0.85
    assert sizes[1].dense_share == pytest.approx(2_049_000 / 25_636_712)
