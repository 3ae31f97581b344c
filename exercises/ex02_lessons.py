"""Les leçons : ce que le maître répond à des images déformées, noté une fois pour toutes.

D'après : Jour 04, exercice 2.
Commande : python -m exercises.ex02_fashion

Un thème de l'exercice 02, dont l'entrée est `ex02_fashion`.

Une étiquette dit « chemise ». Le maître (`ex02_teacher`) dit « chemise à 60 %, manteau à 30 % » :
l'élève apprend de chaque image ce à quoi elle ressemble. Pour qu'il n'apprenne pas par cœur, on
lui montre `COPIES` copies déformées du jeu, une par époque, à tour de rôle ; dans chacune, une
image sur deux est mêlée à une autre. Le maître a répondu à ces images-là, une fois : ses réponses
servent à toutes les époques et à toutes les graines. Rien de lui ne reste dans le modèle livré.

Source : Hinton, Vinyals et Dean, arXiv 1503.02531, 2015 (imiter un plus grand réseau) ; Beyer et
al., arXiv 2106.05237, 2021 (le maître voit la même image que l'élève) ; Zhang et al.,
arXiv 1710.09412, 2017 (mêler deux images). Un nombre fini de copies est notre approximation.
"""

import hashlib

import keras
import numpy as np

from exercises.common import distillation, training
from exercises.common.cache import cached_array

COPIES = 6
TRANSLATE_PX = 1
MIXED = 0.5  # part des images mêlées à une autre
SHARE = 0.9  # part de la réponse du maître dans ce qu'il faut répondre ; le reste : l'étiquette


def deform(x: np.ndarray, labels: np.ndarray, *, copy: int) -> tuple[np.ndarray, np.ndarray]:
    """Fabrique une copie déformée du jeu, toujours la même pour un même numéro.

    Args:
        x: images uint8 `(n, 28, 28)`.
        labels: étiquettes `(n, 10)`, une probabilité par classe.
        copy: numéro de la copie.

    Returns:
        `(images, étiquettes)`, de mêmes formes : chaque image est translatée d'un pixel au plus,
        et une sur deux devient `a·elle + (1 - a)·une autre`, a tiré entre 1/2 et 1 ; les
        étiquettes suivent.
    """
    rng = np.random.default_rng([copy, 2])
    images = training.random_crop(x[..., np.newaxis], pad=TRANSLATE_PX, rng=rng)[..., 0]
    mixed = np.flatnonzero(rng.random(len(x)) < MIXED)
    others = rng.integers(0, len(x), len(mixed))
    kept = rng.uniform(0.5, 1, len(mixed)).astype(np.float32)
    labels = labels.astype(np.float32)  # une copie
    labels[mixed] = kept[:, None] * labels[mixed] + (1 - kept[:, None]) * labels[others]
    kept = kept[:, None, None]
    blend = kept * images[mixed] + (1 - kept) * images[others]
    images[mixed] = np.rint(blend).astype(np.uint8)
    return images, labels


def answers(x: np.ndarray, labels: np.ndarray, *, copies: int, options) -> np.ndarray:
    """Rend ce que le maître répond à chaque image de chaque copie et à son miroir, en moyenne.

    La réponse vaut donc pour l'une comme pour l'autre. Elle est gardée en cache.

    Args:
        x: images uint8 `(n, 28, 28)` d'apprentissage.
        labels: leurs étiquettes `(n, 10)`.
        copies: nombre de copies.
        options: celles de l'exercice ; `options.teacher` nomme le modèle livré qui enseigne.

    Returns:
        Probabilités `(copies, n, 10)` float16.

    Raises:
        FileNotFoundError: le maître n'est pas là.
        ValueError: son compte rendu ne correspond pas à ses poids.
    """
    network = distillation.load_teacher(
        options.teacher, precision=options.precision, models_dir=options.models_dir
    )
    teacher = distillation.mirror_average(network)

    def ask(copy: int) -> np.ndarray:
        print(f"Le maître répond à la copie {copy + 1} sur {copies}.", flush=True)
        images, _ = deform(x, labels, copy=copy)
        return teacher.predict(images, batch_size=500, verbose=0).astype(np.float16)

    weights = hashlib.sha256(b"".join(w.tobytes() for w in network.get_weights())).hexdigest()
    images = hashlib.sha256(x.tobytes() + labels.tobytes()).hexdigest()
    policy, backend = training.choose_precision(options.precision), keras.backend.backend()
    key = f"{weights} {images} {copies} {TRANSLATE_PX} {MIXED} {policy} {backend}"
    return cached_array("ex02-lessons", key, lambda: np.stack([ask(k) for k in range(copies)]))[0]


class Lessons(training.Batches):
    """Lots d'images déformées et de réponses du maître ; une autre copie à chaque époque.

    Args:
        x: images uint8 `(n, 28, 28)`.
        labels: leurs étiquettes `(n, 10)`.
        answers: réponses du maître aux copies, `(copies, n, 10)` (voir `answers`).
        batch_size: images par lot, au plus n.
        seed: graine du mélange et des miroirs.

    Raises:
        ValueError: moins d'images que `batch_size`.
    """

    def __init__(self, x, labels, answers, *, batch_size: int, seed: int):
        super().__init__(x, labels, batch_size=batch_size, seed=seed, augment=mirror)
        self.dataset, self.answers, self._copy = (x, labels), answers, -1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Rend le lot `index` de l'époque courante."""
        copy = self.epoch % len(self.answers)
        if copy != self._copy:
            self.x, labels = deform(*self.dataset, copy=copy)
            self.y = SHARE * self.answers[copy].astype(np.float32) + (1 - SHARE) * labels
            self._copy = copy
        return super().__getitem__(index)


def taught(batches: training.Batches, *, options) -> Lessons:
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
    copies = min(COPIES, options.epochs)
    found = answers(batches.x, batches.y, copies=copies, options=options)
    return Lessons(batches.x, batches.y, found, batch_size=batches.batch_size, seed=batches.seed)


def mirror(images, *, indices, epoch, rng):
    """Retourne une image sur deux ; la réponse du maître est celle des deux sens."""
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images
