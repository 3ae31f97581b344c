"""La brique et la descente des trois réseaux.

D'après : S3 « Pose Estimation », « 3D Reconstruction ».
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from convnets.training import lesson
from convnets.training.batches import shuffled

EPOCHS = 8
BATCH_SIZE = 16  # petit : plus de pas pour le même temps
MOMENTUM = 0.9  # à 0,99, les moyennes des lots seraient en retard : il y a peu de pas


# --- Question : de quoi les réseaux sont-ils faits ? ---------------------------------


def block(convolution: layers.Layer, x):
    """Applique une convolution, puis une normalisation et ReLU."""
    return layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(convolution(x)))


# --- Question : apprendre ------------------------------------------------------------


def train(
    build_model: Callable[[], keras.Model],
    loss: Callable | str,
    learned: tuple[np.ndarray, np.ndarray],
    *,
    rate: float,
    seed: int,
    clock: lesson.Clock,
) -> keras.Model:
    """Entraîne un réseau, et rend ses poids arrondis.

    Args:
        build_model: construit le réseau.
        loss: sa perte, `loss(vérité, réponse)`.
        learned: `(entrées, vérité)`.
        rate: taux d'apprentissage d'Adam, au début.
        seed: graine des poids et de l'ordre des images.
        clock: ce qui mène le taux jusqu'à zéro.
    """
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile(keras.optimizers.Adam(rate), loss=loss)
    batches = shuffled(*learned, batch_size=min(BATCH_SIZE, len(learned[0])), seed=seed)
    model.fit(batches, epochs=clock.epochs, callbacks=[clock], verbose=0)
    lesson.round_weights(model)
    return keras.Model(model.inputs, model.outputs, name=model.name)  # sans la perte d'ici
