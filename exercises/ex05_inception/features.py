"""Les images sans les pièges du générateur, et la base figée.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception.cached
"""

import contextlib
import io
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.applications.inception_v3 import preprocess_input

from convnets.datasets import folders
from exercises.ex05_inception import head

IMAGE_PX = 150  # de l'énoncé
VALIDATION_SPLIT = 0.2  # de l'énoncé
LAYER = "mixed9"  # la dernière que ces poids rendent telle qu'elle fut apprise (voir pretrained)
NUM_IMAGES = 2000  # du dossier par défaut, et autant pour le test


# --- Question 2 : un dossier d'images par classe, en carrés de 150 pixels ----------


def open_cifar(
    classes: tuple[str, ...], *, split: str, limit: int | None, most: int = NUM_IMAGES
) -> contextlib.AbstractContextManager[folders.Pictures]:
    """Ouvre des images de CIFAR-10 agrandies, pour un bloc `with`.

    Args:
        classes: noms de dossiers, par exemple `("chat", "chien")`.
        split: `"train"` ou `"test"`.
        limit: images au plus, de toutes les classes.
        most: images au plus, sans `limit`.
    """
    num_images = min(limit or most, most)
    folder = folders.cifar_folder(classes, split=split, num_images=num_images, size_px=IMAGE_PX)
    return folders.square_copies(folders.scan(folder), IMAGE_PX)


# --- Question 2 : lire les images comme l'énoncé -------------------------------------


def make_generator(pictures: folders.Pictures, *, subset=None, shuffle=False, seed=0):
    """Ouvre le générateur de l'énoncé, sans ses pièges.

    - `validation_split` prend pour la validation les **premiers** 20 % de chaque classe, dans
      l'ordre des noms, et non 20 % au hasard : si les noms suivent un ordre (race, date), la
      validation ne ressemble pas à l'entraînement. La validation croisée, elle, tire au sort.
    - Un seul `ImageDataGenerator` qui transformerait les images transformerait aussi celles de
      la validation : il en faut un par usage. Celui-ci ne transforme rien.
    - `flow_from_directory` mélange par défaut, validation comprise : les prédictions ne
      seraient plus dans l'ordre de `classes`.
    - `samples // batch_size` oublie le dernier lot, et vaut 0 sous 64 images : sans
      `steps_per_epoch`, `fit` prend la longueur du générateur, dernier lot incomplet compris.

    Args:
        pictures: copies rendues par `folders.square_copies`.
        subset: `"training"`, `"validation"`, ou None pour tout prendre.
        shuffle: mélanger à chaque époque.
        seed: graine du mélange.

    Returns:
        Générateur de lots : images float32 `(64, 150, 150, 3)` dans [-1, 1], et étiquettes
        comme les rend `head.targets`.

    Source : énoncé, TD question 2.
    """
    datagen = tf.keras.preprocessing.image.ImageDataGenerator(
        validation_split=VALIDATION_SPLIT, preprocessing_function=preprocess_input
    )
    with contextlib.redirect_stdout(io.StringIO()):  # « Found … images », en anglais
        return datagen.flow_from_directory(
            pictures.folder,
            target_size=(IMAGE_PX, IMAGE_PX),
            batch_size=head.BATCH_SIZE,
            class_mode="binary" if len(pictures.classes) == 2 else "categorical",
            shuffle=shuffle,
            seed=seed,
            subset=subset,
        )


def rows(generator) -> np.ndarray:
    """Rend le numéro, dans `pictures.paths`, de chaque image d'un générateur."""
    return np.array([int(Path(name).stem) for name in generator.filenames])


# --- Question 2 : figer la base ------------------------------------------------------


def frozen_base(base: keras.Model, *, layer_name: str = LAYER) -> keras.Model:
    """Coupe la base après une couche, la fige, et résume chaque carte par sa moyenne.

    Figer une BatchNormalization la fait aussi calculer comme en prédiction, avec les moyennes
    apprises sur ImageNet : la même image donne toujours les mêmes caractéristiques.

    Args:
        base: modèle rendu par `pretrained.inception_v3`.
        layer_name: dernière couche gardée, `"mixed0"` à `"mixed10"`.

    Returns:
        Modèle sans poids à apprendre : images float32 `(n, px, px, 3)` dans [-1, 1] →
        caractéristiques float32 `(n, c)`, c valant 2048 pour `mixed10`.

    Source : énoncé, §1.4 ; Lin, Chen et Yan, arXiv 1312.4400, 2013 (moyenne des cartes).
    """
    maps = base.get_layer(layer_name).output  # (n, 3, 3, 2048) pour mixed10 et 150 pixels
    frozen = keras.Model(base.input, layers.GlobalAveragePooling2D()(maps))
    frozen.trainable = False
    return frozen
