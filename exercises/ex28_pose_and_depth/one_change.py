"""Cartes contre coordonnées : changer une seule chose à la fois.

D'après : S3 « Pose Estimation ».
Commande : python -m recipes.seeds ex28_pose_and_depth.one_change --seeds 5
Mesure : docs/mesures/ex28_one_change.json.

Entre le réseau à cartes et celui à coordonnées, la leçon change la sortie, la perte et la lecture
d'un coup. Ici, les mêmes cartes sont lues par leur moyenne et non par leur maximum ; puis le réseau
à cartes apprend par la perte des coordonnées, l'erreur de cette moyenne ; puis viennent les
coordonnées, et le réseau à coordonnées qui apprend quatre fois plus longtemps.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from convnets.core.intervals import by_image, paired_gaps
from convnets.datasets import sources
from convnets.training import lesson
from convnets.training.nearest import copy_nearest
from exercises.ex28_pose_and_depth import pose
from exercises.ex28_pose_and_depth.puppets import Puppets, compose_puppets
from exercises.ex28_pose_and_depth.training import EPOCHS, train

SLUG = "ex28_one_change"
NUM_IMAGES = (2000, 600)  # pour apprendre, pour mesurer : les pantins de la leçon
RATE = 4e-3  # celui que la leçon donne au réseau à cartes
DIRECT_RATE = 1e-3  # et celui qu'elle donne au réseau à coordonnées
LONGER = 4  # fois plus d'époques pour les coordonnées
# D'abord, une seule chose change d'une réponse à la suivante ; puis les deux réseaux sont comparés,
# entre eux et à ce qui n'apprend rien.
PAIRS = (
    ("peak", "cell"),
    ("peak", "mean"),
    ("mean", "expected"),
    ("expected", "direct"),
    ("longer", "direct"),
    ("expected", "longer"),
    ("peak", "direct"),
    ("peak", "neighbour"),
    ("direct", "neighbour"),
    ("direct", "usual"),
)


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


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Mesure chaque lecture, chaque perte et chaque durée, sur les mêmes pantins.

    Args:
        seed: graine des poids et de l'ordre des images.
        epochs: époques de chaque réseau ; `longer` en a `LONGER` fois plus.
        minutes: durée de la mesure ; None : autant qu'il en faut.
        limit: pantins au plus, pour apprendre et pour mesurer.

    Returns:
        Le PCK de `peak`, les cartes lues par leur maximum, avec la parabole ; `cell`, les mêmes
        cartes, sans elle ; `mean`, les mêmes, par leur moyenne ; `expected`, le réseau à cartes qui
        apprend par l'erreur de cette moyenne ; `direct`, les coordonnées ; `longer`, les
        coordonnées apprises plus longtemps ; `neighbour`, la pose de l'image la plus ressemblante ;
        `usual`, la pose moyenne. Dans `pooled`, le PCK de chaque pantin.
    """
    learned, test = (Puppets(*(each[:limit] for each in part)) for part in load_puppets())

    def answer(build: Callable, loss: Callable | str, rate: float, longer: int = 1) -> np.ndarray:
        clock = lesson.Clock(longer * epochs, minutes, share=longer / (3 + LONGER))
        data = (learned.images, learned.joints)
        model = train(build, loss, data, rate=rate, seed=seed, clock=clock)
        return model.predict(test.images, verbose=0)

    maps = answer(pose.build_heat, pose.heat_loss, RATE)
    found = without_network(learned, test) | {
        "peak": pose.decode(maps),
        "cell": pose.decode(maps, refine=False),
        "mean": ops.convert_to_numpy(expected_places(maps)),
        "expected": answer(build_expected, "mae", RATE),
        "direct": answer(pose.build_regression, "mae", DIRECT_RATE),
        "longer": answer(pose.build_regression, "mae", DIRECT_RATE, LONGER),
    }
    metrics, pooled = by_image({name: pose.pck_each(each, test) for name, each in found.items()})
    return lesson.Run(metrics, None, {"pooled": pooled})


def without_network(learned: Puppets, test: Puppets) -> dict[str, np.ndarray]:
    """Rend la pose de l'image la plus ressemblante, et la pose moyenne : `(n, 13, 2)` chacune."""
    ranks = np.arange(len(learned.images))
    nearest = learned.joints[copy_nearest(learned.images, ranks, test.images)]
    return {
        "neighbour": nearest,
        "usual": np.broadcast_to(learned.joints.mean(axis=0), nearest.shape),
    }


def pool(found: list[dict]) -> dict:
    """Rend l'écart des deux réponses de chaque paire, sur toutes les graines et tous les pantins.

    Args:
        found: par graine, le PCK de chaque pantin, par réponse.

    Returns:
        `{"gaps": {"peak - mean": [moyenne, bas, haut]…}}`, graines et pantins ensemble.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def load_puppets() -> tuple[Puppets, Puppets]:
    """Compose les pantins de la leçon : ceux qui apprennent, et ceux qui mesurent."""
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    learned, test = (
        compose_puppets(cifar[rank][0], fashion[rank][0], num_images=num, seed=2 * rank)
        for rank, num in enumerate(NUM_IMAGES)
    )
    return learned, test
