"""La page « Chiffre » : le chiffre cadré comme `./predict`, les réseaux comme leurs exports."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageDraw

from convnets.core.paths import MODELS_DIR
from convnets.serving import digits
from convnets.training.augmentation import shift
from tests.conftest import load_extract
from tests.web.node import needs_node, run_script
from web.networks import read_networks

pytestmark = needs_node
SIDE_PX, INK_PX = 256, 18  # la feuille de la page
STROKES = {
    "4": [(146, 55), (73, 155), (187, 155), (151, 110), (151, 210)],
    "petit 7": [(20, 20), (50, 20), (30, 60)],
    "grand 1": [(200, 10), (190, 246)],
    "trait": [(60, 128), (200, 131)],
}


def draw(points):
    paper = Image.new("L", (SIDE_PX, SIDE_PX), 255)
    ImageDraw.Draw(paper).line(points, fill=0, width=INK_PX, joint="curve")
    return paper


def place(papers):
    sheets = [np.asarray(paper).ravel().tolist() for paper in papers]
    return run_script(
        "console.log(JSON.stringify(given.map((grey) => Array.from(digit.placeDigit({width: 256,"
        " height: 256, values: Float32Array.from(grey, (value) => 1 - value / 255)})))));",
        sheets,
    )


def test_a_drawing_is_placed_as_predict_places_it():
    papers = [draw(points) for points in STROKES.values()]
    for name, paper, found in zip(STROKES, papers, place(papers), strict=True):
        ink = 1 - np.asarray(paper, np.float32) / 255
        expected = digits._place(digits._thicken(ink)).astype(int)
        assert abs(np.reshape(found, (28, 28)) - expected).max() <= 2, name
        # Toute la lecture d'une image, qui cherche aussi l'encre, rend presque le même dessin.
        whole = digits.digit_square(paper.convert("RGB")).astype(int)
        assert abs(np.reshape(found, (28, 28)) - whole).mean() < 4, name


def test_an_empty_sheet_gets_one_sentence():
    said = run_script(
        "try { digit.placeDigit({width: 4, height: 4, values: new Float32Array(16)}); }"
        " catch (error) { console.log(JSON.stringify(error.message)); }",
        None,
    )
    assert said.startswith("Dessinez un chiffre")


@pytest.mark.parametrize("side", [28, 40])
def test_a_digit_moves_as_in_the_exercise(side):
    square = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    found = run_script(
        "console.log(JSON.stringify(Array.from(digit.shift(Uint8Array.from(given[0]),"
        " -3, 6, given[1]))));",
        [square.ravel().tolist(), side],
    )
    wide = np.pad(square, (side - 28) // 2)[np.newaxis]
    assert found == shift(wide, -3, 6)[0].ravel().tolist()


@pytest.mark.parametrize(
    ("slug", "outputs", "gap"),
    [
        ("ex04_comparison", {"lenet": "lenet", "dense": "dense"}, 1e-5),
        ("ex00_position", {"cnn": "cnn", "dense": "dense"}, 2e-3),  # export en demi-précision
        ("digits", {}, 1e-5),
    ],
)
def test_the_networks_answer_as_their_exports(slug, outputs, gap):
    images = load_extract("mnist")[0][:8]
    if slug == "ex00_position":
        images = np.pad(images, ((0, 0), (6, 6), (6, 6)))
    runner = Interpreter(str(MODELS_DIR / f"{slug}.tflite")).get_signature_runner()
    expected = runner(**{next(iter(runner.get_input_details())): images})
    networks = read_networks(MODELS_DIR / f"{slug}.keras")
    found = run_script(
        "const networks = layers.readNetworks(given.networks);"
        "console.log(JSON.stringify(Object.entries(networks).map(([name, each]) =>"
        " [name, given.images.map((image) =>"
        " Array.from(layers.run(each, image).at(-1).output.values))])));",
        {"networks": networks, "images": images.reshape(len(images), -1).tolist()},
    )
    assert len(found) == len(networks)
    for name, probabilities in found:
        key = outputs.get(name, next(iter(expected)))
        assert abs(np.array(probabilities) - expected[key]).max() < gap, name


def test_an_unknown_layer_gets_one_sentence():
    said = run_script(
        "try { layers.run([{kind: 'GRU', name: 'g', weights: []}], [0, 0, 0, 0]); }"
        " catch (error) { console.log(JSON.stringify(error.message)); }",
        None,
    )
    assert "GRU" in said
