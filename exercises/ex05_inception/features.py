"""Les images sans les pièges du générateur, et la base figée.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception.cached
"""

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.applications.inception_v3 import preprocess_input

from convnets.core import session
from convnets.core.images import crop_resize, open_image
from convnets.datasets import clothes, folders
from convnets.serving.images import decoded_side
from exercises.ex05_inception import head

IMAGE_PX = 150  # de l'énoncé
VALIDATION_SPLIT = 0.2  # de l'énoncé
LAYER = "mixed8"  # choisie sur les photographies de validation : 88 %, et 84 % après mixed9


# --- Question 2 : des photographies de vêtements -------------------------------------


def load_photographs(limit: int | None = None) -> dict[str, folders.Pictures]:
    """Rend les photographies de chaque part, `train`, `validation` et `test`.

    Args:
        limit: photographies au plus dans chaque part, à parts égales entre les classes.
    """
    parts = clothes.load_clothes()
    return {part: folders.scan(each.folder, limit=limit) for part, each in parts.items()}


def choose(pictures: folders.Pictures, names: Sequence[str], most: int) -> folders.Pictures:
    """Ne garde que les classes `names`, triées, et de chacune les `most` premières images."""
    wanted = np.searchsorted(pictures.classes, names)
    ranks = np.arange(len(pictures.labels)) - np.searchsorted(pictures.labels, pictures.labels)
    kept = np.flatnonzero(np.isin(pictures.labels, wanted) & (ranks < most))
    return pictures._replace(
        classes=[*names],
        paths=[pictures.paths[row] for row in kept],
        labels=np.searchsorted(wanted, pictures.labels[kept]),
    )


# --- Question 2 : lire les images comme l'énoncé -------------------------------------


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Tait ce que Keras affiche, en anglais, quand il ouvre un dossier d'images."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


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
    with quiet():
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


# --- Question 2 : y passer chaque photographie, une seule fois -----------------------


def describe(
    model: keras.Model, pictures: folders.Pictures, *, mode: str = "squash", zoom: float = 1.0
) -> np.ndarray:
    """Rend ce qu'un modèle figé rend de chaque image, dans leur ordre.

    Args:
        model: images float32 `(n, px, px, 3)` dans [-1, 1] → tableau `(n, …)`.
        pictures: les images.
        mode: comment en faire des carrés ; `"squash"` est ce que fait `target_size`.
        zoom: part du carré central à garder, pour le mode `"crop"` ; voir `images.crop_resize`.
    """
    side_px, found = model.input_shape[1], []
    for start in range(0, len(pictures.paths), head.BATCH_SIZE):
        session.need_time("la lecture des photographies")
        paths = pictures.paths[start : start + head.BATCH_SIZE]
        images = [open_image(path, min_side_px=decoded_side(side_px)) for path in paths]
        squares = [crop_resize(image, side_px, mode=mode, zoom=zoom) for image in images]
        x = preprocess_input(np.stack(squares).astype(np.float32))
        found.append(model.predict_on_batch(x))
    return np.concatenate(found)
