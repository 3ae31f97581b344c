"""Le décalage à chaque pas, et la commande ; les pertes et le transfert sont au barème."""

import functools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from convnets.datasets import pretrained
from exercises import ex14_style as ex14
from tests.exercises.pictures import photo


def test_the_content_itself_costs_nothing():
    """Seul le style est vu décalé : l'image de contenu a déjà tout le contenu, à chaque pas."""
    keras.utils.set_random_seed(1)
    images = keras.Input((12, 12, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    base = keras.Model(images, layers.Conv2D(5, 3, name="a")(x))
    options = SimpleNamespace(steps=3, seed=0, content_weight=1, style_weight=0, tv_weight=0)
    names = {"content_layers": ("a",), "style_layers": ("a",)}
    _, curves = ex14.transfer(base, photo(), photo(15, 31), **names, options=options)
    assert max(curves["contenu"]) < 1e-9


# --- La commande --------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path, tiny_inception, monkeypatch):
    """Deux images non carrées, une petite base, et ses couches au lieu de celles d'InceptionV3."""
    names = {"content_layers": ("mixed2",), "style_layers": ("mixed2", "mixed8")}
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    monkeypatch.setattr(ex14, "transfer", functools.partial(ex14.transfer, **names))
    paths = [str(tmp_path / f"{name}.png") for name in ("contenu", "style")]
    for path, shape in zip(paths, ((40, 60), (70, 50)), strict=True):
        Image.fromarray(photo(*shape).astype(np.uint8)).save(path)
    return paths


@pytest.mark.ci
def test_main_writes_the_picture_and_its_figure(pictures, tmp_path, capsys):
    arguments = [*pictures, "--size", "90", "--steps", "3", "--style-weight", "2,5"]
    arguments += ["--tv-weight", "0"]  # une courbe nulle, sur une échelle logarithmique
    assert ex14.main([*arguments, "--output", str(tmp_path / "f")]) == 0
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"resultat.png", "comparaison.png"}
    with Image.open(tmp_path / "f" / "resultat.png") as result:
        assert result.size == (90, 60)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()[:3]
    assert captured.err == "" and all("→" in line for line in lines)
    assert [line.split()[0] for line in lines] == ["contenu", "style", "variation"]


@pytest.mark.ci
def test_a_picture_too_small_is_refused_in_one_sentence(pictures, tmp_path, capsys):
    assert ex14.main([*pictures, "--size", "40", "--output", str(tmp_path / "f")]) == 1
    error = capsys.readouterr().err
    assert "Image de 40×27 pixels, trop petite" in error and error.count("\n") == 1
    assert not (tmp_path / "f").exists()
