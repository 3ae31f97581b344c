"""Un jumeau : un réseau neuf, de même forme que le grand réseau livré, apprend ses réponses.

D'après : Jour 04, exercice 3.
Commande : python -m exercises.ex03_twin
Résultat mesuré : models/ex03_cifar10.json s'il fait mieux que son maître en validation.

Un thème de l'exercice 03, dont l'entrée est `ex03_cifar10`.

`ex03_again` repart des poids du maître, et lui ressemble donc. Le jumeau part de poids tirés au
hasard : il n'hérite du maître que ses réponses à des images déformées (`ex03_lessons`), qui en
disent plus que les étiquettes. Les erreurs de l'un ne sont pas toutes celles de l'autre, et
l'écart entre deux jumeaux est celui que le hasard des graines donne à la recette. Il apprend en
dix-huit époques, sous Muon ; son maître en a eu quarante, sans, avant de réapprendre.

Source : Furlanello et al., « Born-Again Neural Networks », arXiv 1805.04770, 2018 (un élève de la
taille de son maître, qui le dépasse parfois).
"""

from functools import partial

import keras

from convnets.core.cli import run, training_parser
from convnets.training import study
from exercises import ex03_cifar10, ex03_lessons, ex03_teachers

EPOCHS = 18
COPIES = 4
PEAK = 0.25  # taux d'apprentissage maximal, en part de celui de la recette
FIRST_SEED = 1  # la graine 0 a tiré les poids dont le maître est parti


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un jumeau du grand réseau livré ; rend le modèle en float32 et ses courbes."""
    build = partial(ex03_cifar10.build_model, ex03_cifar10.RECIPES[ex03_teachers.RECIPE])
    network = study.build(build, seed=FIRST_SEED + seed, precision=options.precision)
    network.get_layer("whitening").set_weights([ex03_cifar10.whitening_kernel(x_train[:5000])])
    history = ex03_lessons.learn(
        network,
        ex03_teachers.load_teachers(options),
        (x_train, y_train),
        (x_val, y_val),
        name="twin",
        peak=PEAK,
        copies=COPIES,
        seed=seed,
        options=options,
    )
    return study.to_ship(network, build()), history


def main(argv: list[str] | None = None) -> int:
    """Entraîne des jumeaux, et en livre un s'il fait mieux que leur maître en validation."""
    parser = training_parser("ex03_twin", __doc__.splitlines()[0], epochs=EPOCHS, seeds=2)
    ex03_teachers.add_partner(parser)
    options = parser.parse_args(argv)
    ex03_teachers.name_command(options, "ex03_twin")

    def describe() -> dict:
        return ex03_teachers.describe_teachers(options, "teacher")

    return run(lambda: ex03_lessons.measure(options, train, describe=describe))


if __name__ == "__main__":
    raise SystemExit(main())
