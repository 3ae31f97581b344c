"""La souris annotée : ses images et ses points, ou une phrase."""

import numpy as np
import pytest
from PIL import Image

from convnets.datasets import mouse

NAMES = ",".join(f"{name},{name}" for name in mouse.POINTS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Deux images annotées dans le cache, et aucun réseau ; rend leur dossier."""

    def unreachable(*_):
        raise ConnectionError("pas de réseau")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(mouse.archives.packages, "download", unreachable)
    monkeypatch.setattr(mouse, "COUNT", 2)
    found = tmp_path / "datasets" / "cours-cnn" / mouse.ARCHIVE.name
    (found / "labeled-data").mkdir(parents=True)
    rows = ["scorer", f"bodyparts,{NAMES}", "coords"]
    for number in (1, 2):
        Image.new("L", (8, 8)).save(found / "labeled-data" / f"img{number}.png")
        rows.append(f"labeled-data/img{number}.png,,," + ",".join(["1.5", str(number)] * 16))
    (found / "CollectedData.csv").write_text("\n".join(rows))
    return found


def test_a_point_that_nobody_annotated_is_nan(folder):
    paths, points = mouse.load_mouse()
    assert paths == [folder / "labeled-data" / f"img{number}.png" for number in (1, 2)]
    assert points.shape == (2, 17, 2) and np.isnan(points[:, 0]).all()
    np.testing.assert_array_equal(points[:, 1:, 0], 1.5)
    np.testing.assert_array_equal(points[:, 3, 1], [1, 2])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "labeled-data" / "img1.png").unlink(), "1 images annotées"),
        (
            lambda folder: (folder / "CollectedData.csv").write_text("a\nb,c,c\nd\n"),
            "n'a pas les 17 points",
        ),
        (lambda folder: (folder / "CollectedData.csv").unlink(), "archive"),
    ],
)
def test_what_is_missing_is_one_sentence(folder, spoil, message):
    spoil(folder)
    with pytest.raises(FileNotFoundError, match=message):
        mouse.load_mouse()
