"""Ce qui est rejoué d'un notebook : ce que `fit` apprend d'un grand jeu, et sa validation."""

import types

import numpy as np
import pytest

from grading import cells

X = np.random.default_rng(0).integers(5, 80, (4000, 6, 6)).astype(np.uint8)
Y = np.arange(len(X)) % 10
X_TEST = np.random.default_rng(1).integers(170, 240, (1000, 6, 6)).astype(np.uint8)


@pytest.fixture
def fitted():
    """fitted(x, y, options) -> ce que le vrai `fit` reçoit."""

    def run(x, y=None, **options):
        received, kept = {}, []

        def original(model, x, y, **named):
            received.update(x=x, y=y, **named)
            return types.SimpleNamespace(history={"loss": [1.0]})

        cells._watched(kept, None)(original, "modèle", x, y, **options)
        assert kept[0][0] == "modèle" and kept[0][1].history == {"loss": [1.0]}
        return received

    return run


@pytest.mark.parametrize(
    ("x", "options", "low", "shared"),
    [
        (X[:3000], {"validation_data": (X[3000:], Y[3000:])}, 5, False),
        (X[:3000] / 255, {"validation_data": (X[3000:] / 255, Y[3000:])}, 5 / 255, False),
        (X, {"validation_split": 0.1}, 5, False),
        (X, {"validation_data": (X[-500:], Y[-500:])}, 5, True),  # apprise aussi
        (X, {"validation_data": (X_TEST, Y[:1000])}, 170, False),
    ],
)
def test_a_validation_keeps_its_origin(fitted, x, options, low, shared):
    found = fitted(x, Y[: len(x)], **options)
    assert len(found["x"]) == len(found["y"]) == cells.NUM_TRAIN
    x_val, y_val = found["validation_data"]
    assert len(x_val) == len(y_val) == cells.NUM_VAL and x_val.min() >= low
    learned = {image.tobytes() for image in found["x"]}
    assert any(image.tobytes() in learned for image in x_val) is shared
    assert "validation_split" not in found


def test_a_students_own_names_are_his_while_cells_are_replayed():
    def own(m, x, y):
        return 1

    namespace = {"train": own}
    found = cells.Cells([["cellule 1", "seen = train\ntrain = 3"]], namespace)
    found.own, found.given = {"train": own}, {"train": "la nôtre"}
    plan = {"module": "ex02_fashion", "script": [[0, 0], [0, 1]]}
    assert cells.replay(plan, found) == []
    assert namespace["seen"] is own and namespace["train"] == "la nôtre"
