"""Découper une demande : tout y est, une fois, et une relance retrouve la même."""

import io
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
    (root / ".cache").mkdir()
    Image.new("RGB", (8, 8)).save(root / ".cache" / "cachee.png")
    return root


def opened(inputs, output, **changes):
    return chunks.open_request(
        [str(each) for each in inputs],
        output,
        **{"model": "m", "sha256": "s", "num_cores": 1, **changes},
    )


def names(found):
    return [
        name
        for chunk in found
        for batch, _ in chunks.read_sources(chunk, batch_rows=3)
        for name in batch
    ]


def test_every_picture_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "MIN_ROWS", 4)
    found = opened([folder], tmp_path / "out")
    assert [chunk.num_rows for chunk in found] == [4, 4, 2]
    assert [chunk.index for chunk in found] == [0, 1, 2]
    assert sorted(names(found)) == sorted(str(path) for path in folder.glob("[ab]/**/*.png"))


def test_globs_and_single_paths(folder, tmp_path):
    found = opened([f"{folder}/a/*.png", f"{folder}/b/c/0.png"], tmp_path / "out")
    listed = names(found)
    assert len(listed) == 6 and listed[-1].endswith("0.png")
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


@pytest.mark.parametrize(
    ("num_rows", "num_cores", "expected"),
    [
        (1, 1, 32),
        (2000, 2, 125),  # en un seul morceau, un seul cœur travaillait
        (2000, 8, 32),
        (2000, 64, 32),  # sans émietter
        (50_000, 2, 2048),
        (50_000, 64, 98),
        (10_000_000, 64, 2048),
    ],
)
def test_chunks_follow_the_pictures_and_the_cores(num_rows, num_cores, expected):
    assert chunks.chunk_rows(num_rows, num_cores=num_cores) == expected


def test_two_thousand_pictures_are_shared(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    for k in range(2000):
        (root / f"{k:04}.png").touch()
    given = sorted(str(path) for path in root.iterdir())
    pq.write_table(pa.table({"path": given}), tmp_path / "liste.parquet")
    # Un dossier, une liste d'un seul groupe de lignes, ou tous les chemins l'un après l'autre.
    for k, inputs in enumerate(([root], [tmp_path / "liste.parquet"], given)):
        found = opened(inputs, tmp_path / f"out{k}", num_cores=2)
        assert len(found) == 16 and {chunk.num_rows for chunk in found} == {125}
        assert [chunk.index for chunk in found] == list(range(16))
        assert sorted(names(found)) == given
        assert names(opened(inputs, tmp_path / f"out{k}", num_cores=64)) == names(found)  # figés


def test_a_long_list_is_never_held_whole(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "MIN_ROWS", 2)
    monkeypatch.setattr(chunks, "MAX_ROWS", 3)
    monkeypatch.setattr(chunks, "CHUNKS_PER_CORE", 1)  # trois noms suffisent à juger
    found = opened([folder, folder], tmp_path / "out")
    assert [chunk.num_rows for chunk in found] == [3, 3, 3, 3, 3, 3, 2]
    assert len(names(found)) == 20


def test_a_huge_group_of_rows_is_not_read_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "MIN_ROWS", 2)
    pq.write_table(pa.table({"image": [b"x" * 9] * 10}), tmp_path / "i.parquet")
    assert len(opened([tmp_path / "i.parquet"], tmp_path / "out", num_cores=1)) == 5
    monkeypatch.setattr(chunks, "MAX_GROUP_BYTES", 1)
    assert len(opened([tmp_path / "i.parquet"], tmp_path / "out2", num_cores=1)) == 1


