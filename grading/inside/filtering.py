"""Voir les filtres qu'un programme donne à `tf.nn.conv2d`, et les images qu'il montre ensuite.

Dans un graphe de TensorFlow 1, un appel ne calcule rien : il est noté quand une session l'exécute.
"""

import ast
import functools
import importlib
import inspect
import os
import re
import sys

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from . import probes
from .absent import Nothing
from .causes import causes, place_in_hand_in
from .replaced import files
from .replaced.folders import read_file
from .stand_ins import cv2, pictures

APPLY = "conv2d", "convolution", "depthwise_conv2d"  # de `tf.nn`
SHOW = (  # ce qui montre une image, ou l'écrit
    (Image.Image, "save"),
    (tf.image, "encode_jpeg"),
    (tf.image, "encode_png"),
    (tf.io, "encode_jpeg"),
    (tf.io, "encode_png"),
    (Image.Image, "show"),
    (cv2, "imshow"),
    (cv2, "imwrite"),
    (pictures, "imshow"),
    (pictures, "imsave"),
    (pictures, "imwrite"),
)
ANY_FILE = re.compile("(?s).*")  # un fichier absent, quel que soit son nom, est une image
MAX_NOTED, MAX_WEIGHTS = 40, 2**14  # appels notés ; poids d'un filtre, au-delà un réseau
MAX_KEPT = 8  # réponses gardées, pour reconnaître ce qui est montré
MIN_SIDE_PX, SIDE_PX = 16, 256  # d'une image ; de celle qui tient lieu d'une image absente
NUM_POINTS, NUM_CHANNELS, SAME = 4096, 16, 1e-3  # pour comparer deux images


def picture_size(nodes: list[ast.AST]) -> tuple[int, int]:
    """Rend la hauteur et la largeur que le programme écrit pour son image.

    Elles sont dans une forme, `reshape(1, 720, 1280, 3)` par exemple ; sinon, un carré.
    """
    for each in nodes:
        items = each.args if isinstance(each, ast.Call) else getattr(each, "elts", ())
        values = [getattr(item, "value", None) for item in items]
        if len(values) in (3, 4) and values[-1] in (1, 3):
            height, width = values[-3:-1]
            if all(type(side) is int and side >= MIN_SIDE_PX for side in (height, width)):
                return height, width
    return SIDE_PX, SIDE_PX


class Filtering:
    """Les filtres qu'un programme a appliqués, et ce qu'il a montré.

    Args:
        names: les variables globales du programme, qui disent s'il s'est déjà arrêté.
    """

    def __init__(self, names):
        self.names = names
        self.calls: list[dict] = []  # ceux qui aboutissent
        self.failed: list[dict] = []
        self.shown: list[dict] = []  # la première fois qu'une réponse est montrée
        self.looked: list[str] = []  # les lignes qui montrent une image, quelle qu'elle soit
        self._kept: list[tuple] = []  # réponse et image des derniers appels
        self._busy = False  # ce qui montre en appelle un autre

    def replacements(self) -> list[tuple]:
        """Rend ce qui filtre et ce qui montre, remplacé : `(endroit, nom, valeur)`."""
        places = {id(each): each for each in (tf.nn, tf.compat.v1.nn)}.values()
        apply = [
            (place, name, self._applied(getattr(place, name))) for place in places for name in APPLY
        ]
        axes = importlib.import_module("matplotlib.axes").Axes  # une seconde, et pour lui seul
        drawn = (axes, "imshow"), (importlib.import_module("matplotlib.image"), "imsave")
        show = [
            (place, name, self._showing(getattr(place, name))) for place, name in (*drawn, *SHOW)
        ]
        first = [(tf.compat.v1.gfile, name, _open) for name in ("FastGFile", "GFile")]
        return [*apply, *show, *first, (tf, "read_file", read_file), (files, "PICTURE", ANY_FILE)]

    def _reached(self, place: str) -> dict:
        """Dit où en est le programme : la ligne, et ce qui l'a déjà arrêté."""
        names = self.names
        return {
            "place": place,
            "forgotten": names.before is not None,
            "stopped": names.stop is not None,
            "halted": names.error is not None,
        }

    def _applied(self, original):
        """Remplace une fonction de `tf.nn` : l'appel du rendu est noté, pas celui de Keras."""

        @functools.wraps(original)
        def apply(*given, **named):
            caller, here = sys._getframe(1).f_code.co_filename, os.path.abspath("exercises")
            symbolic = any(
                isinstance(each, keras.KerasTensor) for each in (*given, *named.values())
            )
            if symbolic or not caller.startswith(here):
                return original(*given, **named)
            place = place_in_hand_in()
            try:
                bound = inspect.signature(original).bind(*given, **named)
                read = bound.arguments
                weights = read.get("filters", read.get("filter"))
                read["input"] = _picture_for(weights, read["input"])
                response = original(*bound.args, **bound.kwargs)
            except Exception as error:
                self.failed.append({"place": place, "error": probes.describe_error(error)})
                raise
            step = read.get("strides")

            def note(answer, image, kernel):
                self._note(place, step, *map(np.asarray, (answer, image, kernel)))
                return answer

            return _once_known(note, response, read["input"], weights)

        return apply

    def _note(self, place: str, step, response, image, weights) -> None:
        """Note un appel qui aboutit, sauf s'il ne fait que recommencer."""
        if image.ndim != 4 or weights.ndim != 4 or weights.size > MAX_WEIGHTS:
            return
        self._kept = [*self._kept, (response, image)][-MAX_KEPT:]
        facts = {"place": place, "step": 1 if step is None else int(np.max(step))}
        facts["sides"] = list(image.shape[1:3])
        again = any(
            facts.items() <= each.items() and np.array_equal(each["filter"], weights)
            for each in self.calls
        )
        if not again and len(self.calls) < MAX_NOTED:
            self.calls.append({**self._reached(place), **facts, "filter": weights})

    def _showing(self, original):
        """Remplace ce qui montre ou écrit une image : le premier tableau reçu est regardé."""

        @functools.wraps(original)
        def show(*given, **named):
            ours = sys._getframe(1).f_code.co_filename.startswith(f"{os.path.dirname(__file__)}/")
            busy, self._busy = self._busy, True
            try:
                answer = None if original.__name__ == "show" else original(*given, **named)
            finally:
                self._busy = busy
            images = [np.asarray(each) for each in (*given, *named.values()) if _is_array(each)]
            if images and not busy and not ours:  # `ours` : l'image que nous écrivons
                self._look(images[0], place_in_hand_in())
            return answer

        return show

    def _look(self, picture: np.ndarray, place: str) -> None:
        self.looked = [*self.looked, place][-MAX_NOTED:]
        if not self.shown and self._is_response(picture):
            self.shown.append(self._reached(place))

    def _is_response(self, picture: np.ndarray) -> bool:
        """Dit si un tableau a la taille d'une réponse, et n'est pas l'image de départ."""
        planes = _planes(np.squeeze(picture))
        for response, image in self._kept:
            if planes.shape[1:] == response.shape[1:3]:
                if _is_made_of(planes, response) or not _is_made_of(planes, image):
                    return True
        return False


