"""L'indice du maximum, que TensorFlow sait rendre : dans une couche, pour de vrais tenseurs."""

import keras
import tensorflow as tf


class PoolWithPlaces(keras.layers.Layer):
    def call(self, maps):
        pooled, where = tf.nn.max_pool_with_argmax(maps, 2, 2, "VALID")
        height, width, channels = maps.shape[1:]
        flat = tf.reshape(where, (-1, height * width * channels // 4))
        marks = tf.reduce_sum(tf.one_hot(flat, height * width * channels, dtype=maps.dtype), axis=1)
        return pooled, tf.reshape(marks, (-1, height, width, channels))


def max_pool_with_places(maps):
    if None in maps.shape[1:3] or maps.shape[1] % 2 or maps.shape[2] % 2:
        raise ValueError(maps.shape)
    return PoolWithPlaces()(maps)


def unpool(values, places):
    spread = keras.layers.UpSampling2D(2, interpolation="nearest")(values)
    return keras.layers.Multiply()([spread, places])
