import pytest

from convnets.core import paths, reports
from convnets.training import saving

QUESTION = "TD, question 1"


@pytest.mark.question(QUESTION)
def test_published_comparison_says_lenet_is_better():
    """Cinq graines : LeNet se trompe moins, et résiste mieux au déplacement."""
    metrics = reports.load_measures("ex04_comparison").metrics
    assert metrics["error"].n == 5
    assert max(metrics["error"].values) < min(metrics["error_dense"].values)
    assert metrics["lenet_right_4"].mean > 2 * metrics["dense_right_4"].mean


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_both_networks_are_trained_measured_and_saved(small_data, tmp_path, monkeypatch, capsys):
    from recipes import comparison

    monkeypatch.setattr(paths, "RUNS_DIR", tmp_path / "m")
    monkeypatch.setattr(comparison, "SHIFTS_PX", range(-1, 2))
    monkeypatch.setattr(comparison, "HEADLINE", {"error": "erreur"})
    dataset = small_data("mnist")
    assert comparison.main(["--epochs", "1"]) == 0
    assert "erreur" in capsys.readouterr().out
    report = reports.read_report("ex04_comparison", models_dir=tmp_path / "m")
    assert report.command == "python -m recipes.comparison --epochs 1"
    assert report.framing == "digit"
    model = saving.load_model("ex04_comparison", models_dir=tmp_path / "m")
    x, y = dataset[1]
    assert comparison.evaluate(model, x, y) == {n: m.mean for n, m in report.metrics.items()}
