"""Le chiffre d'une image, trouvé dans la page comme par `./predict`."""

import base64

import numpy as np
import pytest
from PIL import Image, ImageDraw

from convnets.core.paths import MODELS_DIR
from convnets.serving.digits import digit_square
from convnets.serving.engine import Engine
from tests.conftest import load_extract
from tests.convnets.serving.test_digits import EMPTY, SCENES, to_image
from tests.web.node import needs_node, run_script

pytestmark = needs_node
FOUR = [(0.4, 0), (0, 0.6), (1, 0.6), (0.7, 0.3), (0.7, 1)]
FIND = """console.log(JSON.stringify(given.map(([width, height, pixels]) => {
  try {
    const levels = new Uint8Array(Buffer.from(pixels, "base64"));
    return Array.from(ink.digitSquare({width, height, pixels: levels}));
  } catch (error) {
    return error.message;
  }
})));"""


def find(pictures):
    """Rend ce que la page trouve dans des images : une liste de 784 niveaux, ou une phrase."""
    return run_script(
        FIND, [[*each.size, base64.b64encode(np.asarray(each)).decode()] for each in pictures]
    )


def expected(picture):
    try:
        return digit_square(picture).ravel().tolist()
    except ValueError as error:
        return str(error)


def pen(size, box, width, *, ink="black", ground="white"):
    """Trace un 4 dans un cadre `(gauche, haut, côté)` d'une image de la taille demandée."""
    image = Image.new("RGB", size, ground)
    left, top, side = box
    points = [(left + side * x, top + side * y) for x, y in FOUR]
    ImageDraw.Draw(image).line(points, fill=ink, width=width, joint="curve")
    return image


def pictures():
    """Des chiffres de toutes sortes : prêts, dessinés, photographiés, et d'étranges formes."""
    x, rng = load_extract("mnist")[0], np.random.default_rng(0)
    yield from (to_image(each) for digit in x[:4] for each in (digit, 255 - digit))
    yield from (draw(digit, rng) for draw in SCENES for digit in x[20:23])
    yield pen((800, 600), (250, 100, 300), 4)
    yield pen((600, 800), (150, 300, 300), 90)
    yield pen((300, 300), (5, 5, 60), 8)
    yield pen((200, 1000), (70, 850, 80), 10, ink=(250, 240, 90), ground=(20, 60, 30))
    yield pen((1000, 60), (900, 10, 40), 6)
    yield pen((300, 300), (-20, -10, 330), 60)  # il touche tous les bords
    yield pen((40, 40), (8, 8, 24), 3)
    framed = pen((240, 240), (80, 70, 100), 12)
    ImageDraw.Draw(framed).rectangle((20, 20, 220, 220), outline="black", width=5)
    yield framed
    table = Image.new("RGB", (640, 480), (50, 35, 25))
    table.paste(pen((260, 300), (60, 70, 140), 14, ground=(235, 230, 220)), (180, 90))
    yield table
    yield Image.new("RGB", (120, 120), "black").convert("RGB")
    yield to_image(np.pad(np.full((60, 60), 255.0), 70))  # un rectangle sans rien dessus
    shapes = [(1, 2), (2, 5), (3, 400), (29, 27), (30, 900), (257, 255)]
    yield from (Image.fromarray(rng.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in shapes)


def test_digits_are_found_as_predict_finds_them():
    some = list(pictures())
    found, known = find(some), [expected(each) for each in some]
    pairs = [pair for pair in zip(found, known, strict=True) if isinstance(pair[1], list)]
    assert len(pairs) > 35
    for got, want in zip(found, known, strict=True):
        if isinstance(want, str):
            assert got == want[0].upper() + want[1:]
    gaps = [abs(np.subtract(got, want)).mean() for got, want in pairs]
    assert np.mean(gaps) < 0.05 and max(gaps) < 3  # au bit près ici ; ailleurs, un arrondi diffère
    engine = Engine((MODELS_DIR / "digits.tflite").read_bytes())
    squares = np.array(pairs, np.uint8).reshape(-1, 28, 28)
    answers = engine.predict(squares).argmax(1).reshape(-1, 2)
    assert (answers[:, 0] == answers[:, 1]).mean() >= 0.99


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_picture_gets_the_same_sentence(name):
    (said,) = find([to_image(EMPTY[name])])
    assert isinstance(said, str) and said.startswith("Aucun chiffre visible") and said[-1] == "."