def _open(name, mode: str = "rb"):
    """Ouvre un fichier comme le fait `open`, une fois remplacé."""
    return open(name, mode)


def _picture_for(weights, image):
    """Rend ce que lit un filtre : une image absente est la nôtre, en gris si le filtre l'est."""
    inert = isinstance(image, Nothing)
    image = np.float32(Nothing.images[None]) if inert else image
    if (inert or causes.current()) and (_size(image, 3), _size(weights, 2)) == (3, 1):
        return tf.reduce_mean(image, axis=-1, keepdims=True)
    return image


def _size(values, axis: int) -> int | None:
    """Rend la taille d'un axe d'un tableau qui en a quatre, si elle est connue."""
    shape = tf.convert_to_tensor(values).shape
    return shape[axis] if shape.rank == 4 else None


def _once_known(note, response, image, weights):
    """Note des tenseurs dès que leurs valeurs sont connues ; rend la réponse."""
    if tf.executing_eagerly():
        note(response, image, weights)
        return response
    noted = tf.numpy_function(note, [response, image, weights], response.dtype)
    noted.set_shape(response.shape)
    return noted


def _is_array(value) -> bool:
    if isinstance(value, str) or tf.is_symbolic_tensor(value):  # dans un graphe, rien n'est calculé
        return False
    return np.ndim(value) >= 2


def _planes(picture: np.ndarray) -> np.ndarray:
    """Rend les couleurs d'une image, une par plan : `(c, h, w)`."""
    picture = picture if picture.ndim == 3 else picture[..., None]
    return np.moveaxis(picture[..., :NUM_CHANNELS].astype(float), -1, 0)


def _is_made_of(planes: np.ndarray, images: np.ndarray) -> bool:
    """Dit si un plan est un mélange des couleurs d'une image du lot, ou l'inverse."""
    for image in images:
        theirs = _planes(image)
        if theirs.shape[1:] == planes.shape[1:]:
            if _mixes(planes, theirs) or _mixes(theirs, planes):
                return True
    return False


def _mixes(planes: np.ndarray, others: np.ndarray) -> bool:
    """Dit si l'un de ces plans est une somme pondérée des autres, à une constante près."""
    step = max(1, planes[0].size // NUM_POINTS)
    ours, theirs = (each.reshape(len(each), -1)[:, ::step] for each in (planes, others))
    base = np.vstack([theirs, np.ones(ours.shape[1])]).T
    for plane in ours:
        spread = np.square(plane - plane.mean()).sum()
        if spread:
            weights = np.linalg.lstsq(base, plane, rcond=None)[0]
            if np.square(plane - base @ weights).sum() < SAME * spread:
                return True
    return False
