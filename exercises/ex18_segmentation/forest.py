"""Segmenter sans convolution apprise : quelques filtres fixes, et une forêt qui lit chaque pixel.

D'après : S3 « Different problems, models & metrics » (segmentation).
Commande : python -m recipes.witnesses ex18_segmentation.forest

C'est ce qu'un praticien essaie avant un réseau (Shotton et al., « TextonBoost », 2006 ; le logiciel
ilastik, 2019). Un pixel est décrit par sa place, par sa couleur et celle de ses environs, et par
ses contours, à quelques échelles. Des arbres de décision, appris de pixels tirés au hasard, le
nomment seul : un pixel ne sait rien de la réponse de son voisin.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from sklearn.ensemble import ExtraTreesClassifier

from convnets.datasets.scenes import Scenes, make_sets
from convnets.datasets.streets import Streets, load_streets
from exercises.ex18_segmentation import streets
from exercises.ex18_segmentation.__main__ import NUM_OBJECTS, NUM_SCENES
from exercises.ex18_segmentation.measures import VOID, measure

WITNESS_SEEDS = range(5)
COLOUR_PX = (0, 1, 2, 4, 8)  # écarts-types des flous
CONTOUR_PX = (1, 2, 4)
NUM_TREES = 30
LEAST_PIXELS = 5  # d'une feuille
NUM_PIXELS = 200_000  # tirés des images apprises
WEIGHTS = (None, "balanced")  # des classes ; la validation choisit


# --- Question : que voit un pixel autour de lui ? -------------------------------------


def describe(image: np.ndarray) -> np.ndarray:
    """Décrit chaque pixel d'une image par 23 nombres.

    Args:
        image: uint8 `(h, w, 3)`.

    Returns:
        float32 `(h, w, 23)` : la couleur à cinq échelles ; la force du contour et le laplacien, à
        trois ; la ligne et la colonne, de 0 à 1.
    """
    colours = image.astype(np.float32)
    grey = colours.mean(axis=-1)
    found = [ndimage.gaussian_filter(colours, (px, px, 0)) for px in COLOUR_PX]
    for px in CONTOUR_PX:
        found.append(ndimage.gaussian_gradient_magnitude(grey, px)[..., None])
        found.append(ndimage.gaussian_laplace(grey, px)[..., None])
    places = np.indices(grey.shape, np.float32)
    found.append(np.moveaxis(places, 0, -1) / np.array(grey.shape, np.float32))
    return np.concatenate(found, axis=-1)


# --- Question : que vaut une forêt ? --------------------------------------------------


def draw_pixels(learned: Scenes | Streets, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tire des pixels au hasard, autant par image ; un pixel VOID n'est pas tiré.

    Args:
        learned: les images apprises, et leurs masques.
        seed: graine du tirage.

    Returns:
        Ce que `describe` dit d'eux, float32 `(n, 23)`, et leurs classes, `(n,)`.
    """
    rng = np.random.default_rng(seed)
    per_image = NUM_PIXELS // len(learned.images)
    pixels, classes = [], []
    for image, mask in zip(learned.images, learned.masks, strict=True):
        known = np.flatnonzero(mask != VOID)
        drawn = rng.choice(known, min(per_image, len(known)), replace=False)
        pixels.append(describe(image).reshape(mask.size, -1)[drawn])
        classes.append(mask.ravel()[drawn])
    return np.concatenate(pixels), np.concatenate(classes)


def learn(
    pixels: np.ndarray, classes: np.ndarray, weights: str | None, *, seed: int
) -> ExtraTreesClassifier:
    """Apprend la forêt des pixels de `draw_pixels`.

    Args:
        pixels: `(n, 23)`.
        classes: `(n,)`.
        weights: `"balanced"` : une classe rare pèse autant qu'une autre ; None : un pixel en vaut
            un autre.
        seed: graine des arbres.
    """
    forest = ExtraTreesClassifier(
        NUM_TREES, min_samples_leaf=LEAST_PIXELS, class_weight=weights, random_state=seed, n_jobs=-1
    )
    return forest.fit(pixels, classes)


def predict_masks(forest: ExtraTreesClassifier, images: np.ndarray) -> np.ndarray:
    """Rend la classe que la forêt donne à chaque pixel : uint8 `(n, h, w)`."""
    described = (describe(image) for image in images)
    answers = [forest.predict(each.reshape(-1, each.shape[-1])) for each in described]
    return np.reshape(answers, images.shape[:3]).astype(np.uint8)


def choose(
    learned: Scenes | Streets, val: Scenes | Streets, score: Callable, *, seed: int
) -> ExtraTreesClassifier:
    """Apprend une forêt par réglage de `WEIGHTS` ; rend celle que la validation préfère.

    Args:
        learned: images apprises.
        val: images qui choisissent.
        score: `score(masques, réponses)` rend des mesures, dont `mean_iou`.
        seed: graine du tirage des pixels et des arbres.
    """
    pixels, classes = draw_pixels(learned, seed=seed)
    forests = [learn(pixels, classes, weights, seed=seed) for weights in WEIGHTS]
    return max(
        forests, key=lambda each: score(val.masks, predict_masks(each, val.images))["mean_iou"]
    )


def witnesses(seed: int) -> dict[str, float]:
    """Mesure la forêt sur les scènes composées de la leçon, puis sur ses rues.

    Args:
        seed: voir `choose`.

    Returns:
        Scènes : les mesures de `measures.measure`. Rues : celles de `streets.score`, précédées de
        `streets_`.
    """
    scenes = make_sets(NUM_SCENES, num_objects=NUM_OBJECTS, limit=None)
    forest = choose(scenes["train"], scenes["val"], measure, seed=seed)
    found = measure(scenes["test"].masks, predict_masks(forest, scenes["test"].images))

    photographs = load_streets()
    test = photographs["test"]
    forest = choose(photographs["train"], photographs["val"], streets.score, seed=seed)
    answers = streets.whole_size(predict_masks(forest, test.images))
    named = streets.score(test.whole, answers)
    return found | {f"streets_{name}": value for name, value in named.items()}
