"""Les réponses comparées, objet par objet, selon ce qui se touche ou se cache.

D'après : S3 « Different problems, models & metrics » (segmentation d'instances).
Commande : python -m exercises.ex18_segmentation.instances

Le même réseau répond de deux façons : ses pixels regroupés, et les taches d'un seul tenant de son
masque de classes. Deux autres réponses connaissent la vérité : les taches du vrai masque, et les
vraies boîtes, remplies. Ce qui leur manque encore ne vient ni des pixels, ni des boîtes.
"""

import keras
import numpy as np

from exercises.ex18_segmentation.crowds import OVERLAPS, Crowds
from exercises.ex18_segmentation.grouping import Instances, components, fill_boxes, group, split
from exercises.ex18_segmentation.mask_ap import average_precisions
from exercises.ex18_segmentation.networks import NUM_CLASSES

ANSWERS_FR = {
    "group": "pixels regroupés",
    "components": "taches du même réseau",
    "true_components": "taches du vrai masque",
    "true_boxes": "vraies boîtes, remplies",
}

# --- Question : quatre réponses ------------------------------------------------------


def true_objects(made: Crowds) -> list[Instances]:
    """Rend les vrais objets de chaque scène, dans l'ordre où ils ont été posés."""
    found = []
    for owners, label in zip(made.owners, made.labels, strict=True):
        masks = owners == np.arange(1, owners.max() + 1)[:, None, None]
        found.append(Instances(masks, np.full(len(masks), label), np.ones(len(masks))))
    return found


def answer(model: keras.Model, images: np.ndarray) -> dict[str, list[Instances]]:
    """Rend, pour chaque scène, les objets regroupés et les taches du même réseau.

    Args:
        model: rendu par `build_instances`.
        images: uint8 `(n, s, s, 3)`.
    """
    outputs = model.predict(images, batch_size=50, verbose=0)
    return {
        "group": [group(each) for each in outputs],
        "components": [components(split(each)[0]) for each in outputs],
    }


def knowing_answers(made: Crowds) -> dict[str, list[Instances]]:
    """Rend ce que répondraient un masque de classes parfait et des boîtes parfaites."""
    classes = np.where(made.owners > 0, made.labels[:, None, None] + 1, 0)
    certain = np.eye(NUM_CLASSES, dtype=np.float32)
    return {
        "true_components": [components(certain[each]) for each in classes],
        "true_boxes": [fill_boxes(each) for each in true_objects(made)],
    }


# --- Question : ce que vaut chaque réponse, selon ce qui se touche -------------------


def measure_objects(found: list[Instances], made: Crowds) -> dict[str, float]:
    """Calcule l'AP d'une réponse, en tout et par sorte de scène.

    Args:
        found: les objets trouvés dans chaque scène.
        made: les scènes.

    Returns:
        Dans [0, 1] : `ap50` et `ap` (moyenne des dix seuils), classe comprise ; `any_ap50` et
        `any_ap`, classe ignorée ; ces deux dernières pour chaque sorte, comme `any_ap_touching`.
    """
    true, values = true_objects(made), {}

    def add(kept: np.ndarray, *, by_class: bool, end: str = "") -> None:
        aps = average_precisions(
            [found[i] for i in kept], [true[i] for i in kept], by_class=by_class
        )
        start = "" if by_class else "any_"
        values.update({f"{start}ap50{end}": float(aps[0]), f"{start}ap{end}": float(aps.mean())})

    every = np.arange(len(found))
    add(every, by_class=True)
    add(every, by_class=False)
    for rank, name in enumerate(OVERLAPS):
        add(every[made.overlaps == rank], by_class=False, end=f"_{name}")
    return values
