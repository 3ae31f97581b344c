"""Les images des trois leçons, et ce qui n'est que d'un côté : apprendre, choisir, mesurer.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
"""

import numpy as np

from convnets.datasets import sources
from exercises.ex28_pose_and_depth.crowds import Crowds, compose_crowds
from exercises.ex28_pose_and_depth.pairs import compose_pairs
from exercises.ex28_pose_and_depth.puppets import compose_puppets

NUM_IMAGES = {
    "pose": {"train": 2000, "val": 300, "test": 600},
    "depth": {"train": 500, "val": 100, "test": 200},
    "crowd": {"train": 600, "val": 150, "test": 360},
}
SEEDS = {"train": 0, "val": 1, "test": 2}  # des images : les mêmes pour toutes les graines
NUM_HELD = 5000  # photographies et vêtements d'entraînement réservés à la validation
LEARNED_COUNTS = (1, 40)  # personnes d'une image d'entraînement ou de validation
BINS = ((1, 20), (21, 40), (41, 60), (61, 80), (81, 100), (101, 120))  # de test


def make_parts(fashion: sources.Dataset, cifar: sources.Dataset, *, limit: int | None) -> dict:
    """Compose toutes les images.

    Args:
        fashion: `(x_train, y_train), (x_test, y_test)`, les vêtements.
        cifar: de même, les photographies.
        limit: au plus tant d'images de chaque sorte ; None : `NUM_IMAGES`.

    Returns:
        `{"pose", "depth", "crowd"}` : `"train"`, `"val"` et `"test"` de chacune. Aucune
        photographie ni aucun vêtement n'est dans deux d'entre eux.
    """
    made = {part: make_part(part, fashion, cifar, limit=limit) for part in SEEDS}
    return {lesson: {part: made[part][lesson] for part in SEEDS} for lesson in NUM_IMAGES}


def make_part(part: str, fashion: sources.Dataset, cifar: sources.Dataset, *, limit) -> dict:
    """Compose `"train"`, `"val"` ou `"test"` de chaque leçon ; les autres arguments de même."""
    photographs, _ = pick(cifar, part)
    objects, labels = pick(fashion, part)
    num = {lesson: min(each[part], limit or each[part]) for lesson, each in NUM_IMAGES.items()}
    seed, bins = SEEDS[part], BINS if part == "test" else (LEARNED_COUNTS,)
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
    return {
        "pose": compose_puppets(photographs, objects, num_images=num["pose"], seed=seed),
        "depth": compose_pairs(photographs, objects, num_pairs=num["depth"], seed=seed),
        "crowd": Crowds(*map(np.concatenate, zip(*crowds, strict=True))),
    }


def pick(dataset: sources.Dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Rend les `(x, y)` de `"train"`, `"val"` ou `"test"`."""
    (x, y), test = dataset
    train, val = sources.split_validation(x, y, num_val=min(NUM_HELD, len(x) // 10), seed=0)
    return {"train": train, "val": val, "test": test}[part]
