"""LeNet contre un réseau dense d'autant de paramètres, chiffres en place et déplacés.

Commande : python -m recipes.comparison ; sur cinq graines : python -m recipes.seeds comparison
Résultat mesuré : docs/mesures/ex04_comparison.json.

Les deux réseaux de l'exercice 04 apprennent sur les mêmes images, sans les déformer, par la même
recette, simple : rien n'y avantage l'un ou l'autre. Puis les chiffres sont déplacés, ce qu'aucun
des deux n'a appris.
"""

import keras
import numpy as np

from convnets.core.cli import lesson_parser
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.training import lesson
from convnets.training.augmentation import shift
from convnets.training.batches import shuffled
from exercises import ex04_lenet

SLUG = "ex04_comparison"
NETWORKS = {"lenet": ex04_lenet.build_lenet, "dense": ex04_lenet.build_dense}
EPOCHS = 12  # le même budget pour les deux réseaux
BATCH_SIZE = 128
LEARNING_RATE = 1e-3  # celui d'Adam par défaut
SHIFTS_PX = range(-4, 5)  # à 4 vers le bas, le bord rogne déjà un chiffre sur deux
HEADLINE = {  # ce qui va dans le tableau des résultats
    "error": "taux d'erreur de LeNet, recette simple",
    "error_dense": "taux d'erreur du réseau dense, même recette",
    "lenet_right_4": "exactitude de LeNet, recette simple, chiffres décalés de 4 pixels",
    "dense_right_4": "exactitude du réseau dense, mêmes images",
}


# --- Même budget, mêmes données -----------------------------------------


def train(x_train, y_train, x_val, y_val, *, seed: int, epochs: int) -> keras.Model:
    """Entraîne les deux réseaux, l'un après l'autre ; les rend en un modèle à deux sorties."""
    images, outputs = keras.Input((28, 28), dtype="uint8"), {}
    for name, build_model in NETWORKS.items():
        keras.utils.set_random_seed(seed)
        model = build_model()
        model.compile(
            keras.optimizers.Adam(LEARNING_RATE),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.fit(
            shuffled(x_train, y_train, batch_size=BATCH_SIZE, seed=seed),
            epochs=epochs,
            validation_data=(x_val, y_val),
            callbacks=[lesson.Progress(epochs)],
            verbose=0,
        )
        lesson.round_weights(model)
        outputs[name] = model(images)
    return keras.Model(images, outputs, name=SLUG)


# --- Ce que vaut chacun, chiffres en place et déplacés ------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Mesure les deux réseaux, chiffres en place puis déplacés selon chaque axe.

    Args:
        model: modèle rendu par `train`.
        x: images uint8 `(n, 28, 28)`.
        y: étiquettes `(n,)`.

    Returns:
        `accuracy` et `error` de LeNet, `accuracy_dense` et `error_dense`, puis les exactitudes
        `lenet_right_-4` à `dense_down_4` ; dans [0, 1].
    """
    measures = {}
    for distance in SHIFTS_PX:
        for direction, (down, right) in {"right": (0, distance), "down": (distance, 0)}.items():
            probabilities = model.predict(shift(x, down, right), batch_size=500, verbose=0)
            for name, each in probabilities.items():
                accuracy = float(np.mean(each.argmax(1) == y))
                measures[f"{name}_{direction}_{distance}"] = accuracy
    lenet, dense = measures["lenet_right_0"], measures["dense_right_0"]
    right = {"accuracy": lenet, "accuracy_dense": dense}
    return {**right, "error": 1 - lenet, "error_dense": 1 - dense, **measures}


def run(seed: int, *, epochs: int = EPOCHS, limit: int | None = None) -> lesson.Run:
    """Entraîne et mesure les deux réseaux d'une graine."""
    parts = lesson.split(sources.load_mnist(), limit=limit, num_val=ex04_lenet.NUM_VAL)
    model = train(*parts[:4], seed=seed, epochs=epochs)
    return lesson.Run(evaluate(model, *parts[4:]), model, {})


def compare(options) -> None:
    """Entraîne et mesure une graine, dit le résultat et l'enregistre."""
    found = run(0, epochs=options.epochs, limit=options.limit)
    report = lesson.save(
        found.model,
        options,
        found.metrics,
        headline=[Headline(name, label) for name, label in HEADLINE.items()],
        parameters={name: build().count_params() for name, build in NETWORKS.items()},
        data_sha256=sources.dataset_sha256(sources.load_mnist()),
        input_shape=[28, 28],
        classes=sources.MNIST_CLASSES,
        classes_fr=sources.MNIST_CLASSES,
        framing="digit",  # comment ./predict prépare une image
    )
    rows = [[label, report.metrics[name]] for name, label in HEADLINE.items()]
    print(table(["mesure", "sur le jeu de test"], rows))


def main(argv: list[str] | None = None) -> int:
    """Compare les deux réseaux."""
    parser = lesson_parser("comparison", __doc__.splitlines()[0], epochs=EPOCHS, package="recipes")
    parser.set_defaults(module=SLUG)
    return lesson.run(compare, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
