"""Ce qu'on demande à un réseau : sur chaque chemin, et non dans l'ordre d'une liste."""

from fractions import Fraction

import numpy as np
import pytest

from grading.questions import networks, programs


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


# --- Ce que reçoit `fit` -------------------------------------------------------------

ORDER, OTHER = np.random.default_rng(1).permutation(48), np.random.default_rng(2).permutation(48)


@pytest.fixture(scope="module")
def data():
    """Des images dont les deux premières valeurs, et la clarté, disent l'étiquette (`trial`)."""
    rng, (low, high) = np.random.default_rng(0), programs.LEVELS["train"]
    y = (np.arange(48) % 10).astype(np.uint8)
    darkest = low + 4 * y[:, None, None]
    x = (darkest + rng.integers(0, (high - low) // 2, (48, 12, 12))).astype(np.uint8)
    x.reshape(48, -1)[:, :2] = low + np.stack([y, 9 - y], axis=1)
    return x, y


def smoothed(labels):
    return 0.9 * np.eye(10)[labels] + 0.01


@pytest.mark.parametrize(
    ("learn", "broken"),
    [
        (lambda x, y: (x[ORDER, ..., None] / 255, y[ORDER, None]), False),
        (lambda x, y: (x[ORDER] / 127.5 - 1, smoothed(y[ORDER])), False),
        (lambda x, y: (x[:, ::-1], y), False),  # images retournées : leur clarté reste
        (lambda x, y: (np.roll(x, 1, axis=1)[ORDER], smoothed(y[ORDER])), False),
        (lambda x, y: (x[:, ::-1], y[OTHER]), True),
        (lambda x, y: (np.roll(x, 1, axis=1)[ORDER], smoothed(y[OTHER])), True),
        (lambda x, y: (0.7 * x + 0.3 * x[ORDER], smoothed(y)), False),  # mixup
        (lambda x, y: (x, np.where(np.arange(48) < 9, 0, y)), False),  # étiquettes bruitées
        (lambda x, y: (x, np.stack([y, y, y], axis=1)), False),
        (lambda x, y: (x[ORDER, ..., None] / 255, y[OTHER, None]), True),
        (lambda x, y: (x / 127.5 - 1, smoothed(y[OTHER])), True),
        (lambda x, y: (np.pad(x, ((0, 0), (1, 1), (1, 1))), y[OTHER]), True),  # une marge
    ],
)
def test_images_that_lost_their_labels_are_seen(data, learn, broken):
    x, y = learn(*data)
    assert networks.pairs_broken({"x": x, "y": y}) is broken
    assert not networks.pairs_broken({"x": x[:4], "y": y[:4]})


@pytest.mark.parametrize(
    ("activation", "from_logits", "reason"),
    [
        ("softmax", [False], None),
        ("softmax", [True], "softmax_twice"),
        ("softmax", [False, True], None),  # un second `compile`, sans importance
        ("linear", [True], None),
        ("linear", [False], "logits_unsaid"),
        ("linear", [], None),  # une perte écrite à la main
        ("sigmoid", [False], "sigmoid_output"),
    ],
)
def test_an_output_and_its_loss_agree_on_the_softmax(activation, from_logits, reason):
    scores = np.random.default_rng(0).normal(size=(4, 10))
    outputs = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    found = {
        "output_shape": (None, 10),
        "layers": [{"class": "Dense", "activation": activation}],
        "outputs": outputs if activation == "softmax" else scores,
    }
    losses = [{"name": "loss", "from_logits": each} for each in from_logits]
    assert networks.output_credit(found, losses).reason == reason


@pytest.mark.parametrize(("low", "reason"), [(0, None), (-120, "scaling_outside")])
def test_images_prepared_before_a_model_in_a_model_are_scaled_outside(low, reason):
    """Le correcteur ne voit pas l'intérieur du modèle ; `preprocess_input` donne des négatifs."""
    given = {"x": np.linspace(low, 140, 48).reshape(3, 4, 4), "y": np.arange(3)}
    network = {"facts": {"seen": None}, "fits": [{"train": given}], "measured": []}
    assert networks.judge_scaling(network).reason == reason


@pytest.mark.parametrize(("largest", "reason"), [(255, None), (1, "scaling_outside")])
def test_a_normalisation_first_does_not_hide_pixels_scaled_outside(largest, reason):
    given = {"x": np.linspace(0, largest, 48).reshape(3, 4, 4), "y": np.arange(3)}
    facts = {"seen": [(0, 0), (255, 255)], "first": "BatchNormalization"}
    network = {"facts": facts, "fits": [{"train": given}], "measured": []}
    assert networks.judge_scaling(network).reason == reason
