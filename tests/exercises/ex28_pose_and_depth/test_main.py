"""La leçon entière, à peu d'images, ses figures, et les mesures publiées."""

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.intervals import Interval, sign
from convnets.datasets import sources, stereo
from exercises.ex28_pose_and_depth import __main__ as ex28
from exercises.ex28_pose_and_depth import depth, pose

SLUG = "ex28_pose_and_depth"


@pytest.fixture
def small(as_dataset, monkeypatch):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))


@pytest.mark.ci
def test_the_lesson(small, eager, monkeypatch, tmp_path, capsys, short_runs):
    short_runs(tmp_path / "m")
    for module, name, narrow in (
        (pose, "TRUNK", (4,)),
        (pose, "CLIMB", ()),
        (depth, "FEATURES", 2),
        (depth, "WIDTHS", (4, 4)),
        (depth, "WINDOWS", dict.fromkeys(depth.WINDOWS, ("sad", 5))),
        (ex28, "PAIR_PX", 60),
    ):
        monkeypatch.setattr(module, name, narrow)
    views = [str(tmp_path / f"{side}.png") for side in ("gauche", "droite")]
    for path, color in zip(views, ("grey", "black"), strict=True):
        Image.new("RGB", (120, 80), color).save(path)
    pair, truth = stereo.read_pair(*views, width_px=60), np.full((40, 60), 8.0)
    monkeypatch.setattr(stereo, "load_aloe", lambda width_px: (pair, truth))
    monkeypatch.setattr(stereo, "find_aloe", lambda: [*views, ""])
    folder = tmp_path / "f"
    assert ex28.main(["--limit", "6", "--epochs", "1", "--output", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "vraie paire aloe : pixels faux, fenêtres de 7 pixels et SAD" in said and said.endswith(
        f"{' '.join(views)}\n"
    )
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert report.metrics["aloe_constant"].mean == 0  # toute la vérité est sa médiane
    assert {each.name for each in folder.iterdir()} == {"pose.png", "relief.png"}


@pytest.mark.ci
def test_the_depth_of_a_pair(tmp_path, capsys):
    """Du bruit, et le même 24 pixels plus à gauche : 12 pixels, une fois réduit de moitié."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 192), np.uint8))
    views = [str(tmp_path / f"{side}.png") for side in ("gauche", "droite")]
    for path, left in zip(views, (0, 24), strict=True):
        noise.resize((384, 120), Image.BICUBIC).crop((left, 0, left + 360, 120)).save(path)
    assert ex28.main([*views, "--output", str(tmp_path)]) == 0
    assert (tmp_path / "relief_de_la_paire.png").stat().st_size > 5000
    said = capsys.readouterr().out
    assert "à 12 pixels sur 180" in said and "n'y veut rien dire" not in said
    assert "distance relative" in said and "donnez --focal" in said
    # 600 pixels de focale sur 360, donc 300 sur 180 ; 300 × 4 cm ÷ 12 pixels.
    cameras = ["--focal", "600", "--baseline", "4,0"]
    assert ex28.main([*views, *cameras, "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "100 cm" in said or "1,0 m" in said
    Image.effect_noise((360, 120), 90).save(views[1])
    assert ex28.main([*views, "--output", str(tmp_path)]) == 0
    assert "n'y veut rien dire" in capsys.readouterr().out


def test_the_same_picture_twice_has_no_depth(repo, tmp_path, capsys):
    picture = str(repo / "samples" / "chat.png")
    assert ex28.main([picture, picture, "--output", str(tmp_path)]) == 1
    assert "est la même image que" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_the_same_picture_saved_twice_is_recognised(repo, tmp_path, capsys):
    """Le même chat, en JPEG : aucun pixel n'est pareil, et aucun n'est décalé."""
    picture, copy = repo / "samples" / "chat.png", tmp_path / "chat.jpg"
    with Image.open(picture) as image:
        image.convert("RGB").save(copy, quality=60)
    assert ex28.main([str(picture), str(copy), "--output", str(tmp_path / "f")]) == 1
    assert "presque aucun décalage" in capsys.readouterr().err


def test_one_camera_option_asks_for_the_other():
    with pytest.raises(SystemExit):
        ex28.main(["a.png", "b.png", "--focal", "600"])
    with pytest.raises(SystemExit):
        ex28.main(["a.png", "b.png", "--focal", "-1", "--baseline", "3"])
    with pytest.raises(SystemExit):  # et ne donne pas la leçon
        ex28.main(["--focal", "600", "--baseline", "3"])


def test_nothing_of_the_test_is_learned(monkeypatch):
    """Objets et fonds sombres pour apprendre, blancs pour mesurer : aucun ne change de côté."""
    for name, shape in (("fashion_mnist", (9, 28, 28)), ("cifar10", (9, 32, 32, 3))):
        dataset = [(np.full(shape, level, np.uint8), np.zeros(9, int)) for level in (60, 255)]
        monkeypatch.setattr(sources, f"load_{name}", lambda each=dataset: each)
    for dark, light in zip(*ex28.make_parts(limit=6), strict=True):
        dark, light = (part.images.reshape(6, -1)[:, 0] for part in (dark, light))
        assert dark.max() < 80 < light.min()


# --- Les mesures publiées ------------------------------------------------------------


@pytest.mark.question("S3, Pose Estimation")
def test_the_published_measures_hold_together():
    report = reports.load_measures(SLUG)
    means = {name: metric.mean for name, metric in report.metrics.items()}
    gaps = {name: Interval(*each) for name, each in report.details["gaps"].items()}
    for one, other in ex28.PAIRS:
        gap = gaps[f"{one} - {other}"]
        assert gap.mean == pytest.approx(means[one] - means[other])
    for name in ("pck_heat - pck_argmax", "pck_heat - pck_regression", "pck_regression - pck_mean"):
        assert sign(gaps[name]) == 1
    assert sign(gaps["bad_sad_all - bad_network_all"]) == 1
    assert sign(gaps["bad_network_all - bad_sgm_all"]) == 1
    assert means["bad_network_hidden"] < means["bad_sad_hidden"]
    assert means["bad_network_all"] < means["bad_constant_all"] < means["bad_blind_all"]


@pytest.mark.slow
def test_the_lesson_reaches_its_floor():
    found = ex28.run(0).metrics
    assert found["pck_heat"] > found["pck_regression"] + 0.2
    assert found["bad_network_all"] < found["bad_sad_all"]
