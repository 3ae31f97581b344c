"""La commande entière, à peu d'images, les figures et le modèle livré."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex27_video import __main__ as ex27
from exercises.ex27_video import clips, comparison, figures, networks, training, videos

pytestmark = pytest.mark.ci

SLUG = "ex27_video"
PICTURES = {"suivi.png", "films.png", "video.png"}
QUESTION = "S3, Action Recognition"


@pytest.fixture(scope="module")
def data():
    from tests.conftest import load_extract

    found = {}
    for name in ("fashion_mnist", "cifar10"):
        x, y = load_extract(name)
        found[name] = (x[:300], y[:300]), (x[300:], y[300:])
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data, unrendered):
    """Deux réseaux étroits appris sur six films, et une vidéo à suivre par tirage."""
    folder = tmp_path_factory.mktemp("ex27")
    arguments = ["--models-dir", str(folder / "m"), "--output", str(folder / "f")]
    with pytest.MonkeyPatch.context() as patch, unrendered():
        patch.setattr(comparison, "NUM_VIDEOS", 1)
        patch.setattr(figures, "save_examples", lambda *_: None)  # `--show` les composera
        patch.setattr(saving, "export_litert", lambda model: b"")  # le vrai est relu plus bas
        for module in (networks, training):
            patch.setattr(module, "WIDTHS", {"conv3d": (4, 4), "frames": (4, 4)})
        kept = [each for each in comparison.HEADLINE if each[0][-5:] not in ("stack", "_mean")]
        patch.setattr(comparison, "HEADLINE", kept)
        for name, each in data.items():
            patch.setattr(sources, f"load_{name}", lambda each=each: each)
        tf.config.run_functions_eagerly(True)  # construire les graphes durerait plus longtemps
        assert ex27.main(["--limit", "6", "--epochs", "1", *arguments]) == 0
        tf.config.run_functions_eagerly(False)
    return SimpleNamespace(folder=folder, arguments=arguments)


@pytest.mark.question(QUESTION)
def test_main_tracks_trains_measures_and_writes(trained):
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    assert report.num_images == {"train": 6, "val": 6, "test": 6}
    tracked = {f"{m}_{n}" for m in ("mota", "idf1", "switches") for n in figures.TRACKING}
    learned = {f"{m}_{n}" for m in ("accuracy", "order") for n in ("conv3d", "frames", "shuffled")}
    assert {*report.metrics} == tracked | learned | {"accuracy_constant"}
    assert {each.metric for each in report.headline} <= {*report.metrics}
    assert {name for name in report.metrics if report.metrics[name].n == 3} == tracked
    assert report.metrics["accuracy_constant"].mean == pytest.approx(1 / 6)
    assert report.metrics["order_frames"].mean == pytest.approx(0.5)
    assert report.classes_fr == clips.CLASSES_FR and len(report.classes) == 6
    assert [path.name for path in (trained.folder / "f").iterdir()] == ["video.png"]


def test_show_redraws_without_training(trained, data, unrendered, monkeypatch, eager, capsys):
    for path in (trained.folder / "f").iterdir():
        path.unlink()
    for name, each in data.items():
        monkeypatch.setattr(sources, f"load_{name}", lambda each=each: each)
    with unrendered():
        assert ex27.main(["--show", *trained.arguments]) == 0
    printed = capsys.readouterr().out
    assert "mémoire et vitesse" in printed and "images mélangées" in printed
    assert "époque" not in printed
    assert {path.name for path in (trained.folder / "f").iterdir()} == PICTURES


@pytest.mark.question("S3, Object Tracking")
def test_each_identity_has_its_color_and_its_trail(data, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    objects, backgrounds = (data[name][1][0] for name in ("fashion_mnist", "cifar10"))
    video = videos.compose_video(objects, backgrounds, seed=0)
    detections = videos.detect(video, seed=0)
    figures.save_tracks(video, detections, tmp_path / "suivi.png")
    for axis, t in zip(drawn[0].axes, 2 * figures.SHOWN_TIMES, strict=True):
        assert len(axis.patches) == len(axis.lines) == len(axis.texts) == len(detections[t])
        assert len({text.get_text() for text in axis.texts}) == len(detections[t])
        for box, line, text in zip(axis.patches, axis.lines, axis.texts, strict=True):
            assert box.get_edgecolor() == line.get_color() == text.get_bbox_patch().get_facecolor()
            end = line.get_xydata()[-1]  # au milieu de la boîte d'aujourd'hui
            np.testing.assert_allclose(end, box.get_center())


@pytest.mark.parametrize(("limit", "num_test"), [(1, 2), (2, 2), (5, 4)])
def test_the_smallest_trial_still_has_twins(data, limit, num_test):
    made = training.make_clips(data["fashion_mnist"], data["cifar10"], limit=limit)
    assert [len(made[part][0]) for part in ("train", "val", "test")] == [limit, limit, num_test]
    labels = made["test"][1]
    np.testing.assert_array_equal(labels[::2] ^ 1, labels[1::2])


# --- Le modèle livré -----------------------------------------------------------------


@pytest.mark.question("S0, Convolution 3D")
def test_the_published_measures_hold_together(shipped_means):
    means = shipped_means(SLUG)
    assert means["accuracy_conv3d"] > 0.95
    for blind in ("frames", "mean"):  # la paire, et l'ordre au hasard
        assert means[f"order_{blind}"] == pytest.approx(0.5, abs=0.001)
        assert means[f"accuracy_{blind}"] < 0.51
    assert means["order_shuffled"] == pytest.approx(0.5, abs=0.05)
    assert means["idf1_kalman"] > means["idf1_memory"] > means["idf1_neighbour"] + 0.1
    assert means["mota_kalman"] > means["mota_neighbour"] > means["mota_unlinked"]
    assert reports.read_report(SLUG).metrics["accuracy_conv3d"].n == 3


def test_the_shipped_network_loses_the_order_with_the_frames(data):
    """Sur de nouveaux films, puis leurs images mélangées : presque tout juste, puis au hasard."""
    pictures = [data[name][1][0] for name in ("fashion_mnist", "cifar10")]
    x, y = clips.compose_clips(*pictures, num_clips=60, seed=5, twins=True)
    model = saving.load_model(SLUG)
    found = np.asarray(model(x))
    assert training.judge(found, y)[0] >= 0.9
    mixed = np.asarray(model(clips.shuffle_frames(x, seed=0)))
    assert 0.3 <= training.judge(mixed, y)[1] <= 0.7


@pytest.mark.slow
def test_the_shipped_weights_on_the_whole_test_set():
    dataset = sources.load_fashion_mnist(), sources.load_cifar10()
    x, y = training.make_clips(*dataset, limit=None)["test"]
    report = reports.read_report(SLUG)
    accuracy, order = training.judge(training.predict(saving.load_model(SLUG), x), y)
    assert accuracy == pytest.approx(report.shipped["accuracy_conv3d"], abs=1e-3)
    assert order == pytest.approx(report.shipped["order_conv3d"], abs=1e-3)


@pytest.mark.slow
def test_the_lesson_reaches_its_floor(tmp_path):
    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    assert ex27.main(folders) == 0
    means = reports.read_report(SLUG, models_dir=tmp_path / "m").metrics
    assert means["accuracy_conv3d"].mean > 0.95 > 0.51 > means["accuracy_frames"].mean
