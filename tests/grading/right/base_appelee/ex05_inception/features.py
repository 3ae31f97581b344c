"""La base appelée en mode prédiction, couche par couche, et son propre générateur."""

import tensorflow as tf
from keras import Model, layers

BATCH = 64


def make_generator(pictures, *, subset=None, shuffle=False, augment=False, seed=0):
    extra = dict(horizontal_flip=True) if augment else {}
    reader = tf.keras.preprocessing.image.ImageDataGenerator(
        preprocessing_function=lambda pixels: pixels / 127.5 - 1.0, validation_split=0.2, **extra
    )
    return reader.flow_from_directory(
        pictures.folder,
        (150, 150),
        batch_size=BATCH,
        seed=seed,
        class_mode="sparse",
        shuffle=shuffle,
        subset=subset,
    )


def frozen_base(base, *, layer_name="mixed9"):
    cut = Model(base.inputs, base.get_layer(layer_name).output)
    for layer in cut.layers:
        layer.trainable = False
    x = layers.GlobalAveragePooling2D()(cut(cut.inputs, training=False))
    return Model(cut.inputs, x)
