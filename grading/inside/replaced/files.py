"""Ce que lit un programme dans un fichier absent : celui de MNIST, de CIFAR-10, une image."""

import builtins
import gzip
import importlib
import importlib.util
import io
import os
import pickle
import re
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from ..absent import Nothing
from ..causes import causes, place_in_hand_in
from ..stand_ins.pandas import read_csv
from ..trial import CLASSES, NUM_PICTURES, data, images_and_labels, picture_px

PARTS, MAPS = ("train", "valid", "test"), (7, 7, 32)  # d'un fichier de cartes absent
# Ce qui cherche des données ailleurs, ou les range ; un paquet absent n'en est pas.
REMOTE = {
    importlib.import_module(place): names.split()
    for place, names in {
        "os": "rename replace remove chmod",
        "shutil": "move copy copyfile copytree unpack_archive",
        "urllib.request": "urlopen urlretrieve",
        "requests": "get",
        "tarfile": "open",
        "zipfile": "ZipFile",
        "pandas": "read_csv",
    }.items()
    if importlib.util.find_spec(place)
}
IDX = re.compile(r"(train|t10k|test)\b.*(images|labels).*?(\.gz)?")  # les fichiers de MNIST
BATCH = re.compile(r"data_batch_([1-5])|test_batch")  # ceux de CIFAR-10, de Toronto
ARRAY = re.compile(r"(?i)(?!.*(?:feat|bottle)).*(train|test).*\.npy")
PICTURE = re.compile(r".*\.(png|jpe?g|bmp|tiff?|webp)", re.IGNORECASE)


def replacements() -> list[tuple]:
    """Rend ce qui ouvre ou cherche un fichier, remplacé."""
    remote = [
        (module, name, _answered(getattr(module, name)))
        for module, names in REMOTE.items()
        for name in names
    ]
    return [*remote, *((place, "open", _opened(open)) for place in (builtins, io))]


def _answered(original):
    """Remplace ce qui cherche un fichier ailleurs : ceux de MNIST ont les images de l'essai."""

    def answer(*given, **named):
        try:
            return original(*given, **named)
        except OSError as error:
            name = [*given, *named.values()][0]
            if original.__module__ != "posix":  # `os.remove` ne lit rien
                causes.note(name, place_in_hand_in(), refused=isinstance(error, PermissionError))
            if original.__name__ == "read_csv":
                return read_csv(*given)
            response = Nothing()
            response.content = known_file(name)
            response.read = io.BytesIO(response.content).read
            return response

    return answer


def _opened(original):
    """Remplace `open` : d'un fichier absent, celui du même nom dans le rendu, ou un connu."""

    def answer(*given, **named):
        try:
            return original(*given, **named)
        except OSError as error:
            name = [*given, *named.values()][0]
            own = _own_file(name, str(given[1:2] or named.get("mode")))
            if own:
                return original(own, *given[1:], **named)
            content = known_file(name)
            if not content:
                raise
            causes.note(name, place_in_hand_in(), refused=isinstance(error, PermissionError))
            return io.BytesIO(content)

    return answer


def _own_file(name, mode: str) -> Path | None:
    """Rend le fichier du rendu qui a ce nom, à côté du programme ; s'il s'écrit, où le mettre."""
    place = Path("exercises", os.path.basename(str(name)) or "?")
    if re.search("[wax]", mode):  # où rien n'est
        return place
    return next(place.parent.rglob(place.name), None)


def known_file(name) -> bytes:
    """Rend les images de l'essai, ou leurs étiquettes, ou une image au hasard ; sinon rien.

    Ce sont les fichiers de MNIST, tels qu'ils sont publiés, et des tableaux de NumPy.
    """
    path, name = str(name), os.path.basename(str(name))
    if PICTURE.fullmatch(name) or name in CLASSES:
        return _picture(path)
    if name.endswith(("mnist.npz", "cifar10.npz")):
        return _written(np.savez, **data)
    if batch := BATCH.fullmatch(name):
        return _cifar_batch(batch[1])
    if name.endswith(".npz"):  # les sorties d'une base, calculées ailleurs
        maps = np.random.default_rng(list(path.encode())).random((len(PARTS), NUM_PICTURES, *MAPS))
        return _written(np.savez, **dict(zip(PARTS, maps, strict=True)))
    if array := ARRAY.fullmatch(name):
        x, y = images_and_labels(array[1].lower())
        labels = re.search(r"(?i)(^|_)y|label", name)
        return _written(np.save, y % len(CLASSES) if labels else x)
    idx = IDX.fullmatch(name)
    return _idx_file(idx) if idx else b""


def _written(save, *given, **named) -> bytes:
    """Rend les octets qu'écrirait une fonction de NumPy."""
    file = io.BytesIO()
    save(file, *given, **named)
    return file.getvalue()


def _picture(path: str) -> bytes:
    """Tire une image ; à chaque nom la sienne."""
    height, width = picture_px
    file, pixels = (
        io.BytesIO(),
        np.random.default_rng(list(path.encode())).bytes(height * width * 3),
    )
    Image.frombytes("RGB", (width, height), pixels).save(file, "png")
    return file.getvalue()


def _cifar_batch(number: str | None) -> bytes:
    """Rend un lot de CIFAR-10, tel que l'université de Toronto le publie ; None est le test."""
    num_batches, rank = (5, int(number) - 1) if number else (1, 0)
    parts = images_and_labels("train" if number else "test")
    x, y = (np.array_split(values, num_batches)[rank] for values in parts)
    colours = np.moveaxis(x, -1, 1).reshape(len(x), -1)  # le rouge, le vert, puis le bleu
    content = pickle.dumps({"data": colours, "labels": y.ravel().tolist()}, 2)
    # Des clés écrites par Python 2 : celui qui lit en fait des textes, ou des octets.
    return re.sub(rb"X(?=[\4\6]\0\0\0(?:data|labels))", b"T", content)


def _idx_file(idx: re.Match) -> bytes:
    """Rend un fichier de MNIST, au format IDX."""
    x, y = images_and_labels(idx[1].replace("t10k", "test"))
    values = x if idx[2] == "images" else y
    header = struct.pack(f">{values.ndim + 1}I", 2048 + values.ndim, *values.shape)
    content = header + values.tobytes()
    return gzip.compress(content, 0) if idx[3] else content
