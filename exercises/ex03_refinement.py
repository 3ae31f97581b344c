"""Affiner : le réseau apprend à répondre, en une passe, comme la moyenne de ses deux miroirs.

D'après : Jour 04, exercice 3.
Commande : python -m exercises.ex03_cifar10

Un thème de l'exercice 03, dont l'entrée est `ex03_cifar10`.

Un avion et son reflet sont le même avion, mais un réseau ne leur répond pas tout à fait pareil :
la moyenne des deux réponses se trompe moins que chacune. Après l'entraînement viennent des cycles
de quelques époques où le réseau est son propre maître : il apprend la réponse moyenne de ses deux
miroirs. Les poids livrés sont la moyenne de ceux d'avant et de ceux de la fin de chaque cycle : à
elle seule, la fin d'un cycle ne fait pas mieux que le début, mais leur moyenne, si.

Source : Furlanello et al., « Born-Again Neural Networks », arXiv 1805.04770, 2018 (un réseau élève
de lui-même) ; Izmailov et al., arXiv 1803.05407, 2018 (moyenner les fins de cycles). Le maître qui
moyenne deux miroirs, et partir des poids appris, sont notre choix.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from convnets.training import averaging, distillation

CYCLES = 2
EPOCHS = 4  # par cycle, au plus
SHARE = 0.9  # part du maître dans la perte ; le reste : les étiquettes
START = 0.25  # premier taux d'apprentissage d'un cycle, en part du maximum de la recette


def schedule(peak: float, total_steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Fait descendre le taux d'apprentissage en ligne droite, de `START` × `peak` à zéro."""
    return keras.optimizers.schedules.PolynomialDecay(
        START * peak, total_steps, end_learning_rate=0.0
    )


def forget_cycles(checkpoint: Path) -> None:
    """Efface les points de reprise des cycles d'un entraînement précédent, qui repart de zéro.

    Args:
        checkpoint: celui de l'entraînement qui les précède.
    """
    for stale in checkpoint.parent.glob(f"cycle*_{checkpoint.name}"):
        stale.unlink(missing_ok=True)


def refine(
    network: keras.Model,
    copy: keras.Model,
    fit: Callable[..., dict],
    images: np.ndarray,
    *,
    batch_size: int,
    cycles: int,
    epochs: int = EPOCHS,
) -> list[dict]:
    """Affine un réseau ; il finit avec la moyenne des poids.

    Args:
        network: réseau déjà entraîné, modifié sur place.
        copy: réseau de même forme, qui sert de maître.
        fit: `fit(élève, schedule=, epochs=, cycle=)` l'entraîne et rend ses courbes.
        images: images augmentées, au moins un lot : elles remesurent les normalisations.
        batch_size: images par lot.
        cycles: nombre de cycles ; le premier porte le numéro 1.
        epochs: époques de chaque cycle.

    Returns:
        Les courbes de chaque cycle.
    """
    stages, histories = [network.get_weights()], []
    for cycle in range(1, cycles + 1):
        # Le maître d'un cycle, et son départ, est la moyenne de tout ce qui précède.
        copy.set_weights(network.get_weights())
        student = distillation.Student(network, distillation.mirror_average(copy), share=SHARE)
        histories.append(fit(student, schedule=schedule, epochs=epochs, cycle=cycle))
        stages.append(network.get_weights())
        network.set_weights(averaging.average_weights(stages))
        averaging.measure_normalisations(network, images, batch_size=batch_size)
    return histories
