import keras
import numpy as np
import pytest
import tensorflow as tf

QUESTION = "S3 Different problems, models & metrics"
HEIGHT, WIDTH = 6, 10  # non carrée


@pytest.fixture(scope="module")
def ex18():
    from exercises.ex18_segmentation import unpooling

    return unpooling


def with_ties(seed=0):
    """Des entiers de 0 à 3, et des fenêtres toutes nulles : des égalités partout."""
    maps = np.random.default_rng(seed).integers(0, 4, (3, HEIGHT, WIDTH, 5))
    maps[0, :4, :4] = 0
    return maps.astype(np.float32)


def loop(maps):
    """Max-pooling 2 × 2 pixel par pixel, avec l'argmax, puis l'unpooling de ses maximums."""
    n, height, width, num_maps = maps.shape
    pooled = np.zeros((n, height // 2, width // 2, num_maps), np.float32)
    argmax = np.zeros(pooled.shape, np.int64)  # ligne · largeur + colonne
    for i, row, column, c in np.ndindex(pooled.shape):
        best = -np.inf
        for y in (2 * row, 2 * row + 1):
            for x in (2 * column, 2 * column + 1):
                if maps[i, y, x, c] > best:  # strictement : la première place garde l'égalité
                    best = maps[i, y, x, c]
                    argmax[i, row, column, c] = y * width + x
        pooled[i, row, column, c] = best
    return pooled, argmax


def loop_unpool(values, argmax, shape):
    maps = np.zeros(shape, np.float32)
    for i, row, column, c in np.ndindex(values.shape):
        y, x = divmod(argmax[i, row, column, c], shape[2])
        maps[i, y, x, c] = values[i, row, column, c]
    return maps


def both(ex18, shape=(HEIGHT, WIDTH, 5)):
    """Un modèle : cartes et valeurs à reposer → maximums, places, cartes reposées."""
    maps = keras.Input(shape)
    values = keras.Input((shape[0] // 2, shape[1] // 2, shape[2]))
    pooled, places = ex18.max_pool_with_places(maps)
    return keras.Model([maps, values], [pooled, places, ex18.unpool(values, places)])


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("ties", [False, True])
def test_pooling_and_unpooling_match_a_loop_with_argmax(ex18, ties):
    rng = np.random.default_rng(1)
    maps = with_ties() if ties else rng.normal(size=(3, HEIGHT, WIDTH, 5)).astype(np.float32)
    values = rng.normal(size=(3, HEIGHT // 2, WIDTH // 2, 5)).astype(np.float32)
    pooled, places, placed = both(ex18).predict([maps, values], verbose=0)
    expected, argmax = loop(maps)
    np.testing.assert_array_equal(pooled, expected)
    np.testing.assert_array_equal(placed, loop_unpool(values, argmax, maps.shape))
    np.testing.assert_array_equal(places, loop_unpool(np.ones_like(values), argmax, maps.shape))


@pytest.mark.question(QUESTION)
def test_ties_are_broken_as_tensorflow_does(ex18, eager):
    maps = with_ties(2)
    _, places, _ = both(ex18).predict([maps, maps[:, ::2, ::2]], verbose=0)
    _, flat = tf.nn.max_pool_with_argmax(maps, 2, 2, "VALID", output_dtype=tf.int64)
    expected = np.zeros((len(maps), maps[0].size), np.float32)  # indice dans (h, w, c)
    for i, each in enumerate(flat.numpy()):
        expected[i, each.reshape(-1)] = 1
    np.testing.assert_array_equal(places, expected.reshape(maps.shape))
    windows = places.reshape(3, HEIGHT // 2, 2, WIDTH // 2, 2, 5).sum((2, 4))
    np.testing.assert_array_equal(windows, 1)  # une place par fenêtre, même toute nulle


def test_the_gradient_goes_through_the_places_only(ex18):
    """Celui de la valeur reposée revient entier au maximum qui l'a donnée."""
    maps = tf.constant(np.random.default_rng(3).normal(size=(2, HEIGHT, WIDTH, 5)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        pooled, places = ex18.max_pool_with_places(maps)
        total = tf.reduce_sum(ex18.unpool(3 * pooled, places))
    np.testing.assert_array_equal(tape.gradient(total, maps), 3 * places)
