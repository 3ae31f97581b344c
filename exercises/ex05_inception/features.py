"""Les caractéristiques : la base figée ne voit chaque image qu'une fois.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception

Une base figée rend toujours la même chose pour la même image : la repasser à chaque époque, comme
le fait le code de l'énoncé, est du temps perdu. On garde ce qu'elle rend, et l'on mesure le temps
gagné.
"""

import contextlib
import io
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.applications.inception_v3 import preprocess_input

from convnets.core.cli import percent
from convnets.core.paths import BASE_NAME
from convnets.datasets import pretrained
from convnets.datasets.cache import cached_array
from convnets.datasets.folders import Pictures
from exercises.ex05_inception import head

IMAGE_PX = 150  # de l'énoncé
VALIDATION_SPLIT = 0.2  # de l'énoncé
LAYER = "mixed9"  # la dernière que ces poids rendent telle qu'elle fut apprise (voir pretrained)
AUGMENTATION = {  # ce qui laisse un chat un chat
    "horizontal_flip": True,
    "rotation_range": 10,
    "zoom_range": 0.1,
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
}


# --- Question 2 : lire les images comme l'énoncé -------------------------------------


def make_generator(pictures: Pictures, *, subset=None, shuffle=False, augment=False, seed=0):
    """Ouvre le générateur de l'énoncé, sans ses pièges.

    - `validation_split` prend pour la validation les **premiers** 20 % de chaque classe, dans
      l'ordre des noms, et non 20 % au hasard : si les noms suivent un ordre (race, date), la
      validation ne ressemble pas à l'entraînement. La validation croisée, elle, tire au sort.
    - Un seul `ImageDataGenerator` augmenterait aussi la validation : on en fait un par usage.
    - `flow_from_directory` mélange par défaut, validation comprise : les prédictions ne
      seraient plus dans l'ordre de `classes`.
    - `samples // batch_size` oublie le dernier lot, et vaut 0 sous 64 images : sans
      `steps_per_epoch`, `fit` prend la longueur du générateur, dernier lot incomplet compris.

    Args:
        pictures: copies rendues par `folders.square_copies`.
        subset: `"training"`, `"validation"`, ou None pour tout prendre.
        shuffle: mélanger à chaque époque.
        augment: transformer chaque image au hasard, à l'entraînement seulement.
        seed: graine du mélange et des transformations.

    Returns:
        Générateur de lots : images float32 `(64, 150, 150, 3)` dans [-1, 1], et étiquettes
        comme les rend `head.targets`.

    Source : énoncé, TD question 2.
    """
    datagen = tf.keras.preprocessing.image.ImageDataGenerator(
        validation_split=VALIDATION_SPLIT,
        preprocessing_function=preprocess_input,
        **(AUGMENTATION if augment else {}),
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


# --- Question 2 : figer la base, et n'y passer qu'une fois ---------------------------


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


def extract(
    pictures: Pictures,
    frozen: keras.Model,
    *,
    base_sha256: str,
    layer_name: str = LAYER,
    cache_dir: Path | None = None,
) -> tuple[np.ndarray, float | None]:
    """Rend les caractéristiques de toutes les images, calculées une fois pour toutes.

    Le fichier de cache est nommé par l'empreinte de ce dont elles dépendent : contenu des
    images, cadrage, couche, poids. Que l'un change, elles sont recalculées.

    Args:
        pictures: copies rendues par `folders.square_copies`.
        frozen: modèle rendu par `frozen_base`.
        base_sha256: empreinte des poids de la base.
        layer_name: couche où elle est coupée.
        cache_dir: dossier du cache, celui des données par défaut.

    Returns:
        `(x, durée)` : float32 `(n, c)` dans l'ordre de `pictures.paths` ; secondes de calcul,
        None si le cache les avait.
    """
    return cached_array(
        "ex05",
        f"{pictures.sha256} {IMAGE_PX} px dans [-1, 1] {layer_name} {base_sha256}",
        lambda: frozen.predict(make_generator(pictures), verbose=0),
        cache_dir=cache_dir,
    )


def describe_extraction(num_images: int, duration_s: float | None) -> str:
    """Dit si la base vient de voir les images, ou si le cache l'a évité."""
    if duration_s is None:
        return f"Caractéristiques des {num_images} images : relues du cache."
    return f"Caractéristiques des {num_images} images : calculées en {duration_s:.0f} s, gardées."


def describe_base(
    provenance: pretrained.Provenance, layer_name: str, *, input_px: int = IMAGE_PX
) -> dict:
    """Rend de quoi retrouver la base : c'est l'entrée `"base"` que lit `./predict`."""
    return {
        "name": BASE_NAME,
        "input_px": input_px,
        "layer": layer_name,
        "sha256": provenance.sha256,
        "source": provenance.source,
    }


# --- Question 2 : ce que le cache fait gagner ----------------------------------------


class _Clock(keras.callbacks.Callback):
    """Mesure une époque sans son premier lot, où TensorFlow construit le graphe.

    Note aussi l'ordre que le générateur vient de tirer : il en change avant et après `fit`.
    """

    def __init__(self, generator=None):
        super().__init__()
        self.generator, self.epoch_s, self.order, self.ends = generator, 0.0, None, []

    def on_epoch_begin(self, epoch, logs=None):
        self.ends = [time.monotonic()]

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.monotonic())
        if self.generator and batch == 0:
            self.order = self.generator.index_array

    def on_epoch_end(self, epoch, logs=None):
        first = min(1, len(self.ends) - 2)
        per_batch_s = (self.ends[-1] - self.ends[first]) / (len(self.ends) - 1 - first)
        self.epoch_s = per_batch_s * (len(self.ends) - 1)


