"""Le budget : mêmes lots, mêmes départs ; la leçon entière, et ce qui est publié."""

from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex23_what_matters import __main__ as ex23
from exercises.ex23_what_matters import comparison, figures, networks

SLUG = "ex23_what_matters"
QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"


@pytest.mark.question("S3, Dropout et data-augmentation")
def test_augment_moves_and_mirrors_and_leaves_the_middle():
    """Une image dont chaque colonne porte son numéro : le centre dit où il a été pris."""
    columns = np.broadcast_to(np.arange(28, dtype=np.uint8)[:, None], (200, 28, 28, 1))
    out = comparison.augment(columns, indices=None, epoch=0, rng=np.random.default_rng(0))
    middle = out[:, 14, 10:18, 0].astype(int)
    steps = np.diff(middle, axis=1)
    mirrored = (steps == -1).all(axis=1)
    assert ((steps == 1).all(axis=1) | mirrored).all() and 70 < mirrored.sum() < 130
    moved = np.where(mirrored, middle[:, 0] - 17, middle[:, 0] - 10)
    assert {*moved.tolist()} == {-2, -1, 0, 1, 2}


@pytest.mark.question(QUESTION)
def test_each_network_is_compared_with_the_reference_of_its_budget():
    """Quatre images : un dropout qui perd d'une image au budget court et gagne de deux au long."""
    right = {
        "reference": [1, 1, 0, 0],
        "dropout": [1, 0, 0, 0],
        "reference_long": [0, 1, 1, 0],
        "dropout_long": [1, 1, 1, 1],
    }
    found = comparison.pool([dict.fromkeys(comparison.SHAPES, right)] * 2)["datasets"]
    for known in found.values():
        assert known["reference"]["gap"] == known["reference_long"]["gap"] == []
        assert (known["dropout"]["gap"][0], known["dropout_long"]["gap"][0]) == (-0.25, 0.5)
        low, high = known["dropout"]["gap"][1:]
        assert low < -0.25 < high


def test_the_twin_has_another_draw_and_the_long_ones_a_long_budget():
    jobs = {(dataset, key): job for dataset, key, *job in comparison.make_jobs()}
    short = ["reference", *networks.CHANGES, "twin"]
    long = [f"{name}_long" for name in comparison.LONG_NAMES]
    assert [key for dataset, key in jobs if dataset == "cifar10"] == short + long
    assert [key for dataset, key in jobs if dataset == "fashion_mnist"] == short
    assert {key for _, key in list(jobs)[:2]} == {"reference"}  # d'abord : tout s'y compare
    assert jobs["cifar10", "twin"] == ["reference", comparison.OTHER_DRAW, 1]
    assert jobs["cifar10", "dropout_long"] == ["dropout", 0, comparison.LONG]


@pytest.mark.ci
def test_when_time_is_missing_the_last_ones_are_not_learned(eager, as_dataset, monkeypatch, capsys):
    for name in comparison.SHAPES:
        monkeypatch.setattr(sources, f"load_{name}", lambda name=name: as_dataset(name))
    now = iter([0, 1, 2, *[60] * 99])  # le début, les deux références, puis une minute
    monkeypatch.setattr(comparison, "time", SimpleNamespace(monotonic=lambda: next(now)))
    learned = []
    train = comparison.train
    monkeypatch.setattr(comparison, "train", lambda *a, **k: learned.append(a[0]) or train(*a, **k))
    found = comparison.run(0, epochs=1, minutes=1, limit=40)
    assert learned == ["reference", "reference"] and found.model is not None
    assert capsys.readouterr().out.count("pas appris") == len(comparison.make_jobs()) - 2
    assert [*comparison.pool([found.kept["pooled"]])["datasets"]["cifar10"]] == ["reference"]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_learns_compares_and_saves(as_dataset, eager, tmp_path, monkeypatch, capsys):
    """Un témoin de même graine que la référence : il doit lui être exactement égal."""
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    for name in comparison.SHAPES:
        monkeypatch.setattr(sources, f"load_{name}", lambda name=name: as_dataset(name))
    monkeypatch.setattr(comparison, "OTHER_DRAW", 0)
    monkeypatch.setattr(comparison, "LONG_NAMES", ())
    assert ex23.main(["--limit", "40", "--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "six convolutions" in printed and "Sur 26 intervalles" in printed
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    for known in report.details["datasets"].values():
        assert known["twin"]["gap"] == [0, 0, 0]
    assert report.metrics["accuracy"] == report.metrics["accuracy_cifar10_reference"]
    assert (tmp_path / "f" / "pieces.png").stat().st_size > 20_000


# --- Ce qui est publié ---------------------------------------------------------------


@pytest.fixture(scope="module")
def published():
    return reports.load_measures(SLUG)


@pytest.mark.question(QUESTION)
def test_the_published_measures_hold_together(published):
    assert published.metrics["accuracy"].n == 3
    for dataset, known in published.details["datasets"].items():
        assert [*known] == [key for name, key, *_ in comparison.make_jobs() if name == dataset]
        dense = known["dense"]["parameters"] / known["reference"]["parameters"]
        assert dense == pytest.approx(1, rel=0.1)


def test_the_page_quotes_what_the_measures_say(published, repo):
    page = (repo / "docs" / "systemes.md").read_text(encoding="utf-8")
    quoted = " ".join(page.replace("\n> ", "\n").split())
    for told in figures.tell(published):
        assert told in quoted, told


def test_the_shipped_network_answers(extract):
    x, y = extract("cifar10")
    found = saving.load_model(SLUG).predict(x, verbose=0).argmax(1)
    assert np.mean(found == y.reshape(-1)) > 0.4
