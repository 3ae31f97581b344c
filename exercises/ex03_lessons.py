"""Les leçons du grand réseau : ce qu'un élève voit, et comment il apprend les réponses du maître.

D'après : Jour 04, exercice 3.
Commande : python -m exercises.ex03_again

Un thème de l'exercice 03, dont l'entrée est `ex03_cifar10`.

Le maître répond, une fois, à des copies déformées du jeu, une image sur deux mêlée à une autre
(`convnets/training/lessons.py` dit comment, et d'où cela vient) : là, il hésite, et ses hésitations
enseignent plus que les étiquettes qu'il sait par cœur. Ce que l'élève voit est plus difficile que
ce que le maître a vu : un carré en est effacé, l'objet y est parfois plus petit, plus grand ou
décentré, et l'éclairage autre, comme dans les photos que l'on apporte à `./predict`.

Source : Jordan et al., « Muon », 2024 (la descente).
"""

from collections.abc import Callable, Sequence
from functools import partial

import keras
import numpy as np
from PIL import Image

from convnets.core import paths
from convnets.datasets import sources
from convnets.figures.style import save_training_figures
from convnets.training import lessons, study
from convnets.training.augmentation import alternate_mirror, cutout
from convnets.training.optimizers import Lookahead, Muon, Triangle
from exercises import ex03_cifar10
from exercises.ex03_teachers import RECIPE, share
from exercises.ex03_views import VIEW_WEIGHTS, VIEWS, evaluate

CUTOUT_PX = 6  # côté du carré effacé
SCALED = 0.25  # part des images agrandies ou rapetissées
LOG_SCALE = (-0.5, 0.35)  # logarithme du facteur : de 0,61 à 1,42
RELIT = 0.25  # part des images dont l'éclairage change
LOG_CONTRAST, BRIGHTNESS, SATURATION = 0.4, 25.0, (0.3, 1.4)  # ± log, ± niveaux sur 255, facteurs
BLUR_PX = 4  # le fond d'un objet rapetissé est une autre image, réduite à ce côté


