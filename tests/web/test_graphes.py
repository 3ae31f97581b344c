"""La page « Graphes » : ses messages, et son réseau, sont ceux de l'exercice 21."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from convnets.core.paths import MODELS_DIR
from exercises.ex00_convolution.operations import conv2d
from tests.conftest import load_extract
from tests.web.node import needs_node, run_script
from web.graph import APART, club
from web.networks import read_networks


@pytest.fixture(scope="module")
def drawn():
    return club()


def test_members_do_not_overlap(drawn):
    places = np.array(drawn["places"])
    gaps = np.linalg.norm(places[:, None] - places, axis=-1) + np.eye(len(places))
    assert gaps.min() > 0.9 * APART and abs(places).max() <= 1


def test_the_club_is_the_exercise_s(drawn):
    from exercises.ex21_graphs.real_graphs import load_club

    known = load_club()
    pairs = np.array(drawn["pairs"])
    assert np.array_equal(pairs[:, :2], known.pairs)
    assert np.array_equal(pairs[:, 2], known.weights)
    camps = np.array(drawn["camps"])
    assert np.array_equal(camps == camps[0], known.labels == known.labels[0])


@needs_node
def test_many_passages_spread_the_labels_of_the_two_chiefs(drawn):
    from exercises.ex21_graphs.real_graphs import load_club
    from exercises.ex21_graphs.tasks import propagate_labels

    found = run_script(
        "const graph = messages.linkGraph(34, given.pairs, given.chiefs);"
        "let values = Array(34).fill(0); values[given.chiefs[0]] = 1; values[given.chiefs[1]] = -1;"
        "for (let i = 0; i < 400; i++) values = messages.pass(graph, values);"
        "console.log(JSON.stringify(values));",
        drawn,
    )
    predicted = propagate_labels(load_club(), np.array(drawn["chiefs"]))
    assert np.array_equal(np.array(found) > 0, predicted == predicted[0])


@needs_node
def test_messages_on_a_grid_are_a_convolution():
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(-9, 10, (4, 6)), rng.integers(-2, 3, (3, 3))
    found = run_script(
        "console.log(JSON.stringify("
        "messages.pass(messages.gridGraph(4, 6, given.kernel), given.image.flat())));",
        {"image": image.tolist(), "kernel": kernel.tolist()},
    )
    assert found == conv2d(image, kernel, padding="same").ravel().tolist()


@needs_node
def test_a_node_says_what_it_receives():
    found = run_script(
        "const graph = messages.linkGraph(3, [[0, 1, 3], [1, 2, 1]], [2]);"
        "const receive = (node) => messages.receive(graph, [4, 0, 8], node);"
        "console.log(JSON.stringify([1, 2].map(receive)));",
        None,
    )
    assert [(term["from"], term["weight"], term["value"]) for term in found[0]["terms"]] == [
        (0, 3, 4),
        (2, 1, 8),
    ]
    assert found[0]["divisor"] == 4 and found[0]["value"] == 5
    assert found[1]["value"] == 8  # celui qui ne change pas


# --- Le réseau de l'exercice 21 ------------------------------------------------------

SLUG = "ex21_graphs"
NUM_IMAGES = 8
ISOLATED = 16  # le carré que l'on isole
KEPT = {  # ce que l'on garde des arcs, en JavaScript et ici
    "tous": ("() => true", lambda senders, receivers: senders >= 0),
    "un carré isolé": (
        f"({{from, to}}) => from === to || (from !== {ISOLATED} && to !== {ISOLATED})",
        lambda senders, receivers: (
            (senders == receivers) | ((senders != ISOLATED) & (receivers != ISOLATED))
        ),
    ),
    "chacun seul": ("({from, to}) => from === to", lambda senders, receivers: senders == receivers),
    "aucun": ("() => false", lambda senders, receivers: senders < 0),
}


@pytest.fixture(scope="module")
def read():
    """Ce que la page calcule de quelques images, selon les arcs gardés."""
    images = load_extract("fashion_mnist")[0][:NUM_IMAGES]
    kept = ", ".join(f'"{name}": {code}' for name, (code, _) in KEPT.items())
    found = run_script(
        "const [network] = Object.values(layers.readNetworks(given.networks));"
        "const plain = ({shape: [count], values}) => Array.from({length: count}, (_, i) =>"
        " Array.from(values.subarray(i * 32, (i + 1) * 32)));"
        f"const kept = {{{kept}}};"
        "console.log(JSON.stringify(Object.fromEntries(Object.entries(kept).map(([name, isKept]) =>"
        " [name, given.images.map((image) => {"
        " const arcs = graph_network.ARCS.filter(isKept);"
        " const found = graph_network.read(network, image, arcs);"
        " return {probabilities: Array.from(found.probabilities),"
        " nodes: found.nodes.map(plain), messages: found.messages.map(plain)}; })]))));",
        {
            "networks": read_networks(MODELS_DIR / f"{SLUG}.keras"),
            "images": images.reshape(NUM_IMAGES, -1).tolist(),
        },
    )
    return images, found


@needs_node
def test_the_network_answers_as_its_export(read):
    images, found = read
    runner = Interpreter(str(MODELS_DIR / f"{SLUG}.tflite")).get_signature_runner()
    [expected] = runner(**{next(iter(runner.get_input_details())): images}).values()
    answers = np.array([each["probabilities"] for each in found["tous"]])
    assert abs(answers - expected).max() < 1e-4


@needs_node
@pytest.mark.parametrize("name", KEPT)
def test_arcs_are_cut_as_in_the_exercise(read, name, monkeypatch):
    """Le réseau de l'exercice, reconstruit sur ce qui reste d'arcs, avec les poids appris."""
    import keras

    from convnets.training.saving import load_model
    from exercises.ex21_graphs import images as ex21

    images, found = read
    whole = ex21.grid_graph(ex21.SIDE, ex21.SIDE)
    kept = KEPT[name][1](whole.senders, whole.receivers)
    fewer = whole._replace(
        senders=whole.senders[kept], receivers=whole.receivers[kept], features=whole.features[kept]
    )
    monkeypatch.setattr(ex21, "grid_graph", lambda height, width: fewer)
    model = ex21.build_model()
    model.set_weights(load_model(SLUG).get_weights())
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    gates = [each for each in model.operations if type(each).__name__ == "Multiply"]
    stages = {
        "nodes": [each.input for each in norms],
        "messages": [each.output for each in gates],
        "probabilities": model.output,
    }
    expected = keras.Model(model.inputs, stages).predict(images, verbose=0)
    answers = np.array([each["probabilities"] for each in found[name]])
    assert abs(answers - expected["probabilities"]).max() < 1e-4
    for stage in ("nodes", "messages"):
        for rank, want in enumerate(expected[stage]):
            shown = np.array([each[stage][rank] for each in found[name]]).reshape(want.shape)
            np.testing.assert_allclose(shown, want, atol=1e-4)
