"""Combien de couches garder ? Couper la base plus tôt, ou en réapprendre la fin.

D'après : S3 « Fine-tuning approach » (« How many layers to keep / re-train? »).
Commande : python -m exercises.ex05_inception.layers
Résultat mesuré : docs/mesures/ex05_layers.json.

Les images sont celles du dossier par défaut de l'exercice ; l'exactitude est mesurée sur des images
de test, qui ne choisissent rien. Sur 1 000 images, une exactitude de 87 % a une erreur
d'échantillonnage de 1,06 point : deux réglages plus proches ne sont pas séparés.
"""

import keras
from keras.layers import GlobalAveragePooling2D

from convnets.core.cli import lesson_parser, percent
from convnets.datasets import pretrained
from convnets.figures.charts import table
from convnets.training import lesson
from exercises.ex05_inception import features, fine_tuning
from exercises.ex05_inception import head as top
from exercises.ex05_inception.statement import CLASSES

CUTS = ("mixed2", "mixed4", "mixed6", "mixed8", "mixed9", "mixed10")
# Ce qui suit est réappris, jusqu'à mixed10 : 6, 11 et 15 millions de poids.
RELEARNED_AFTER = ("mixed9", "mixed8", "mixed6")
EPOCHS = 3  # de réapprentissage
LEARNING_RATE = 1e-5  # cent fois moins que la tête (donné) : il n'est pas choisi en validation


# --- Question : où couper la base ? --------------------------------------------------


def measure_cuts(base: keras.Model, *, seed: int, limit: int | None) -> dict[str, float]:
    """Coupe la base après chaque couche de `CUTS`, et n'apprend que la tête.

    Args:
        base: modèle rendu par `pretrained.inception_v3`.
        seed: graine des têtes.
        limit: images au plus, pour apprendre et pour le test.

    Returns:
        `accuracy coupée après mixed2`… : exactitudes de test, dans [0, 1].
    """
    # Les images ne passent qu'une fois : le modèle rend les moyennes de toutes ces couches.
    means = [GlobalAveragePooling2D()(base.get_layer(name).output) for name in CUTS]
    task = fine_tuning.read(keras.Model(base.input, means), CLASSES, limit=limit)
    (all_x, labels), (all_x_test, labels_test) = task["train"], task["test"]
    found = {}
    for name, x, x_test in zip(CUTS, all_x, all_x_test, strict=True):
        head = top.train_head(x, labels, seed=seed, epochs=top.EPOCHS)
        found[f"accuracy coupée après {name}"] = top.accuracy(
            top.predict(head, x_test), labels_test
        )
    return found


# --- Question : combien de couches réapprendre ? -------------------------------------


def measure_relearning(
    base: keras.Model, layer_name: str, *, seed: int, clock: fine_tuning.Clock, limit: int | None
) -> float:
    """Réapprend ce qui suit une couche, avec la tête.

    Args:
        base: modèle rendu par `pretrained.inception_v3` ; ses poids sont rendus intacts.
        layer_name: dernière couche figée.
        seed: graine de la tête et du mélange.
        clock: dit les époques de réapprentissage, et s'arrête à l'heure.
        limit: images au plus, pour apprendre et pour le test.

    Returns:
        Exactitude de test, dans [0, 1].
    """
    start, end = fine_tuning.split_base(base, layer_name)
    weights = end.get_weights()
    task = fine_tuning.read(start, CLASSES, limit=limit)
    head = fine_tuning.learn_head(end, task, seed=seed)
    fine_tuning.fine_tune(
        end, head, task["train"], learning_rate=LEARNING_RATE, seed=seed, clock=clock
    )
    accuracy = fine_tuning.evaluate(end, head, task)
    end.set_weights(weights)
    return accuracy


# --- Question : ce que chaque choix donne --------------------------------------------


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: int | None = None, limit: int | None = None
) -> lesson.Run:
    """Mesure chaque coupe, puis chaque réapprentissage.

    Args:
        seed: graine des têtes et du mélange.
        epochs: époques de réapprentissage.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: images au plus, pour apprendre et pour le test.
    """
    base, _ = pretrained.inception_v3(input_px=features.IMAGE_PX)
    metrics = measure_cuts(base, seed=seed, limit=limit)
    for name in RELEARNED_AFTER:
        clock = fine_tuning.Clock(epochs, minutes, share=1 / len(RELEARNED_AFTER))
        metrics[f"accuracy réapprise après {name}"] = measure_relearning(
            base, name, seed=seed, clock=clock, limit=limit
        )
    return lesson.Run(metrics, None, {})


def teach(options) -> None:
    """Compare les façons de garder ou de réapprendre les couches d'InceptionV3."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit).metrics
    rows = [[name.removeprefix("accuracy "), percent(found[name])] for name in found]
    print(table(["base", "exactitude"], rows))


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception.layers", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
