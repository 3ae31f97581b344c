"""Les records livrés : ce qu'ils atteignent, en une passe, sur des images qu'ils n'ont pas vues."""

import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.serving import calibration
from convnets.training import saving

GOALS = {
    "thumbnails": {"accuracy": 0.944, "accuracy_tta": 0.948},
    "garments": {"accuracy": 0.945},
    "digits": {"accuracy": 0.9962, "accuracy_tta": 0.9966},
}
LOADERS = {"garments": "fashion_mnist", "digits": "mnist"}


@pytest.mark.parametrize("slug", GOALS)
def test_published_measures_reach_the_goals(repo, slug):
    report = reports.read_report(slug)
    for name, goal in GOALS[slug].items():
        assert report.metrics[name].mean >= goal and report.metrics[name].n >= 2
    assert report.num_images["test"] == 10000
    assert report.export_accuracy >= report.shipped["accuracy"] - 0.002
    if slug == "thumbnails":
        before, after = (report.calibration[name] for name in ("ece_before", "ece_after"))
        assert after <= 0.02 < before


@pytest.mark.ci
@pytest.mark.parametrize("slug", GOALS)
def test_weights_and_export_agree_on_the_real_extract(extract, slug):
    from convnets.serving.classifier import Classifier

    x, y = (each[:200] for each in extract(LOADERS.get(slug, "cifar10")))
    probabilities = saving.load_model(slug).predict(x, verbose=0)
    assert np.mean(probabilities.argmax(1) == y.reshape(-1)) >= 0.91  # 200 images de test, fixes
    report = reports.read_report(slug)
    expected = calibration.soften(probabilities, report.calibration["temperature"])
    light = Classifier(slug).predict(x)
    rounding = 1e-5 if report.export == "float32" else 0.02
    assert np.abs(light - expected).mean() < rounding
    assert np.mean(light.argmax(1) == expected.argmax(1)) >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("slug", GOALS)
def test_weights_and_export_on_the_whole_test_set(slug):
    from convnets.serving.classifier import Classifier

    _, (x, y) = getattr(sources, f"load_{LOADERS.get(slug, 'cifar10')}")()
    report, y = reports.read_report(slug), y.reshape(-1)
    found = saving.load_model(slug).predict(x, batch_size=500, verbose=0).argmax(1)
    assert np.mean(found == y) == pytest.approx(report.shipped["accuracy"], abs=2e-4)
    light = Classifier(slug)
    got = np.concatenate([light.predict(x[i : i + 500]) for i in range(0, 10000, 500)])
    assert np.mean(got.argmax(1) == y) == pytest.approx(report.export_accuracy, abs=2e-4)
