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
    picture = gallery.Picture("ex07_occlusion", ("samples/chien.webp",), "Un carré à la fois.")
    monkeypatch.setattr(gallery, "PICTURES", (picture,))
    monkeypatch.chdir(repo)
    old = tmp_path / "galerie" / "01_ex07_occlusion" / "vieille.png"  # d'une fois précédente
    old.parent.mkdir(parents=True)
    for path in (old, tmp_path / "galerie.md"):
        path.write_text("avant", encoding="utf-8")
    assert gallery.main(["--output", str(tmp_path)]) == 0
    assert not old.exists()
    text = (tmp_path / "galerie.md").read_text(encoding="utf-8")
    assert "## Occlusion : cacher un carré de l'image, et voir ce que la réponse y perd" in text
    assert "python -m exercises.ex07_occlusion samples/chien.webp" in text
    assert "Un carré à la fois." in text and str(tmp_path) not in text
    # Ce que la figure montre est mesuré, et non écrit d'avance : la page livrée le redit.
    (said,) = re.findall(r"```text\n(.+?)\n```", text, flags=re.DOTALL)
    shipped = (repo / "docs" / "galerie" / "03_ex07_occlusion" / gallery.OUTPUT).read_text()
    numbers = r"\d+,\d+"
    assert re.sub(numbers, "N", said) == re.sub(numbers, "N", shipped.strip())
    for found, expected in zip(
        *(re.findall(numbers, each) for each in (said, shipped)), strict=True
    ):
        assert float(found.replace(",", ".")) == pytest.approx(
            float(expected.replace(",", ".")), abs=2
        )
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
    gallery.draw(picture, tmp_path / "x")
    kept = {path.name for path in (tmp_path / "x").iterdir()}
    assert kept == {"a.jpg", "petite.png", gallery.OUTPUT}
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
        if path.name != gallery.OUTPUT
    }
    assert on_disk == set(links)  # rien d'oublié, rien en trop
    for folder in (shipped.parent / "galerie").iterdir():  # ce que la commande a dit y est
        assert (folder / gallery.OUTPUT).read_text(encoding="utf-8") in text
    size = sum((shipped.parent / link).stat().st_size for link in links)
    assert size < 20e6


def test_pictures_come_from_the_samples(repo):
    for picture in gallery.PICTURES:
        for argument in picture.arguments:
            if argument.startswith("samples/"):
                assert (repo / argument).exists()


def test_one_entry_can_be_made_again(tmp_path, monkeypatch):
    drawn = []

    def draw(picture, folder):
        drawn.append(folder.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / gallery.OUTPUT).write_text(f"{len(drawn)}\n", encoding="utf-8")

    monkeypatch.setattr(gallery, "draw", draw)
    monkeypatch.setattr(gallery, "PICTURES", gallery.PICTURES[:3])
    (tmp_path / "galerie" / "09_ancienne").mkdir(parents=True)
    assert gallery.main(["--output", str(tmp_path)]) == 0
    assert gallery.main(["--output", str(tmp_path), "--only", "2"]) == 0
    names = ["01_ex06_feature_maps", "02_maximisation", "03_ex07_occlusion"]
    assert drawn == [*names, "02_maximisation"]
    assert sorted(path.name for path in (tmp_path / "galerie").iterdir()) == names
    text = (tmp_path / "galerie.md").read_text(encoding="utf-8")
    assert re.findall(r"```text\n(.+?)\n```", text) == ["1", "4", "3"]
    with pytest.raises(SystemExit):
        gallery.main(["--only", "4"])


def test_grad_cam_is_shown_on_fine_maps(shipped):
    """Les dernières cartes du petit réseau n'ont que 3×3 cases : c'est trop peu à regarder."""
    text = shipped.read_text(encoding="utf-8")
    sizes = re.findall(r"^Grad-CAM.*, couche \S+ \((\d+)×(\d+) cases\)", text, flags=re.MULTILINE)
    assert len(sizes) == sum(each.module == "ex09_grad_cam" for each in gallery.PICTURES)
    assert min(int(side) for size in sizes for side in size) >= 7


def test_pictures_of_photographs_keep_their_colours(repo):
    with Image.open(repo / "docs" / "site" / "nommer.png") as image:
        assert image.mode == "RGB" and len(image.getcolors(image.width * image.height)) > 5000
