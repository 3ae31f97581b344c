"""Le transformeur, le plus simplement."""

import keras
from keras import layers, ops

PATCH_PX = 4
HEADS = 4


def cut_patches(images):
    rows, columns = images.shape[1] // PATCH_PX, images.shape[2] // PATCH_PX
    x = ops.reshape(images, (-1, rows, PATCH_PX, columns, PATCH_PX))
    x = ops.transpose(x, (0, 1, 3, 2, 4))
    return ops.reshape(x, (-1, rows * columns, PATCH_PX * PATCH_PX))


def learned_rows(tokens, num_rows, *, name):
    width = tokens.shape[2]
    zero = ops.zeros_like(tokens[:, 0, :1], dtype="int32")
    rows = layers.Embedding(1, num_rows * width, name=name)(zero)
    return ops.reshape(rows, (-1, num_rows, width))


def add_positions(tokens):
    return tokens + learned_rows(tokens, tokens.shape[1], name="positions")


def attend(tokens, *, name):
    count, width = tokens.shape[1], tokens.shape[2]
    size = width // HEADS
    query, key, value = (layers.Dense(width)(tokens) for _ in range(3))
    query = ops.transpose(ops.reshape(query, (-1, count, HEADS, size)), (0, 2, 1, 3))
    key = ops.transpose(ops.reshape(key, (-1, count, HEADS, size)), (0, 2, 3, 1))
    value = ops.transpose(ops.reshape(value, (-1, count, HEADS, size)), (0, 2, 1, 3))
    weights = layers.Softmax(name=name)(query @ key / size**0.5)
    x = ops.transpose(weights @ value, (0, 2, 1, 3))
    return layers.Dense(width)(ops.reshape(x, (-1, count, width)))


def read_images():
    images = keras.Input((28, 28), dtype="uint8")
    return images, layers.Rescaling(2 / 255, offset=-1)(images)


def build_transformer(*, positions=True):
    images, x = read_images()
    tokens = layers.Dense(48)(cut_patches(x))
    if positions:
        tokens = add_positions(tokens)
    return keras.Model(images, classify(tokens, depth=3))


def classify(tokens, *, depth):
    token = learned_rows(tokens, 1, name="class_token")
    tokens = ops.concatenate([token, tokens], axis=1)
    for k in range(depth):
        x = layers.LayerNormalization()(tokens)
        tokens = tokens + attend(x, name=f"attention{k + 1}")
        x = layers.LayerNormalization()(tokens)
        x = layers.Dense(96, activation="gelu")(x)
        tokens = tokens + layers.Dense(48)(x)
    x = layers.LayerNormalization()(tokens)
    return layers.Dense(10, activation="softmax")(x[:, 0])
