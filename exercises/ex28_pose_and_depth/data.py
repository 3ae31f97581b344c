"""Les images des trois leçons : celles qui servent à apprendre, celles qui servent à mesurer.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
"""

import numpy as np

from convnets.datasets import sources
from exercises.ex28_pose_and_depth.crowds import Crowds, compose_crowds
from exercises.ex28_pose_and_depth.pairs import compose_pairs
from exercises.ex28_pose_and_depth.puppets import compose_puppets

NUM_IMAGES = {  # pour apprendre, pour mesurer
    "pose": (2000, 600),
    "depth": (500, 200),
    "crowd": (600, 360),
}
LEARNED_COUNTS = (1, 40)  # personnes d'une image d'entraînement
BINS = ((1, 20), (21, 40), (41, 60), (61, 80), (81, 100), (101, 120))  # de test


def make_parts(*, limit: int | None) -> list[dict]:
    """Compose toutes les images, au plus `limit` de chaque sorte.

    Elles sont les mêmes pour toutes les graines de l'entraînement.

    Returns:
        Les images d'entraînement, puis celles de test : `{"pose", "depth", "crowd"}`. Aucune
        photographie ni aucun vêtement n'est dans les deux.
    """
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    parts = []
    for rank, ((objects, labels), (photographs, _)) in enumerate(zip(fashion, cifar, strict=True)):
        num = {name: min(each[rank], limit or each[rank]) for name, each in NUM_IMAGES.items()}
        seed, bins = (0, [LEARNED_COUNTS]) if rank == 0 else (2, BINS)
        crowds = [
            compose_crowds(
                photographs,
                objects,
                labels,
                num_images=-(-num["crowd"] // len(bins)),
                counts=counts,
                seed=seed + 10 * k,
            )
            for k, counts in enumerate(bins)
        ]
        parts.append(
            {
                "pose": compose_puppets(photographs, objects, num_images=num["pose"], seed=seed),
                "depth": compose_pairs(photographs, objects, num_pairs=num["depth"], seed=seed),
                "crowd": Crowds(*map(np.concatenate, zip(*crowds, strict=True))),
            }
        )
    return parts
