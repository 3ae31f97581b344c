import keras
import numpy as np
import pytest
import tensorflow as tf

from exercises.ex18_segmentation import unpooling as ex18

QUESTION = "S3 Different problems, models & metrics"


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("highest", [2, 10_000])
def test_it_is_what_tensorflow_finds(highest):
    """Peu d'entiers différents : des fenêtres ont plusieurs maximums, la première place gagne."""
    rng = np.random.default_rng(0)
    maps = rng.integers(0, highest, (3, 6, 10, 5)).astype(np.float32)
    values = rng.normal(size=(3, 3, 5, 5)).astype(np.float32)
    inputs = keras.Input(maps.shape[1:]), keras.Input(values.shape[1:])
    pooled, places = ex18.max_pool_with_places(inputs[0])
    model = keras.Model(inputs, [pooled, places, ex18.unpool(inputs[1], places)])
    found = model.predict([maps, values], verbose=0)
    pooled, argmax = tf.nn.max_pool_with_argmax(maps, 2, 2, "VALID", include_batch_in_index=True)
    marked, placed = np.zeros((2, maps.size), np.float32)
    marked[argmax.numpy()], placed[argmax.numpy()] = 1, values
    for each, expected in zip(found, (pooled.numpy(), marked, placed), strict=True):
        np.testing.assert_array_equal(each.ravel(), expected.ravel())


def test_an_odd_side_is_refused():
    with pytest.raises(ValueError, match="côtés pairs sont attendus"):
        ex18.max_pool_with_places(keras.Input((6, 5, 2)))
