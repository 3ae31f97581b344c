"""Mesurer un masque : exactitude par pixel, IoU moyenne, exactitude près des contours.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex18_segmentation

Le fond couvre les quatre cinquièmes des pixels : répondre « fond » partout donne déjà une bonne
exactitude, et une IoU très basse. C'est l'IoU qui juge ; elle se lit dans une matrice de confusion
cumulée sur toutes les scènes.
"""

from collections.abc import Callable

import numpy as np

from convnets.core.intervals import by_image
from convnets.training.lesson import confusion_matrix

NUM_CLASSES = 11  # le fond et dix vêtements
VOID = 11  # un pixel que personne n'a nommé n'est ni appris, ni jugé ; les scènes n'en ont pas
CONTOUR_PX = 2  # « près d'un contour » : une autre classe à deux pixels au plus


def iou(matrix: np.ndarray) -> np.ndarray:
    """Calcule l'intersection sur l'union de chaque classe.

    Args:
        matrix: matrice de confusion `(classes, classes)`, lignes : vérité, colonnes : réponse.

    Returns:
        `(classes,)` float64 dans [0, 1] ; NaN pour une classe ni vraie ni répondue.

    Source : S3 « Different problems, models & metrics », « Intersection over Union ».
    """
    common = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - common
    return np.divide(common, union, out=np.full(len(matrix), np.nan), where=union > 0)


def near_contour(masks: np.ndarray, *, distance_px: int = CONTOUR_PX) -> np.ndarray:
    """Trouve les pixels proches d'une frontière entre deux classes.

    Args:
        masks: classes `(n, h, w)`, entiers.
        distance_px: demi-côté du carré regardé autour de chaque pixel.

    Returns:
        Booléens `(n, h, w)` : vrai si le carré contient une autre classe que celle du pixel.
    """
    from scipy import ndimage

    size = (1, 2 * distance_px + 1, 2 * distance_px + 1)
    highest = ndimage.maximum_filter(masks, size, mode="nearest")
    return highest != ndimage.minimum_filter(masks, size, mode="nearest")


def measure(masks: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Mesure des masques prédits, toutes scènes confondues.

    Args:
        masks: vérité `(n, h, w)`, entiers de 0 (fond) à 10.
        predicted: réponse, même forme.

    Returns:
        Cinq parts de [0, 1] : `accuracy`, tous pixels ; `contour_accuracy`, pixels proches d'un
        contour ; `mean_iou`, moyenne des onze IoU ; `object_mean_iou`, la même sans le fond ;
        `object_iou`, les dix vêtements pris pour une seule classe. Une classe absente de la vérité
        et de la réponse ne compte pas.

    Raises:
        ValueError: formes différentes.
    """
    if masks.shape != predicted.shape:
        raise ValueError(f"Masques {masks.shape} et {predicted.shape} : même forme attendue.")
    matrix = confusion_matrix(masks, predicted, NUM_CLASSES)
    ious, near = iou(matrix), near_contour(masks)
    return {
        "accuracy": float(np.trace(matrix) / matrix.sum()),
        "contour_accuracy": float(np.mean((masks == predicted)[near])),
        "mean_iou": float(np.nanmean(ious)),
        "object_mean_iou": float(np.nanmean(ious[1:])),
        "object_iou": float(iou(confusion_matrix(masks > 0, predicted > 0, 2))[1]),
    }


def matrices(masks: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compte les pixels de chaque classe vraie par classe répondue, image par image.

    Args:
        masks: vérité `(n, h, w)` ; un pixel VOID ne compte pas.
        predicted: réponse, même forme, de 0 à 10.

    Returns:
        `(n, 11, 11)` entiers.
    """
    known = zip(masks, predicted, masks != VOID, strict=True)
    pairs = [(mask[kept], answer[kept]) for mask, answer, kept in known]
    return np.stack([confusion_matrix(*pair, NUM_CLASSES) for pair in pairs])


def iou_each(masks: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Rend l'IoU moyenne de chaque image, prise seule : `(n,)` dans [0, 1].

    La moyenne est celle des classes vraies ou répondues dans cette image : une classe que le réseau
    y invente vaut 0. La moyenne des images n'est pas `mean_iou`, qui compte d'abord les pixels de
    toutes ; mais chaque image y a sa part, et deux réponses s'y comparent image par image.

    Args:
        masks: voir `matrices`.
        predicted: de même.
    """
    return np.array([np.nanmean(iou(matrix)) for matrix in matrices(masks, predicted)])


def measure_answers(
    masks: np.ndarray, answers: dict[str, np.ndarray], measure: Callable, *, unit: str
) -> tuple[dict[str, float], dict[str, list]]:
    """Mesure plusieurs réponses aux mêmes images, ensemble, puis image par image.

    Args:
        masks: vérité `(n, h, w)`.
        answers: par nom, une réponse de même forme.
        measure: `measure(masques, réponse)` rend des mesures de toutes les images.
        unit: ce qu'est une image, `"scene"` ou `"street"`, dans le nom de sa moyenne.

    Returns:
        Les mesures, comme `unet_mean_iou`, et `unet_scene_iou`, la moyenne de `iou_each` ; puis,
        par réponse, l'IoU de chaque image.
    """
    measured = {
        f"{name}_{key}": value
        for name, answer in answers.items()
        for key, value in measure(masks, answer).items()
    }
    means, pooled = by_image({name: iou_each(masks, each) for name, each in answers.items()})
    return measured | {f"{name}_{unit}_iou": mean for name, mean in means.items()}, pooled
