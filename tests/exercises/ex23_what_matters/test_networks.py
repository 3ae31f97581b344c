"""Les variantes : chacune diffère de la référence d'une seule pièce."""

from collections import Counter

import keras
import numpy as np
import pytest

from exercises.ex23_what_matters import networks

QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"
SHAPE = (28, 28, 1)
EXPECTED = {  # réglages qui changent ; couches ajoutées (+) ou retirées (-)
    "kernel_1": ({("Conv2D", "kernel_size")}, {}),
    "kernel_5": ({("Conv2D", "kernel_size")}, {}),
    "average": (set(), {"MaxPooling2D": -2, "AveragePooling2D": 2}),
    "stride": ({("Conv2D", "strides")}, {"MaxPooling2D": -2}),
    "half": ({("Conv2D", "filters")}, {}),
    "double": ({("Conv2D", "filters")}, {}),
    "shallow": (set(), {"Conv2D": -1, "Activation": -1}),
    "deep": ({("Conv2D", "filters")}, {"Conv2D": 3, "Activation": 3}),  # 8, 8, 16… au lieu de 8, 16
    "linear": ({("Activation", "activation")}, {}),
    "dropout": (set(), {"Dropout": 2}),
    "normalised": (set(), {"BatchNormalization": 3}),
    "augmented": (set(), {}),
    "dense": (
        {("Dense", "units")},
        {"Conv2D": -3, "MaxPooling2D": -2, "Activation": -2, "Dense": 1},
    ),
}


def build(name, shape=SHAPE):
    return networks.build_model(networks.pieces_of(name), shape, name)


@pytest.fixture(scope="module")
def reference():
    return build("reference")


def by_kind(model):
    """Rend les réglages de chaque sorte de couche, dans l'ordre."""
    found = {}
    for layer in model.layers:
        found.setdefault(type(layer).__name__, []).append(layer.get_config())
    return found


@pytest.mark.question(QUESTION)
def test_the_reference_has_the_order_of_the_statement(reference):
    kinds = [
        type(layer).__name__
        for layer in reference.layers
        if layer.weights or layer.name[:3] == "max"
    ]
    assert kinds == ["Conv2D", "MaxPooling2D"] * 2 + ["Conv2D", "Dense", "Dense"]
    assert reference.count_params() == 80 + 1168 + 4640 + 7 * 7 * 32 * 64 + 64 + 650


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("name", networks.CHANGES)
def test_one_piece_changes_and_only_one(name, reference):
    pieces = networks.pieces_of(name)
    changed = [
        each
        for each in pieces._fields
        if getattr(pieces, each) != getattr(networks.REFERENCE, each)
    ]
    assert changed == [networks.CHANGES[name][0]]
    mine, known = by_kind(build(name)), by_kind(reference)
    counts = Counter({kind: len(each) for kind, each in mine.items()})
    counts.subtract({kind: len(each) for kind, each in known.items()})
    settings = {
        (kind, key)
        for kind in mine.keys() & known.keys()
        for one, other in zip(mine[kind], known[kind], strict=False)
        for key in one
        if key != "name" and one[key] != other[key]
    }
    assert (settings, {kind: n for kind, n in counts.items() if n}) == EXPECTED[name]


def test_any_other_name_is_the_reference():
    assert networks.pieces_of("reference") is networks.pieces_of("twin") is networks.REFERENCE
    assert {*networks.NAMES_FR} == {*networks.CHANGES} == {*EXPECTED}


@pytest.mark.question("S1, l'exercice 6 du jour 3")
@pytest.mark.parametrize("shape", [SHAPE, (32, 32, 3)])
def test_the_dense_network_has_as_many_parameters(shape):
    wanted, dense = build("reference", shape).count_params(), build("dense", shape)
    assert dense.count_params() == pytest.approx(wanted, rel=0.1)
    assert not [layer for layer in dense.layers if isinstance(layer, keras.layers.Conv2D)]


def test_everything_starts_from_the_same_weights_where_sizes_allow(reference):
    keras.utils.set_random_seed(5)
    deep = build("deep")
    before = deep.get_layer("conv_1_1").get_weights()[0]
    networks.share_start(deep, reference)
    for name in ("conv_0_0", "conv_1_0", "conv_2_0", "dense", "classes"):
        mine, start = deep.get_layer(name).get_weights(), reference.get_layer(name).get_weights()
        assert all(np.array_equal(*pair) for pair in zip(mine, start, strict=True)), name
    np.testing.assert_array_equal(deep.get_layer("conv_1_1").get_weights()[0], before)
