"""Le budget : mêmes lots, mêmes départs ; la leçon entière, et ce qui est publié."""

import numpy as np
import pytest

from convnets.core import reports, session
from convnets.training import saving
from exercises.ex23_what_matters import __main__ as ex23

SLUG = "ex23_what_matters"
QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"


@pytest.mark.question(QUESTION)
def test_each_network_is_compared_with_the_reference():
    """Quatre images, deux graines : un dropout qui perd d'une image."""
    right = {"reference": [1, 1, 0, 0], "dropout": [1, 0, 0, 0]}
    found = ex23.pool([right] * 2)["networks"]
    assert found["reference"]["gap"] == [0, 0, 0]
    difference, low, high = found["dropout"]["gap"]
    assert low < difference == -0.25 < high


@pytest.mark.ci
def test_when_time_is_missing_the_last_ones_are_not_learned(eager, small_data, monkeypatch, capsys):
    small_data("cifar10")
    left_s = iter([1, *[-1] * 99])  # de quoi apprendre la référence, puis plus rien
    monkeypatch.setattr(session, "learning_s", lambda _minutes: next(left_s))
    found = ex23.run(0, epochs=1, minutes=1, limit=40)
    assert found.model.name == "reference"
    assert capsys.readouterr().out.count("pas appris") == len(ex23.NETWORKS) - 1
    assert [*ex23.pool([found.kept["pooled"]])["networks"]] == ["reference"]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_lesson_learns_compares_and_saves(
    small_data, eager, tmp_path, monkeypatch, capsys, short_runs
):
    """Un témoin de même graine que la référence : il doit lui être exactement égal."""
    short_runs(tmp_path / "m")
    small_data("cifar10")
    monkeypatch.setattr(ex23, "OTHER_DRAW", 0)
    assert ex23.main(["--limit", "40", "--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "six convolutions" in printed and "peut être dû au hasard" in printed
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert report.details["networks"]["twin"]["gap"] == [0, 0, 0]
    assert report.metrics["accuracy"] == report.metrics["accuracy_twin"]
    assert (tmp_path / "f" / "pieces.png").stat().st_size > 20_000


# --- Ce qui est publié ---------------------------------------------------------------


@pytest.fixture(scope="module")
def published():
    return reports.load_measures(SLUG)


@pytest.mark.question(QUESTION)
def test_the_published_measures_hold_together(published):
    known = published.details["networks"]
    assert [*known] == [*ex23.NETWORKS]
    dense = known["dense"]["parameters"] / known["reference"]["parameters"]
    assert dense == pytest.approx(1, rel=0.1)


@pytest.mark.ci
def test_the_shipped_network_answers(extract):
    x, y = extract("cifar10")
    found = saving.load_model(SLUG).predict(x, verbose=0).argmax(1)
    assert np.mean(found == y.reshape(-1)) > 0.4