def rescale(images: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Change la taille de l'objet de quelques images, et le déplace.

    Args:
        images: uint8 `(n, h, h, 3)`, modifiées sur place.
        rng: générateur aléatoire.

    Returns:
        Les images. Une sur quatre (`SCALED`) est agrandie, et ses bords sont perdus, ou
        rapetissée, et posée n'importe où sur le fond flou d'une autre.
    """
    side_px = images.shape[1]
    for number in np.flatnonzero(rng.random(len(images)) < SCALED):
        image, factor = Image.fromarray(images[number]), np.exp(rng.uniform(*LOG_SCALE))
        if factor >= 1:
            left, top = rng.uniform(0, side_px - side_px / factor, 2)
            box = (left, top, left + side_px / factor, top + side_px / factor)
            images[number] = image.resize((side_px, side_px), Image.Resampling.BICUBIC, box=box)
            continue
        small_px = round(side_px * factor)
        other = Image.fromarray(images[rng.integers(len(images))])
        blurred = other.resize((BLUR_PX, BLUR_PX), Image.Resampling.BOX)
        canvas = blurred.resize((side_px, side_px), Image.Resampling.BICUBIC)
        place = tuple(int(start) for start in rng.integers(0, side_px - small_px + 1, 2))
        canvas.paste(image.resize((small_px, small_px), Image.Resampling.BICUBIC), place)
        images[number] = canvas
    return images


def relight(images: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Change le contraste, la luminosité et la saturation de quelques images.

    Args:
        images: uint8 `(n, h, w, 3)`, modifiées sur place.
        rng: générateur aléatoire.

    Returns:
        Les images. Une sur quatre (`RELIT`) s'écarte plus ou moins de sa moyenne, est éclaircie ou
        assombrie, et ses couleurs sont rapprochées ou éloignées du gris.

    Source : Howard, arXiv 1312.5402, 2013 (changer au hasard contraste, luminosité, couleurs).
    """
    chosen = np.flatnonzero(rng.random(len(images)) < RELIT)
    few, shape = images[chosen].astype(np.float32), (len(chosen), 1, 1, 1)
    grey = few.mean(axis=-1, keepdims=True)
    few = grey + rng.uniform(*SATURATION, shape).astype(np.float32) * (few - grey)
    mean = grey.mean(axis=(1, 2), keepdims=True)
    contrast = np.exp(rng.uniform(-LOG_CONTRAST, LOG_CONTRAST, shape)).astype(np.float32)
    few = mean + contrast * (few - mean) + rng.uniform(-BRIGHTNESS, BRIGHTNESS, shape)
    images[chosen] = np.clip(np.rint(few), 0, 255).astype(np.uint8)
    return images


def augment(images: np.ndarray, *, indices, epoch, rng, copies: int) -> np.ndarray:
    """Retourne une image sur deux, change taille et éclairage d'autres, efface un carré de toutes.

    Quand une copie revient, `copies` époques plus tard, c'est l'autre moitié qui est retournée.
    """
    images = alternate_mirror(images, indices, epoch // copies)
    return cutout(relight(rescale(images, rng=rng), rng=rng), CUTOUT_PX, rng=rng)


def learn(
    network: keras.Model,
    teachers: Sequence[keras.Model],
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    *,
    name: str,
    peak: float,
    copies: int,
    first: int = 0,
    seed: int,
    options,
) -> dict:
    """Apprend à un réseau ce que répondent ses maîtres, en moyenne (`ex03_teachers.share`).

    Args:
        network: élève, modifié sur place.
        teachers: un maître ou plusieurs ; l'un peut avoir les poids de l'élève, jamais être lui.
        train: images uint8 `(n, 32, 32, 3)` et classes, que l'élève apprend.
        val: les mêmes, mises de côté.
        name: de l'entraînement, pour son point de reprise.
        peak: taux d'apprentissage maximal, en part de celui de la recette.
        copies: nombre de copies du jeu ; un essai de quelques époques se contente d'autant.
        first: numéro de la première copie, voir `lessons.deform` ; il change aussi les lots.
        seed: graine de l'entraînement.
        options: celles de l'exercice.

    Returns:
        Les courbes de l'élève.
    """
    (x_train, y_train), (x_val, y_val), recipe = train, val, ex03_cifar10.RECIPES[RECIPE]
    copies, batch_size = min(copies, options.epochs), options.batch_size or recipe.batch_size
    smoothing = ex03_cifar10.LABEL_SMOOTHING
    labels = keras.utils.to_categorical(y_train, 10) * (1 - smoothing) + smoothing / 10
    answers = [
        lessons.answers(
            teacher, x_train, labels, copies=copies, first=first, translate_px=recipe.translate_px
        )
        for teacher in teachers
    ]
    batches = lessons.Lessons(
        x_train,
        labels,
        np.average(answers, axis=0, weights=share(teachers)),
        translate_px=recipe.translate_px,
        batch_size=batch_size,
        seed=seed + 50 * first,
        augment=partial(augment, copies=copies),
        first=first,
    )
    steps = options.epochs * len(batches)
    network.compile(
        Muon(
            Triangle(peak * recipe.peak_rate * batch_size, steps),
            momentum=0.85,
            nesterov=True,
            weight_decay=recipe.weight_decay,
            kernel_dtype=network.compute_dtype,
        ),
        loss=keras.losses.CategoricalCrossentropy(),
        metrics=["accuracy"],
        jit_compile=study.JIT_COMPILE,
    )
    # Nommé d'après les poids des maîtres : on n'y reprend pas les leçons d'autres.
    name = f"{name}-{lessons.fingerprint(*teachers)[:8]}"
    return study.fit(
        network,
        batches,
        epochs=options.epochs,
        resume=options.resume,
        checkpoint=paths.checkpoint_path(options, seed, network=name),
        callbacks=[Lookahead(steps)],
        validation_batch_size=500,
        validation_data=(x_val, keras.utils.to_categorical(y_val, 10)),
    )


def measure(options, train: Callable, *, describe: Callable[[], dict]) -> int:
    """Entraîne et mesure des élèves sur CIFAR-10 ; voir `training.run_seeds`.

    Args:
        options: celles de l'exercice.
        train: entraîne un élève, une graine.
        describe: rend, à la fin, ce que le compte rendu dit d'où vient l'élève.

    Returns:
        0, le code de sortie.
    """
    return study.run_seeds(
        options,
        dataset=sources.load_cifar10(),
        num_val=ex03_cifar10.NUM_VAL,
        train=train,
        evaluate=evaluate,
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        on_saved=save_training_figures,
        describe=lambda runs: {
            "views": VIEWS,
            "num_views": len(VIEW_WEIGHTS),
            "targets": lessons.TARGETS,
            **describe(),
        },
    )
