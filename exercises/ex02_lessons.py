"""Ce que le réseau imposé apprend d'un plus profond : ses réponses à des vêtements déformés.

D'après : Jour 04, exercice 2.
Commande : python -m exercises.ex02_fashion

Un thème de l'exercice 02, dont l'entrée est `ex02_fashion`.

Le maître (`ex02_teacher`) répond à `COPIES` copies déformées du jeu (`convnets/training/lessons.py`
dit comment, et d'où cela vient) ; l'élève apprend ces réponses. Rien du maître ne reste dans le
modèle livré.
"""

import numpy as np

from convnets.training import distillation, lessons, study

COPIES = 6
TRANSLATE_PX = 1


def taught(batches: study.Batches, *, options) -> lessons.Lessons:
    """Remplace les lots d'un entraînement sur étiquettes par ceux d'un élève.

    Args:
        batches: images uint8 `(n, 28, 28)` et étiquettes `(n, 10)` ; leur graine est gardée.
        options: celles de l'exercice ; un essai de quelques époques se contente d'autant de copies.

    Returns:
        Les mêmes images, et ce qu'en dit le maître.

    Raises:
        FileNotFoundError: le maître n'est pas là.
        ValueError: son compte rendu ne correspond pas à ses poids.
    """
    teacher = distillation.load_teacher(
        options.teacher, precision=options.precision, models_dir=options.models_dir
    )
    answers = lessons.answers(
        teacher, batches.x, batches.y, copies=min(COPIES, options.epochs), translate_px=TRANSLATE_PX
    )
    return lessons.Lessons(
        batches.x,
        batches.y,
        answers,
        translate_px=TRANSLATE_PX,
        batch_size=batches.batch_size,
        seed=batches.seed,
        augment=mirror,
    )


def mirror(images: np.ndarray, *, indices, epoch, rng) -> np.ndarray:
    """Retourne une image sur deux ; la réponse du maître est celle des deux sens."""
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images
