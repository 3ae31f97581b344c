"""La leçon entière, à peu de films, et le modèle livré."""

import pytest

from convnets.core import reports
from exercises.ex27_video import __main__ as ex27

SLUG = "ex27_video"


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
@pytest.mark.question("S3, Action Recognition")
def test_lesson_tracks_trains_measures_and_saves(
    small_data, unrendered, tmp_path, monkeypatch, capsys, short_runs
):
    short_runs(tmp_path / "m")
    monkeypatch.setattr(ex27, "WIDTHS", {kind: (4, 4) for kind in ex27.WIDTHS})
    for name in ("fashion_mnist", "cifar10"):
        small_data(name)
    with unrendered():
        assert ex27.main(["--limit", "3", "--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "vitesse et mémoire" in printed and "images empilées" in printed
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"suivi.png", "films.png"}
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert set(report.metrics) == set(reports.load_measures(SLUG).metrics)
    assert report.metrics["accuracy_frames"].mean <= 0.5  # jumeaux compris


@pytest.mark.question("S0, Convolution 3D")
def test_published_measures_hold_together():
    metrics = reports.load_measures(SLUG).metrics
    means = {name: metric.mean for name, metric in metrics.items()}
    assert means["accuracy_conv3d"] > 0.95 and means["accuracy_frames"] <= 0.5
    assert means["idf1_kalman"] > means["idf1_memory"] > means["idf1_neighbour"] + 0.1
    assert means["mota_kalman"] > means["mota_neighbour"]
