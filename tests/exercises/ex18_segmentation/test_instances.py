import keras
import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import export, saving
from exercises.ex18_segmentation import answers, crowds, instances

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture
def small(as_dataset, monkeypatch):
    """Deux jeux en miniature, et un réseau de quelques cartes."""
    datasets = as_dataset("fashion_mnist"), as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: datasets[0])
    monkeypatch.setattr(sources, "load_cifar10", lambda: datasets[1])
    build_model = instances.build_model
    monkeypatch.setattr(instances, "build_model", lambda kind: build_model(kind, channels=(4, 6)))
    monkeypatch.setattr(export, "export_litert", lambda model, weights: b"export")
    return datasets


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_measures_and_segments(small, eager, unrendered, tmp_path, capsys):
    folder, figures = tmp_path / "m", tmp_path / "f"
    arguments = ["--models-dir", str(folder), "--output", str(figures), "--precision", "float32"]
    with unrendered():
        assert (
            instances.main(["--epochs", "1", "--limit", "4", "--batch-size", "4", *arguments]) == 0
        )
    printed = capsys.readouterr().out
    assert {p.name for p in figures.iterdir()} == {"ap.png", "objets.png", "scene.png"}
    report = reports.read_report("ex18_instances", models_dir=folder)
    assert report.command.startswith("python -m exercises.ex18_segmentation.instances --seeds 1")
    assert report.num_images == {"train": 4, "val": 4, "test": 4}
    assert {each.metric for each in report.headline} <= set(report.metrics)
    # Ceux qui connaissent la vérité : à l'écart, chaque tache du vrai masque est un objet entier.
    assert report.metrics["true_components_any_ap_apart"].mean == 1
    assert report.metrics["true_components_any_ap_touching"].mean < 0.7
    assert 0.3 < report.metrics["true_boxes_any_ap"].mean < 1
    assert (
        "vraies boîtes, remplies" in printed
        and "AP50 des masques, classe ignorée, sur le jeu de test" in printed
    )
    model = keras.saving.load_model(folder / "ex18_instances.keras", compile=False)
    test = instances.make_crowds(*small, limit=4)["test"]
    found = answers.measure_objects(answers.answer(model, test.images)["group"], test)
    assert found == pytest.approx({k: report.shipped[f"group_{k}"] for k in found})

    with unrendered():
        assert instances.main([str(figures / "scene.png"), *arguments]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(figures / "scene_objets.png")


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_smallest_trial_measures_every_kind_of_scene(small, limit):
    made = instances.make_crowds(*small, limit=limit)
    kinds = len(crowds.OVERLAPS)
    assert {name: len(part.images) for name, part in made.items()} == {
        "train": limit,
        "val": kinds,
        "test": kinds,
    }
    found = answers.knowing_answers(made["test"])["true_components"]
    assert answers.measure_objects(found, made["test"])["any_ap_apart"] == 1


def test_nothing_found_is_said_in_words(repo, unrendered, tmp_path, monkeypatch, capsys):
    """Une carte des centres sans un seul maximum : aucun objet."""

    class Blind:
        input_shape = (None, 64, 64, 3)

        def predict(self, images, **_):
            return np.zeros((len(images), 64, 64, 14), np.float32)

    monkeypatch.setattr(saving, "load_model", lambda *_, **__: Blind())
    with unrendered():
        picture = str(repo / "samples" / "avion.png")
        assert instances.main([picture, "--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Aucun objet trouvé."


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model = saving.load_model("ex18_instances")
    report = reports.read_report("ex18_instances")
    metrics = {name: metric.mean for name, metric in report.metrics.items()}
    assert report.metrics["group_ap"].n >= 3
    objects, grounds = extract("fashion_mnist"), extract("cifar10")[0]
    made = crowds.compose_crowds(*objects, grounds, num_scenes=80, seed=9)
    found = {
        name: answers.measure_objects(each, made)
        for name, each in answers.answer(model, made.images).items()
    }
    assert found["group"]["any_ap"] == pytest.approx(report.shipped["group_any_ap"], abs=0.08)
    assert found["group"]["any_ap"] > found["components"]["any_ap"] + 0.15
    touching = metrics["group_any_ap_touching"], metrics["true_components_any_ap_touching"]
    assert touching[0] > touching[1] + 0.3  # ce que même un masque de classes parfait ne donne pas
    assert metrics["group_any_ap_touching"] > metrics["true_boxes_any_ap_touching"]


def test_the_figures_of_a_scene(tmp_path):
    from exercises.ex18_segmentation import instance_figures
    from exercises.ex18_segmentation.grouping import Instances

    masks = np.zeros((2, 4, 6), bool)
    masks[0, :2], masks[1, 2:] = True, True
    true = Instances(masks, np.zeros(2, int), np.ones(2))
    painted = instance_figures.paint_objects(true)
    colors = {tuple(each) for each in painted.reshape(-1, 3)}
    assert len(colors) == 2
    # Trouvés dans l'autre ordre, mêmes couleurs ; une tache des deux n'en a qu'une.
    again = Instances(masks[::-1], np.zeros(2, int), np.ones(2))
    np.testing.assert_array_equal(instance_figures.paint_objects(again, true), painted)
    merged = Instances(masks.any(axis=0)[None], np.zeros(1, int), np.ones(1))
    assert len({tuple(e) for e in instance_figures.paint_objects(merged, true).reshape(-1, 3)}) == 1
