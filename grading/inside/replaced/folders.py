"""Ce que trouve un programme qui parcourt un dossier absent : nos images."""

import glob
import os
import re
from pathlib import Path

import sklearn.datasets
import tensorflow as tf
from keras.src.utils import file_utils

from ..absent import Nothing
from ..causes import causes, place_in_hand_in
from ..trial import CLASSES, PICTURES, pictures_for

PUBLISHED = r"(_batch(_\d)?|-ubyte(\.gz)?)$"  # les fichiers de CIFAR-10 et de MNIST, qui se lisent
WEIGHTS = (".h5", ".hdf5", ".keras", ".ckpt", ".index")  # ce qu'enregistre un apprentissage
_listdir, _walk, _mkdir = os.listdir, os.walk, os.mkdir
_isdir, _exists, _glob = os.path.isdir, os.path.exists, glob.glob
_list_files, _load_files = tf.data.Dataset.list_files, sklearn.datasets.load_files


def replacements() -> list[tuple]:
    """Rend ce qui parcourt des dossiers, remplacé."""
    return [
        (os, "listdir", _list),
        (os, "walk", _walk_through),
        (os, "mkdir", _make),
        (os.path, "isdir", _is_folder),
        (os.path, "exists", _is_there),
        (glob, "glob", _match),
        (Path, "glob", _match_under),
        (sklearn.datasets, "load_files", _load),
        (tf.data.Dataset, "list_files", _list_matching),
        (tf.io.gfile, "glob", _match_text),
        (tf.io, "read_file", read_file),
        (file_utils, "exists", _are_weights_there),
    ]


def _list(path="."):
    """Énumère un dossier ; d'un absent, le sous-dossier du même nom, ou nos images."""
    if not os.path.exists(path):
        causes.note(path, place_in_hand_in())
    ours = f"{pictures_for()}/{Path(path).name}"
    return _listdir(next(filter(os.path.exists, (path, ours, PICTURES))))


def _walk_through(top, *given, **named):
    return _walk(_existing(top), *given, **named)


def _load(top, *given, **named):
    return _load_files(_existing(top), *given, **named)


def _existing(top):
    if os.path.exists(top):
        return top
    causes.note(top, place_in_hand_in())
    return pictures_for(top)


def _make(path, *given, **named) -> None:
    """Fait un dossier là où rien n'est encore, et ceux qui le contiennent."""
    for each in (*reversed(Path(path).parents), path):
        if not os.path.lexists(each):
            _mkdir(each, *given, **named)


def _is_folder(path) -> bool:
    """Dit si un chemin est un dossier ; une classe, jointe à un dossier absent, en est un."""
    return _isdir(path) or Path(path).name in CLASSES


def _is_there(path) -> bool:
    return _exists(path) or bool(re.search(PUBLISHED, str(path)))


def _are_weights_there(path) -> bool:
    """Dit que les poids d'une base sont là, même absents."""
    return isinstance(path, Nothing) or str(path).endswith(".h5") or os.path.exists(path)


def _match(pattern, *given, **named):
    """Cherche un motif ; un motif qui ne trouve rien trouve nos images, ou leurs dossiers.

    Des poids que le programme n'a pas encore enregistrés n'en sont pas : rien n'est trouvé.
    """
    inside = "*/*.png" if re.search(r"[*].*[*]|[.]", pattern) else "*"
    matched = _glob(pattern, *given, **named)
    if matched or pattern.endswith(WEIGHTS):
        return matched
    causes.note(pattern, place_in_hand_in())
    return _glob(f"{pictures_for()}/{inside}", *given, **named)


def _match_under(path, pattern):
    return map(Path, glob.glob(str(path / pattern), recursive=True))


def _match_text(pattern):
    return glob.glob(str(pattern))


def _list_matching(pattern, *given, **named):
    return _list_files(tf.io.gfile.glob(pattern), *given, **named)


def read_file(name):
    """Lit un fichier comme le fait `open` ; d'une image absente, une image au hasard."""
    return tf.py_function(_content, [name], tf.string)


def _content(path) -> bytes:
    with open(path.numpy().decode(), "rb") as file:
        return file.read()
