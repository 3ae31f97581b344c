"""La position : un réseau dense et un CNN devant des chiffres déplacés.

D'après : S3 « Pourquoi les MLP ne sont pas suffisants ? ».
Commande : python -m exercises.ex00_convolution.position
Résultat mesuré : docs/mesures/ex00_position.json, sur cinq graines.

Les deux réseaux ont autant de paramètres, à 2 % près, et n'apprennent que des chiffres centrés.
On mesure ensuite ce qu'ils valent quand le chiffre glisse de quelques pixels.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from convnets.core.cli import lesson_parser
from convnets.core.intervals import by_image, paired_gap, stack
from convnets.datasets import sources
from convnets.figures.charts import curves
from convnets.figures.style import new_figure, output_dir
from convnets.training import lesson
from convnets.training.augmentation import shift
from convnets.training.batches import shuffled

MARGIN_PX = 6  # bord noir ajouté : un chiffre déplacé d'autant ne sort jamais de l'image
SIDE_PX = 28 + 2 * MARGIN_PX
SHIFTS_PX = range(MARGIN_PX + 1)
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # droite, gauche, bas, haut
NUM_TRAIN, NUM_VAL, NUM_TEST = 6600, 600, 1000  # un extrait : une minute suffit
HIDDEN = 14  # choisi pour égaler le nombre de paramètres du CNN
EPOCHS = 8
BATCH_SIZE = 64
LEARNING_RATE = 2e-3


# --- Question 1 : deux réseaux, autant de paramètres ---------------------------------


def build_dense() -> keras.Model:
    """Construit le réseau complètement connecté : chaque pixel y a ses propres poids.

    Returns:
        Modèle : images uint8 `(n, 40, 40)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((SIDE_PX, SIDE_PX), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Flatten()(x)  # (n, 1600)
    x = layers.Dense(HIDDEN, activation="relu")(x)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="dense")


def build_cnn() -> keras.Model:
    """Construit le CNN : les mêmes poids partout, puis le maximum sur toute l'image.

    Returns:
        Modèle : images uint8 `(n, 40, 40)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((SIDE_PX, SIDE_PX), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Reshape((SIDE_PX, SIDE_PX, 1))(x)
    x = layers.Conv2D(16, 5, activation="relu")(x)  # (n, 36, 36, 16)
    x = layers.MaxPooling2D()(x)  # (n, 18, 18, 16)
    x = layers.Conv2D(32, 5, activation="relu")(x)  # (n, 14, 14, 32)
    x = layers.MaxPooling2D()(x)  # (n, 7, 7, 32)
    x = layers.Conv2D(32, 3, activation="relu")(x)  # (n, 5, 5, 32)
    x = layers.GlobalMaxPooling2D()(x)  # (n, 32), où que soit le motif
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="cnn")


# --- Question 2 : n'apprendre que des chiffres centrés -------------------------------


def train(x_train, y_train, *, val, seed: int, epochs: int, minutes) -> keras.Model:
    """Entraîne les deux réseaux, l'un après l'autre ; les rend en un modèle à deux sorties."""
    images, outputs = keras.Input((SIDE_PX, SIDE_PX), dtype="uint8"), {}
    for build_model in (build_dense, build_cnn):
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
            validation_data=val,
            callbacks=[lesson.Clock(epochs, minutes, share=0.5)],
            verbose=0,
        )
        lesson.round_weights(model)
        outputs[model.name] = model(images)
    return keras.Model(images, outputs, name="ex00_position")


# --- Question 3 : déplacer les chiffres ----------------------------------------------


def widen(x: np.ndarray) -> np.ndarray:
    """Ajoute un bord noir de `MARGIN_PX` pixels aux images `(n, h, w)`."""
    return np.pad(x, ((0, 0), (MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX)))


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Mesure les deux réseaux à chaque distance.

    Args:
        model: modèle rendu par `train`.
        x: chiffres centrés, uint8 `(n, 40, 40)`.
        y: étiquettes `(n,)`.

    Returns:
        `cnn_0` à `cnn_6` et `dense_0` à `dense_6`, `(n,)` : par chiffre, la part des quatre
        directions où il est reconnu.
    """
    right = {}
    for distance in SHIFTS_PX:
        moved = [shift(x, distance * down, distance * across) for down, across in DIRECTIONS]
        found = model.predict(np.concatenate(moved), batch_size=500, verbose=0)
        for name, probabilities in found.items():
            guesses = probabilities.argmax(1).reshape(len(DIRECTIONS), len(x))
            right[f"{name}_{distance}"] = (guesses == y).mean(axis=0)
    return right


def save_curve(metrics: dict, path: Path) -> None:
    """Trace l'exactitude des deux réseaux, mesurée par `evaluate`, selon le déplacement."""
    lines = {
        title: [metrics[f"{name}_{distance}"] for distance in SHIFTS_PX]
        for name, title in (("cnn", "CNN"), ("dense", "réseau dense"))
    }
    with new_figure(path, size=(7, 4.2)) as (_, axes):
        curves(axes[0, 0], lines, x=SHIFTS_PX)
        axes[0, 0].set_title("Entraînés sur des chiffres centrés, testés déplacés")
        axes[0, 0].set(xlabel="déplacement (pixels)", ylabel="exactitude (%)", ylim=(0, 102))


def run(seed: int = 0, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None):
    """Entraîne les deux réseaux sur un extrait de MNIST, et les mesure ; rend un `lesson.Run`."""
    (x_train, y_train), (x_test, y_test) = sources.load_mnist()
    train_set = widen(x_train[:NUM_TRAIN]), y_train[:NUM_TRAIN]
    test_set = widen(x_test[:NUM_TEST]), y_test[:NUM_TEST]
    x_train, y_train, x_val, y_val, x_test, y_test = lesson.split(
        (train_set, test_set), limit=limit, num_val=NUM_VAL
    )
    model = train(x_train, y_train, val=(x_val, y_val), seed=seed, epochs=epochs, minutes=minutes)
    right = evaluate(model, x_test, y_test)
    metrics, pooled = by_image(right)
    return lesson.Run(metrics, model, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart du CNN avec le réseau dense, puis ce que le CNN perd à chaque distance.

    Args:
        found: par graine, ce que rend `evaluate`.

    Returns:
        `{"gaps": {"dense_6": [moyenne, bas, haut], "moved_6": …}}`, graines et chiffres ensemble.
    """
    right = stack(found)
    gaps = {}
    for distance in SHIFTS_PX:
        cnn, dense = (right[f"{name}_{distance}"] for name in ("cnn", "dense"))
        gaps[f"dense_{distance}"] = list(paired_gap(cnn, dense))
        gaps[f"moved_{distance}"] = list(paired_gap(right["cnn_0"], cnn))
    return {"gaps": gaps}


def teach(options) -> None:
    """Entraîne, mesure, enregistre et trace."""
    found = run(epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    digits = [str(digit) for digit in range(10)]
    named = {"classes": digits, "classes_fr": digits, "input_shape": [SIDE_PX, SIDE_PX]}
    lesson.save(found.model, options, found.metrics, **named)
    path = output_dir(options) / "position.png"
    save_curve(found.metrics, path)
    print(path)


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex00_convolution.position", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
