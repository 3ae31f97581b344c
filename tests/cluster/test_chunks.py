"""Découper une demande : tout y est, une fois, et une relance retrouve la même."""

import os
import sys

import pytest
from PIL import Image

pytest.importorskip("pyarrow", reason="pip install -r cluster/requirements.txt")
import pyarrow as pa
import pyarrow.parquet as pq

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


def read(found):
    """Rend tous les noms et toutes les sources des morceaux."""
    batches = [each for chunk in found for each in chunks.read_sources(chunk, batch_rows=3)]
    return [name for names, _ in batches for name in names], [
        source for _, sources in batches for source in sources
    ]


def test_every_picture_of_folders_globs_and_single_paths(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 4)
    found = opened([f"{folder}/a/*.png", folder / "b", folder / "a/1.png"], tmp_path / "out")
    assert [(chunk.index, chunk.num_rows) for chunk in found] == [(0, 4), (1, 4), (2, 3)]
    names = sorted(str(path) for path in folder.glob("[ab]/**/*.png"))
    assert sorted(read(found)[0]) == sorted([*names, f"{folder}/a/1.png"])
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


def test_parquet_of_paths_and_of_contents(folder, tmp_path):
    paths = sorted(str(path) for path in folder.glob("[ab]/**/*.png"))
    pq.write_table(pa.table({"path": paths}), tmp_path / "p.parquet")
    contents = [open(path, "rb").read() for path in paths]
    table = pa.table({"image": [{"bytes": each, "path": None} for each in contents]})
    pq.write_table(table, tmp_path / "i.parquet", row_group_size=4)
    found = opened([tmp_path / "i.parquet", tmp_path / "p.parquet"], tmp_path / "out")
    assert [chunk.num_rows for chunk in found] == [10, 4, 4, 2]
    names, sources = read(found)
    assert names[:10] == sources[:10] == paths and sources[10:] == contents
    assert len(set(names)) == 20  # un nom par ligne


def test_wrong_parquet(tmp_path):
    (tmp_path / "faux.parquet").write_bytes(b"PAR1 pas vraiment")
    with pytest.raises(ValueError, match="Parquet lisible"):
        opened([tmp_path / "faux.parquet"], tmp_path / "out")
    pq.write_table(pa.table({"age": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="colonnes age"):
        opened([tmp_path / "a.parquet"], tmp_path / "out")


@pytest.mark.parametrize("name", ["absente.png", "absent/", "absente.parquet", "absentes/*.gif"])
def test_a_missing_input_is_refused(folder, tmp_path, name):
    (tmp_path / "[1]*.png").touch()
    chunks.check_inputs([str(folder), f"{folder}/**/*.png", str(tmp_path / "[1]*.png")])
    with pytest.raises(FileNotFoundError, match="ne désigne aucun fichier"):
        chunks.check_inputs([str(folder), str(tmp_path / name)])


def test_parquet_names_that_glob_would_read_otherwise(tmp_path):
    """Un dossier nommé comme un fichier, ce que Spark écrit ; des crochets dans un nom."""
    (tmp_path / "jeu.parquet").mkdir()
    for path in (tmp_path / "jeu.parquet" / "part-0.parquet", tmp_path / "a[1].parquet"):
        pq.write_table(pa.table({"path": ["un.png"]}), path)
    assert read(opened([tmp_path / "jeu.parquet"], tmp_path / "out"))[0] == ["un.png"]
    assert read(opened([tmp_path / "a[1].parquet"], tmp_path / "out2"))[0] == ["un.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="les autres systèmes refusent un tel nom")
def test_a_name_that_is_not_utf8_is_one_line_among_others(folder, tmp_path):
    """Une image mal nommée arrêtait toute la demande, en anglais."""
    wrong = os.fsdecode(b"caf\xe9.png")
    Image.new("RGB", (8, 8)).save(folder / wrong)
    names, _ = read(opened([folder], tmp_path / "out"))
    assert len(names) == 11 and f"{folder}/caf\\udce9.png" in names
