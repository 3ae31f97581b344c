import re
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import reports
from convnets.training import saving

QUESTION = "TD, question 1"

# Allongement du sommeil sous deux somnifères, dix malades chacun (Cushny et Peebles, 1905) :
# l'exemple de Student, dont tous les manuels donnent l'intervalle de Welch.
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)


@pytest.fixture(scope="module")
def ex04():
    from exercises import ex04_comparison

    return ex04_comparison


@pytest.fixture(scope="module")
def figures():
    from exercises import ex04_figures

    return ex04_figures


# --- La différence -------------------------------------------------------------------


def test_difference_gives_the_published_welch_interval(ex04):
    found = ex04.difference(*SLEEP)
    assert found["mean"] == pytest.approx(-1.58)
    assert (found["low"], found["high"]) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)
    assert found["p_value"] == pytest.approx(0.07939, abs=1e-5)


@pytest.mark.parametrize(
    ("first", "second"), [([0.9], [0.8]), ([0.9, 0.9], [0.8, 0.8]), ([0.9], [0.8, 0.7])]
)
def test_difference_says_what_it_cannot_know(ex04, first, second):
    found = ex04.difference(first, second)
    assert found["mean"] == pytest.approx(np.mean(first) - np.mean(second))
    assert found["low"] is found["high"] is found["p_value"] is None


def test_describe_averages_the_seeds(ex04):
    import keras

    inputs = keras.Input((2,))
    inner = keras.Sequential([keras.layers.Dense(3)], name="petit")
    model = keras.Model(inputs, inner(inputs))
    runs = [
        {
            "model": model,
            "test": {"accuracy": a, "accuracy_dense": d},
            "history": {"lenet_loss": [a, 2 * a], "duration_s": [1, 1, 1]},
        }
        for a, d in ((0.9, 0.5), (0.7, 0.4))
    ]
    found = ex04.describe(runs)
    assert found["details"]["difference"]["mean"] == pytest.approx(0.35)
    assert found["parameters"] == {"petit": 9}
    assert list(found["details"]["curves"]) == ["lenet_loss"]
    assert found["details"]["curves"]["lenet_loss"]["mean"] == pytest.approx([0.8, 1.6])
    assert found["details"]["curves"]["lenet_loss"]["sd"] == pytest.approx(
        [np.sqrt(0.02), np.sqrt(0.08)]
    )
    assert ex04.describe(runs[:1])["details"]["curves"]["lenet_loss"]["sd"] == [0, 0]


# --- Les déplacements ----------------------------------------------------------------


def test_evaluate_sees_a_planted_dependence_on_position(ex04):
    """Un faux modèle : LeNet voit l'encre partout, le réseau dense au seul pixel central."""

    def predict(x, **options):
        centre, anywhere = (x[:, 14, 14] > 0).astype(int), x.any(axis=(1, 2)).astype(int)
        return {"lenet": np.eye(10)[anywhere], "dense": np.eye(10)[centre]}

    x = np.zeros((4, 28, 28), np.uint8)
    x[:, 14, 13:16] = 255  # un tiret horizontal de trois pixels
    found = ex04.evaluate(SimpleNamespace(predict=predict), x, np.ones(4, int))
    assert [found[f"dense_right_{d}"] for d in range(-4, 5)] == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert [found[f"dense_down_{d}"] for d in range(-4, 5)] == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert all(found[f"lenet_{way}_{d}"] == 1 for way in ("right", "down") for d in range(-4, 5))
    assert (
        (found["accuracy"], found["error"])
        == (1, 0)
        == (found["accuracy_dense"], found["error_dense"])
    )
    assert found["probabilities"].shape == (4, 10)


# --- Ce qui est livré ----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_shipped_comparison_is_fair_and_decided(figures):
    report = reports.read_report("ex04_comparison")
    metrics, gap = report.metrics, report.details["difference"]
    assert metrics["accuracy"].n >= 5 and report.num_images["test"] == 10000
    assert abs(report.parameters["dense"] / report.parameters["lenet_modern"] - 1) < 0.006
    assert metrics["accuracy"].mean > 0.985 and metrics["accuracy_dense"].mean > 0.96
    assert 0 < gap["low"] < gap["mean"] < gap["high"]
    means = metrics["accuracy"].mean - metrics["accuracy_dense"].mean
    assert gap["mean"] == pytest.approx(means)
    for way in ("right", "down"):
        for distance in (-4, -3, -2, 2, 3, 4):
            lenet, dense = (metrics[f"{n}_{way}_{distance}"].mean for n in ("lenet", "dense"))
            assert lenet > dense + 0.1
    assert re.search(r"de \d,\d\d à \d,\d\d\.$", figures.summary(report))


@pytest.mark.question(QUESTION)
def test_shipped_networks_on_the_real_extract(ex04, extract, monkeypatch):
    monkeypatch.setattr(ex04, "SHIFTS_PX", (-3, 0, 3))
    x, y = extract("mnist")
    found = ex04.evaluate(saving.load_model("ex04_comparison"), x, y.reshape(-1))
    assert found["accuracy"] >= 0.97 and found["accuracy_dense"] >= 0.94
    assert found["lenet_right_3"] > found["dense_right_3"] + 0.1
