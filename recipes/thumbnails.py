"""CIFAR-10 : le réseau des vignettes, que `./predict` emploie.

Commande : python -m recipes.thumbnails
Résultat mesuré : models/thumbnails.json, 94,45 % en une passe (94,23 et 94,67), 94,88 % en
moyennant six vues, deux graines ; docs/laboratoire/records.md raconte d'où l'on vient.

`--size large` apprend un réseau quatre fois plus grand, en sept minutes d'une carte H100 pour une
graine, par `KERAS_BACKEND=jax`.

Étapes, par graine :

1. le réseau apprend les étiquettes ;
2. deux fois, il répond à des copies déformées du jeu, une image sur deux mêlée à une autre, puis
   apprend ses propres réponses sur des images plus difficiles encore : un carré en est effacé,
   l'objet y est parfois plus petit, plus grand ou décentré, et l'éclairage autre. Les poids gardés
   sont quelque part entre le départ et l'arrivée, là où les images de validation sont le mieux
   prédites : l'exactitude mesurée sur elles est un peu flattée.

Source : Jordan, arXiv 2404.00498, 2024 (réseau, étiquettes) ; Furlanello et al., « Born-Again
Neural Networks », arXiv 1805.04770, 2018 (un réseau élève de lui-même) ; Izmailov et al.,
arXiv 1803.05407, 2018 (moyenner les poids) ; Jordan et al., « Muon », 2024. Repartir des poids du
maître est notre choix.
"""

from functools import partial
from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import natural_int
from convnets.datasets import sources
from convnets.training.augmentation import alternate_mirror, cutout, random_crop, relight, rescale
from recipes import network
from recipes.training import averaging, distillation, runner, views
from recipes.training.optimizers import Muon, fix_norm, is_kernel, triangular
from recipes.training.stages import Stages, join

SLUG = "thumbnails"


class Size(NamedTuple):
    """Ce qui change avec la machine : le réseau, et ce qu'il apprend."""

    widths: tuple[int, ...]  # filtres de chaque groupe
    depth: int  # convolutions par groupe
    peak_rate: float  # taux d'apprentissage maximal, par image du lot
    cutout_px: int  # côté du carré effacé, en apprenant les étiquettes
    epochs: int  # époques où il apprend les étiquettes
    rounds: int  # fois où il réapprend ses propres réponses
    round_epochs: int  # époques de chaque réapprentissage
    copies: int  # copies déformées du jeu, à chaque réapprentissage


SIZES = {
    "light": Size((64, 256, 304), 2, 1.465e-3, 6, 26, 2, 8, 2),  # une heure de deux cœurs
    "large": Size((128, 384, 512), 3, 1.146e-3, 12, 72, 4, 10, 5),  # minutes de carte graphique
}
BATCH_SIZE, NUM_VAL, WEIGHT_DECAY = 512, 2000, 8.89e-3
KERNEL_FACTOR = 0.08  # le pas d'un noyau dans la première étape, voir `Muon`
LABEL_SMOOTHING, TRANSLATE_PX = 0.2, 4
ROUND_PEAK, ROUND_CUTOUT_PX = 0.1, 6  # le taux d'un réapprentissage, en part de `peak_rate`
ARRIVALS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0)  # parts de l'arrivée ; 0 : rien de gagné
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # de CIFAR-10, dans [0, 1]


def build_model(size: str = "light") -> keras.Model:
    """Construit le réseau : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32."""
    widths, depth = SIZES[size][:2]
    return network.build(widths, depth, name=SLUG, mean=MEAN, std=STD)


def augment(images, *, indices, epoch, rng, cutout_px: int):
    """Translate, retourne une image sur deux, l'autre moitié l'époque suivante, efface un carré."""
    images = random_crop(images, pad=TRANSLATE_PX, rng=rng)
    return cutout(alternate_mirror(images, indices, epoch), cutout_px, rng=rng)


