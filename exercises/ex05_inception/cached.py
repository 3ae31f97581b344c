"""La suite de la question 2 : la base ne voit chaque image qu'une fois, la tête fait le reste.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception.cached
Résultat mesuré : docs/mesures/ex05_inception.json, repris dans docs/resultats.md.

Une base figée rend toujours la même chose pour la même image : la repasser à chaque époque, comme
le fait le code de l'énoncé, est du temps perdu. On garde ce qu'elle rend. Une tête s'apprend alors
en une seconde, et l'on peut en apprendre beaucoup : une par pli d'une validation croisée, et autant
sur une base dont les poids sont tirés au hasard, le témoin.
"""

import time

import keras
import numpy as np
from sklearn.model_selection import StratifiedKFold

from convnets.core.cli import lesson_parser, percent
from convnets.datasets import folders, pretrained
from convnets.figures.charts import table
from convnets.training import lesson
from exercises.ex05_inception import features
from exercises.ex05_inception import head as top
from exercises.ex05_inception.statement import CLASSES, EPOCHS

NUM_FOLDS = 5
LABELS = {
    "accuracy": "images de test",
    "folds_accuracy": f"validation croisée, {NUM_FOLDS} plis",
    "control_accuracy": "la même, base aux poids tirés au hasard",
}


# --- Question 2 : n'y passer qu'une fois ---------------------------------------------


def extract(pictures: folders.Pictures, base: keras.Model) -> np.ndarray:
    """Rend les caractéristiques de toutes les images, float32 `(n, c)`, dans leur ordre."""
    return features.frozen_base(base).predict(features.make_generator(pictures), verbose=0)


# --- Question 2 : valider sur toutes les images --------------------------------------


def cross_validate(
    x: np.ndarray, labels: np.ndarray, *, seed: int, epochs: int, num_folds: int = NUM_FOLDS
) -> float:
    """Prédit chaque image par une tête qui ne l'a pas vue : un pli dehors, les autres dedans.

    La validation de l'énoncé, une part fixe et souvent petite, ne suffit pas à juger. Rien n'est
    choisi ici en regardant le pli prédit : le nombre d'époques est fixe.

    Args:
        x: caractéristiques `(n, c)` float32.
        labels: indices des classes `(n,)`, entiers.
        seed: graine du partage et des têtes.
        epochs: nombre d'époques.
        num_folds: nombre de plis.

    Returns:
        Exactitude, dans [0, 1].

    Source : Stone, « Cross-Validatory Choice and Assessment of Statistical Predictions », 1974.
    """
    folds = StratifiedKFold(num_folds, shuffle=True, random_state=seed)
    guesses = np.empty_like(labels)
    for kept, left_out in folds.split(x, labels):  # chaque classe a la même part dans chaque pli
        head = top.train_head(x[kept], labels[kept], seed=seed, epochs=epochs)
        guesses[left_out] = top.predict(head, x[left_out]).argmax(1)
    return float(np.mean(guesses == labels))


# --- Question 2 : ce que cela donne, et le temps gagné -------------------------------


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: int | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend une tête sur des caractéristiques gardées, et la mesure de trois façons.

    Args:
        seed: graine des têtes et des plis.
        epochs: nombre d'époques de chaque tête.
        minutes: sans effet : une tête s'apprend en une seconde.
        limit: images au plus, pour apprendre et pour le test.

    Returns:
        Les mesures de `LABELS`, la tête, et la durée d'un passage dans la base, en secondes.
    """
    base, _ = pretrained.inception_v3(input_px=features.IMAGE_PX)
    control, _ = pretrained.inception_v3(input_px=features.IMAGE_PX, weights=None)
    with (
        features.open_cifar(CLASSES, split="train", limit=limit) as train,
        features.open_cifar(CLASSES, split="test", limit=limit) as test,
    ):
        start = time.monotonic()
        x = extract(train, base)
        passage_s = time.monotonic() - start
        x_test, x_control = extract(test, base), extract(train, control)
        kept = features.rows(features.make_generator(train, subset="training"))  # de l'énoncé
    head = top.train_head(x[kept], train.labels[kept], seed=seed, epochs=epochs)
    metrics = {
        "accuracy": top.accuracy(top.predict(head, x_test), test.labels),
        "folds_accuracy": cross_validate(x, train.labels, seed=seed, epochs=epochs),
        "control_accuracy": cross_validate(x_control, train.labels, seed=seed, epochs=epochs),
    }
    return lesson.Run(metrics, head, {"passage_s": passage_s})


def teach(options) -> None:
    """Dit ce que vaut la tête, et le temps gagné."""
    found = run(0, epochs=options.epochs, limit=options.limit)
    passage = lesson.format_duration(found.kept["passage_s"])
    print(f"Les images passent une fois dans la base, en {passage}.")
    print(f"Le programme de l'énoncé, lui, les y passe {options.epochs} fois.")
    rows = [[LABELS[name], percent(value)] for name, value in found.metrics.items()]
    print(table(["mesure", "exactitude"], rows))


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception.cached", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
