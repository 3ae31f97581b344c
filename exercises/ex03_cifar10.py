"""CIFAR-10 : reconnaître dix sortes d'objets, et le faire depuis un terminal.

Document : Jour 04, exercice 3 (`./predict image.png` doit dire `Prédiction: Avion`).
Programme de départ, Keras seul : exercises/plain/ex03_cifar10.py. Celui-ci y change
plusieurs choses, que mesure une à une `python -m recipes.steps ex03`.
Commande : python -m exercises.ex03_cifar10, puis ./predict --model ex03_cifar10 avion.png
Résultat mesuré : docs/laboratoire/resultats.md.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image, ImageOps

from convnets.core import session
from convnets.core.cli import lesson_parser
from convnets.datasets import sources
from convnets.figures.charts import save_mistakes, save_training_figures
from convnets.training import lesson
from convnets.training.augmentation import alternate_mirror, random_crop
from convnets.training.batches import shuffled

CLASSES_FR = sources.CIFAR10_CLASSES_FR  # Avion, Voiture, Oiseau, Chat…
FILTERS = (48, 96, 192)  # de plus en plus de motifs, sur des cartes de plus en plus petites
EPOCHS = 15
BATCH_SIZE = 256
NUM_VAL = 2000  # images retirées de l'entraînement, pour suivre ses progrès
LEARNING_RATE = 0.2  # le plus grand ; il monte d'abord, puis suit un cosinus jusqu'à zéro
WARMUP = 0.2  # part de l'entraînement où il monte
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-3
LABEL_SMOOTHING = 0.1  # viser 0,91 plutôt que 1 pour la bonne classe : des réponses moins sûres
TRANSLATE_PX = 2


# --- Question : importer les images ---------------------------------------------------


def load_data(limit: int | None = None) -> tuple:
    """Charge les tableaux de `keras.datasets.cifar10.load_data()`, les `limit` premiers.

    Returns:
        `x_train, y_train, x_val, y_val, x_test, y_test` : images `(n, 32, 32, 3)`, uint8 ; classes
        `(n,)`, ou `(n, 1)` pour le test.
    """
    return lesson.split(sources.load_cifar10(), limit=limit, num_val=NUM_VAL)


# --- Question : créer un modèle capable de prédire l'objet en question --------------


def build_model() -> keras.Model:
    """Construit le réseau : trois blocs de convolutions, dont chacun divise par deux les cartes.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / 64, -2, dtype="float32")(images)  # de 0…255 à -2…2
    for filters in FILTERS:  # (n, 16, 16, 48), (n, 8, 8, 96), (n, 4, 4, 192)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.GlobalMaxPooling2D()(x)  # (n, 192)
    x = layers.Dense(10, dtype="float32")(x)
    x = layers.Rescaling(1 / 3, dtype="float32")(x)  # des scores trois fois plus petits
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name="ex03_cifar10")


# --- Question : l'entraîner ---------------------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Translate de ±2 pixels et retourne une image sur deux, l'autre moitié l'époque suivante."""
    images = random_crop(images, pad=TRANSLATE_PX, rng=rng)
    return alternate_mirror(images, indices, epoch)


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau, `options.epochs` époques ; rend le modèle et ses courbes.

    `shuffled` mélange les images à chaque époque et applique `augment` à chaque lot. `lesson.Clock`
    mène le taux d'apprentissage : il monte, puis descend à zéro, et la leçon s'arrête à l'heure. Le
    barème ne note ni l'un ni l'autre : c'est l'exactitude qui les juge.
    """
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile(
        keras.optimizers.SGD(LEARNING_RATE, MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY),
        keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
    )
    labels, val_labels = (keras.utils.to_categorical(y, 10) for y in (y_train, y_val))
    history = model.fit(
        shuffled(x_train, labels, batch_size=BATCH_SIZE, seed=seed, augment=augment),
        epochs=options.epochs,
        validation_data=(x_val, val_labels),
        callbacks=[lesson.Clock(options.epochs, options.minutes, warmup=WARMUP)],
        verbose=0,
    )
    return model, history.history


# --- Question : ce qu'il vaut -------------------------------------------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude en une seule passe, sans moyenner de vues."""
    probabilities = model.predict(x, batch_size=500, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


# --- Question : encapsuler le modèle dans une commande --------------------------------


def predict(model: keras.Model, path: Path) -> str:
    """Nomme ce que montre une image.

    Args:
        model: modèle de `build_model`.
        path: fichier que Pillow sait lire.

    Returns:
        Une classe en français, par exemple `"Avion"`.
    """
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    square = ImageOps.fit(upright, (32, 32))  # le carré du milieu
    probabilities = model.predict(np.array(square)[None], verbose=0)  # (1, 10)
    return CLASSES_FR[int(probabilities.argmax())]


def teach(options) -> None:
    """Suit l'énoncé : charger, construire, entraîner, mesurer, enregistrer, relire, prédire."""
    x_train, y_train, x_val, y_val, x_test, y_test = load_data(options.limit)
    model, history = train(x_train, y_train, x_val, y_val, seed=0, options=options)
    report = lesson.save_classifier(
        model,
        options,
        history=history,
        val=(x_val, y_val),
        test=(x_test, y_test),
        classes=sources.CIFAR10_CLASSES,
        classes_fr=CLASSES_FR,
        data_sha256=sources.dataset_sha256(sources.load_cifar10()),
    )
    found = evaluate(model, x_test, y_test)
    save_training_figures(options, report)
    save_mistakes(options, report, x_test, y_test, found["probabilities"])
    print(f"Relu, ce modèle nomme {options.image} :")
    saved = keras.saving.load_model(session.models_dir() / "ex03_cifar10.keras")
    print(f"Prédiction: {predict(saved, options.image)}")
    print("./predict fait la même chose, plus vite : cette commande se passe de TensorFlow.")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex03_cifar10", __doc__.splitlines()[0], epochs=EPOCHS)
    sample = Path("samples/avion.png")
    parser.add_argument("image", nargs="?", type=Path, default=sample, help="image à nommer")
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
