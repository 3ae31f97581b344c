"""La leçon entière, à peu de films, et le modèle livré."""

import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from exercises.ex27_video import __main__ as ex27
from exercises.ex27_video import figures

SLUG = "ex27_video"


@pytest.fixture(scope="module")
def data():
    from tests.conftest import load_extract

    found = {}
    for name in ("fashion_mnist", "cifar10"):
        x, y = load_extract(name)
        found[name] = (x[:300], y[:300]), (x[300:], y[300:])
    return found


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
@pytest.mark.question("S3, Action Recognition")
def test_lesson_tracks_trains_measures_and_saves(data, unrendered, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    monkeypatch.setattr(ex27, "NUM_VIDEOS", 1)
    monkeypatch.setattr(ex27, "WIDTHS", {kind: (4, 4) for kind in ex27.WIDTHS})
    for name, each in data.items():
        monkeypatch.setattr(sources, f"load_{name}", lambda each=each: each)
    with unrendered():
        assert ex27.main(["--limit", "6", "--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "mémoire et vitesse" in printed and "images mélangées" in printed
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"suivi.png", "films.png"}
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    tracked = {f"{m}_{n}" for m in ("mota", "idf1", "switches") for n in figures.TRACKING}
    assert tracked | {each.metric for each in report.headline} <= {*report.metrics}
    assert report.metrics["order_frames"].mean == pytest.approx(0.5)


@pytest.mark.parametrize(("limit", "num_test"), [(1, 2), (5, 4)])
def test_smallest_trial_still_has_twins(data, limit, num_test):
    made = ex27.make_clips(data["fashion_mnist"], data["cifar10"], limit=limit)
    assert [len(made[part][0]) for part in ("train", "val", "test")] == [limit, limit, num_test]
    labels = made["test"][1]
    np.testing.assert_array_equal(labels[::2] ^ 1, labels[1::2])


@pytest.mark.question("S0, Convolution 3D")
def test_published_measures_hold_together():
    metrics = reports.load_measures(SLUG).metrics
    means = {name: metric.mean for name, metric in metrics.items()}
    assert means["accuracy_conv3d"] > 0.95 and metrics["accuracy_conv3d"].n == 3
    for blind in ("frames", "mean"):  # la paire, et l'ordre au hasard
        assert means[f"order_{blind}"] == pytest.approx(0.5, abs=0.001)
        assert means[f"accuracy_{blind}"] < 0.51
    assert means["order_shuffled"] == pytest.approx(0.5, abs=0.05)
    assert means["idf1_kalman"] > means["idf1_memory"] > means["idf1_neighbour"] + 0.1
    assert means["mota_kalman"] > means["mota_neighbour"] > means["mota_unlinked"]
