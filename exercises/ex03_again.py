"""Réapprendre : un réseau déjà appris devient son propre maître, puis repart de ses poids.

D'après : Jour 04, exercice 3.
Commande : python -m exercises.ex03_again
Résultat mesuré : models/ex03_cifar10.json, repris dans le tableau du README.

Un thème de l'exercice 03, dont l'entrée est `ex03_cifar10`.

Le grand réseau livré répond, une fois, à des copies déformées du jeu, une image sur deux mêlée à
une autre (`exercises/common/lessons.py`) : là, il hésite, et ses hésitations enseignent plus que
les étiquettes qu'il sait par cœur. Puis il repart de ses poids et apprend ces réponses, à petits
pas. Ce que l'élève voit est plus difficile que ce que le maître a vu : un carré en est effacé, et
l'objet y est parfois plus petit, plus grand ou décentré, comme dans les photos que l'on apporte à
`./predict`. Les poids livrés sont quelque part entre le départ et l'arrivée, là où les images de
validation sont le mieux prédites.

On peut recommencer : le réseau livré repart alors de ce qu'il est devenu, et son compte rendu dit
toute la suite (`start`). Il voit à chaque fois d'autres copies, et d'autres lots.

La mesure est celle d'un réseau parti d'un autre : deux graines d'ici partagent leur départ.

Source : Furlanello et al., « Born-Again Neural Networks », arXiv 1805.04770, 2018 (un réseau élève
de lui-même) ; Izmailov et al., arXiv 1803.05407, 2018 (moyenner les poids) ; Jordan et al.,
« Muon », 2024 (la descente). Repartir des poids du maître est notre choix.
"""

from functools import partial

import keras
import numpy as np
from PIL import Image

from exercises import ex03_cifar10
from exercises.common import averaging, data, distillation, lessons, storage, training
from exercises.common.augmentation import alternate_mirror, cutout
from exercises.common.cli import run, training_parser
from exercises.common.figures import save_training_figures
from exercises.common.optimizers import Lookahead, Muon, Triangle, fix_norm, is_kernel
from exercises.ex03_views import VIEW_WEIGHTS, VIEWS, evaluate

RECIPE = "large"
EPOCHS = 9
COPIES = 2
PEAK = 0.1  # taux d'apprentissage maximal, en part de celui du premier apprentissage
CUTOUT_PX = 6  # côté du carré effacé
ARRIVALS = (0.25, 0.5, 0.75, 1.0)  # parts possibles de l'arrivée dans les poids livrés
SCALED = 0.25  # part des images agrandies ou rapetissées
LOG_SCALE = (-0.5, 0.35)  # logarithme du facteur : de 0,61 à 1,42
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


