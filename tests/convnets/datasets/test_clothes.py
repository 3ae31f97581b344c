"""Les photographies de vêtements : du cache, sinon de leur archive, sinon une phrase."""

import shutil

import pytest
from PIL import Image

from convnets.datasets import clothes


def test_the_archive_is_fetched_once_or_what_to_put_where_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    source = tmp_path / "depot" / f"{clothes.NAME}-{clothes.COMMIT}"
    for number in range(30):  # cinq images par classe et par part
        part, name = [*clothes.COUNTS][number % 3], ("pants", "hat")[number % 2]
        (source / part / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(source / part / name / f"{number}.jpg")
    path = shutil.make_archive(str(tmp_path / "depot"), "zip", tmp_path / "depot")
    monkeypatch.setattr(clothes, "ARCHIVE", clothes.ARCHIVE._replace(address=f"file://{path}"))
    with pytest.raises(
        FileNotFoundError, match="déposer cette archive, telle quelle ou décompressée"
    ):
        clothes.load_clothes()  # cette archive n'est pas entière
    monkeypatch.setattr(clothes, "COUNTS", dict.fromkeys(clothes.COUNTS, 10))
    parts = clothes.load_clothes()
    assert [*parts] == ["train", "validation", "test"] and parts["test"].labels.sum() == 5
    monkeypatch.setattr(clothes, "ARCHIVE", clothes.ARCHIVE._replace(address="file:///absente"))
    assert clothes.load_clothes()["train"].paths == parts["train"].paths


@pytest.mark.parametrize("given", ["dossier", "archive", "archive renommée"])
def test_what_the_sentence_asks_for_is_enough(tmp_path, monkeypatch, given):
    """Le dossier de l'archive porte le numéro du commit : l'un et l'autre sont reconnus."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(clothes, "ARCHIVE", clothes.ARCHIVE._replace(address="file:///absente"))
    monkeypatch.setattr(clothes, "COUNTS", dict.fromkeys(clothes.COUNTS, 10))
    cache, name = tmp_path / "datasets" / "cours-cnn", f"{clothes.NAME}-{clothes.COMMIT}"
    where = cache if given == "dossier" else tmp_path / "ailleurs"
    for number in range(30):  # cinq images par classe et par part
        folder = where / name / [*clothes.COUNTS][number % 3] / ("pants", "hat")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / f"{number}.jpg")
    if given != "dossier":
        cache.mkdir(parents=True)
        path = cache / (name if given == "archive" else f"{clothes.NAME}-master (1)")
        shutil.make_archive(str(path), "zip", where)
    assert len(clothes.load_clothes()["train"].paths) == 10
