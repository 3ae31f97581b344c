"""La page « Attention » : le transformeur y répond comme son export, et regarde au même endroit."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from convnets.core.paths import MODELS_DIR
from tests.conftest import load_extract
from tests.web.node import needs_node, run_script
from web.clothes import SLUG, clothes
from web.networks import read_networks

pytestmark = needs_node
NUM_IMAGES = 8


@pytest.fixture(scope="module")
def looked():
    images = load_extract("fashion_mnist")[0][:NUM_IMAGES]
    found = run_script(
        "const [network] = Object.values(layers.readNetworks(given.networks));"
        "const plain = (each) => Array.from(each);"
        "console.log(JSON.stringify(given.images.map((image) => {"
        " const {probabilities, attention} = transformer.look(network, image);"
        " return {probabilities: plain(probabilities),"
        " rollout: plain(transformer.rollout(attention)),"
        " attention: attention.map((heads) => heads.map(plain))}; })));",
        {
            "networks": read_networks(MODELS_DIR / f"{SLUG}.keras"),
            "images": images.reshape(NUM_IMAGES, -1).tolist(),
        },
    )
    return images, found


def test_it_answers_as_its_export(looked):
    images, found = looked
    runner = Interpreter(str(MODELS_DIR / f"{SLUG}.tflite")).get_signature_runner()
    [expected] = runner(**{next(iter(runner.get_input_details())): images}).values()
    assert abs(np.array([each["probabilities"] for each in found]) - expected).max() < 1e-4


def test_it_looks_where_the_exported_network_looks(looked):
    images, found = looked
    network = Interpreter(
        str(MODELS_DIR / f"{SLUG}.tflite"),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    network.allocate_tensors()
    network.set_tensor(network.get_input_details()[0]["index"], images[:1])
    network.invoke()
    details = {each["index"]: each for each in network.get_tensor_details()}
    expected = [
        network.get_tensor(step["outputs"][0])
        for step in network._get_ops_details()
        if step["op_name"] == "SOFTMAX" and len(details[step["outputs"][0]]["shape"]) == 4
    ]
    shown = np.array(found[0]["attention"]).reshape(len(expected), 1, 4, 50, 50)
    assert abs(shown - expected).max() < 1e-4


def test_each_token_shares_itself_out(looked):
    for each in looked[1]:
        for rows in (np.array(each["attention"]), np.array(each["rollout"])):
            assert np.allclose(rows.reshape(-1, 50).sum(1), 1, atol=1e-4)


def test_attention_is_followed_from_block_to_block(looked):
    for each in looked[1]:
        expected = np.eye(50)
        for heads in np.array(each["attention"]).reshape(-1, 4, 50, 50):
            expected = (heads.mean(0) + np.eye(50)) / 2 @ expected
        assert np.allclose(np.reshape(each["rollout"], (50, 50)), expected, atol=1e-5)


def test_patches_are_moved_whole():
    image = np.arange(784) % 251
    order = np.random.default_rng(0).permutation(49)
    found = run_script(
        "const {image, order} = given;"
        "const moved = patches.reorder(Uint8Array.from(image), order);"
        "const back = order.map((_, place) => order.indexOf(place));"
        "const again = patches.reorder(moved, back);"
        "console.log(JSON.stringify([moved, again].map((each) => Array.from(each))));",
        {"image": image.tolist(), "order": order.tolist()},
    )
    patches = image.reshape(7, 4, 7, 4).swapaxes(1, 2).reshape(49, 4, 4)
    moved = patches[order].reshape(7, 7, 4, 4).swapaxes(1, 2).ravel()
    assert found == [moved.tolist(), image.tolist()]


def test_there_is_a_picture_a_class():
    shown = clothes()
    assert len(shown["classes"]) == len(shown["pictures"]) == 10
