"""Moyenner les poids de plusieurs étapes d'un même entraînement.

Quand un réseau est parti des poids d'un autre, tous deux sont souvent de part et d'autre d'un même
creux de la perte : la moyenne de leurs poids est plus près du fond. Les statistiques des
normalisations ne conviennent plus à ces poids moyens : on les mesure de nouveau.

Source : Izmailov et al., « Averaging Weights Leads to Wider Optima and Better Generalization »,
arXiv 1803.05407, 2018.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from convnets.serving import calibration


def average_weights(
    stages: Sequence[Sequence[np.ndarray]], shares: Sequence[float] | None = None
) -> list[np.ndarray]:
    """Moyenne des poids, tenseur par tenseur.

    Args:
        stages: les poids de chaque étape, tels que les rend `get_weights`.
        shares: part de chaque étape, de somme 1 ; par défaut, la même.

    Returns:
        Des poids de mêmes formes ; ceux de l'unique étape s'il n'y en a qu'une.
    """
    return [np.average(values, axis=0, weights=shares) for values in zip(*stages, strict=True)]


def measure_normalisations(model: keras.Model, images: np.ndarray, *, batch_size: int) -> None:
    """Remesure la moyenne et la variance de chaque `BatchNormalization` d'un modèle.

    Args:
        model: modèle à une entrée, modifié sur place ; ses autres poids ne changent pas.
        images: images à y faire passer, `(n, ...)`, un lot au moins ; un dernier lot incomplet est
            laissé de côté.
        batch_size: images par lot, au plus n.
    """
    found = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    momentum = [layer.momentum for layer in found]
    for layer in found:
        layer.momentum = 0.0  # chaque lot remplace ce qu'a laissé le précédent
    measured = []
    for start in range(0, len(images) - batch_size + 1, batch_size):
        model(images[start : start + batch_size], training=True)
        measured.append(
            [
                ops.convert_to_numpy(value)
                for layer in found
                for value in (layer.moving_mean, layer.moving_variance)
            ]
        )
    means = iter(average_weights(measured))
    for layer, before in zip(found, momentum, strict=True):
        layer.moving_mean.assign(next(means))
        layer.moving_variance.assign(next(means))
        layer.momentum = before


def stop_between(
    before: Sequence[np.ndarray],
    network: keras.Model,
    parts: Sequence[float],
    *,
    images: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    batch_size: int,
) -> float:
    """Arrête un réseau entre son départ et son arrivée, là où il prédit le mieux la validation.

    Les images de validation choisissent donc : l'exactitude mesurée sur elles est un peu flattée.

    Args:
        before: poids du départ, tels que les rend `get_weights`.
        network: réseau arrivé, modifié sur place.
        parts: parts de l'arrivée à essayer, dans [0, 1] ; le reste est au départ.
        images: pour remesurer les normalisations, voir `measure_normalisations`.
        validation: images et classes, `(n, ...)` et `(n,)` ou `(n, 1)`.
        batch_size: images par lot.

    Returns:
        La part dont l'entropie croisée, en une passe et à la meilleure température, est la plus
        petite.
    """
    after, lowest, best, weights = network.get_weights(), math.inf, 0.0, before
    x_val, y_val = validation
    for part in parts:
        network.set_weights(average_weights([before, after], [1 - part, part]))
        measure_normalisations(network, images, batch_size=batch_size)
        probabilities = network.predict(x_val, batch_size=500, verbose=0)
        temperature = calibration.fit_temperature(probabilities, y_val)
        loss = calibration.cross_entropy(probabilities, y_val, temperature)
        shown = f"Part de l'arrivée {part:.2f} : entropie croisée {loss:.4f}"
        print(shown.replace(".", ","), flush=True)
        if loss < lowest:
            lowest, best, weights = loss, part, network.get_weights()
    network.set_weights(weights)
    return best
