import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import scenes
from convnets.training import saving
from exercises.ex17_detection import __main__ as ex17
from exercises.ex17_detection import figures, grid, localization, metrics, proposals, two_stage
from exercises.ex17_detection.boxes import Detections

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture
def small(monkeypatch, small_data):
    """Deux jeux en miniature, et des réseaux de quelques cartes."""
    for module, widths in ((grid, 3), (localization, 2), (two_stage, 2)):
        monkeypatch.setattr(module, "WIDTHS", (4,) * widths)
    monkeypatch.setattr(proposals, "WIDTH", 4)
    for name in ("fashion_mnist", "cifar10"):
        small_data(name)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_lesson(small, eager, unrendered, tmp_path, monkeypatch, capsys, short_runs):
    short_runs(tmp_path)
    with unrendered():
        arguments = ["--epochs", "1", "--limit", "32", "--output", str(tmp_path / "f")]
        assert ex17.main(arguments) == 0
    assert "deux étages : mAP, doublons gardés" in capsys.readouterr().out
    report = reports.read_report("ex17_detection", models_dir=tmp_path)
    published = reports.load_measures("ex17_detection")
    shown = {each.metric for each in published.headline} - {"contrast_map"}  # plusieurs graines
    assert shown <= set(report.metrics)
    assert {path.stem for path in (tmp_path / "f").iterdir()} == {
        *("detection", "precision_rappel", "etages")
    }
    # Relu, le modèle redonne la mesure de la grille.
    model = saving.load_model("ex17_detection", models_dir=tmp_path)
    test = scenes.make_sets(ex17.NUM_SCENES, num_objects=ex17.NUM_OBJECTS, limit=32)["test"]
    judged = metrics.judge(grid.decode(ex17.predict(model, test)), test)
    assert metrics.mean_average_precision(judged) == pytest.approx(report.metrics["map"].mean)


def test_found_boxes_are_said_in_words():
    found = Detections(np.array([[3.2, 5, 30, 40]]), np.array([0.934]), np.array([8]))
    assert ex17.describe(found) == "Sac, 93,4 % : de (3, 5) à (30, 40)"
    assert figures.show(np.zeros((64, 64, 3)), found).boxes[0][1] == "Sac 93 %"
    nothing = Detections(np.empty((0, 4)), np.empty(0), np.empty(0, int))
    assert ex17.describe(nothing).startswith("Aucun objet trouvé")


@pytest.mark.ci
def test_an_image_is_searched(repo, tmp_path, capsys):
    scene = str(repo / "web" / "static" / "scenes" / "0.png")
    assert ex17.main([scene, "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert " % : de (" in said and "n'y veut rien dire" not in said
    assert (tmp_path / "0_boites.png").stat().st_size > 5000
    assert ex17.main([str(repo / "samples" / "avion.png"), "--output", str(tmp_path)]) == 0
    assert "de 527 × 262 pixels, n'est pas une scène" in capsys.readouterr().out


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model, report = saving.load_model("ex17_detection"), reports.read_report("ex17_detection")
    objects, classes = extract("fashion_mnist")
    made = scenes.compose_scenes(
        objects, classes, extract("cifar10")[0], num_scenes=60, num_objects=(1, 4), seed=0
    )
    judged = metrics.judge(grid.decode(ex17.predict(model, made)), made)
    assert metrics.mean_average_precision(judged) > 0.4
    kept = judged.correct[judged.scores >= report.details["min_score"]]
    assert kept.mean() > 0.4 and kept.sum() > 0.4 * judged.num_objects.sum()


@pytest.mark.question(QUESTION)
def test_what_the_page_says_is_what_was_measured():
    published = reports.load_measures("ex17_detection").metrics
    means = {name: metric.mean for name, metric in published.items()}
    assert means["two_stage_map"] > means["map"] + 0.05 > means["map_without_nms"] + 0.05
    assert means["two_stage_map"] > 2 * means["two_stage_map_without_nms"]
    assert round(means["recall_proposals"], 2) == 0.99 and round(means["recall_regular"], 2) == 0.35
