"""La brique et la descente des cinq réseaux.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from convnets.training import study

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
    loss: Callable,
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    *,
    rate: float,
    seed: int,
    options,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Entraîne un réseau ; rend `(modèle livré, courbes)`.

    Args:
        build_model: construit le réseau.
        loss: sa perte, `loss(vérité, réponse)`.
        parts: `"train"` et `"val"`, des `(entrées, vérité)`.
        rate: taux d'apprentissage d'Adam, au début ; il décroît jusqu'à zéro.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.
    """
    model = study.build(build_model, seed=seed, precision=options.precision)
    x, y = parts["train"]
    batch_size = options.batch_size or min(BATCH_SIZE, len(x))
    batches = study.Batches(x, y, batch_size=batch_size, seed=seed, augment=None)
    schedule = keras.optimizers.schedules.CosineDecay(rate, options.epochs * len(batches))
    model.compile(keras.optimizers.Adam(schedule), loss=loss, jit_compile=False)
    history = study.fit(
        model, batches, options=options, network=model.name, validation_data=parts["val"]
    )
    return study.to_ship(model, build_model()), history
