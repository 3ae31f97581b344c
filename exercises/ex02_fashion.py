"""Fashion-MNIST : reconnaître des vêtements avec un réseau de convolution imposé.

Document : Jour 04, exercice 2 « Fashion 2.0 ».
Programme de départ, Keras seul : exercises/plain/ex02_fashion.py. Celui-ci y change
plusieurs choses, que mesure une à une `python -m recipes.steps ex02`.
Commande : python -m exercises.ex02_fashion, puis ./predict --model ex02_fashion vetement.png
Résultat mesuré : docs/laboratoire/resultats.md, avec celui de la recette
(`python -m recipes.garments`).

L'énoncé impose l'ordre convolution → max-pooling → convolution → max-pooling →
convolution → dense → sortie, et laisse libres les tailles, les pas et les filtres.
"""

import keras
import numpy as np
from keras import layers

from convnets.core.cli import lesson_parser
from convnets.datasets import sources
from convnets.figures.charts import save_mistakes, save_training_figures
from convnets.training import lesson
from convnets.training.augmentation import random_crop
from convnets.training.batches import shuffled

class_names = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]  # ceux de l'énoncé

# Noyaux de 5, 3 et 3, pas de 1, filtres : d'autres, essayés en validation, sont dans
# docs/laboratoire/resultats.md (python -m recipes.garment_choices).
FILTERS = (32, 64, 128)  # de plus en plus de motifs, sur des cartes de plus en plus petites
DENSE_UNITS = 256
EPOCHS = 16
BATCH_SIZE = 256
NUM_VAL = 2000  # images retirées de l'entraînement, pour suivre ses progrès
LEARNING_RATE = 2e-3  # le premier ; il descend ensuite jusqu'à zéro
LABEL_SMOOTHING = 0.1  # viser 0,91 plutôt que 1 pour la bonne classe : des réponses moins sûres
TRANSLATE_PX = 1  # les vêtements sont déjà centrés : plus serait inutile


# --- Question : importer les images ---------------------------------------------------


def load_data(limit: int | None = None) -> tuple:
    """Charge les tableaux de `keras.datasets.fashion_mnist.load_data()`, les `limit` premiers.

    Returns:
        `x_train, y_train, x_val, y_val, x_test, y_test` : images `(n, 28, 28)` et classes `(n,)`,
        uint8.
    """
    return lesson.split(sources.load_fashion_mnist(), limit=limit, num_val=NUM_VAL)


# --- Question : respecter l'architecture --------------------------------------------


def build_model() -> keras.Model:
    """Construit le réseau de l'énoncé ; une normalisation remplace le biais des couches cachées.

    ReLU vient après le max-pooling : le maximum puis ReLU donnent la même carte que ReLU puis le
    maximum, et ReLU n'a plus qu'un quart des valeurs à voir.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)  # de 0…255 à -1…1
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(FILTERS[0], 5, padding="same", use_bias=False)(x)  # (n, 28, 28, 32)
    x = layers.MaxPooling2D(2)(x)  # (n, 14, 14, 32)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(FILTERS[1], 3, padding="same", use_bias=False)(x)  # (n, 14, 14, 64)
    x = layers.MaxPooling2D(2)(x)  # (n, 7, 7, 64)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(FILTERS[2], 3, padding="same", use_bias=False)(x)  # (n, 7, 7, 128)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Flatten()(x)  # (n, 6272)
    x = layers.Dense(DENSE_UNITS, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="ex02_fashion")


# --- Question : l'entraîner ---------------------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Translate de ±1 pixel et retourne une image sur deux : le vêtement reste le même."""
    images = random_crop(images[..., None], pad=TRANSLATE_PX, rng=rng)[..., 0]
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau, `options.epochs` époques ; rend le modèle et ses courbes.

    `shuffled` mélange les images à chaque époque et applique `augment` à chaque lot. `lesson.Clock`
    mène le taux d'apprentissage à zéro par un cosinus, et arrête la leçon à l'heure.
    """
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile(
        keras.optimizers.AdamW(LEARNING_RATE, weight_decay=0.05),
        keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
    )
    labels, val_labels = (keras.utils.to_categorical(y, 10) for y in (y_train, y_val))
    history = model.fit(
        shuffled(x_train, labels, batch_size=BATCH_SIZE, seed=seed, augment=augment),
        epochs=options.epochs,
        validation_data=(x_val, val_labels),
        callbacks=[lesson.Clock(options.epochs, options.minutes)],
        verbose=0,
    )
    return model, history.history


# --- Question : ce qu'il vaut -------------------------------------------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude en une seule passe, sans moyenner de vues."""
    probabilities = model.predict(x, batch_size=500, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y))
    return {"accuracy": accuracy, "probabilities": probabilities}


def teach(options) -> None:
    """Suit l'énoncé : charger, construire, entraîner, mesurer, enregistrer."""
    x_train, y_train, x_val, y_val, x_test, y_test = load_data(options.limit)
    model, history = train(x_train, y_train, x_val, y_val, seed=0, options=options)
    report = lesson.save_classifier(
        model,
        options,
        history=history,
        val=(x_val, y_val),
        test=(x_test, y_test),
        classes=class_names,
        classes_fr=sources.FASHION_CLASSES_FR,
        data_sha256=sources.dataset_sha256(sources.load_fashion_mnist()),
    )
    found = evaluate(model, x_test, y_test)
    save_training_figures(options, report)
    save_mistakes(options, report, x_test, y_test, found["probabilities"])


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex02_fashion", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
