"""La question 2 de l'énoncé, d'un trait : InceptionV3 figé, et une tête apprise en 30 époques.

Document : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Programme de départ, Keras seul : exercises/plain/ex05_inception.py.
Commandes : python -m exercises.ex05_inception
            python -m exercises.ex05_inception --images DOSSIER
Résultat mesuré : docs/laboratoire/resultats.md.

Pantalon ou short ? Les images sont des photographies de vêtements. Le programme est celui de
l'énoncé, dans son ordre : le générateur, la base, la tête, `fit`. Deux choses ont changé depuis :
`fit_generator` s'appelle `fit`, et le nombre de lots est celui du générateur. Chaque image repasse
dans la base à chaque époque ; `cached.py` montre comment l'éviter.
"""

import contextlib
from pathlib import Path

import keras
import numpy as np
from keras import layers
from keras.applications.inception_v3 import preprocess_input
from tensorflow.keras.preprocessing import image

from convnets.core.cli import agreed, percent
from convnets.datasets import folders, pretrained
from convnets.training import lesson
from exercises.ex05_inception import features, saved_head
from exercises.ex05_inception import head as top

EPOCHS = 30  # de l'énoncé
CLASSES = ("pants", "shorts")  # du dossier par défaut
MOST = 200  # photographies de chacune
DROPOUT = 0.5  # une image a plus de caractéristiques qu'il n'y a d'images


# --- Question 2 : lire les données ---------------------------------------------------


def load_data(folder: Path) -> tuple:
    """Ouvre les deux générateurs de l'énoncé, d'un dossier qui en contient un par classe.

    Returns:
        `(entraînement, validation)` : des lots d'images float32 `(64, 150, 150, 3)` dans [-1, 1]
        et de numéros de dossier `(64,)`.
    """
    datagen = image.ImageDataGenerator(
        validation_split=0.2, preprocessing_function=preprocess_input
    )
    train_generator = datagen.flow_from_directory(
        folder,
        target_size=(150, 150),
        batch_size=64,
        class_mode="binary",  # 0 ou 1 ; avec plus de deux dossiers, 2, 3…
        shuffle=True,
        subset="training",
    )
    validation_generator = datagen.flow_from_directory(
        folder, target_size=(150, 150), batch_size=64, class_mode="binary", subset="validation"
    )
    return train_generator, validation_generator


# --- Question 2 : définir le modèle --------------------------------------------------


def build_model(base: keras.Model, num_classes: int) -> keras.Model:
    """Fige la base, et pose dessus la seule couche à apprendre.

    Args:
        base: InceptionV3 sans sa dernière couche.
        num_classes: nombre de dossiers.

    Returns:
        Modèle : images float32 `(n, 150, 150, 3)` dans [-1, 1] → probabilités `(n, num_classes)`.
    """
    base.trainable = False
    maps = base.get_layer(features.LAYER).output  # (n, 3, 3, 1280)
    x = layers.GlobalAveragePooling2D(name="features")(maps)  # (n, 1280)
    x = layers.Dropout(DROPOUT)(x)
    outputs = layers.Dense(num_classes, activation="softmax")(x)
    return keras.Model(base.input, outputs, name="ex05_inception")


# --- Question 2 : l'entraîner --------------------------------------------------------


def train(model: keras.Model, train_generator, validation_generator, *, options) -> dict:
    """Apprend la tête, `options.epochs` époques ; rend ses courbes."""
    share = 1 if options.images else 0.5  # le reste du temps est pour la suite, `cached.py`
    model.compile(
        keras.optimizers.Adam(1e-3),  # puis de moins en moins, jusqu'à zéro (lesson.Clock)
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        train_generator,
        epochs=options.epochs,
        validation_data=validation_generator,
        callbacks=[lesson.Clock(options.epochs, options.minutes, share=share)],
        verbose=0,
    )
    return history.history


# --- Question 2 : ce qu'il vaut ------------------------------------------------------


def evaluate(model: keras.Model, pictures: folders.Pictures, *, subset: str | None) -> tuple:
    """Prédit des images non apprises.

    Returns:
        `(probabilités (n, classes), étiquettes (n,), images)`.
    """
    generator = features.make_generator(pictures, subset=subset)  # dans l'ordre, sans mélange
    probabilities = model.predict(generator, verbose=0)
    paths = [pictures.paths[row] for row in features.rows(generator)]
    return probabilities, generator.classes, folders.Squares(paths, features.IMAGE_PX)


# --- Question 2 : d'un bout à l'autre ------------------------------------------------


def open_pictures(options) -> contextlib.AbstractContextManager[folders.Pictures]:
    """Ouvre le dossier demandé, ou des photographies, en copies carrées pour un bloc `with`."""
    if options.images:
        listing = folders.scan(options.images, limit=options.limit)
    else:
        listing = features.choose(features.load_photographs(options.limit)["train"], CLASSES, MOST)
    return folders.square_copies(listing, features.IMAGE_PX)


def teach(options) -> None:
    """Suit l'énoncé : charger, construire, entraîner, mesurer ; enregistrer, d'un dossier à soi."""
    keras.utils.set_random_seed(0)
    with open_pictures(options) as pictures:
        for name, count in zip(pictures.classes, np.bincount(pictures.labels), strict=True):
            print(f"Classe {name} : {agreed(count, 'image')}.", flush=True)
        for each in pictures.ignored:
            print(f"Laissé de côté : {each}.", flush=True)
        with features.quiet():
            train_generator, validation_generator = load_data(pictures.folder)
        # keras.applications.InceptionV3(include_top=False, input_shape=(150, 150, 3)), dont les
        # poids d'ImageNet sont cherchés aussi dans un paquet Python.
        base, provenance = pretrained.inception_v3(input_px=features.IMAGE_PX)
        print(f"Base : {provenance.source}.", flush=True)
        model = build_model(base, len(pictures.classes))
        history = train(model, train_generator, validation_generator, options=options)
        if options.images:
            answers = evaluate(model, pictures, subset="validation")
        else:
            listing = features.choose(features.load_photographs()["test"], CLASSES, MOST)
            with folders.square_copies(listing, features.IMAGE_PX) as test:
                answers = evaluate(model, test, subset=None)
    kind = "de validation" if options.images else "de test"
    accuracy, num_test = top.accuracy(*answers[:2]), len(answers[1])
    print(f"Exactitude sur les images {kind} : {percent(accuracy)} ({num_test} images).")
    if not options.images:
        return  # la tête de la suite (`cached.py`) est celle que `./predict` lira
    # La base est déjà dans le cache de Keras : la tête suffit.
    head = keras.Model(model.get_layer("features").output, model.output, name="ex05_inception")
    saved_head.save_head(
        head,
        options,
        {"accuracy": accuracy},
        answers,
        base=saved_head.describe_base(provenance, input_px=features.IMAGE_PX),
        history=history,
        num_images={"train": train_generator.samples, "val": num_test},
        data_sha256=pictures.sha256,
        framing="squash",  # comment ./predict prépare une image
        classes=pictures.classes,
        classes_fr=folders.display_names(pictures.classes),
        details={"accuracy_on": f"images {kind}"},
    )