def augment(images: np.ndarray, *, indices, epoch, rng) -> np.ndarray:
    """Retourne une image sur deux, change la taille de quelques-unes, efface un carré de toutes.

    Quand une copie revient, `COPIES` époques plus tard, c'est l'autre moitié qui est retournée.
    """
    images = alternate_mirror(images, indices, epoch // COPIES)
    return cutout(rescale(images, rng=rng), CUTOUT_PX, rng=rng)


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Réentraîne le réseau livré ; rend le modèle en float32 et ses courbes.

    Ces courbes sont celles de l'élève, pas de la moyenne livrée.
    """
    recipe = ex03_cifar10.RECIPES[RECIPE]
    build = partial(ex03_cifar10.build_model, recipe)
    network = training.build(build, seed=seed, precision=options.precision)
    start = distillation.load_teacher(
        recipe.slug, precision=options.precision, models_dir=options.models_dir
    )
    network.set_weights(start.get_weights())
    for kernel in filter(is_kernel, network.trainable_variables):
        kernel.assign(fix_norm(kernel))  # la normalisation qui suit n'y voit pas de différence
    before, restarts = network.get_weights(), count_restarts(describe_start(options))
    first = COPIES * restarts
    batch_size = options.batch_size or recipe.batch_size
    labels, val = keras.utils.to_categorical(y_train, 10), keras.utils.to_categorical(y_val, 10)
    smoothing = ex03_cifar10.LABEL_SMOOTHING
    labels = labels * (1 - smoothing) + smoothing / 10
    answers = lessons.answers(
        start, x_train, labels, copies=min(COPIES, options.epochs), first=first,
        translate_px=recipe.translate_px,
    )  # fmt: skip
    batches = lessons.Lessons(
        x_train, labels, answers, translate_px=recipe.translate_px, batch_size=batch_size,
        seed=seed + 100 * restarts, augment=augment, first=first,
    )  # fmt: skip
    steps = options.epochs * len(batches)
    network.compile(
        Muon(
            Triangle(PEAK * recipe.peak_rate * batch_size, steps), momentum=0.85, nesterov=True,
            weight_decay=recipe.weight_decay, kernel_dtype=network.compute_dtype,
        ),
        loss=keras.losses.CategoricalCrossentropy(), metrics=["accuracy"],
        jit_compile=training.JIT_COMPILE,
    )  # fmt: skip
    # Nommé d'après les poids de départ : on n'y reprend pas à partir d'autres.
    name = f"again-{lessons.fingerprint(start)[:8]}"
    history = training.fit(
        network, batches, epochs=options.epochs, resume=options.resume,
        checkpoint=storage.checkpoint_path(options, seed, network=name),
        callbacks=[Lookahead(steps)],
        validation_data=(x_val, val), validation_batch_size=500,
    )  # fmt: skip
    few = training.random_crop(
        x_train[: 8 * batch_size], pad=recipe.translate_px, rng=np.random.default_rng(0)
    )
    options.arrivals.append(averaging.stop_between(
        before, network, ARRIVALS, images=few, validation=(x_val, y_val), batch_size=batch_size
    ))  # fmt: skip
    return training.to_ship(network, build()), history


def describe_start(options) -> dict:
    """Rend ce que le compte rendu dit du modèle de départ : sa commande, ses mesures, son fichier.

    Args:
        options: celles de l'exercice.

    Returns:
        `{"command", "shipped", "duration_s", "sha256"}`, et `"start"`, de même forme, si ce modèle
        était lui-même parti d'un autre.
    """
    slug = ex03_cifar10.RECIPES[RECIPE].slug
    report = storage.read_sidecar(slug, models_dir=distillation.folder_of(slug, options.models_dir))
    return {
        "command": report["command"],
        "shipped": report["shipped"],
        "duration_s": report["duration_s"]["mean"],
        "sha256": report["files"][f"{slug}.keras"],
        **({"start": report["start"]} if "start" in report else {}),
    }


def count_restarts(start: dict) -> int:
    """Compte les fois où un départ a lui-même réappris à partir d'un autre.

    Args:
        start: voir `describe_start`.
    """
    return 1 + count_restarts(start["start"]) if "start" in start else 0


def main(argv: list[str] | None = None) -> int:
    """Réentraîne le grand réseau livré, et le remplace s'il fait mieux en validation."""
    parser = training_parser("ex03_again", __doc__.splitlines()[0], epochs=EPOCHS, seeds=1)
    options = parser.parse_args(argv)
    options.module, options.command = ex03_cifar10.RECIPES[RECIPE].slug, "ex03_again"

    options.arrivals = []  # une par graine

    def describe(runs) -> dict:
        return {
            "views": VIEWS, "num_views": len(VIEW_WEIGHTS), "arrivals": options.arrivals,
            "start": describe_start(options), "targets": "réponses du maître",
        }  # fmt: skip

    return run(lambda: training.run_seeds(
        options, dataset=data.load_cifar10(), num_val=ex03_cifar10.NUM_VAL, train=train,
        evaluate=evaluate, classes=data.CIFAR10_CLASSES, classes_fr=data.CIFAR10_CLASSES_FR,
        on_saved=save_training_figures, describe=describe,
    ))  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