def harden(images, *, indices, epoch, rng, copies: int):
    """Retourne une image sur deux, change taille et éclairage d'autres, efface un carré de toutes.

    Quand une copie revient, `copies` époques plus tard, c'est l'autre moitié qui est retournée.
    """
    images = alternate_mirror(images, indices, epoch // copies)
    return cutout(relight(rescale(images, rng=rng), rng=rng), ROUND_CUTOUT_PX, rng=rng)


def train(learned, val, *, seed: int, options, stages: Stages):
    """Apprend un réseau par toutes les étapes.

    Args:
        learned: images d'entraînement, uint8 `(n, 32, 32, 3)`, et leurs classes.
        val: les mêmes, mises de côté.
        seed: graine.
        options: celles de la recette.
        stages: ses étapes.

    Returns:
        Le réseau que l'on livre, en float32, et ses courbes, étapes bout à bout.
    """
    size, build = SIZES[options.size], partial(build_model, options.size)
    model = runner.build(build, seed=seed, precision=options.precision)
    network.whiten(model, learned[0])
    batch_size = options.batch_size or BATCH_SIZE
    peak, muon = size.peak_rate * batch_size, {"weight_decay": WEIGHT_DECAY}
    muon |= {"kernel_dtype": model.compute_dtype}
    common = {"stages": stages, "seed": seed, "batch_size": batch_size}
    common |= {"smoothing": LABEL_SMOOTHING}
    history = distillation.learn_labels(
        model,
        learned,
        val,
        name="labels",
        epochs=options.epochs,
        optimizer=triangular(Muon, peak, kernel_factor=KERNEL_FACTOR, **muon),
        augment=partial(augment, cutout_px=size.cutout_px),
        **common,
    )
    histories = [history]
    few = random_crop(learned[0][: 8 * batch_size], pad=TRANSLATE_PX, rng=np.random.default_rng(0))
    epochs = min(size.round_epochs, options.epochs)  # un essai court abrège aussi ces étapes
    for number in range(options.rounds):
        for kernel in filter(is_kernel, model.trainable_variables):
            kernel.assign(fix_norm(kernel))  # la normalisation qui suit n'y voit pas de différence
        before = model.get_weights()
        history = distillation.learn_answers(
            model,
            model,
            learned,
            val,
            name=f"round{number + 1}",
            epochs=epochs,
            optimizer=triangular(Muon, ROUND_PEAK * peak, **muon),
            augment=partial(harden, copies=min(size.copies, epochs)),
            translate_px=TRANSLATE_PX,
            copies=size.copies,
            first=size.copies * number,
            **common,
        )
        histories.append(history)
        stages.done[-1]["arrival"] = averaging.stop_between(
            before, model, ARRIVALS, images=few, validation=val, batch_size=batch_size
        )
    return runner.to_ship(model, build()), join(histories)


def make_recipe() -> runner.Recipe:
    """Rend la recette : les données, l'apprentissage, la mesure."""
    return runner.Recipe(
        dataset=sources.load_cifar10(),
        num_val=NUM_VAL,
        train=train,
        evaluate=views.evaluate_thumbnails,
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        headline={
            "accuracy": "exactitude sur CIFAR-10, en une passe",
            "accuracy_tta": "la même, en moyennant six vues de chaque image",
        },
        report={"views": views.PHOTO_VIEWS, "num_views": len(views.VIEW_WEIGHTS)},
    )


def main(argv: list[str] | None = None) -> int:
    """Refait `thumbnails`, une graine après l'autre."""
    shown = ", ".join(f"{size.epochs} en --size {name}" for name, size in SIZES.items())
    parser = runner.make_parser(SLUG, __doc__, epochs=None, seeds=2, shown=shown)
    parser.add_argument(
        "--size",
        choices=SIZES,
        default="light",
        help="réseau léger, pour deux cœurs, ou grand, pour une carte graphique",
    )
    parser.add_argument(
        "--rounds", type=natural_int, metavar="N", help="réapprendre N fois ses propres réponses"
    )
    options = parser.parse_args(argv)
    size = SIZES[options.size]
    options.epochs = options.epochs or size.epochs
    options.command = f"{SLUG} --size {options.size}"
    if options.rounds is None:
        options.rounds = size.rounds
    else:
        options.command += f" --rounds {options.rounds}"
    return runner.launch(options, make_recipe)


if __name__ == "__main__":
    raise SystemExit(main())
