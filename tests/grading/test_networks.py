"""Ce qu'on demande à un réseau : sur chaque chemin, et non dans l'ordre d'une liste."""

from fractions import Fraction

import pytest

from grading.questions import networks


def graph(*layers):
    """graph(("Conv2D", [0], "relu"), …) -> un réseau : classe, indices de ce qui l'alimente."""
    found = []
    for kind, parents, *others in layers:
        activation, size = [*others, None, None][:2]
        shapes = {"input": [None, 8], "output": [None, 8]}
        found.append(
            {
                "class": kind,
                "parents": parents,
                "activation": activation,
                "kernel_size": size,
                "shapes": shapes,
            }
        )
    return {"layers": found, "output_shape": [None, 10]}


SHORTCUT = (
    ("Conv2D", [], "relu", [3, 3]),
    ("Conv2D", [0], None, [1, 1]),  # le raccourci
    ("Conv2D", [0], "relu", [3, 3]),
    ("Conv2D", [2], None, [3, 3]),
    ("Add", [1, 3]),
    ("ReLU", [4]),
    ("Dense", [5]),
)


@pytest.mark.parametrize(
    ("layers", "free", "level", "reason"),
    [
        (SHORTCUT, False, "1", None),
        ((*SHORTCUT[:5], ("Dropout", [4]), ("Dense", [5])), False, "1/2", "relu_partly"),
        ((("Conv2D", []), ("Relu", [0]), ("Dense", [1])), False, "1", None),  # keras.ops.relu
        ((("Conv2D", []), ("Maximum", [0]), ("Dense", [1])), False, "1", None),
        ((("Conv2D", []), ("Flatten", [0]), ("Dense", [1])), False, "0", "relu_forgotten"),
        ((("Conv2D", []), ("Flatten", [0]), ("Dense", [1])), True, "0", "relu_forgotten"),
        (
            (("Conv2D", [], None, [1, 1]), ("Conv2D", [0], "relu", [3, 3]), ("Dense", [1])),
            True,  # un goulot de MobileNet
            "1",
            None,
        ),
    ],
)
def test_a_non_linear_function_is_on_every_path(layers, free, level, reason):
    found = networks.judge_non_linearity(graph(*layers), free=free)
    assert (found.level, found.reason) == (Fraction(level), reason)


def test_a_dense_layer_on_maps_is_not_after_a_flatten():
    found = graph(("Conv2D", [], "relu"), ("Dense", [0], "relu"), ("Flatten", [1]), ("Dense", [2]))
    assert networks.judge_architecture(found, "CDD").level == 1
    found["layers"][1]["shapes"]["input"] = [None, 3, 3, 64]
    assert networks.judge_architecture(found, "CDD").reason == "flatten_forgotten"


def trained(**changes):
    """Ce que rapporte `probes.trial` d'une boucle à la main qui a appris."""
    known = {"compiled": [], "fitted": [], "built": [[0.0, 1.0]], "losses": [], "steps": 6}
    known |= {"error": None, "weights": [0.5, 0.75], "is_model": True, "history": ["loss"]}
    return {**known, **changes}


@pytest.mark.parametrize(
    ("changes", "learned"),
    [
        ({}, True),
        ({"weights": [0.0, 1.0]}, False),
        ({"built": []}, True),  # construit ailleurs, mais l'optimiseur a servi
        ({"built": [], "steps": 0}, False),
        ({"weights": []}, False),
    ],
)
def test_a_loop_by_hand_learns_too(changes, learned):
    assert networks._has_learned(trained(**changes)) is learned


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"losses": [{"name": "x", "from_logits": True}]}, None),
        ({"losses": [{"name": "x", "from_logits": False}]}, "logits_unsaid"),
        ({"compiled": [{"loss": {"name": "x", "from_logits": False}}]}, "logits_unsaid"),
        ({"error": {"type": "ValueError"}}, "logits_unsaid"),
    ],
)
def test_logits_are_right_unless_the_loss_takes_them_for_probabilities(
    changes, reason, monkeypatch
):
    monkeypatch.setattr(networks, "trial", lambda ask: trained(**changes))
    found = graph(("Conv2D", [], "relu"), ("Dense", [0], "linear"))
    found["layers"] = [{**layer, "weights": 2} for layer in found["layers"]]
    found["outputs"] = [[-3.0] * 9 + [5.0]]
    assert networks.judge_output(None, found).reason == reason


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        ([[0, 0], [255, 255]], 0),
        ([[-1, -1], [1, 1]], 1),
        ([[-123.68, -103.939], [131.32, 151.061]], 1),  # la préparation de ResNet
        ([[-128, -128], [127, 127]], 0),
    ],
)
def test_the_scale_of_a_known_preparation_is_right(seen, level, monkeypatch):
    monkeypatch.setattr(networks, "_scales_outside", lambda ask: False)
    found = {"layers": [{"class": "Conv2D"}], "seen": seen, "first": "Conv2D"}
    assert networks.judge_scaling(None, found).level == level