@pytest.mark.parametrize("rows", [1, 3, 4, 7])
def test_slices_of_a_group_give_each_line_once(tmp_path, monkeypatch, rows):
    """Quelle que soit la façon dont les lectures et les morceaux tombent."""
    monkeypatch.setattr(chunks, "MIN_ROWS", rows)
    monkeypatch.setattr(chunks, "MAX_ROWS", rows)
    contents = [bytes([k]) for k in range(11)]
    pq.write_table(pa.table({"image": contents}), tmp_path / "i.parquet", row_group_size=9)
    found = opened([tmp_path / "i.parquet"], tmp_path / "out")
    for batch_rows in (1, 2, 5, 32):
        read = [
            each for chunk in found for each in chunks.read_sources(chunk, batch_rows=batch_rows)
        ]
        assert [source for _, batch in read for source in batch] == contents
        listed = [name.rpartition("#")[2] for batch, _ in read for name in batch]
        assert listed == [f"0:{k}" for k in range(9)] + ["1:0", "1:1"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absente.png", "n'existe pas"),
        ("absent/", "n'existe pas"),
        ("absente.parquet", "n'existe pas"),
        ("absentes/*.gif", "motif"),
    ],
)
def test_a_missing_input_is_refused(folder, tmp_path, name, said):
    with pytest.raises(FileNotFoundError, match=said):
        chunks.check_inputs([str(folder), str(tmp_path / name)])


def test_what_exists_is_accepted(folder, tmp_path):
    (tmp_path / "[1]*.png").touch()
    chunks.check_inputs([str(folder), f"{folder}/**/*.png", str(tmp_path / "[1]*.png")])


def test_an_older_request_is_still_read(folder, tmp_path):
    """Une demande ouverte quand un morceau était un groupe de lignes entier."""
    import json

    found = opened([folder], tmp_path / "out")
    path = tmp_path / "out" / chunks.REQUEST
    known = json.loads(path.read_text(encoding="utf-8"))
    known["chunks"] = [each[:4] for each in known["chunks"]]
    path.write_text(json.dumps(known), encoding="utf-8")
    assert opened([folder], tmp_path / "out") == found


@pytest.mark.parametrize("content", ['{"inputs', "[]", '{"inputs": [], "model": "m"}'])
def test_a_damaged_request_is_said_in_french(folder, tmp_path, content):
    opened([folder], tmp_path / "out")
    (tmp_path / "out" / chunks.REQUEST).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="_demande.json est abîmé"):
        opened([folder], tmp_path / "out")


def test_parquet_names_that_glob_would_read_otherwise(tmp_path):
    """Un dossier nommé comme un fichier, ce que Spark écrit ; des crochets dans un nom."""
    (tmp_path / "jeu.parquet").mkdir()
    for path in (tmp_path / "jeu.parquet" / "part-0.parquet", tmp_path / "a[1].parquet"):
        pq.write_table(pa.table({"path": ["un.png"]}), path)
    assert names(opened([tmp_path / "jeu.parquet"], tmp_path / "out")) == ["un.png"]
    assert names(opened([tmp_path / "a[1].parquet"], tmp_path / "out2")) == ["un.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="les autres systèmes refusent un tel nom")
def test_a_name_that_is_not_utf8_is_one_line_among_others(folder, tmp_path):
    """Une image mal nommée arrêtait toute la demande, en anglais."""
    wrong = os.fsdecode(b"caf\xe9.png")
    Image.new("RGB", (8, 8)).save(folder / wrong)
    listed = names(opened([folder], tmp_path / "out"))
    assert len(listed) == 11 and f"{folder}/caf\\udce9.png" in listed
    assert len(names(opened([folder / wrong], tmp_path / "out2"))) == 1  # la demande le retient


def test_paths_that_are_not_text_are_refused(tmp_path):
    """Un entier serait lu comme un fichier déjà ouvert, l'entrée ou la sortie."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"path": pa.array(["un.png"]).dictionary_encode()}), path)
    assert names(opened([path], tmp_path / "c")) == ["un.png"]
    pq.write_table(pa.table({"path": [0, 1]}), tmp_path / "p.parquet")
    with pytest.raises(ValueError, match="« path » doit contenir du texte, non int64"):
        opened([tmp_path / "p.parquet"], tmp_path / "out")
