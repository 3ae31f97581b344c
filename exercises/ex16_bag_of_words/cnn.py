"""Le concurrent : un petit réseau de convolution, à qui l'on compte son temps de processeur.

D'après : S3 « Avant le deep » et « Réseaux convolutifs ».
Commande : python -m exercises.ex16_bag_of_words
"""

import keras
import numpy as np
from keras import layers

from convnets.core import paths
from convnets.training import study
from exercises.ex16_bag_of_words.classifier import NUM_CLASSES
from exercises.ex16_bag_of_words.encoding import IMAGE_PX

FILTERS = (32, 64, 160)  # à peu près autant de nombres que le sac de 800 mots
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
TRANSLATE_PX = 3  # déplacement maximal des images montrées longtemps


# --- Question : un réseau de convolution du même budget ------------------------------


def build_cnn() -> keras.Model:
    """Construit le réseau concurrent, trois convolutions de pas 2.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((IMAGE_PX, IMAGE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    for filters, side in zip(FILTERS, (4, 3, 3), strict=True):
        x = layers.Conv2D(filters, side, strides=2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)  # (n, 16, 16, a), (n, 8, 8, b), (n, 4, 4, c)
    outputs = layers.Dense(NUM_CLASSES, activation="softmax", dtype="float32")(layers.Flatten()(x))
    return keras.Model(images, outputs, name="cnn")


def augment(images, *, indices, epoch, rng) -> np.ndarray:
    """Déplace chaque image de ±TRANSLATE_PX pixels, et en retourne une sur deux."""
    images = study.random_crop(images, pad=TRANSLATE_PX, rng=rng)
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


def train_cnn(x_train, y_train, *, val, epochs: int, seed: int, options, move: bool):
    """Entraîne le réseau.

    Args:
        x_train: images uint8 `(n, 32, 32, 3)`.
        y_train: classes `(n,)`.
        val: `(x_val, y_val)`, pour les courbes.
        epochs: nombre d'époques.
        seed: graine des poids et des lots.
        options: options de `cli.training_parser`.
        move: déplacer et retourner les images ; sans quoi, un long apprentissage finit par
            les retenir par cœur.

    Returns:
        Le modèle et ses courbes, `cpu_s` comprise.
    """
    model = study.build(build_cnn, seed=seed, precision=options.precision)
    batches = study.Batches(
        x_train,
        y_train,
        batch_size=options.batch_size or BATCH_SIZE,
        seed=seed,
        augment=augment if move else None,
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * len(batches))
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = study.fit(
        model,
        batches,
        epochs=epochs,
        resume=options.resume,
        checkpoint=paths.checkpoint_path(options, seed, network=f"cnn{epochs}"),
        validation_data=val,
        validation_batch_size=500,
        callbacks=[study.ProcessorClock()],
    )
    return model, history
