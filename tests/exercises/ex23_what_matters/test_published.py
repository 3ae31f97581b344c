"""Ce qui est publié : des mesures qui se tiennent, un modèle qui répond, une page qui les cite."""

import numpy as np
import pytest
from PIL import Image

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import export, saving
from exercises.ex23_what_matters import __main__ as ex23
from exercises.ex23_what_matters import comparison, networks, sentences, training

SLUG = "ex23_what_matters"
QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"


@pytest.fixture(scope="module")
def report():
    return reports.read_report(SLUG)


@pytest.mark.question(QUESTION)
def test_the_published_measures_hold_together(report):
    assert report.metrics["accuracy"].n == 3
    for dataset, known in report.details["datasets"].items():
        jobs = comparison.make_jobs(0, dataset)
        assert [*known] == [job.key for job in jobs]
        accuracy = {key: report.metrics[f"accuracy_{dataset}_{key}"].mean for key in known}
        for job in jobs:
            if job.name != "reference":
                difference = accuracy[job.key] - accuracy[comparison.against(job)]
                assert known[job.key]["gap"][0] == pytest.approx(difference), job.key
        dense = known["dense"]["parameters"] / known["reference"]["parameters"]
        assert dense == pytest.approx(1, rel=0.1)
        assert known["reference"]["parameters"] == known["augmented"]["parameters"]
        assert accuracy["reference"] > {"fashion_mnist": 0.75, "cifar10": 0.4}[dataset]


def test_the_page_quotes_what_the_measures_say(report, repo):
    page = (repo / "docs" / "systemes.md").read_text(encoding="utf-8")
    quoted = " ".join(page.replace("\n> ", "\n").split())
    for told in sentences.tell(report):
        assert told in quoted, told


def test_the_shipped_network_answers_as_its_export(extract):
    x, y = extract("cifar10")
    model = saving.load_model(SLUG)
    found = training.predict(model, x).argmax(1)
    assert np.mean(found == y.reshape(-1)) > 0.4
    assert model.count_params() == comparison.size_of("reference", (32, 32, 3)).parameters
    content = (paths.MODELS_DIR / f"{SLUG}.tflite").read_bytes()
    assert (export.export_guesses(content, x) == found).mean() > 0.98


@pytest.mark.slow
def test_the_shipped_weights_on_the_whole_test_set(report):
    _, (x, y) = sources.load_cifar10()
    num = report.num_images["test"]
    found = comparison.evaluate(saving.load_model(SLUG), x[:num], y[:num])
    assert found["accuracy"] == pytest.approx(report.shipped["accuracy"], abs=1e-3)


@pytest.mark.slow
def test_the_lesson_reaches_its_floor(tmp_path):
    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    assert ex23.main(folders) == 0
    made = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert made.metrics["accuracy"].mean > 0.4
    assert {*networks.CHANGES} < {*made.details["datasets"]["cifar10"]}
    with Image.open(tmp_path / "f" / "pieces.png") as figure:
        assert figure.size[0] > 1000
