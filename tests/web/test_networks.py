"""Les petits réseaux que des pages calculent en JavaScript répondent comme leurs exports."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from convnets.core.paths import MODELS_DIR
from exercises.ex22_by_hand import network
from exercises.ex22_by_hand.loss import cross_entropy
from tests.conftest import load_extract
from web.book import STATIC
from web.networks import read_networks

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node n'est pas installé")
RUN = "(network, image) => layers.run(network, image).at(-1).output.values"
READERS = {  # ce qu'une page appelle pour faire répondre un réseau à une image
    "ex00_position": RUN,
    "ex04_comparison": RUN,
    "digits": RUN,
    "ex19_vision_transformer": "(network, image) => transformer.look(network, image).probabilities",
    "ex21_graphs": "(network, image) =>"
    " graph_network.read(network, image, graph_network.ARCS).probabilities",
}


def run_node(code, given):
    """Exécute un module JavaScript, qui lit `given` en JSON, et rend le JSON qu'il écrit."""
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", code],
        input=json.dumps(given),
        capture_output=True,
        encoding="utf-8",
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def answers(slug, images):
    """Rend ce que répond chaque réseau de la page, par son nom."""
    names = ("layers", "transformer", "graph_network")
    imports = [f'import * as {name} from "{(STATIC / "js" / name).as_uri()}.js";' for name in names]
    code = (
        'import fs from "fs"; const given = JSON.parse(fs.readFileSync(0, "utf8"));'
        f"const read = {READERS[slug]};"
        "const found = Object.entries(layers.readNetworks(given.networks)).map(([name, network]) =>"
        " [name, given.images.map((image) => Array.from(read(network, image)))]);"
        "console.log(JSON.stringify(Object.fromEntries(found)));"
    )
    networks = read_networks(MODELS_DIR / f"{slug}.keras")
    given = {"networks": networks, "images": images.reshape(len(images), -1).tolist()}
    return run_node("\n".join([*imports, code]), given)


@pytest.mark.parametrize("slug", READERS)
def test_a_network_answers_as_its_export(slug):
    name = "fashion_mnist" if slug in ("ex19_vision_transformer", "ex21_graphs") else "mnist"
    images = load_extract(name)[0][:6]
    if slug == "ex00_position":
        images = np.pad(images, ((0, 0), (6, 6), (6, 6)))
    runner = Interpreter(str(MODELS_DIR / f"{slug}.tflite")).get_signature_runner()
    expected = runner(**{next(iter(runner.get_input_details())): images})
    for name, found in answers(slug, images).items():
        known = expected.get(name, next(iter(expected.values())))
        assert abs(np.array(found) - known).max() < 2e-3, name  # un export en demi-précision


def test_the_network_that_learns_has_the_gradients_of_exercise_22():
    layers = network.build_layers(seed=1)
    images, labels = load_extract("mnist")[0][:4], np.array([3, 1, 4, 1])
    scores = network.forward(layers, network.to_floats(images))
    loss, gradient = cross_entropy(scores, labels)
    network.backward(layers, gradient)
    expected = [each for layer in layers for each in layer.gradients]
    code = (
        f'import * as learning from "{(STATIC / "js" / "learning.js").as_uri()}";'
        'import fs from "fs";'
        "const {weights, images, labels} = JSON.parse(fs.readFileSync(0, 'utf8'));"
        "const gradients = learning.zeros(weights); let loss = 0;"
        "images.forEach((image, i) => { loss += learning.backward("
        "weights, image, labels[i], gradients, 1 / images.length).loss / images.length; });"
        "console.log(JSON.stringify([loss, gradients.map((each) => [...each])]));"
    )
    weights = [each for layer in layers for each in layer.weights]
    given = {
        "weights": [{"shape": each.shape, "values": each.ravel().tolist()} for each in weights],
        "images": images.reshape(4, -1).tolist(),
        "labels": labels.tolist(),
    }
    found_loss, found = run_node(code, given)
    assert found_loss == pytest.approx(loss, abs=1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        assert abs(np.array(ours) - theirs.ravel()).max() < 1e-5


def test_the_sum_written_for_a_cell_is_what_the_network_computed():
    code = (
        f'import * as layers from "{(STATIC / "js" / "layers.js").as_uri()}";'
        f'import * as inside from "{(STATIC / "js" / "inside.js").as_uri()}";'
        'import fs from "fs"; const given = JSON.parse(fs.readFileSync(0, "utf8"));'
        "const steps = layers.run(layers.readNetworks(given.networks).lenet, given.image);"
        "const found = steps.flatMap((_, step) => inside.canEnter(steps, step)"
        " ? [[3, 2, 0], [0, 4, 1]].map(([y, x, k]) => {"
        "  const read = inside.windowOf(steps, {step, y, x, k});"
        "  const cells = read.flatMap((map) => map.cells.flat());"
        "  const bias = steps[step].layer.weights[1]?.values[k] ?? 0;"
        "  const sum = cells.reduce((total, each) => total + each.value * each.weight, bias);"
        "  const most = Math.max(...cells.map((each) => each.value));"
        "  const isSum = steps[step].layer.kind === 'Conv2D';"
        "  const value = inside.valueAt(steps, {step, y, x, k});"
        "  return [isSum ? Math.max(0, sum) : most, value]; }) : []);"
        "console.log(JSON.stringify(found));"
    )
    image = load_extract("mnist")[0][0].ravel().tolist()
    given = {"networks": read_networks(MODELS_DIR / "ex04_comparison.keras"), "image": image}
    pairs = run_node(code, given)
    assert len(pairs) == 8  # deux convolutions, deux poolings
    assert all(written == pytest.approx(value, abs=1e-4) for written, value in pairs)
