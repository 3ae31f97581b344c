"""La position : un réseau dense et un CNN devant des chiffres déplacés.

D'après : S3 « Pourquoi les MLP ne sont pas suffisants ? ».
Commande : python -m exercises.ex00_convolution.position
Résultat mesuré : models/ex00_position.json.

Les deux réseaux ont autant de paramètres, à 2 % près, et n'apprennent que des chiffres centrés.
On mesure ensuite ce qu'ils valent quand le chiffre glisse de quelques pixels.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from convnets.core.cli import run, training_parser
from convnets.core.reports import Report, format_seeds
from convnets.datasets import sources
from convnets.figures import convolution
from convnets.figures.style import output_dir
from convnets.training import study
from convnets.training.augmentation import shift

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


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne les deux réseaux, l'un après l'autre ; les rend en un modèle à deux sorties."""
    images = keras.Input((SIDE_PX, SIDE_PX), dtype="uint8")
    shipped, histories = {}, {}
    for name, build_model in (("dense", build_dense), ("cnn", build_cnn)):
        model = study.build(build_model, seed=seed, precision=options.precision)
        batches = study.Batches(
            x_train, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
        )
        model.compile(
            keras.optimizers.Adam(LEARNING_RATE),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=study.JIT_COMPILE,
        )
        histories[name] = study.fit(
            model, batches, options=options, network=name, validation_data=(x_val, y_val)
        )
        kept = build_model()  # les mêmes poids, en float32
        kept.set_weights(model.get_weights())
        shipped[name] = kept(images)
    history = {f"{name}_{key}": each for name in histories for key, each in histories[name].items()}
    history["duration_s"] = history["dense_duration_s"] + history["cnn_duration_s"]
    return keras.Model(images, shipped, name="ex00_position"), history


# --- Question 3 : déplacer les chiffres ----------------------------------------------


def widen(x: np.ndarray) -> np.ndarray:
    """Ajoute un bord noir de `MARGIN_PX` pixels aux images `(n, h, w)`."""
    return np.pad(x, ((0, 0), (MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX)))


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure les deux réseaux à chaque distance, moyenne des quatre directions.

    Args:
        model: modèle rendu par `train`.
        x: chiffres centrés, uint8 `(n, 40, 40)`.
        y: étiquettes `(n,)`.

    Returns:
        `cnn_0` à `cnn_6` et `dense_0` à `dense_6`, exactitudes dans [0, 1] ; `accuracy` et
        `probabilities` sont ceux du CNN sur les chiffres centrés.
    """
    measures = {}
    for distance in SHIFTS_PX:
        directions = DIRECTIONS if distance else ((0, 0),)
        found = {"dense": [], "cnn": []}
        for down, right in directions:
            moved = shift(x, distance * down, distance * right)
            probabilities = model.predict(moved, batch_size=500, verbose=0)
            for name in found:
                found[name].append(float(np.mean(probabilities[name].argmax(1) == y)))
            if distance == 0:
                measures["probabilities"] = probabilities["cnn"]
        measures |= {f"{name}_{distance}": float(np.mean(each)) for name, each in found.items()}
    return {"accuracy": measures["cnn_0"], **measures}


def save_curve(report: Report, path: Path) -> Path:
    """Trace les courbes du compte rendu `models/ex00_position.json` dans un fichier `.png`."""
    curves = []
    for name, title in (("cnn", "CNN"), ("dense", "réseau dense")):
        each = [report.metrics[f"{name}_{distance}"] for distance in SHIFTS_PX]
        curves.append((title, [m.mean for m in each], [m.sd or 0 for m in each]))
    seeds = format_seeds(report.metrics["accuracy"])
    with convolution.house_style():
        figure = convolution.draw_curves(
            list(SHIFTS_PX),
            curves,
            title="Entraînés sur des chiffres centrés, testés déplacés",
            xlabel="déplacement (pixels)",
            ylabel=f"exactitude (moyenne, {seeds})",
        )
        return convolution.save(figure, path)


def main(argv: list[str] | None = None) -> int:
    """Entraîne les deux réseaux sur plusieurs graines et trace leur exactitude."""
    options = training_parser(
        "ex00_position", __doc__.splitlines()[0], epochs=EPOCHS, command="ex00_convolution.position"
    ).parse_args(argv)

    def show(options, report, x_test, y_test, probabilities) -> None:
        print(save_curve(report, output_dir(options) / "position.png"))

    def body() -> int:
        (x, y), (x_test, y_test) = sources.load_mnist()
        dataset = (
            (widen(x[:NUM_TRAIN]), y[:NUM_TRAIN]),
            (widen(x_test[:NUM_TEST]), y_test[:NUM_TEST]),
        )
        return study.run_seeds(
            options,
            dataset=dataset,
            num_val=NUM_VAL,
            train=train,
            evaluate=evaluate,
            classes=sources.MNIST_CLASSES,
            classes_fr=sources.MNIST_CLASSES,
            on_saved=show,
            stages=2,
        )

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
