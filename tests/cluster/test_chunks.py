"""Découper une demande : tout y est, une fois, et une relance retrouve la même."""

import os
import sys

import pytest
from PIL import Image

pytest.importorskip("pyarrow", reason="pip install -r cluster/requirements.txt")
from cluster import chunks


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    for k in range(10):
        place = root / ("a" if k % 2 else "b/c")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (k, 0, 0)).save(place / f"{k}.png")
    (root / "notes.txt").write_text("pas une image")
    (root / ".cache/vide").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(root / ".cache/cachee.png")
    return root


def opened(inputs, output, **changes):
    settings = {"model": "m", "sha256": "s", **changes}
    return chunks.open_request([str(each) for each in inputs], output, **settings)


def names(output):
    """Rend les chemins de tous les morceaux."""
    found = range(len(list((output / chunks.LISTS).iterdir())))
    return [name for index in found for name in chunks.read_list(output, index)]


def test_every_picture_of_folders_globs_and_single_paths(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 4)
    found = opened([f"{folder}/a/*.png", folder / "b", folder / "a/1.png"], tmp_path / "out")
    assert found == [4, 4, 3]
    known = sorted(str(path) for path in folder.glob("[ab]/**/*.png"))
    assert sorted(names(tmp_path / "out")) == sorted([*known, f"{folder}/a/1.png"])
    with pytest.raises(FileNotFoundError, match="Aucune image"):
        opened([folder / ".cache" / "vide"], tmp_path / "autre")


def test_a_rerun_reads_the_same_list(folder, tmp_path):
    first = opened([folder], tmp_path / "out")
    Image.new("RGB", (8, 8)).save(folder / "tardive.png")
    assert opened([folder], tmp_path / "out") == first
    for inputs, change in (
        (folder, {"model": "autre"}),
        (folder, {"sha256": "autre"}),
        (folder / "a", {}),
    ):
        with pytest.raises(ValueError, match="autre demande"):
            opened([inputs], tmp_path / "out", **change)


@pytest.mark.parametrize("name", ["absente.png", "absent/", "absentes/*.gif"])
def test_a_missing_input_is_refused(folder, tmp_path, name):
    (tmp_path / "[1]*.png").touch()
    chunks.check_inputs([str(folder), f"{folder}/**/*.png", str(tmp_path / "[1]*.png")])
    with pytest.raises(FileNotFoundError, match="ne désigne aucun fichier"):
        chunks.check_inputs([str(folder), str(tmp_path / name)])


@pytest.mark.skipif(sys.platform != "linux", reason="les autres systèmes refusent un tel nom")
def test_a_name_that_is_not_utf8_is_one_line_among_others(folder, tmp_path):
    """Une image mal nommée arrêtait toute la demande, en anglais."""
    wrong = os.fsdecode(b"caf\xe9.png")
    Image.new("RGB", (8, 8)).save(folder / wrong)
    assert opened([folder], tmp_path / "out") == [11]
    assert f"{folder}/{wrong}" in names(tmp_path / "out")
