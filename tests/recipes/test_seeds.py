"""Mesurer sur plusieurs graines : moyennes, et ce qui demande les réponses de toutes."""

from convnets.core import reports
from convnets.training import lesson
from exercises.ex23_what_matters import __main__ as ex23
from recipes import seeds


def test_seeds_are_summed_up_and_their_answers_compared(tmp_path, monkeypatch):
    right = {"reference": [[1, 1, 0, 0], [1, 0, 0, 0]], "dropout": [[1, 0, 0, 0], [0, 0, 0, 0]]}

    def run(seed, **_):
        pooled = {key: values[seed] for key, values in right.items()}
        return lesson.Run({"accuracy": 0.5 + seed / 10}, None, {"pooled": pooled})

    run.__module__ = ex23.__name__
    monkeypatch.setattr(seeds, "find_run", lambda name: run)
    monkeypatch.setattr(seeds, "DONE", tmp_path / "runs")
    assert seeds.main(["ex23_what_matters", "--seeds", "2", "--output", str(tmp_path)]) == 0
    report = reports.load_report(tmp_path / "ex23_what_matters.json")
    assert report.metrics["accuracy"].values == [0.5, 0.6]
    assert [each.metric for each in report.headline] == ["accuracy"]  # ceux des tableaux
    assert report.details["networks"]["dropout"]["gap"][0] == -0.25
