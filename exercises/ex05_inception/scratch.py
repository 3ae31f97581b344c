"""Et sans base ? Un petit réseau appris des seules photographies de l'exercice.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception.scratch
Résultat mesuré : docs/mesures/ex05_scratch.json (`python -m recipes.seeds`, cinq graines).

Reprendre une base apprise est-il nécessaire ? Les mêmes 3 068 photographies de vêtements apprennent
un réseau de convolution entier, réduites à 64×64 pixels pour tenir en quelques minutes, et montrées
déplacées et retournées. Deux témoins n'apprennent rien : recopier la classe de la photographie la
plus ressemblante, et répondre toujours la classe la plus fréquente.
"""

import keras
import numpy as np
from keras import layers

from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import against_others, by_image
from convnets.datasets import folders
from convnets.figures.charts import table
from convnets.training import lesson
from convnets.training.augmentation import alternate_mirror, random_crop
from convnets.training.batches import shuffled
from convnets.training.nearest import copy_nearest
from exercises.ex05_inception import cached, features
from exercises.ex05_inception import head as top

IMAGE_PX = 64
FILTERS = (32, 64, 128, 256)
EPOCHS = 30
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
TRANSLATE_PX = 4
LABELS = {
    "base": "tête posée sur la base d'ImageNet, une vue",
    "scratch": "petit réseau appris de ces photographies",
    "nearest": "témoin : classe de la photographie la plus ressemblante",
    "constant": "témoin : toujours la classe la plus fréquente",
}


def build_model(num_classes: int) -> keras.Model:
    """Construit quatre blocs : convolution, max-pooling, normalisation, ReLU ; puis le maximum.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → probabilités `(n, num_classes)` float32.
    """
    images = keras.Input((IMAGE_PX, IMAGE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1 / 64, -2, dtype="float32")(images)  # de 0…255 à -2…2
    for filters in FILTERS:  # (n, 32, 32, 32), (n, 16, 16, 64), (n, 8, 8, 128), (n, 4, 4, 256)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dropout(0.3)(layers.GlobalMaxPooling2D()(x))  # (n, 256)
    return keras.Model(images, layers.Dense(num_classes, activation="softmax")(x), name="scratch")


def augment(images, *, indices, epoch, rng):
    """Translate de ±4 pixels et retourne une image sur deux, l'autre moitié l'époque suivante."""
    return alternate_mirror(random_crop(images, pad=TRANSLATE_PX, rng=rng), indices, epoch)


def read(pictures: folders.Pictures) -> np.ndarray:
    """Déforme chaque photographie en un carré : uint8 `(n, 64, 64, 3)`."""
    return np.stack([*folders.Squares(pictures.paths, IMAGE_PX)])


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend le petit réseau, et le compare à la base et aux témoins.

    Args:
        seed: graine des poids, du mélange et des déplacements.
        epochs: époques du petit réseau.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: photographies au plus, dans chaque part.

    Returns:
        L'exactitude de chaque ligne de `LABELS` sur les photographies de test ; dans `pooled`, les
        réponses justes, photographie par photographie.
    """
    parts = features.load_photographs(limit)
    train, test = parts["train"], parts["test"]
    x_base, x_base_test = cached.extract([train, test], *cached.VIEWS[0])
    head = cached.learn([x_base], train.labels, val=(x_base_test[:1], test.labels[:1]))
    x, x_test = read(train), read(test)
    keras.utils.set_random_seed(seed)
    model = build_model(len(train.classes))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy")
    model.fit(
        shuffled(x, train.labels, batch_size=BATCH_SIZE, seed=seed, augment=augment),
        epochs=epochs,
        callbacks=[lesson.Clock(epochs, minutes)],
        verbose=0,
    )
    answers = {
        "base": top.predict(head, x_base_test).argmax(1),
        "scratch": model.predict(x_test, verbose=0).argmax(1),
        "nearest": copy_nearest(x, train.labels, x_test),
        "constant": np.full(len(x_test), np.bincount(train.labels).argmax()),
    }
    right = {name: each == test.labels for name, each in answers.items()}
    metrics, pooled = by_image(right)
    return lesson.Run(metrics, model, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend ce que la base a de plus que chacun, graines et photographies ensemble."""
    return {"gaps": against_others(found, "base")}


def teach(options) -> None:
    """Apprend sans base, et montre ce qu'elle apporte."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit).metrics
    rows = [[LABELS[name], percent(value)] for name, value in found.items()]
    print(table(["dix vêtements, photographies de test", "exactitude"], rows))


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception.scratch", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
