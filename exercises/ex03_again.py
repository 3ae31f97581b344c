"""Réapprendre : un réseau déjà appris devient son propre maître, puis repart de ses poids.

D'après : Jour 04, exercice 3.
Commande : python -m exercises.ex03_again
Résultat mesuré : models/ex03_cifar10.json, repris dans le tableau du README.

Un thème de l'exercice 03, dont l'entrée est `ex03_cifar10`.

Le grand réseau livré répond, une fois, à des copies déformées du jeu, puis repart de ses poids et
apprend ces réponses, à petits pas, sur des images plus difficiles encore (`ex03_lessons`). Les
poids livrés sont quelque part entre le départ et l'arrivée, là où les images de validation sont
le mieux prédites.

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

from convnets.core.cli import run, training_parser
from convnets.training import averaging, study
from convnets.training.optimizers import fix_norm, is_kernel
from exercises import ex03_cifar10, ex03_lessons, ex03_teachers

EPOCHS = 9
COPIES = 2
PEAK = 0.1  # taux d'apprentissage maximal, en part de celui du premier apprentissage
# Parts possibles de l'arrivée dans les poids livrés ; 0 est le départ, et dit s'il y a gain.
ARRIVALS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0)


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Réentraîne le réseau livré ; rend le modèle en float32 et ses courbes.

    Ces courbes sont celles de l'élève, pas de la moyenne livrée.
    """
    recipe = ex03_cifar10.RECIPES[ex03_teachers.RECIPE]
    build = partial(ex03_cifar10.build_model, recipe)
    network = study.build(build, seed=seed, precision=options.precision)
    teachers = ex03_teachers.load_teachers(options)
    network.set_weights(teachers[0].get_weights())
    for kernel in filter(is_kernel, network.trainable_variables):
        kernel.assign(fix_norm(kernel))  # la normalisation qui suit n'y voit pas de différence
    before = network.get_weights()
    restarts = count_restarts(ex03_teachers.describe_teachers(options, "start")["start"])
    history = ex03_lessons.learn(
        network,
        teachers,
        (x_train, y_train),
        (x_val, y_val),
        name="again",
        peak=PEAK,
        copies=COPIES,
        first=COPIES * restarts,
        seed=seed,
        options=options,
    )
    batch_size = options.batch_size or recipe.batch_size
    few = study.random_crop(
        x_train[: 8 * batch_size], pad=recipe.translate_px, rng=np.random.default_rng(0)
    )
    options.arrivals.append(
        averaging.stop_between(
            before, network, ARRIVALS, images=few, validation=(x_val, y_val), batch_size=batch_size
        )
    )
    return study.to_ship(network, build()), history


def count_restarts(start: dict) -> int:
    """Compte les fois où un départ a lui-même réappris à partir d'un autre.

    Args:
        start: voir `ex03_teachers.describe_teachers`.
    """
    return 1 + count_restarts(start["start"]) if "start" in start else 0


def main(argv: list[str] | None = None) -> int:
    """Réentraîne le grand réseau livré, et le remplace s'il fait mieux en validation."""
    parser = training_parser("ex03_again", __doc__.splitlines()[0], epochs=EPOCHS, seeds=1)
    ex03_teachers.add_partner(parser)
    options = parser.parse_args(argv)
    ex03_teachers.name_command(options, "ex03_again")

    options.arrivals = []  # une par graine

    def describe() -> dict:
        teachers = ex03_teachers.describe_teachers(options, "start")
        return {"arrivals": options.arrivals, **teachers}

    return run(lambda: ex03_lessons.measure(options, train, describe=describe))


if __name__ == "__main__":
    raise SystemExit(main())
