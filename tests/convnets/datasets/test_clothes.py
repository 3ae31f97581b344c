"""Les photographies de vêtements : du cache, sinon de leur archive, sinon une phrase."""

import shutil

import pytest
from PIL import Image

from convnets.datasets import clothes


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Une archive comme celle de GitHub, de cinq images par classe et par part."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(clothes, "COUNTS", dict.fromkeys(clothes.COUNTS, 10))
    for part in clothes.COUNTS:
        for name in ("pants", "hat"):
            folder = tmp_path / "depot" / f"{clothes.NAME}-{clothes.COMMIT}" / part / name
            folder.mkdir(parents=True)
            for number in range(5):
                Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.jpg")
    path = shutil.make_archive(str(tmp_path / "depot"), "zip", tmp_path / "depot")
    monkeypatch.setattr(clothes, "ADDRESS", f"file://{path}")
    return path


def test_the_archive_is_fetched_once(archive, monkeypatch):
    parts = clothes.load_clothes()
    assert [*parts] == ["train", "validation", "test"]
    assert parts["test"].classes == ["hat", "pants"] and parts["test"].labels.sum() == 5
    monkeypatch.setattr(clothes, "ADDRESS", "file:///absente.zip")
    assert clothes.load_clothes()["train"].paths == parts["train"].paths


def test_without_it_what_to_put_and_where_is_said(archive, monkeypatch, tmp_path):
    monkeypatch.setattr(clothes, "COUNTS", {"train": 11})  # une archive incomplète
    with pytest.raises(FileNotFoundError, match="déposer le dossier clothing-dataset-small") as no:
        clothes.load_clothes()
    assert str(tmp_path / "keras" / "datasets") in str(no.value)
    assert not (tmp_path / "keras" / "datasets" / "cours-cnn" / clothes.NAME).exists()
