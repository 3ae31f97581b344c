"""Les photographies de sang : lues, découpées, comptées."""

import shutil

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.datasets import cells as dataset
from convnets.datasets.scenes import ABSENT
from exercises.ex17_detection import cells as ex17
from exercises.ex17_detection import grid

QUESTION = "S3 Crowd Understanding"
CELL = """<object><name>{}</name><bndbox>
<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""
TRUTH = "<a><size><width>640</width><height>480</height></size>{}</a>".format(
    CELL.format("RBC", 64, 48, 192, 144)
    + CELL.format("WBC", 300, 300, 500, 480)
    + CELL.format("Platelets", 600, 10, 630, 40)
)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Une archive de GitHub de six photographies, dont un globule rouge est un carré rouge."""
    root = tmp_path / "depot" / "BCCD_Dataset-x" / "BCCD"
    for folder in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (root / folder).mkdir(parents=True)
    for part, names in {"train": "abcd", "val": "e", "test": "f"}.items():
        (root / "ImageSets" / "Main" / f"{part}.txt").write_text("\n".join(names))
        for name in names:
            image = Image.new("RGB", (640, 480), "white")
            image.paste("red", (64, 48, 192, 144))
            image.save(root / "JPEGImages" / f"{name}.jpg")
            (root / "Annotations" / f"{name}.xml").write_text(TRUTH)
    path = shutil.make_archive(str(tmp_path / "depot"), "zip", tmp_path / "depot")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(dataset, "ARCHIVE", dataset.ARCHIVE._replace(address=f"file://{path}"))
    monkeypatch.setattr(dataset, "COUNTS", {"train": 4, "val": 1, "test": 1})


def reddest(image: np.ndarray) -> list[int]:
    """Rend la boîte de ce qui est rouge."""
    rows, columns = np.nonzero(image[..., 0].astype(int) - image[..., 1] > 128)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.question(QUESTION)
def test_a_box_follows_its_photograph_and_its_pieces(archive):
    photographs = dataset.load_cells()["train"]
    whole, pieces = ex17.read_scenes(photographs), ex17.vary(photographs, np.random.default_rng(0))
    np.testing.assert_allclose(whole.boxes[0, 0], [16, 16, 48, 48])
    assert whole.labels[0].tolist() == [0, 1, 2] + 27 * [ABSENT]
    assert len(pieces.images) == 4 * ex17.COPIES
    kept = pieces.labels[:, 0] != ABSENT
    assert 0 < kept.sum() and (pieces.labels[:, 3:] == ABSENT).all()
    for scenes, rows in ((whole, range(4)), (pieces, np.flatnonzero(kept))):
        for i in rows:
            np.testing.assert_allclose(scenes.boxes[i, 0], reddest(scenes.images[i]), atol=1.5)


def test_a_larger_grid_reads_back_what_it_wrote():
    boxes = np.array([[[8, 8, 40, 40], [100, 100, 150, 158]]], np.float32)
    labels, sizes = np.array([[0, 2]]), {"side_px": 160, "num_classes": 3}
    (found,) = grid.decode(grid.encode(boxes, labels, **sizes))
    np.testing.assert_allclose(found.boxes, boxes[0], atol=1e-4)
    assert found.labels.tolist() == [0, 2]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_lesson(archive, eager, monkeypatch, tmp_path, capsys, short_runs):
    monkeypatch.setattr(grid, "WIDTHS", (4, 4, 4))
    monkeypatch.setattr(ex17, "COPIES", 4)
    short_runs(tmp_path / "m")
    assert ex17.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    said = capsys.readouterr().out
    assert "CST-YOLO" in said and said.endswith("JPEGImages/f.jpg\n")
    report = reports.read_report("ex17_cells", models_dir=tmp_path / "m")
    assert report.metrics["constant RBC"].mean == 0  # une cellule partout
    assert report.metrics["spots error WBC"].mean == 1  # rien de violet
    assert "un seuil de couleur" in said
    assert (tmp_path / "f" / "cellules.png").exists()


@pytest.mark.ci
def test_a_picture_of_another_kind_is_said_to_be(repo, tmp_path, capsys):
    assert ex17.main([str(repo / "samples" / "chat.png"), "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "ce qui suit n'y veut rien dire" in said and "Globule rouge : " in said
