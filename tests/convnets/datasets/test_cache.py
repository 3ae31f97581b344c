import numpy as np
import pytest

from convnets.datasets.cache import cached_array


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "datasets" / "cours-cnn"


@pytest.fixture
def counted():
    calls = []

    def compute():
        calls.append(1)
        return np.arange(6, dtype=np.float32).reshape(2, 3) + len(calls)

    return compute, calls


def test_the_second_call_reads_what_the_first_wrote(folder, counted):
    compute, calls = counted
    first, duration_s = cached_array("essai", "clé", compute)
    again, none = cached_array("essai", "clé", compute)
    np.testing.assert_array_equal(first, again)
    assert again.dtype == np.float32 and len(calls) == 1
    assert duration_s >= 0 and none is None
    other, _ = cached_array("essai", "autre clé", compute)
    assert len(calls) == 2 and other[0, 0] == 2
    assert {path.suffix for path in folder.iterdir()} == {".npz"}


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_file_is_computed_again(folder, counted, damage):
    compute, calls = counted
    cached_array("essai", "clé", compute)
    path = next(folder.iterdir())
    content = bytearray(path.read_bytes())
    at = content.index(np.arange(1, 7, dtype="<f4").tobytes())  # les valeurs elles-mêmes
    content[at] ^= 1
    path.write_bytes(content[:-40] if damage == "truncated" else content)
    x, duration_s = cached_array("essai", "clé", compute)
    assert len(calls) == 2 and x[0, 0] == 2 and duration_s is not None
    assert cached_array("essai", "clé", compute)[1] is None


def test_an_interrupted_write_leaves_nothing(folder, counted, monkeypatch):
    def cut(file, **arrays):
        file.write(b"debut".ljust(100))
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", cut)
    with pytest.raises(KeyboardInterrupt):
        cached_array("essai", "clé", counted[0])
    assert list(folder.iterdir()) == []
