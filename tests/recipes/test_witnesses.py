"""Les témoins d'une leçon : chaque graine finie est gardée, et relancer reprend à la suivante."""

from types import ModuleType

import pytest

from convnets.core import reports
from recipes import witnesses


def module(measure, **constants) -> ModuleType:
    """Un exercice qui n'a que ses témoins."""
    made = ModuleType("essai")
    made.__dict__.update(witnesses=measure, **constants)
    return made


def test_a_finished_seed_is_kept_and_the_next_run_goes_on(tmp_path, monkeypatch):
    asked = []

    def measure(seed):
        asked.append(seed)
        if asked == [0, 1]:
            raise KeyboardInterrupt  # coupé pendant la deuxième graine
        return {"accuracy": seed / 10}

    exercise = module(measure, WITNESS_SEEDS=range(3))
    monkeypatch.setattr(witnesses, "find_module", lambda name: exercise)
    with pytest.raises(KeyboardInterrupt):
        witnesses.measure("ex99_essai", tmp_path)
    path = tmp_path / "ex99_essai_witnesses.json"
    assert reports.load_report(path).metrics["accuracy"].values == [0.0]
    for _ in range(2):  # la seconde fois, il ne reste rien à mesurer
        assert witnesses.measure("ex99_essai", tmp_path) == 0
        report = reports.load_report(path)
        assert report.metrics["accuracy"].values == [0.0, 0.1, 0.2]
        assert report.seeds == [0, 1, 2] and report.duration_s.n == 3
    assert asked == [0, 1, 1, 2]


def test_witnesses_without_a_seed_are_measured_again(tmp_path, monkeypatch):
    values = iter([{"bad": 0.5}, {"bad": 0.25}])
    monkeypatch.setattr(witnesses, "find_module", lambda name: module(lambda: next(values)))
    for value in (0.5, 0.25):
        witnesses.measure("ex99_essai", tmp_path)
        report = reports.load_report(tmp_path / "ex99_essai_witnesses.json")
        assert report.metrics["bad"].mean == value


def test_an_exercise_without_witnesses_is_named():
    with pytest.raises(ValueError, match="ex12_deep_dream n'a pas de fonction witnesses"):
        witnesses.find_module("ex12_deep_dream")
