"""Découper une demande : tout y est, une fois, et une relance retrouve la même."""

import io

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
    (root / ".cache").mkdir()
    Image.new("RGB", (8, 8)).save(root / ".cache" / "cachee.png")
    return root


def opened(inputs, output, **changes):
    return chunks.open_request(
        [str(each) for each in inputs], output, **{"model": "m", "sha256": "s", **changes}
    )


def names(found):
    return [
        name
        for chunk in found
        for batch, _ in chunks.read_sources(chunk, batch_rows=3)
        for name in batch
    ]


def test_every_picture_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 4)
    found = opened([folder], tmp_path / "out")
    assert [chunk.num_rows for chunk in found] == [4, 4, 2]
    assert [chunk.index for chunk in found] == [0, 1, 2]
    assert sorted(names(found)) == sorted(str(path) for path in folder.glob("[ab]/**/*.png"))


def test_globs_and_single_paths(folder, tmp_path):
    found = opened([f"{folder}/a/*.png", f"{folder}/absente.png"], tmp_path / "out")
    listed = names(found)
    assert len(listed) == 6 and listed[-1].endswith("absente.png")
    with pytest.raises(FileNotFoundError, match="motif"):
        opened([f"{folder}/*.gif"], tmp_path / "other")
    with pytest.raises(FileNotFoundError, match="Aucune image"):
        (tmp_path / "vide").mkdir()
        opened([tmp_path / "vide"], tmp_path / "third")


def test_a_rerun_reads_the_same_list(folder, tmp_path):
    first = opened([folder], tmp_path / "out")
    Image.new("RGB", (8, 8)).save(folder / "tardive.png")
    assert opened([folder], tmp_path / "out") == first
    for change in ({"model": "autre"}, {"sha256": "autre"}):
        with pytest.raises(ValueError, match="autre demande"):
            opened([folder], tmp_path / "out", **change)
    with pytest.raises(ValueError, match="autre demande"):
        opened([folder / "a"], tmp_path / "out")


def test_a_listing_cut_short_is_done_again(folder, tmp_path):
    """Sans sa demande, une liste à moitié écrite ne compte pas."""
    lists = tmp_path / "out" / chunks.LISTS
    lists.mkdir(parents=True)
    (lists / "liste-000000.parquet").write_bytes(b"coupe")
    assert len(names(opened([folder], tmp_path / "out"))) == 10


def test_parquet_of_paths_and_of_contents(folder, tmp_path):
    paths = sorted(str(path) for path in folder.glob("[ab]/**/*.png"))
    pq.write_table(pa.table({"path": paths}), tmp_path / "p.parquet", row_group_size=3)
    found = opened([tmp_path / "p.parquet"], tmp_path / "out")
    assert [chunk.num_rows for chunk in found] == [3, 3, 3, 1] and names(found) == paths
    contents = [open(path, "rb").read() for path in paths]
    table = pa.table({"image": [{"bytes": each, "path": None} for each in contents]})
    pq.write_table(table, tmp_path / "i.parquet", row_group_size=4)
    found = opened([tmp_path / "i.parquet"], tmp_path / "out2")
    read = [
        source
        for chunk in found
        for _, batch in chunks.read_sources(chunk, batch_rows=3)
        for source in batch
    ]
    assert read == contents and Image.open(io.BytesIO(read[0])).size == (8, 8)
    assert len(set(names(found))) == 10  # un nom par ligne


@pytest.mark.parametrize("content", [b"", b"PAR1 pas vraiment"])
def test_wrong_parquet(tmp_path, content):
    (tmp_path / "faux.parquet").write_bytes(content)
    with pytest.raises(ValueError, match="Parquet lisible"):
        opened([tmp_path / "faux.parquet"], tmp_path / "out")


def test_parquet_without_a_known_column(tmp_path):
    pq.write_table(pa.table({"age": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="colonnes age"):
        opened([tmp_path / "a.parquet"], tmp_path / "out")
