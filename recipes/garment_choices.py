"""Fashion-MNIST : d'autres noyaux, d'autres pas, d'autres filtres, sur les images de validation.

Commande : python -m recipes.garment_choices
Résultat mesuré : docs/laboratoire/resultats.md.

L'énoncé laisse libres les tailles, les pas et les filtres. Chaque ligne du tableau change une chose
au réseau de l'exercice 02 et l'entraîne de la même façon, sur une graine. Le jeu de test n'y sert
pas : ces choix se font sur les images de validation.
"""

import keras
import numpy as np
from keras import layers

from convnets.core.cli import lesson_parser, percent, run
from convnets.figures.charts import table
from convnets.training.batches import shuffled
from convnets.training.lesson import Clock
from exercises import ex02_fashion as ex02

EPOCHS = 6
NUM_VAL = 10_000  # images de validation ; l'erreur d'échantillonnage est alors de 0,3 point
CHOICES = {  # noyaux des trois convolutions, pas de la première, filtres
    "celui de l'exercice": ((5, 3, 3), 1, (32, 64, 128)),
    "trois noyaux de 3": ((3, 3, 3), 1, (32, 64, 128)),
    "trois noyaux de 5": ((5, 5, 5), 1, (32, 64, 128)),
    "premier noyau de 7": ((7, 3, 3), 1, (32, 64, 128)),
    "un premier pas de 2": ((5, 3, 3), 2, (32, 64, 128)),
    "deux fois moins de filtres": ((5, 3, 3), 1, (16, 32, 64)),
    "autant de filtres partout": ((5, 3, 3), 1, (64, 64, 64)),
}


def build_model(kernels, stride: int, filters) -> keras.Model:
    """Construit le réseau de l'exercice 02, avec d'autres tailles.

    Args:
        kernels: côté des noyaux de chaque convolution, en pixels.
        stride: pas de la première.
        filters: nombre de filtres de chacune.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Reshape((28, 28, 1))(x)
    for number, (side_px, count) in enumerate(zip(kernels, filters, strict=True)):
        strides = stride if number == 0 else 1
        x = layers.Conv2D(count, side_px, strides, padding="same", use_bias=False)(x)
        if number < 2:
            x = layers.MaxPooling2D(2)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dense(ex02.DENSE_UNITS, use_bias=False)(layers.Flatten()(x))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="essai")


def try_out(model: keras.Model, x_train, y_train, x_val, y_val, *, epochs: int) -> float:
    """Entraîne un réseau comme l'exercice 02 ; rend son exactitude de validation."""
    model.compile(
        keras.optimizers.AdamW(ex02.LEARNING_RATE, weight_decay=0.05),
        keras.losses.CategoricalCrossentropy(label_smoothing=ex02.LABEL_SMOOTHING),
    )
    labels = keras.utils.to_categorical(y_train, 10)
    batches = shuffled(x_train, labels, batch_size=ex02.BATCH_SIZE, seed=0, augment=ex02.augment)
    model.fit(batches, epochs=epochs, callbacks=[Clock(epochs, None)], verbose=0)
    return float(np.mean(model.predict(x_val, batch_size=500, verbose=0).argmax(1) == y_val))


def compare(options) -> int:
    """Essaie chaque choix et affiche le tableau ; rend 0."""
    x, y, _, _, _, _ = ex02.load_data(options.limit)
    num_val = min(NUM_VAL, len(x) // 5)
    parts, rows = (x[:-num_val], y[:-num_val], x[-num_val:], y[-num_val:]), []
    for name, (kernels, stride, filters) in CHOICES.items():
        keras.utils.set_random_seed(0)
        model = build_model(kernels, stride, filters)
        accuracy = try_out(model, *parts, epochs=options.epochs)
        sides, counts = (", ".join(map(str, each)) for each in (kernels, filters))
        rows.append([name, sides, stride, counts, model.count_params(), percent(accuracy)])
        print(f"{name} : {percent(accuracy)}", flush=True)
    heads = ["réseau", "noyaux", "pas", "filtres", "paramètres", "validation"]
    print(table(heads, rows))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Compare les choix que l'énoncé laisse libres."""
    doc = __doc__.splitlines()[0]
    parser = lesson_parser("garment_choices", doc, epochs=EPOCHS, package="recipes")
    options = parser.parse_args(argv)
    return run(lambda: compare(options))


if __name__ == "__main__":
    raise SystemExit(main())
