"""Cartes contre coordonnées : changer une seule chose à la fois.

D'après : S3 « Pose Estimation ».
Commande : python -m recipes.witnesses ex28_pose_and_depth.one_change

Entre le réseau à cartes et celui à coordonnées, la leçon change la sortie, la perte et la lecture
d'un coup. Ici, les mêmes cartes sont lues par leur moyenne et non par leur maximum ; puis le réseau
à cartes apprend par la perte des coordonnées, l'erreur de cette moyenne.
"""

import keras
import numpy as np
from keras import ops

from convnets.datasets import sources
from convnets.training import lesson
from exercises.ex28_pose_and_depth import pose
from exercises.ex28_pose_and_depth.puppets import Puppets, compose_puppets
from exercises.ex28_pose_and_depth.training import EPOCHS, train

NUM_IMAGES = (2000, 600)  # pour apprendre, pour mesurer : les pantins de la leçon
SEEDS = range(3)
RATE = 4e-3  # celui que la leçon donne au réseau à cartes


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


def build_expected() -> keras.Model:
    """Construit le réseau à cartes, qui rend la place moyenne de chacune.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 13, 2)` float32, en pixels.
    """
    heat = pose.build_heat()
    return keras.Model(heat.inputs, expected_places(heat.outputs[0]), name="pose_expected")


# --- Question : ce que chaque changement vaut ----------------------------------------


def witnesses() -> dict[str, list[float]]:
    """Mesure chaque lecture et chaque perte sur les mêmes pantins, ceux de la leçon.

    Returns:
        Un PCK par graine : `peak`, les cartes lues par leur maximum ; `mean`, les mêmes cartes lues
        par leur moyenne. Puis celui d'une seule graine, `expected` : le réseau à cartes
        qui a appris par l'erreur de cette moyenne.
    """
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    learned, test = (
        compose_puppets(cifar[rank][0], fashion[rank][0], num_images=num, seed=2 * rank)
        for rank, num in enumerate(NUM_IMAGES)
    )
    found = {"peak": [], "mean": []}
    for seed in SEEDS:
        maps = learn(pose.build_heat, pose.heat_loss, learned, seed=seed).predict(
            test.images, verbose=0
        )
        found["peak"].append(pose.pck(pose.decode(maps), test))
        found["mean"].append(pose.pck(np.asarray(expected_places(maps)), test))
        print(f"Graine {seed} : {found['peak'][-1]:.4f}, {found['mean'][-1]:.4f}", flush=True)
    model = learn(build_expected, "mae", learned, seed=SEEDS[0])
    return found | {"expected": [pose.pck(model.predict(test.images, verbose=0), test)]}


def learn(build_model, loss, puppets: Puppets, *, seed: int) -> keras.Model:
    """Apprend un réseau comme la leçon apprend le réseau à cartes."""
    clock = lesson.Clock(EPOCHS, None)
    data = (puppets.images, puppets.joints)
    return train(build_model, loss, data, rate=RATE, seed=seed, clock=clock)
