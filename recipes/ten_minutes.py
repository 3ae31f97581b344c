"""CIFAR-10 : un réseau blanchi, pour dix minutes de deux cœurs.

Commande : python -m recipes.ten_minutes
Résultat mesuré : docs/laboratoire/records.md, 92,07 % (une graine, neuf minutes de deux
cœurs d'un AMD EPYC).

La recette abrège celle de Jordan, « 94% on CIFAR-10 in 3.29 Seconds », arXiv 2404.00498, 2024 :
une première convolution calculée sur les données, trois groupes de deux convolutions, des
étiquettes lissées et peu d'époques.
"""

import keras
import numpy as np
from keras import layers

from convnets.core.cli import lesson_parser
from convnets.datasets import sources
from convnets.training import lesson
from convnets.training.augmentation import alternate_mirror, random_crop
from convnets.training.batches import shuffled
from recipes import network, thumbnails
from recipes.training import runner

SLUG = "ten_minutes"
FILTERS = (64, 128, 128)  # ceux des convolutions de chaque groupe
EPOCHS = 15
BATCH_SIZE = 512
NUM_VAL = 2000  # images retirées de l'entraînement ; pour suivre ses progrès
PEAK_RATE = 0.75  # taux d'apprentissage maximal
WARMUP = 0.2  # part de l'entraînement où il monte, avant de suivre un cosinus
MOMENTUM = 0.85
WEIGHT_DECAY = 9e-3
LABEL_SMOOTHING = 0.2  # viser 0,82 plutôt que 1 pour la bonne classe : des réponses moins sûres
TRANSLATE_PX = 2

MEAN, STD = np.array(thumbnails.MEAN), np.array(thumbnails.STD)


def prepare(model: keras.Model, x: np.ndarray) -> None:
    """Donne ses filtres à la première convolution, un bon départ aux autres.

    Leurs premiers filtres recopient leur entrée : au début, rien de l'image ne se perd.
    """
    first, *others = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    first.set_weights([network.whitening_kernel((x / 255 - MEAN) / STD)])
    for layer in others:
        layer.set_weights([network.partial_identity(layer.get_weights()[0])])


def build_model() -> keras.Model:
    """Construit le réseau ; la mise à l'échelle des pixels en fait partie.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / (255 * STD), -MEAN / STD, dtype="float32")(images)
    x = layers.Conv2D(24, 2, use_bias=False, trainable=False, activation="relu")(x)
    for filters in FILTERS:  # (n, 15, 15, 64), (n, 7, 7, 128), (n, 3, 3, 128)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.8, scale=False)(x))
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.8, scale=False)(x))
    x = layers.GlobalMaxPooling2D()(x)  # (n, 128)
    x = layers.Dense(10, use_bias=False)(x)
    x = layers.Rescaling(1 / 3, dtype="float32")(x)  # de petits scores : un apprentissage stable
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name=SLUG)


def augment(images, *, indices, epoch, rng):
    """Translate de ±2 pixels et retourne une image sur deux, l'autre moitié l'époque suivante."""
    images = random_crop(images, pad=TRANSLATE_PX, rng=rng)
    return alternate_mirror(images, indices, epoch)


def train(x_train, y_train, x_val, y_val, *, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau ; rend le modèle, en float32, et ses courbes."""
    model = runner.build(build_model, seed=0, precision="auto")
    prepare(model, x_train[:5000])
    model.compile(
        keras.optimizers.SGD(PEAK_RATE, MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY),
        keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
    )
    labels, val_labels = (keras.utils.to_categorical(y, 10) for y in (y_train, y_val))
    history = model.fit(
        shuffled(x_train, labels, batch_size=BATCH_SIZE, seed=0, augment=augment),
        epochs=options.epochs,
        validation_data=(x_val, val_labels),
        callbacks=[lesson.Clock(options.epochs, options.minutes, warmup=WARMUP)],
        verbose=0,
    )
    return runner.to_ship(model, build_model()), history.history


def learn(options) -> None:
    """Apprend, mesure et enregistre le réseau."""
    parts = lesson.split(sources.load_cifar10(), limit=options.limit, num_val=NUM_VAL)
    model, history = train(*parts[:4], options=options)
    lesson.save_classifier(
        model,
        options,
        history=history,
        val=parts[2:4],
        test=parts[4:],
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
    )


def main(argv: list[str] | None = None) -> int:
    """Lit les options et apprend le réseau."""
    doc = __doc__.splitlines()[0]
    parser = lesson_parser(SLUG, doc, epochs=EPOCHS, package="recipes")
    return lesson.run(learn, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
