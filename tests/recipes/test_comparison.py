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
def comparison():
    from recipes import comparison

    return comparison


# --- La différence -------------------------------------------------------------------


def test_difference_gives_the_published_welch_interval(comparison):
    found = comparison.difference(*SLEEP)
    assert found["mean"] == pytest.approx(-1.58)
    assert (found["low"], found["high"]) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)
    assert found["p_value"] == pytest.approx(0.07939, abs=1e-5)


@pytest.mark.parametrize(
    ("first", "second"), [([0.9], [0.8]), ([0.9, 0.9], [0.8, 0.8]), ([0.9], [0.8, 0.7])]
)
def test_difference_says_what_it_cannot_know(comparison, first, second):
    found = comparison.difference(first, second)
    assert found["mean"] == pytest.approx(np.mean(first) - np.mean(second))
    assert found["low"] is found["high"] is found["p_value"] is None


def test_describe_averages_the_seeds(comparison):
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
    found = comparison.describe(runs)
    assert found["details"]["difference"]["mean"] == pytest.approx(0.35)
    assert found["parameters"] == {"petit": 9}
    assert list(found["details"]["curves"]) == ["lenet_loss"]
    assert found["details"]["curves"]["lenet_loss"]["mean"] == pytest.approx([0.8, 1.6])
    assert found["details"]["curves"]["lenet_loss"]["sd"] == pytest.approx(
        [np.sqrt(0.02), np.sqrt(0.08)]
    )
    assert comparison.describe(runs[:1])["details"]["curves"]["lenet_loss"]["sd"] == [0, 0]


# --- Les déplacements ----------------------------------------------------------------


def test_evaluate_sees_a_planted_dependence_on_position(comparison):
    """Un faux modèle : LeNet voit l'encre partout, le réseau dense au seul pixel central."""

    def predict(x, **options):
        centre, anywhere = (x[:, 14, 14] > 0).astype(int), x.any(axis=(1, 2)).astype(int)
        return {"lenet": np.eye(10)[anywhere], "dense": np.eye(10)[centre]}

    x = np.zeros((4, 28, 28), np.uint8)
    x[:, 14, 13:16] = 255  # un tiret horizontal de trois pixels
    found = comparison.evaluate(SimpleNamespace(predict=predict), x, np.ones(4, int))
    assert [found[f"dense_right_{d}"] for d in range(-4, 5)] == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert [found[f"dense_down_{d}"] for d in range(-4, 5)] == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert all(found[f"lenet_{way}_{d}"] == 1 for way in ("right", "down") for d in range(-4, 5))
    assert (
        (found["accuracy"], found["error"])
        == (1, 0)
        == (found["accuracy_dense"], found["error_dense"])
    )
    assert found["probabilities"].shape == (4, 10)


# --- Dire et montrer ------------------------------------------------------------------


def fake_report(num_seeds):
    sd = 0.002 if num_seeds > 1 else None
    metric = reports.Metric(0.98, sd, num_seeds, [0.98] * num_seeds)
    names = ["accuracy", "accuracy_dense", "error", "error_dense"]
    names += [
        f"{n}_{w}_{d}" for n in ("lenet", "dense") for w in ("right", "down") for d in (-1, 0, 1)
    ]
    curve = {"mean": [0.5, 0.9], "sd": [0.1, 0.0]}
    curves = [
        f"{n}_{key}" for n in ("lenet", "dense") for key in ("loss", "val_loss", "val_accuracy")
    ]
    gap = {"mean": 0.0193, "confidence": 0.95, "low": 0.0168, "high": 0.0219}
    if num_seeds == 1:
        gap |= {"low": None, "high": None}
    return SimpleNamespace(
        metrics=dict.fromkeys(names, metric),
        details={"difference": gap, "curves": dict.fromkeys(curves, curve)},
    )


def test_summary_in_french(comparison):
    assert comparison.summary(fake_report(5)).splitlines()[::2] == [
        "LeNet : 98,00 % ± 0,20 d'exactitude, 98,00 % ± 0,20 d'erreur (5 graines).",
        "Différence : 1,93 points, intervalle de confiance à 95 % (Welch) de 1,68 à 2,19.",
    ]
    alone = comparison.summary(fake_report(1)).splitlines()
    assert alone[1:] == [
        "Réseau dense : 98,00 % d'exactitude, 98,00 % d'erreur (1 graine).",
        "Différence : 1,93 points.",
    ]


@pytest.mark.parametrize("num_seeds", [1, 5])
def test_figures_come_from_the_report_alone(comparison, tmp_path, num_seeds):
    comparison.save_curves(fake_report(num_seeds), tmp_path / "a" / "comparison.png")
    comparison.save_shifts(fake_report(num_seeds), tmp_path / "a" / "decalages.png")
    assert all(path.stat().st_size > 5000 for path in (tmp_path / "a").iterdir())


# --- Ce qui est livré ----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_shipped_comparison_is_fair_and_decided(comparison):
    report = reports.read_report("ex04_comparison")
    metrics, gap = report.metrics, report.details["difference"]
    assert metrics["accuracy"].n >= 5 and report.num_images["test"] == 10000
    assert abs(report.parameters["dense"] / report.parameters["lenet"] - 1) < 0.006
    assert metrics["accuracy"].mean > 0.985 and metrics["accuracy_dense"].mean > 0.96
    assert 0 < gap["low"] < gap["mean"] < gap["high"]
    means = metrics["accuracy"].mean - metrics["accuracy_dense"].mean
    assert gap["mean"] == pytest.approx(means)
    for way in ("right", "down"):
        for distance in (-4, -3, -2, 2, 3, 4):
            lenet, dense = (metrics[f"{n}_{way}_{distance}"].mean for n in ("lenet", "dense"))
            assert lenet > dense + 0.1
    assert re.search(r"de \d,\d\d à \d,\d\d\.$", comparison.summary(report))


@pytest.mark.question(QUESTION)
def test_shipped_networks_on_the_real_extract(comparison, extract, monkeypatch):
    monkeypatch.setattr(comparison, "SHIFTS_PX", (-3, 0, 3))
    x, y = extract("mnist")
    found = comparison.evaluate(saving.load_model("ex04_comparison"), x, y.reshape(-1))
    assert found["accuracy"] >= 0.97 and found["accuracy_dense"] >= 0.94
    assert found["lenet_right_3"] > found["dense_right_3"] + 0.1
