"""InceptionV3 figé, et une seule couche apprise (TD, question 2), avec Keras et NumPy seuls.

Copiez ce fichier dans un dossier vide. Mettez à côté de lui un dossier images/, qui contient un
dossier par classe, puis lancez : python ex05_inception.py
"""

import keras
import numpy as np
from keras import layers

EPOCHS = 30  # de l'énoncé, comme les images de 150 pixels et les lots de 64
SIDE_PX = 150


def load_data(folder):
    """Ouvre les lots d'entraînement et de validation : un cinquième des images, au hasard."""
    return keras.utils.image_dataset_from_directory(
        folder,
        image_size=(SIDE_PX, SIDE_PX),
        batch_size=64,
        validation_split=0.2,
        subset="both",
        seed=0,
    )


def build_base():
    """Construit InceptionV3 sans sa dernière couche : images, de 0 à 255 → moyennes (n, 2048)."""
    images = keras.Input((SIDE_PX, SIDE_PX, 3))
    base = keras.applications.InceptionV3(include_top=False, weights="imagenet", pooling="avg")
    base.trainable = False  # ses 21,8 millions de poids sont figés
    return keras.Model(images, base(layers.Rescaling(1 / 127.5, -1)(images), training=False))


def describe(base, batches):
    """Passe chaque image une seule fois dans la base figée : moyennes (n, 2048), classes (n,)."""
    features, labels = [], []
    for images, classes in batches:
        features.append(base.predict_on_batch(images))
        labels.append(classes)
    return np.concatenate(features), np.concatenate(labels)


def main():
    """Décrit les images, apprend la dernière couche, et enregistre le réseau entier."""
    train, val = load_data("images")
    base = build_base()
    head = keras.Sequential([layers.Dense(len(train.class_names), activation="softmax")])
    head.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = describe(base, train)
    fit = head.fit(x, y, batch_size=64, epochs=EPOCHS, validation_data=describe(base, val))
    print(", ".join(train.class_names), f": {fit.history['val_accuracy'][-1]:.2%} de validation")
    keras.Model(base.input, head(base.output)).save("ex05_inception.keras")


if __name__ == "__main__":
    main()
