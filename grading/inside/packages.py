"""Ce que trouve qui importe un paquet absent : un module de `stand_ins`, d'aujourd'hui, ou inerte.

Ne répond qu'après tous les autres, et qu'au programme du rendu : les bibliothèques savent se passer
de ce qui manque.
"""

import contextlib
import difflib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Iterable

import keras

from .absent import attribute, is_asked_by_hand_in, nothing
from .causes import causes, place_in_hand_in
from .stand_ins import (
    cv2,
    fire,
    input_data,
    keras_tuner,
    keras_vggface,
    mine,
    mnist,
    pandas,
    pictures,
    tensorflow_datasets,
    tensorflow_hub,
    tutorials_mnist,
)

CLOSE = 0.8  # ressemblance d'un nom mal écrit et du vrai
OLD_KERAS = "tensorflow.python.keras"  # encore dans TensorFlow, et incompatible avec Keras 3
KERAS = (
    OLD_KERAS,
    *("tensorflow.contrib.keras.api.keras", "tensorflow.contrib.keras", "tensorflow.keras"),
    *("keras.api._v2.keras", "keras.api._v1.keras", "keras.api.keras"),
    *("keras.api._v2", "keras.api._v1", "tf_keras", "keras"),
)
PLACES = (
    "layers models utils optimizers callbacks losses metrics regularizers initializers constraints "
    "applications datasets preprocessing.image preprocessing.sequence backend"
).split()
MOVED = {
    **dict.fromkeys(("sklearn.cross_validation", "sklearn.grid_search"), "sklearn.model_selection"),
    "fashion_mnist": "keras.datasets.fashion_mnist",  # le fichier que publiaient ses auteurs
}
STAND_INS = {  # par nom d'import
    "cv2": cv2,
    "fire": fire,
    "input_data": input_data,
    "keras_tuner": keras_tuner,
    "keras_tuner.tuners": keras_tuner,
    "kerastuner": keras_tuner,
    "kerastuner.tuners": keras_tuner,
    "keras_vggface": keras_vggface,
    "keras_vggface.vggface": keras_vggface,
    "mnist": mnist,
    "pandas": pandas,
    **dict.fromkeys(("imageio", "imageio.v2", "imageio.v3"), pictures),
    **dict.fromkeys(("skimage", "skimage.io"), pictures),
    "tensorflow.examples.tutorials.mnist": tutorials_mnist,
    "tensorflow_datasets": tensorflow_datasets,
    "tensorflow_hub": tensorflow_hub,
}
USUAL = {  # noms que tous donnent à des modules, et que certains oublient d'importer
    "np": "numpy",
    "plt": "matplotlib.pyplot",
    "tf": "tensorflow",
    "keras": "keras",
    **{name: name for name in "os sys time math random".split()},
}


def usual(name: str):
    """Rend ce que désigne partout un nom qui n'est pas importé ; None si rien ne le dit."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(USUAL[name]) if name in USUAL else _from_keras("keras", name)
    return None


def _from_keras(module: str, name: str):
    """Cherche dans le Keras d'aujourd'hui ce qu'un ancien module contenait, ou rend None."""
    if name == "keras":  # `from keras.api._v2 import keras`
        return importlib.import_module("keras")
    inside = next(module[len(root) :] for root in KERAS if module.startswith(root)).strip(".")
    for place in (inside, inside.rpartition(".")[0], *PLACES, ""):
        with contextlib.suppress(ImportError, AttributeError):
            today = importlib.import_module(f"keras.{place}".rstrip("."))
            if not isinstance(today, _Missing):
                return getattr(today, name)
    return None


class _Missing(types.ModuleType):
    """Un module qui n'existe pas ici."""

    __version__ = "0"

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__.startswith(KERAS):
            today = _from_keras(self.__name__, name)
        else:  # d'un paquet comme efficientnet
            today = getattr(keras.applications, name, None)
        return attribute(name) if today is None else today


def near_name(name: str | None, known: Iterable[str]) -> str | None:
    """Rend le nom connu dont un autre est presque celui : `Conv2d`, ou None."""
    return next(iter(difflib.get_close_matches(name or "", known, 1, CLOSE)), None)


def _is_kind(name: str) -> bool:
    """Dit si `from keras.callbacks import BaseLogger` cherche une classe qui n'y est plus."""
    return name.startswith(KERAS) and name.rpartition(".")[2][0].isupper()


class _Finder:
    """Répond, après tous les autres, à qui importe ce qui n'est pas installé.

    Un paquet que le rendu a demandé est remplacé pour tous, modules compris ; comme l'ancien Keras.
    """

    replaced = set()

    def find_spec(self, name: str, path=None, target=None):
        """Rend le module, ou None si ce n'est pas le rendu qui le demande."""
        top = name.partition(".")[0]
        ours = top in ("exercises", "convnets")
        known = top in self.replaced or name.startswith(OLD_KERAS)
        if not known and (ours or not is_asked_by_hand_in()):
            return None
        parent, _, last = name.rpartition(".")
        if _is_kind(name) and near_name(last, dir(sys.modules[parent])):
            return None  # mal écrit : c'est une faute du programme
        if not name.startswith(KERAS):
            self.replaced.add(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        """Rend le fichier du rendu qui a ce nom, le module d'aujourd'hui, ou celui de `stand_ins`.

        À défaut, un module inerte ; ou une classe, si le nom est celui d'une classe de Keras.
        """
        if _is_kind(spec.name):
            parent, _, last = spec.name.rpartition(".")
            return _from_keras(parent, last) or nothing(last)
        own = importlib.util.find_spec(spec.name.rpartition(".")[2])
        inside = own and str(own.origin).startswith(os.path.join(os.getcwd(), "exercises"))
        if spec.name in MOVED or inside:
            return importlib.import_module(MOVED.get(spec.name, own.name if inside else ""))
        if spec.name in STAND_INS:
            return STAND_INS[spec.name]
        if not spec.name.startswith(KERAS):
            causes.note(f"le paquet {spec.name}", place_in_hand_in(at_import=True))
        return _Missing(spec.name)

    def exec_module(self, module):
        """N'a rien à exécuter."""


def install() -> None:
    """Répond désormais aux imports de ce qui n'est pas installé, et de l'ancien Keras."""
    finder = _Finder()
    sys.meta_path.append(finder)
    sys.modules["exercises.mine"] = mine
    old = importlib.machinery.ModuleSpec(OLD_KERAS, finder, is_package=True)
    parent, _, name = OLD_KERAS.rpartition(".")
    sys.modules[OLD_KERAS] = importlib.util.module_from_spec(old)  # ses modules, à `finder`
    setattr(sys.modules[parent], name, sys.modules[OLD_KERAS])
