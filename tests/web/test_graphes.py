"""La page « Graphes » : ses messages sont ceux de l'exercice 21, et une convolution."""

import numpy as np
import pytest

from exercises.ex00_convolution.operations import conv2d
from tests.web.node import needs_node, run_script
from web.graph import APART, club


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
