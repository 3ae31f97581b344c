"""Des données de toute sorte, données à un réseau : leurs premiers exemples, et d'où ils viennent.

Un échantillon est un couple `(images, étiquettes)` de tableaux ; les étiquettes peuvent manquer.
"""

import keras
import numpy as np
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator, NumpyArrayIterator

from .absent import Nothing
from .older.names import channels_last
from .trial import CLASSES, FREE_PX, KEPT

LARGE_PX = 64  # d'images plus grandes, moins : autant de pixels
# Octets d'un échantillon ; valeurs d'une image, prises partout, bord compris : assez pour la
# reconnaître.
MAX_BYTES, KEY_VALUES = 2**24, 24
STEP_PX = 32  # d'une grande image, autant de pixels par côté
CHANGES = (
    "rotation_range width_shift_range height_shift_range shear_range zoom_range horizontal_flip "
    "vertical_flip brightness_range channel_shift_range"
).split()


# --- Prendre -------------------------------------------------------------------------


def sample(x, y=None) -> tuple | None:
    """Rend les premiers exemples de données de toute sorte, en tableaux.

    Returns:
        `(images, étiquettes)` ; None si elles ne se lisent pas.
    """
    try:
        images, labels = _first_batch(x, y)
        labels = None if labels is None else np.asarray(labels)[:KEPT]
        images = np.asarray(images)[:KEPT]
        if images.ndim < 2 or np.ndim(labels) > 2 or np.shape(labels)[1:] == images.shape[2:] != ():
            return None  # des pixels épars, ou une ligne de chaque image : la table était absente
        first = images.ndim == 4 and channels_last(images.shape) != images.shape
        return np.moveaxis(images, 1, -1) if first else images, labels
    except Exception:
        return None


def _first_batch(x, y) -> tuple:
    if y is None and not hasattr(x, "shape"):  # ce qui donne des lots
        batch = next(iter(x))
        return batch if isinstance(batch, tuple) else (batch, None)
    return _first(x), None if y is None else _first(y)


def _first(values) -> np.ndarray:
    """Rend les premiers exemples ; un tableau de tableaux d'objets devient un vrai tableau."""
    values = values.to_numpy() if hasattr(values, "to_numpy") else values  # de pandas
    if isinstance(values, Nothing) or (
        np.shape(values[:1])[1:] == Nothing.images.shape  # un tableau fait d'absents
    ):
        raise ValueError("données absentes")
    return np.stack([np.asarray(each) for each in list(values[:KEPT])])


