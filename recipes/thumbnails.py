"""CIFAR-10 : le réseau des vignettes, que `./predict` emploie.

Commande : python -m recipes.thumbnails
Résultat : pas encore menée à son terme. Le modèle livré (95,87 %) vient d'une autre suite de
commandes, que raconte docs/records.md.

Étapes, par graine, qui sont aussi celles de `recipes.thumbnails_light` :

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

from collections.abc import Callable
from functools import partial

import keras
import numpy as np

from convnets.core.cli import natural_int
from convnets.datasets import sources
from convnets.training.augmentation import alternate_mirror, cutout, random_crop, relight, rescale
from recipes import network
from recipes.training import averaging, distillation, distribution, runner, views
from recipes.training.optimizers import Muon, fix_norm, is_kernel, triangular
from recipes.training.stages import Stages, join

SLUG = "thumbnails"
WIDTHS, DEPTH = (128, 384, 512), 3
EPOCHS, BATCH_SIZE, NUM_VAL = 24, 512, 2000
PEAK_RATE, WEIGHT_DECAY = 1.146e-3, 8.89e-3  # taux d'apprentissage maximal, par image du lot
KERNEL_FACTOR = 0.08  # le pas d'un noyau dans la première étape, voir `Muon`
LABEL_SMOOTHING, TRANSLATE_PX, CUTOUT_PX = 0.2, 4, 12
ROUNDS, ROUND_EPOCHS, COPIES = 2, 8, 2
ROUND_PEAK, ROUND_CUTOUT_PX = 0.1, 6  # le taux, en part de PEAK_RATE
ARRIVALS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0)  # parts de l'arrivée ; 0 : rien de gagné
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # de CIFAR-10, dans [0, 1]


def build_model(widths=None, depth: int | None = None, *, name: str = SLUG) -> keras.Model:
    """Construit le réseau : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32."""
    return network.build(widths or WIDTHS, depth or DEPTH, name=name, mean=MEAN, std=STD)


def augment(images, *, indices, epoch, rng, cutout_px: int = CUTOUT_PX):
    """Translate, retourne une image sur deux, l'autre moitié l'époque suivante, efface un carré."""
    images = random_crop(images, pad=TRANSLATE_PX, rng=rng)
    return cutout(alternate_mirror(images, indices, epoch), cutout_px, rng=rng)


def harden(images, *, indices, epoch, rng, copies: int):
    """Retourne une image sur deux, change taille et éclairage d'autres, efface un carré de toutes.

    Quand une copie revient, `copies` époques plus tard, c'est l'autre moitié qui est retournée.
    """
    images = alternate_mirror(images, indices, epoch // copies)
    return cutout(relight(rescale(images, rng=rng), rng=rng), ROUND_CUTOUT_PX, rng=rng)


def learn(
    build: Callable[[], keras.Model],
    train,
    val,
    *,
    seed: int,
    options,
    stages: Stages,
    peak_rate: float = PEAK_RATE,
    cutout_px: int = CUTOUT_PX,
) -> tuple[keras.Model, dict]:
    """Apprend un réseau par toutes les étapes.

    Args:
        build: construit le réseau, voir `network.build`.
        train: images et classes d'entraînement.
        val: celles de validation.
        seed: graine.
        options: celles de la recette.
        stages: ses étapes.
        peak_rate: taux d'apprentissage maximal, par image du lot.
        cutout_px: côté du carré effacé pendant la première étape.

    Returns:
        Le réseau, dans le format de l'entraînement, et ses courbes, étapes bout à bout.
    """
    model = runner.build(build, seed=seed, precision=options.precision)
    network.whiten(model, train[0])
    batch_size = options.batch_size or BATCH_SIZE
    peak, muon = peak_rate * batch_size, {"weight_decay": WEIGHT_DECAY}
    muon |= {"kernel_dtype": model.compute_dtype}
    common = {"stages": stages, "seed": seed, "batch_size": batch_size}
    common |= {"smoothing": LABEL_SMOOTHING}
    history = distillation.learn_labels(
        model,
        train,
        val,
        name="labels",
        epochs=options.epochs,
        optimizer=triangular(Muon, peak, kernel_factor=KERNEL_FACTOR, **muon),
        augment=partial(augment, cutout_px=cutout_px),
        **common,
    )
    histories = [history]
    few, rng = train[0][: 8 * batch_size], np.random.default_rng(0)
    few = random_crop(few, pad=TRANSLATE_PX, rng=rng)
    epochs = min(ROUND_EPOCHS, options.epochs)  # un essai court abrège aussi les dernières étapes
    for number in range(options.rounds):
        for kernel in filter(is_kernel, model.trainable_variables):
            kernel.assign(fix_norm(kernel))  # la normalisation qui suit n'y voit pas de différence
        before = model.get_weights()
        history = distillation.learn_answers(
            model,
            model,
            train,
            val,
            name=f"round{number + 1}",
            epochs=epochs,
            optimizer=triangular(Muon, ROUND_PEAK * peak, **muon),
            augment=partial(harden, copies=min(COPIES, epochs)),
            translate_px=TRANSLATE_PX,
            copies=COPIES,
            first=COPIES * number,
            **common,
        )
        histories.append(history)
        alone = distribution.local_copy(model)
        with distribution.alone():
            stages.done[-1]["arrival"] = averaging.stop_between(
                before, alone, ARRIVALS, images=few, validation=val, batch_size=batch_size
            )
        model.set_weights(alone.get_weights())
    return model, join(histories)


def launch(argv, name: str, doc: str, *, epochs: int, train) -> int:
    """Refait un réseau de CIFAR-10, deux graines l'une après l'autre.

    Args:
        argv: ce qui suit la commande.
        name: nom de la recette.
        doc: documentation de la recette.
        epochs: époques de la première étape.
        train: voir `runner.Recipe`.

    Returns:
        Le code de sortie.
    """
    parser = runner.make_parser(name, doc, epochs=epochs, seeds=2)
    parser.add_argument(
        "--rounds",
        type=natural_int,
        default=ROUNDS,
        metavar="N",
        help=f"réapprendre N fois ses propres réponses ({ROUNDS} par défaut)",
    )
    options = parser.parse_args(argv)
    if options.rounds != ROUNDS:
        options.command = f"{name} --rounds {options.rounds}"
    return runner.launch(options, partial(make_recipe, train))


def make_recipe(train: Callable) -> runner.Recipe:
    """Rend la recette d'un réseau de CIFAR-10."""
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


def train(x_train, y_train, x_val, y_val, *, build=build_model, **settings):
    """Apprend un réseau, voir `learn` ; rend celui qu'on livre, en float32, et ses courbes."""
    model, history = learn(build, (x_train, y_train), (x_val, y_val), **settings)
    return runner.to_ship(model, build()), history


def main(argv: list[str] | None = None) -> int:
    """Refait `thumbnails`, une graine après l'autre."""
    return launch(argv, SLUG, __doc__, epochs=EPOCHS, train=train)


if __name__ == "__main__":
    raise SystemExit(main())
