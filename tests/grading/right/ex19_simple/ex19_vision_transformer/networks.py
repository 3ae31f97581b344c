"""Des morceaux par convolution, une seule couche pour les trois lectures, tête par tête."""

import keras
import numpy as np
from keras import layers, ops

PATCH_PX, WIDTH, HEADS, DEPTH = 4, 48, 4, 3


def cut_patches(images):
    pixels = np.eye(PATCH_PX**2, dtype="float32").reshape(PATCH_PX, PATCH_PX, 1, -1)
    x = ops.conv(images[..., None], pixels, strides=PATCH_PX, padding="valid")
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], PATCH_PX**2))


def learned_rows(tokens, num_rows, *, name):
    numbers = ops.zeros_like(tokens[:, :1, 0], dtype="int32") + np.arange(num_rows)
    return layers.Embedding(num_rows, tokens.shape[-1], name=name)(numbers)


def add_positions(tokens):
    return layers.Add()([learned_rows(tokens, tokens.shape[1], name="positions"), tokens])


def attend(tokens, *, name):
    width = tokens.shape[-1]
    size = width // HEADS
    query, key, value = ops.split(layers.Dense(3 * width)(tokens), 3, axis=-1)
    scores = []
    for k in range(HEADS):
        part = slice(k * size, (k + 1) * size)
        scores.append(ops.einsum("nic,njc->nij", query[..., part], key[..., part]))
    weights = layers.Softmax(name=name)(ops.stack(scores, axis=1) / np.sqrt(size))
    found = [ops.matmul(weights[:, k], value[..., k * size : (k + 1) * size]) for k in range(HEADS)]
    return layers.Dense(width)(ops.concatenate(found, axis=-1))


def build_transformer(*, positions=True):
    images = keras.Input((28, 28), dtype="uint8")
    tokens = layers.Dense(WIDTH)(cut_patches(layers.Rescaling(1 / 255)(images)))
    tokens = add_positions(tokens) if positions else tokens
    tokens = layers.Concatenate(axis=1)([learned_rows(tokens, 1, name="class_token"), tokens])
    for k in range(DEPTH):
        normal = layers.LayerNormalization()(tokens)
        tokens = layers.Add()([tokens, attend(normal, name=f"attention{k + 1}")])
        x = layers.Dense(96, activation="gelu")(layers.LayerNormalization()(tokens))
        tokens = layers.Add()([tokens, layers.Dense(WIDTH)(x)])
    x = layers.LayerNormalization()(tokens[:, 0])
    return keras.Model(images, layers.Dense(10, activation="softmax")(x))