def fewer(pair: tuple, num: int) -> tuple:
    """Rend les premiers exemples d'un lot ; moins s'ils sont grands."""
    side_px = pair[0].shape[1] if pair[0].ndim == 4 else 1
    num = max(2, num * LARGE_PX**2 // max(LARGE_PX, side_px) ** 2)
    return tuple(None if each is None else each[:num] for each in pair)


def widened(model, pair: tuple | None) -> tuple | None:
    """Rend un lot tiré de nos deux dossiers d'images, à qui en attend davantage : des colonnes."""
    shape = getattr(model, "output_shape", None) if model.built else None
    if pair is None or pair[1] is None or pair[1].ndim != 2 or not isinstance(shape, tuple):
        return pair
    lacking = (shape[-1] or 0) - pair[1].shape[1]
    if pair[1].shape[1] != len(CLASSES) or lacking <= 0:
        return pair
    return pair[0], np.pad(pair[1], ((0, 0), (0, lacking)))


def as_dict(pair: tuple | None) -> dict | None:
    """Rend un échantillon qui voyage ; d'une grande image, un pixel sur quelques-uns."""
    if pair is None or not pair[0].size:
        return None
    if any(each is not None and each[0].nbytes > MAX_BYTES for each in pair):
        return None
    step = max(1, pair[0].shape[1] // STEP_PX) if pair[0].ndim == 4 else 1
    x, y = (None if each is None else each[: MAX_BYTES // pair[0][0].nbytes] for each in pair)
    return {"x": x[:, ::step, ::step] if step > 1 else x, "y": y}


def split(x, y, named: dict) -> tuple:
    """Sépare la validation que `fit` prendrait aux images d'entraînement : les dernières."""
    share, validation = named.get("validation_split"), named.get("validation_data")
    if share and validation is None and hasattr(x, "__len__"):
        cut = int(len(x) * (1 - share))
        return x[:cut], y[:cut], (x[cut:], y[cut:])
    return x, y, validation


# --- Inventer ------------------------------------------------------------------------


def ensure_built(model) -> None:
    """Construit un modèle qui attend ses données, pour des images de l'exercice."""
    if model.built:
        return
    shape = (*Nothing.images.shape[1:], 1)[:3]
    flat = isinstance((model.layers or [model])[0], keras.layers.Dense)
    model.build((None, int(np.prod(shape))) if flat else (None, *shape))


def invented(model, num: int = KEPT) -> tuple:
    """Invente des images et des étiquettes qui conviennent à un modèle."""
    ensure_built(model)
    shape = _known(model.input_shape)
    outputs, rng = model.output_shape[-1], np.random.default_rng(0)
    if len(model.output_shape) > 2:  # il rend des images
        drawn = rng.random((num, *_known(model.output_shape)), np.float32)
        return rng.random((num, *shape), np.float32), drawn
    labels = np.arange(num) % max(2, outputs)
    if outputs > 1 and "sparse" not in str(getattr(model, "loss", "")).lower():
        labels = np.eye(outputs, dtype=np.float32)[labels]
    return rng.random((num, *shape), np.float32), labels


def _known(shape: tuple) -> list[int]:
    """Donne un nombre aux côtés qu'un réseau laisse libres ; le lot n'en est pas."""
    return [n or FREE_PX for n in shape[1:]]


# --- D'où viennent-elles ? -----------------------------------------------------------


def are_shared(x, x_val) -> bool:
    """Dit si la plupart des cent premières images de la validation sont aussi apprises."""
    x, x_val = (each.x if isinstance(each, NumpyArrayIterator) else each for each in (x, x_val))
    if not all(isinstance(each, np.ndarray | tf.Tensor) and len(each) for each in (x, x_val)):
        # Un jeu, ou ce qui tient lieu d'un fichier absent ; ou deux générateurs d'un même dossier.
        return x_val is not None and (x is x_val or _place(x) == _place(x_val))
    learned = {key.tobytes() for key in _keys(x)}
    # Une ligne restée à zéro est à plusieurs images.
    known = [key.tobytes() in learned for key in _keys(x_val[:100]) if np.ptp(key)]
    return np.mean(known or [0]).item() > 0.5


def _place(images) -> tuple:
    return getattr(images, "directory", id(images)), getattr(images, "subset", 0)


def _keys(images) -> np.ndarray:
    """Rend de quoi reconnaître chaque image : quelques-unes de ses valeurs."""
    step = np.size(images[0]) // KEY_VALUES | 1
    values = np.reshape(images, (len(images), -1))[:, ::step]
    return np.ascontiguousarray(values, None if images.dtype == object else np.float32)


def is_augmented(images) -> bool:
    """Dit si un générateur d'images les transforme."""
    maker, plain = getattr(images, "image_data_generator", None), ImageDataGenerator()
    return isinstance(maker, ImageDataGenerator) and any(
        getattr(maker, each) != getattr(plain, each) for each in CHANGES
    )


def folder_of(images):
    """Rend le dossier que lit un générateur, ou un tf.data au début de sa chaîne ; None sinon."""
    kept = getattr(images, "__dict__", {})  # et non `getattr` : un objet inerte a tous les noms
    if kept.get("folder"):
        return kept["folder"]
    return folder_of(kept["_input_dataset"]) if "_input_dataset" in kept else None
