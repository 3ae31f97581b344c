"""Cartes contre coordonnées : changer une seule chose à la fois.

D'après : S3 « Pose Estimation ».
Commande : python -m recipes.witnesses ex28_pose_and_depth.one_change

Entre le réseau à cartes et celui à coordonnées, la leçon change la sortie, la perte et la lecture
d'un coup. Ici, les mêmes cartes sont lues par leur moyenne et non par leur maximum ; puis le réseau
à cartes apprend par la perte des coordonnées, l'erreur de cette moyenne ; enfin, le réseau à
coordonnées apprend quatre fois plus longtemps.
"""

import functools
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from convnets.datasets import sources
from convnets.training import lesson
from exercises.ex28_pose_and_depth import pose
from exercises.ex28_pose_and_depth.puppets import Puppets, compose_puppets
from exercises.ex28_pose_and_depth.training import EPOCHS, train

NUM_IMAGES = (2000, 600)  # pour apprendre, pour mesurer : les pantins de la leçon
WITNESS_SEEDS = range(3)
RATE = 4e-3  # celui que la leçon donne au réseau à cartes
DIRECT_RATE = 1e-3  # et celui qu'elle donne au réseau à coordonnées
LONGER = 4  # fois plus d'époques pour les coordonnées


# --- Question : et si on lisait la carte par sa moyenne ? ----------------------------


def expected_places(scores):
    """Rend la place moyenne de chaque carte, que ses probabilités pèsent (*soft-argmax*).

    Contrairement au maximum, cette moyenne a une pente : un réseau peut apprendre à travers elle.
    Mais un peu de probabilité loin de l'articulation la déplace.

    Args:
        scores: `(n, 32, 32, k)`, des logarithmes, à une constante près.

    Returns:
        `(n, k, 2)` : x, y en pixels.

    Source : Sun et al., « Integral Human Pose Regression », arXiv 1711.08229, équation 2.
    """
    logs = scores - ops.logsumexp(scores, axis=(1, 2), keepdims=True)
    shares = ops.exp(logs)  # (n, 32, 32, k), de somme 1 par carte
    cells = ops.arange(pose.MAP_CELLS, dtype="float32") + 0.5
    x = ops.sum(ops.sum(shares, axis=1) * cells[:, None], axis=1)  # (n, k), en cases
    y = ops.sum(ops.sum(shares, axis=2) * cells[:, None], axis=1)
    return ops.stack([x, y], axis=-1) * pose.CELL_PX


def build_expected(num_joints: int = pose.NUM_JOINTS) -> keras.Model:
    """Construit le réseau à cartes, qui rend la place moyenne de chacune.

    Args:
        num_joints: nombre d'articulations.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 13, 2)` float32, en pixels.
    """
    heat = pose.build_heat(num_joints)
    return keras.Model(heat.inputs, expected_places(heat.outputs[0]), name="pose_expected")


# --- Question : ce que chaque changement vaut ----------------------------------------


def witnesses(seed: int) -> dict[str, Callable[[], float]]:
    """Rend ce qui mesure chaque lecture, chaque perte et chaque durée, sur les mêmes pantins.

    Returns:
        Des fonctions, qui apprennent un réseau et rendent son PCK : `peak`, les cartes lues par
        leur maximum ; `mean`, les mêmes cartes lues par leur moyenne ; `expected`, le réseau à
        cartes qui a appris par l'erreur de cette moyenne ; `longer`, le réseau à coordonnées qui a
        appris quatre fois plus longtemps.
    """
    learned, test = load_puppets()
    data = (learned.images, learned.joints)

    @functools.cache
    def maps() -> np.ndarray:
        clock = lesson.Clock(EPOCHS, None)
        model = train(pose.build_heat, pose.heat_loss, data, rate=RATE, seed=seed, clock=clock)
        return model.predict(test.images, verbose=0)

    def expected() -> float:
        clock = lesson.Clock(EPOCHS, None)
        model = train(build_expected, "mae", data, rate=RATE, seed=seed, clock=clock)
        return pose.pck(model.predict(test.images, verbose=0), test)

    def longer() -> float:
        clock = lesson.Clock(LONGER * EPOCHS, None)
        build = pose.build_regression
        model = train(build, "mae", data, rate=DIRECT_RATE, seed=seed, clock=clock)
        return pose.pck(model.predict(test.images, verbose=0), test)

    return {
        "peak": lambda: pose.pck(pose.decode(maps()), test),
        "mean": lambda: pose.pck(np.asarray(expected_places(maps())), test),
        "expected": expected,
        "longer": longer,
    }


def load_puppets() -> tuple[Puppets, Puppets]:
    """Compose les pantins de la leçon : ceux qui apprennent, et ceux qui mesurent."""
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    learned, test = (
        compose_puppets(cifar[rank][0], fashion[rank][0], num_images=num, seed=2 * rank)
        for rank, num in enumerate(NUM_IMAGES)
    )
    return learned, test
