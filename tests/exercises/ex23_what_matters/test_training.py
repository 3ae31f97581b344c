"""Le budget : mêmes lots, même taux, autant d'époques ; et la commande entière."""

from argparse import Namespace
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import export, saving, study
from exercises.ex23_what_matters import __main__ as ex23
from exercises.ex23_what_matters import comparison, intervals, networks, training
from tests.conftest import load_extract

SLUG = "ex23_what_matters"
QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"
OPTIONS = {"epochs": 2, "batch_size": 20, "precision": "float32", "resume": False}


@pytest.fixture(scope="module")
def data():
    return {name: load_extract(name) for name in ("fashion_mnist", "cifar10")}


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_every_variant_sees_the_same_batches_at_the_same_rate(data, monkeypatch):
    """L'augmentation change les images, rien d'autre ; le budget long, le nombre d'époques."""
    seen = {}

    def record(model, batches, *, options, network):
        batches.epoch = 1
        rate = model.optimizer._learning_rate.get_config()
        seen[network] = batches[2], batches[2], options.epochs, rate
        return {}

    monkeypatch.setattr(study, "fit", record)
    x, y = data["cifar10"]
    jobs = [training.Job(name, 4) for name in ("reference", "kernel_1", "augmented")]
    for job in [*jobs, training.Job("reference", 4, 3)]:
        split = x[:60], y[:60].reshape(-1)
        training.train(job, "jeu", split, options=Namespace(**OPTIONS))
    (known, _, epochs, rate), *_ = seen.values()
    for name, same_images, factor in (
        ("jeu_kernel_1", True, 1),
        ("jeu_augmented", False, 1),
        ("jeu_reference_long", True, 3),
    ):
        (images, labels), again, other_epochs, other_rate = seen[name]
        assert np.array_equal(images, known[0]) == same_images, name
        assert np.array_equal(labels, known[1]) and np.array_equal(again[0], images), name
        assert other_epochs == factor * epochs == factor * 2
        assert other_rate == rate | {"decay_steps": 3 * other_epochs}


@pytest.mark.question("S3, Dropout et data-augmentation")
def test_augment_moves_and_mirrors_and_leaves_the_middle(data):
    """Une image dont chaque colonne porte son numéro : le centre dit où il a été pris."""
    columns = np.broadcast_to(np.arange(28, dtype=np.uint8)[:, None], (200, 28, 28, 1))
    out = training.augment(columns, indices=None, epoch=0, rng=np.random.default_rng(0))
    assert out.shape == columns.shape and out.dtype == np.uint8
    middle = out[:, 14, 10:18, 0].astype(int)
    steps = np.diff(middle, axis=1)
    mirrored = (steps == -1).all(axis=1)
    assert ((steps == 1).all(axis=1) | mirrored).all() and 70 < mirrored.sum() < 130
    moved = np.where(mirrored, middle[:, 0] - 17, middle[:, 0] - 10)
    assert {*moved.tolist()} == {-2, -1, 0, 1, 2}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data, unrendered):
    """La référence et son témoin, appris sur 36 images de chaque jeu."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("ex23")
    arguments = ["--models-dir", str(folder / "m"), "--output", str(folder / "f")]
    with pytest.MonkeyPatch.context() as patch, unrendered():
        for name, (x, y) in data.items():
            patch.setattr(sources, f"load_{name}", lambda x=x, y=y: ((x, y), (x[::-1], y[::-1])))
        patch.setattr(comparison, "make_jobs", make_jobs)
        patch.setattr(comparison, "HEADLINE", {"accuracy": "exactitude"})
        patch.setattr(comparison, "show", lambda *_: None)  # les figures ont leurs tests
        patch.setattr(export, "choose_export", lambda *_: (b"", "float32"))  # relu plus bas
        patch.setattr(export, "export_accuracy", lambda *_: 0.5)
        tf.config.run_functions_eagerly(True)  # construire les graphes durerait plus longtemps
        status = ex23.main(["--limit", "40", "--epochs", "1", "--batch-size", "36", *arguments])
        tf.config.run_functions_eagerly(False)
        assert status == 0
    return SimpleNamespace(folder=folder, arguments=arguments)


def make_jobs(seed, dataset):
    """Le témoin a ici la graine de la référence : il doit lui être égal."""
    return [training.Job(name, seed) for name in ("reference", "twin")]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_main_trains_compares_and_writes(trained):
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    assert report.num_images == {"train": 36, "val": 4, "test": 40}
    assert {*report.data_sha256} == {*report.details["datasets"]} == {"fashion_mnist", "cifar10"}
    assert report.metrics["accuracy"] == report.metrics["accuracy_cifar10_reference"]
    assert len(report.metrics) == 5 and len(report.history["duration_s"]) == 4


def test_each_network_is_compared_with_the_reference_of_its_budget(monkeypatch):
    """Quatre images : un dropout qui perd d'une image au budget court et gagne de deux au long."""
    monkeypatch.setattr(
        comparison,
        "make_jobs",
        lambda seed, dataset: [
            training.Job(name, seed, budget)
            for budget in (1, training.LONG)
            for name in ("reference", "dropout")
        ],
    )
    right = {
        "reference": [1, 1, 0, 0],
        "dropout": [1, 0, 0, 0],
        "reference_long": [0, 1, 1, 0],
        "dropout_long": [1, 1, 1, 1],
    }
    right = {key: np.array(values, bool) for key, values in right.items()}
    found = comparison.compare_all([dict.fromkeys(comparison.SHAPES, right)] * 2)
    for dataset, known in found.items():
        assert [*known] == [*right] and known["reference"]["gap"] == known["reference_long"][
            "gap"
        ] == []
        assert (known["dropout"]["gap"][0], known["dropout_long"]["gap"][0]) == (-0.25, 0.5)
        low, high = known["dropout"]["gap"][1:]
        assert low < -0.25 < high
        sizes = [(each["parameters"], each["operations"]) for each in known.values()]
        assert {*sizes} == {comparison.size_of("reference", comparison.SHAPES[dataset])}
    unit = comparison.SETUP + 1
    assert comparison.costs() == 2 * [unit, unit, *2 * [comparison.SETUP + training.LONG]]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_a_network_equal_to_the_reference_is_told_equal(trained):
    """Appris pour de bon, aux mêmes graines : exactement zéro, et indiscernable."""
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    for known in report.details["datasets"].values():
        assert known["twin"]["gap"] == [0, 0, 0]
        assert intervals.sign(intervals.Gap(*known["twin"]["gap"])) == 0


@pytest.mark.ci
def test_the_saved_network_is_the_measured_reference(trained, data):
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    model = saving.load_model(SLUG, models_dir=trained.folder / "m")
    x, y = (each[::-1][:40] for each in data["cifar10"])
    assert comparison.evaluate(model, x, y)["accuracy"] == report.shipped["accuracy"]
    assert model.count_params() == comparison.size_of("reference", (32, 32, 3)).parameters


def test_the_twin_has_another_draw_and_the_long_ones_a_long_reference():
    jobs = {job.key: job for job in comparison.make_jobs(2, "cifar10")}
    short = ["reference", *networks.CHANGES, "twin"]
    assert [*jobs] == [*short, *(f"{name}_long" for name in comparison.LONG_NAMES)]
    assert [job.key for job in comparison.make_jobs(2, "fashion_mnist")] == short
    assert jobs["twin"].seed != jobs["reference"].seed == 2
    assert {comparison.against(job) for job in jobs.values()} == {"reference", "reference_long"}
    assert comparison.against(jobs["dropout_long"]) == "reference_long"
    assert jobs["dropout_long"].budget == training.LONG > 1
