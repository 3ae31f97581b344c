"""La leçon entière, à peu de films, et le modèle livré."""

import numpy as np
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


@pytest.mark.question("S3, Action Recognition")
def test_the_nearest_learned_film_lends_its_class():
    known = np.random.default_rng(0).integers(0, 250, (5, 8, 32, 32)).astype(np.uint8)
    found = ex27.copy_nearest(known, np.array([4, 0, 1, 5, 2]), known[[3, 1]] + 2)
    assert found.tolist() == [5, 0]


@pytest.mark.question("S3, Object Tracking")
def test_each_seed_follows_other_videos_and_reads_the_same_films():
    """Les vidéos de toutes les graines se suivent ; les films sont comparés graine par graine."""
    pairs = (*ex27.TRACKING_PAIRS, *ex27.ACTION_PAIRS)
    seed = {name: [0.5, 0.5] for pair in pairs for name in pair}
    first = seed | {"idf1_memory": [0.6, 0.7], "accuracy_conv3d": [1, 1]}
    other = seed | {"idf1_memory": [0.8, 0.9], "accuracy_conv3d": [1, 1]}
    gaps = ex27.pool([first, other])["gaps"]
    mean, low, _ = gaps["idf1_memory - idf1_neighbour"]
    # Quatre vidéos, écart-type 0,129, t = 3,182 : et non deux graines de deux vidéos.
    assert mean == pytest.approx(0.25) and low == pytest.approx(0.25 - 3.182 * 0.1291 / 2, abs=1e-3)
    assert gaps["accuracy_conv3d - accuracy_frames"] == [0.5, 0.5, 0.5]


@pytest.mark.question("S0, Convolution 3D")
def test_published_measures_hold_together():
    metrics = reports.load_measures(SLUG).metrics
    means = {name: metric.mean for name, metric in metrics.items()}
    assert means["accuracy_conv3d"] > 0.95 and means["accuracy_frames"] <= 0.5
    assert means["idf1_kalman"] > means["idf1_memory"] > means["idf1_neighbour"] + 0.1
    assert means["mota_kalman"] > means["mota_neighbour"]
