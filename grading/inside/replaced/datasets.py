"""Ce que lit un programme qui charge un jeu de données, des poids ou un modèle."""

import functools
import inspect
import itertools
import multiprocessing.pool
import os
import sys
import types
from pathlib import Path

import keras
import numpy as np
import sklearn.datasets
import sklearn.utils
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from keras.src.utils import dataset_utils

from .. import stops
from ..absent import Nothing
from ..causes import causes, place_in_hand_in
from ..stand_ins.pandas import Table
from ..trial import BATCH, KEPT, SIZES, data, images_and_labels, pictures_for

NUMBERS = itertools.count()  # à chaque source d'images sans nom, le sien
_to_categorical = keras.utils.to_categorical
SETS = tuple(f".datasets.{name}" for name in SIZES)


def replacements(seen) -> list[tuple]:
    """Rend ce qui lit des données ou un modèle, remplacé."""
    everywhere = {
        **dict.fromkeys([f"load_{name}" for name in SIZES], _load_set),
        **_of_models(seen),
        "image_dataset_from_directory": _from_pictures(keras.utils.image_dataset_from_directory),
        "to_categorical": _inert(_older_to_categorical),
    }
    replaced = []
    for name, module in [*sys.modules.items()]:
        if name.startswith(("keras", "convnets.")):
            names = everywhere.keys() & vars(module).keys()
            replaced += [(module, key, everywhere[key]) for key in names]
            replaced += [(module, "load_data", _load_set)] if name.endswith(SETS) else []
    return [
        *replaced,
        *((place, "ThreadPool", _inline_pool) for place in (multiprocessing.pool, dataset_utils)),
        (ImageDataGenerator, "flow", _inert(ImageDataGenerator.flow)),
        (ImageDataGenerator, "fit", _inert(ImageDataGenerator.fit)),
        (
            ImageDataGenerator,
            "flow_from_directory",
            _from_pictures(ImageDataGenerator.flow_from_directory),
        ),
        (ImageDataGenerator, "flow_from_dataframe", _from_table),
        (sklearn.datasets, "fetch_openml", _open_ml),
        (sklearn.datasets, "fetch_mldata", _open_ml),
    ]


def _of_models(seen) -> dict:
    """Rend ce qui lit ou enregistre des poids et des modèles, par nom."""

    def reuse(*given, fname="poids.h5", **_):
        """Note que des poids déjà appris sont demandés."""
        seen.said["reuses"] = True
        return str(given[0] if given else fname)

    def save(model, *_, **__):
        """Note le réseau enregistré."""
        return seen.keep(model)

    def reread(name="", *_, **__):
        """Rend ce que le programme a peut-être enregistré."""
        known = [each for each in seen.names.values() if isinstance(each, keras.Model)]
        known += [each.model for each in seen.networks]
        if known:
            return known[-1]
        seen.said["absent"] = os.path.basename(name if isinstance(name, str | Path) else "")
        return Nothing()

    return {
        "get_file": reuse,
        "load_weights": reuse,
        "save_model": save,
        "save_weights": save,
        "load_model": reread,
    }


def _load_set(*_, **__):
    """Rend les images de l'essai, comme `load_data`."""
    return images_and_labels("train"), images_and_labels("test")


def _older_to_categorical(y, num_classes=None, *_, **__):
    """Fait des colonnes ; elle avait un argument `dtype`."""
    return _to_categorical(y, num_classes)


def _inert(original):
    """Remplace une fonction de Keras : de données absentes, elle rend un objet inerte."""

    def use(*given, **named):
        inert = Nothing()
        inert.image_data_generator = given and given[0]
        return (
            inert if any(map(_is_absent, (*given, *named.values()))) else original(*given, **named)
        )

    return use


def _is_absent(value) -> bool:
    """Dit si une valeur est celle d'un fichier absent : inerte, ou un tableau vide."""
    return isinstance(value, Nothing) or np.shape(value)[:1] == (0,)


def _from_pictures(original):
    """Remplace le dossier d'images qu'un programme lit, s'il est absent, par le nôtre."""

    @functools.wraps(original)  # `_from_table` en demande les arguments
    def read(*given, **named):
        bound = inspect.signature(original).bind_partial(*given, **named)
        folder, size = bound.arguments.get("directory"), bound.arguments.get("batch_size", KEPT)
        stops.check_written(original.__name__, folder)
        # Absent, ou créé par le programme, qui y a copié des images absentes.
        known = isinstance(folder, str | Path)
        if not known or not any(Path(folder or "?").rglob("*.*")):
            causes.note(folder if known else "un dossier d'images", place_in_hand_in())
            bound.arguments |= {
                "directory": pictures_for(folder if known else next(NUMBERS)),
                "classes": None,  # nos dossiers portent d'autres noms
                "class_names": None,
                # La mémoire est comptée. D'un nombre absent, un `Nothing`, `int` fait un nombre.
                "batch_size": None if size is None else min(int(size), 2 * BATCH),
            }
        sets = original(*bound.args, **bound.kwargs)
        for each in sets if isinstance(sets, list) else [sets]:  # subset="both"
            each.folder = known and folder
        return sets

    return read


def _from_table(generator, *_, **named):
    """Lit nos images au lieu de celles que nomme une table absente."""
    read = generator.flow_from_directory
    named = {key: named[key] for key in named.keys() & inspect.signature(read).parameters}
    return read(**{**named, "directory": next(NUMBERS)})


def _open_ml(*_, return_X_y=False, **__):  # noqa: N803, le nom est de scikit-learn
    """Rend les images de l'essai, apprises puis de test, comme `fetch_openml` celles de MNIST."""
    x, y = (np.concatenate([data[f"{axis}_train"], data[f"{axis}_test"]]) for axis in "xy")
    table, labels = x.reshape(len(x), -1).view(Table), y.astype(str)
    return (table, labels) if return_X_y else sklearn.utils.Bunch(data=table, target=labels)


def _inline_pool(*_):
    """Tient lieu d'un `ThreadPool`, car ses fils ont besoin de /dev/shm : l'appel est fait là."""
    return _InlinePool()


class _InlinePool:
    def apply_async(self, function, arguments=()):
        result = function(*arguments)

        def get(timeout=None):
            return result

        return types.SimpleNamespace(get=get)

    def close(self):
        """N'a rien à fermer."""

    def join(self):
        """N'a rien à attendre."""