def compare_epochs(
    pictures: Pictures, frozen: keras.Model, x: np.ndarray, *, seed: int = 0
) -> dict:
    """Fait la même époque deux fois : images repassées dans la base, puis caractéristiques lues.

    Mêmes têtes au départ, mêmes lots dans le même ordre : seul le chemin change.

    Args:
        pictures: copies rendues par `folders.square_copies`.
        frozen: modèle rendu par `frozen_base`.
        x: caractéristiques rendues par `extract`, `(n, c)`.
        seed: graine des têtes et du mélange.

    Returns:
        `pushed` et `cached`, chacun `{"epoch_s", "val_accuracy"}`, et `speedup`, leur rapport.
    """
    num_classes = len(pictures.classes)
    train = make_generator(pictures, subset="training", shuffle=True, seed=seed)
    val = make_generator(pictures, subset="validation")
    y = head.targets(pictures.labels, num_classes)
    heads = [head.build_head(x[rows(train)], num_classes, seed=seed) for _ in range(2)]
    pushed = keras.Model(frozen.input, heads[0](frozen.output))
    head.compile_head(pushed, head.LEARNING_RATE)
    clocks = _Clock(train), _Clock()
    pushed.fit(train, epochs=1, shuffle=False, verbose=0, callbacks=[clocks[0]])
    order = rows(train)[clocks[0].order]
    heads[1].fit(
        x[order],
        y[order],
        batch_size=head.BATCH_SIZE,
        epochs=1,
        shuffle=False,
        verbose=0,
        callbacks=[clocks[1]],
    )
    kept = rows(val)
    scores = (pushed.evaluate(val, verbose=0)[1], heads[1].evaluate(x[kept], y[kept], verbose=0)[1])
    pushed, cached = (
        {"epoch_s": clock.epoch_s, "val_accuracy": float(score)}
        for clock, score in zip(clocks, scores, strict=True)
    )
    return {"pushed": pushed, "cached": cached, "speedup": pushed["epoch_s"] / cached["epoch_s"]}


def describe_timing(timing: dict | None) -> str:
    """Compare les deux façons de faire une époque, mesurées à l'instant ; None : `--augment`."""
    if timing is None:
        return "--augment : les images changent à chaque époque, le cache ne leur sert pas."
    lines = []
    for name, label in (
        ("pushed", "images repassées dans la base"),
        ("cached", "caractéristiques relues"),
    ):
        epoch_s, score = timing[name]["epoch_s"], percent(timing[name]["val_accuracy"])
        shown = f"{epoch_s:.2f} s" if epoch_s < 10 else f"{epoch_s:.0f} s"
        lines.append(f"Une époque, {label} : {shown.replace('.', ',')} ; validation {score}")
    return "\n".join([*lines, f"Soit {timing['speedup']:.0f} fois plus vite avec le cache."])
