import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from docs import gallery


@pytest.fixture
def shipped(repo):
    return repo / "docs" / "galerie.md"


def test_the_command_writes_page_and_pictures(repo, tmp_path, monkeypatch, capfd):
    picture = gallery.Picture("ex07_occlusion", ("samples/chat.png",), "Entre les yeux.")
    monkeypatch.setattr(gallery, "PICTURES", (picture,))
    monkeypatch.chdir(repo)
    for _ in range(2):  # la seconde fois remplace la première
        assert gallery.main(["--output", str(tmp_path)]) == 0
    text = (tmp_path / "galerie.md").read_text(encoding="utf-8")
    assert "## Occlusion : cacher un carré de l'image, et voir ce que la réponse y perd" in text
    assert "python -m exercises.ex07_occlusion samples/chat.png" in text and "Entre les" in text
    (link,) = re.findall(r"\]\(([^)]+)\)", text)
    assert Image.open(tmp_path / link).format == "PNG"
    assert str(tmp_path / "galerie.md") in capfd.readouterr().out


def test_only_what_is_shown_is_kept_and_large_pictures_are_lightened(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)

    def main(arguments):
        folder = Path(arguments[-1])
        folder.mkdir()
        for name in ("a", "b"):
            Image.fromarray(noise).save(folder / f"{name}.png")
        Image.fromarray(noise[:9]).save(folder / "petite.png")
        return 0

    fake = SimpleNamespace(main=main)
    monkeypatch.setattr(gallery.importlib, "import_module", lambda name: fake)
    picture = gallery.Picture("ex07_occlusion", (), "", keep="[ap]*.png")
    assert [path.name for path in gallery.draw(picture, tmp_path / "x")] == ["a.jpg", "petite.png"]
    assert {path.name for path in (tmp_path / "x").iterdir()} == {"a.jpg", "petite.png"}
    found = np.asarray(Image.open(tmp_path / "x" / "a.jpg")).astype(int)
    assert found.shape == noise.shape and np.corrcoef(found.ravel(), noise.ravel())[0, 1] > 0.5


def test_a_failure_leaves_the_page_alone(repo, tmp_path, monkeypatch, capfd):
    page = tmp_path / "galerie.md"
    page.write_text("avant", encoding="utf-8")
    picture = gallery.Picture("ex07_occlusion", ("absente.png",), "")
    monkeypatch.setattr(gallery, "PICTURES", (picture,))
    assert gallery.main(["--output", str(tmp_path)]) == 1
    error = capfd.readouterr().err
    assert "n'est pas réécrite" in error and "Traceback" not in error
    assert page.read_text(encoding="utf-8") == "avant"


def test_the_shipped_page_is_the_one_of_the_list(shipped, repo):
    text = shipped.read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(.+?)\n```", text)
    assert commands == [gallery.command(picture) for picture in gallery.PICTURES]
    links = re.findall(r"\]\((.+?)\)", text)
    assert len(links) >= len(commands)
    for link in links:
        with Image.open(shipped.parent / link) as image:
            image.verify()
    on_disk = {
        path.relative_to(shipped.parent).as_posix()
        for path in (shipped.parent / "galerie").rglob("*.*")
    }
    assert on_disk == set(links)  # rien d'oublié, rien en trop
    size = sum((shipped.parent / link).stat().st_size for link in links)
    assert size < 20e6


def test_pictures_come_from_the_samples(repo):
    for picture in gallery.PICTURES:
        for argument in picture.arguments:
            if argument.startswith("samples/"):
                assert (repo / argument).exists()
