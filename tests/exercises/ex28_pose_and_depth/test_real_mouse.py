"""La souris : des points non annotés, des gabarits, et ce qui manque."""

import numpy as np
import pytest
from PIL import Image

from convnets.core import intervals, reports
from convnets.datasets import mouse
from exercises.ex28_pose_and_depth import pose, real_mouse

QUESTION = "S3, Pose Estimation"


def noise(num: int, seed: int = 0) -> real_mouse.Photographs:
    """Des images au hasard, dont chaque point est au milieu d'un pixel."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (num, 64, 64, 1)).repeat(3, axis=-1).astype(np.uint8)
    points = rng.integers(16, 48, (num, 17, 2)) + np.float32(0.5)
    return real_mouse.Photographs(images, points, np.full((num, 1, 2), 6, np.float32))


@pytest.mark.question(QUESTION)
def test_a_point_nobody_annotated_costs_nothing_to_either_loss():
    points, maps = noise(2).points, np.random.default_rng(1).normal(size=(2, 32, 32, 17))
    missing = points.copy()
    missing[:, 5] = np.nan
    one = pose.heat_loss(points[:, 5:6], maps[..., 5:6].astype("float32"))
    less = pose.heat_loss(missing, maps.astype("float32"))
    full = pose.heat_loss(points, maps.astype("float32"))
    np.testing.assert_allclose(17 * (full - less), one, rtol=1e-3)
    places = points + np.float32(2)
    np.testing.assert_allclose(real_mouse.place_loss(missing, places), 2 * 16 / 17, rtol=1e-5)


def test_a_template_is_found_where_it_was_moved():
    learned = noise(2)
    moved = learned.images[:1, 3:, 5:]  # tout est 5 pixels plus à gauche, et 3 plus haut
    image = np.pad(moved, ((0, 0), (0, 3), (0, 5), (0, 0)))
    learned.points[0, :, 0] = 40.5  # la recherche va d'une place apprise à l'autre
    learned.points[1] = learned.points[0] - 12
    found = real_mouse.match_templates(learned, image)
    np.testing.assert_array_equal(found[0], learned.points[0] - [5, 3])


def test_a_share_counts_only_what_was_annotated():
    truth = noise(1)
    truth.points[0, 0] = np.nan
    places = truth.points.copy()
    places[0, 1] += (0, 4)  # 24 pixels d'origine : trop loin
    places[0, 2] += (3, 0)  # 18 : assez près
    away = real_mouse.distances(places, truth)
    assert real_mouse.shares(away) == pytest.approx(15 / 16)


@pytest.mark.ci
@pytest.mark.slow
def test_the_whole_lesson_on_a_few_pictures(monkeypatch, tmp_path, capsys):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{k}.png" for k in range(8)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (406, 396)).astype(np.uint8)).save(path)
    points = rng.uniform(50, 350, (8, 17, 2)).astype(np.float32)
    points[1, 3] = np.nan
    monkeypatch.setattr(mouse, "load_mouse", lambda: mouse.Mouse(paths, points))
    monkeypatch.setattr(real_mouse, "NUM_LEARNED", 6)
    assert real_mouse.main(["--epochs", "2", "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert all(label in said for label in real_mouse.LABELS.values())
    assert (tmp_path / "souris.png").exists()


def test_without_the_pictures_one_sentence_is_said(monkeypatch, tmp_path, capsys):
    def missing():
        raise FileNotFoundError("Les images de souris sont introuvables : déposer l'archive.")

    monkeypatch.setattr(mouse, "load_mouse", missing)
    assert real_mouse.main(["--output", str(tmp_path)]) == 1
    assert "déposer l'archive" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_the_published_measures_say_what_the_lesson_says():
    report = reports.load_measures("ex28_real_mouse")
    gaps = {
        name: intervals.sign(intervals.Interval(*gap))
        for name, gap in report.details["gaps"].items()
    }
    assert len(gaps) == 7 and set(gaps.values()) == {1}
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["center_pck"] - means["expected_pck"] > means["expected_pck"] - means["direct_pck"]
    assert means["templates_px"] < means["heat_px"] < means["peak_px"]
