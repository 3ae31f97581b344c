"""La leçon entière, à peu d'images, ses figures, et les mesures publiées."""

from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex28_pose_and_depth import __main__ as ex28
from exercises.ex28_pose_and_depth import counting, data, depth, measures, pose
from exercises.ex28_pose_and_depth.crowds import Crowds

SLUG = "ex28_pose_and_depth"
NETWORKS = ["pose_heat", "pose_regression", "depth", "crowd_density"]


@pytest.fixture
def small(as_dataset, monkeypatch):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))


@pytest.mark.ci
def test_the_lesson_trains_measures_draws_and_saves(small, eager, monkeypatch, tmp_path, capsys):
    for module, name, narrow in (
        (pose, "TRUNK", (4,)),
        (pose, "CLIMB", ()),
        (depth, "FEATURES", 2),
        (depth, "WIDTHS", (4, 4)),
        (depth, "WINDOWS_PX", {"sad": 5, "zncc": 5}),
        (counting, "WIDTHS", (4,)),
    ):
        monkeypatch.setattr(module, name, narrow)
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    assert ex28.main(["--limit", "6", "--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    assert "relief : les mêmes, fenêtres et SAD" in capsys.readouterr().out
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert {f"relative_density_{low}" for low, _ in data.BINS} <= {*report.metrics}
    model = saving.load_model(SLUG, models_dir=tmp_path / "m")
    assert [each.name for each in model.layers if each.name in NETWORKS] == NETWORKS
    assert {each.name for each in (tmp_path / "f").iterdir()} == {
        "pose.png",
        "relief.png",
        "foule.png",
    }


def test_nothing_of_the_test_is_learned(monkeypatch):
    """Objets et fonds sombres pour apprendre, blancs pour mesurer : aucun ne change de côté."""
    for name, shape in (("fashion_mnist", (9, 28, 28)), ("cifar10", (9, 32, 32, 3))):
        dataset = [(np.full(shape, level, np.uint8), np.zeros(9, int)) for level in (60, 255)]
        monkeypatch.setattr(sources, f"load_{name}", lambda each=dataset: each)
    train, test = data.make_parts(limit=6)
    for name in ("pose", "depth"):
        dark, light = (part[name].images.reshape(6, -1)[:, 0] for part in (train, test))
        assert dark.max() < 80 < light.min()


# --- Les mesures publiées ------------------------------------------------------------


@pytest.mark.question("S3, Pose Estimation")
def test_the_published_measures_hold_together():
    metrics = reports.load_measures(SLUG).metrics
    means = {name: metric.mean for name, metric in metrics.items()}
    assert means["pck_heat"] > means["pck_argmax"] > means["pck_regression"] + 0.2
    assert means["pck_regression"] > means["pck_mean"] + 0.1
    for region in ("all", "hidden"):
        assert means[f"bad_network_{region}"] < means[f"bad_sad_{region}"]
    assert means["bad_network_all"] < means["bad_constant_all"] < means["bad_blind_all"]
    for low, _ in data.BINS[1:]:  # jusque dans des foules plus denses que toutes celles apprises
        assert means[f"relative_density_{low}"] < means[f"relative_constant_{low}"]


@pytest.mark.slow
def test_the_lesson_reaches_its_floor():
    found = ex28.run(0).metrics
    assert found["pck_heat"] > found["pck_regression"] + 0.2
    assert found["bad_network_all"] < found["bad_sad_all"]
    assert found["relative_density_21"] < found["relative_constant_21"]


def test_counts_are_judged_by_density():
    """Un réseau planté, dont la densité somme à ce que l'on veut."""
    counts = np.array([10, 30, 30, 50, 70, 90, 110])
    answers = np.array([12, 30, 27, 40, 70, 90, 110])[:, None, None] * counting.SCALE
    model = SimpleNamespace(predict=lambda images, verbose: answers)
    train, test = (Crowds(None, None, each) for each in (np.full(3, 30), counts))
    measured = measures.measure_counts(model, train, test)
    assert measured["relative_density_21"] == 3 / 60
    assert measured["relative_constant_101"] == 80 / 110
