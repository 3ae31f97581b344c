"""Quoi qu'une image lève, elle a sa propre phrase, et les autres leur réponse."""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from convnets.core.images import open_image
from convnets.serving.classifier import Classifier, classify_in_threads

pytestmark = pytest.mark.question("Jour 04, exercice 3")


def chunk(kind: bytes, content: bytes) -> bytes:
    """Rend un morceau de PNG."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def palette_png(*between: bytes) -> bytes:
    """Rend un PNG à palette, de 32 pixels de côté, avec ou sans sa palette."""
    header = struct.pack(">IIBBBBB", 32, 32, 8, 3, 0, 0, 0)
    pixels = zlib.compress(bytes(33 * 32))
    parts = (chunk(b"IHDR", header), *between, chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


WITHOUT_PALETTE = palette_png()
# Une transparence au-delà de la 256e couleur : « palette index out of range ».
BEYOND_PALETTE = palette_png(chunk(b"PLTE", bytes(768)), chunk(b"tRNS", b"\xff" * 300 + b"\0"))


@pytest.mark.parametrize("content", [WITHOUT_PALETTE, BEYOND_PALETTE])
def test_broken_palette_is_refused_in_french(tmp_path, content):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="est une image endommagée") as error:
        open_image(path)
    assert str(error.value).startswith(f"{path} ")


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_the_rest_of_the_folder_is_answered(run_predict, repo, tmp_path, option):
    plane = (repo / "samples" / "avion.png").read_bytes()
    for name, content in {
        "a.png": plane,
        "b.png": WITHOUT_PALETTE,
        "c.png": BEYOND_PALETTE,
        "d.png": plane,
    }.items():
        (tmp_path / name).write_bytes(content)
    result = run_predict(*option, tmp_path)
    lines, errors = (each.decode().splitlines() for each in (result.stdout, result.stderr))
    assert result.returncode == 1
    for line, name in zip(errors, ("b.png", "c.png"), strict=True):
        assert line.startswith(f"predict : {tmp_path / name} est une image endommagée")
    if option:
        rows = [json.loads(line) for line in lines]
        assert [row.get("class") for row in rows] == ["Avion", None, None, "Avion"]
        assert [row.get("error") for row in rows][1:3] == [line[10:] for line in errors]
    else:
        assert lines == [f"{tmp_path / name}: Prédiction: Avion" for name in ("a.png", "d.png")]


@pytest.mark.parametrize("error", [AssertionError, MemoryError, SyntaxError, struct.error])
@pytest.mark.parametrize("step", ["load", "convert"])
def test_whatever_is_raised_becomes_a_sentence(monkeypatch, tmp_path, error, step):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")

    def fail(*arguments, **options):
        raise error("in English")

    monkeypatch.setattr(ImageFile.ImageFile if step == "load" else Image.Image, step, fail)
    with pytest.raises(ValueError) as raised:
        open_image(tmp_path / "a.png")
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'a.png'} est une image ")
    assert "English" not in message
    assert ("mémoire" in message) == (error is MemoryError)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_not_a_damaged_picture(monkeypatch, interruption):
    def stop(self):
        raise interruption

    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "PNG")
    monkeypatch.setattr(ImageFile.ImageFile, "load", stop)
    with pytest.raises(interruption):
        open_image(stream)


class Stumbling:
    """Un modèle qui bute sur les images noires, à une étape donnée."""

    def __init__(self, step: str, error: Exception):
        self.step, self.error, self.classes = step, error, ["a", "b"]

    def _try(self, step, image):
        if step == self.step and image.getpixel((0, 0)) == (0, 0, 0):
            raise self.error

    def read(self, source):
        image = open_image(source)
        self._try("read", image)
        return image

    def choose(self, image):
        self._try("choose", image)
        return self

    glance = None

    def views_of(self, image):
        self._try("views_of", image)
        return [image.tobytes()]

    def answer(self, views):
        return [[0.25, 0.75] for _ in views]


@pytest.fixture
def three_pictures(tmp_path):
    """Une image grise, une noire, une grise."""
    for i, level in enumerate((90, 0, 90)):
        Image.new("RGB", (8, 8), (level,) * 3).save(tmp_path / f"{i}.png")
    return [str(tmp_path / f"{i}.png") for i in range(3)]


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("step", ["read", "choose", "views_of"])
def test_a_picture_that_cannot_be_framed_is_alone_refused(three_pictures, step, num_threads):
    model = Stumbling(step, MemoryError())
    results = [*classify_in_threads(three_pictures, model, num_threads=num_threads)]
    assert [result.error is None for result in results] == [True, False, True]
    assert results[1].error.startswith(f"{three_pictures[1]} n'a pas pu être amenée")


def test_a_broken_model_is_not_a_broken_picture(three_pictures):
    model = Stumbling("choose", ValueError("modèle abîmé"))
    with pytest.raises(ValueError, match="modèle abîmé"):
        list(classify_in_threads(three_pictures, model, num_threads=2))


def test_unnamed_stream_has_its_sentence():
    classifier = Classifier()
    [result] = classifier.classify([io.BytesIO(WITHOUT_PALETTE)])
    assert result.error.startswith("l'entrée est une image endommagée")
    assert np.isclose(sum(next(classifier.classify([good_stream()])).probabilities), 1, atol=1e-3)


def good_stream() -> io.BytesIO:
    """Rend un petit PNG gris, en mémoire."""
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (90, 90, 90)).save(stream, "PNG")
    stream.seek(0)
    return stream
