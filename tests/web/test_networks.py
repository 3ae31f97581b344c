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


WALK = (  # ce qu'écrit la visite d'une case, et ce que le réseau en a calculé
    f'import * as layers from "{(STATIC / "js" / "layers.js").as_uri()}";'
    f'import * as inside from "{(STATIC / "js" / "inside.js").as_uri()}";'
    f'import {{readMaps}} from "{(STATIC / "js" / "maps.js").as_uri()}";'
    'import fs from "fs"; const given = JSON.parse(fs.readFileSync(0, "utf8"));'
    "const write = (steps) => console.log(JSON.stringify(steps.flatMap((_, step) =>"
    " inside.canEnter(steps, step) ? [0, 1, 2].map((k) => {"
    "  const place = {step, y: k, x: 2 - k, k}, value = inside.valueAt(steps, place);"
    "  const redone = inside.redo(steps, place) ?? value;"
    "  return [steps[step].layer.activation === 'relu' ? Math.max(0, redone) : redone, value];"
    " }) : [])));"
)


def test_the_sum_written_for_a_cell_is_what_the_network_computed():
    image = load_extract("mnist")[0][0].ravel().tolist()
    given = {"networks": read_networks(MODELS_DIR / "ex04_comparison.keras"), "image": image}
    code = "write(layers.run(layers.readNetworks(given.networks).lenet, given.image));"
    pairs = run_node(WALK + code, given)
    assert len(pairs) == 12  # deux convolutions, deux poolings
    assert all(written == pytest.approx(value, abs=1e-4) for written, value in pairs)


@pytest.mark.filterwarnings("ignore:.*preserve_all_tensors")
@pytest.mark.parametrize(
    ("slug", "data", "num_layers", "gap"),
    [
        ("ex15_architectures", "cifar10", 12, 1e-4),  # des additions
        ("garments", "fashion_mnist", 8, 0.05),  # des poids en octets, et des sommes arrondies
    ],
)
def test_a_tflite_is_visited_like_the_networks_of_the_site(slug, data, num_layers, gap):
    path = MODELS_DIR / f"{slug}.tflite"
    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    (read,) = interpreter.get_input_details()
    interpreter.set_tensor(read["index"], load_extract(data)[0][:1])
    interpreter.invoke()
    maps = {
        each["index"]: interpreter.get_tensor(each["index"]).ravel().tolist()
        for each in interpreter.get_tensor_details()
        if len(each["shape"]) > 2 and each["shape"][0] == 1
    }
    code = (
        "const {steps, tensors} = readMaps(new Uint8Array(fs.readFileSync(given.path)));"
        "steps.forEach((step, i) => { step.output.values = given.maps[tensors[i]]; });"
        "write(steps);"
    )
    pairs = run_node(WALK + code, {"path": str(path), "maps": maps})
    assert len(pairs) == 3 * num_layers
    assert all(written == pytest.approx(value, abs=gap) for written, value in pairs)
