import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex18_segmentation import crowds, instances

QUESTION = "S3 Different problems, models & metrics"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_lesson(as_dataset, eager, unrendered, tmp_path, monkeypatch, capsys):
    datasets = as_dataset("fashion_mnist"), as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: datasets[0])
    monkeypatch.setattr(sources, "load_cifar10", lambda: datasets[1])
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path)
    with unrendered():
        arguments = ["--epochs", "1", "--limit", "8", "--output", str(tmp_path / "f")]
        assert instances.main(arguments) == 0
    assert "vraies boîtes, remplies" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"ap.png", "objets.png"}
    report = reports.read_report("ex18_instances", models_dir=tmp_path)
    assert report.command.startswith("python -m exercises.ex18_segmentation.instances --epochs 1")
    assert set(report.metrics) == set(reports.load_measures("ex18_instances").metrics)
    # Ceux qui connaissent la vérité : à l'écart, chaque tache du vrai masque est un objet entier.
    assert report.metrics["true_components_any_ap_apart"].mean == 1
    assert report.metrics["true_components_any_ap_touching"].mean < 0.7
    assert 0.3 < report.metrics["true_boxes_any_ap"].mean < 1


@pytest.mark.ci
def test_nothing_found_is_said_in_words(repo, tmp_path, monkeypatch, capsys):
    """Une carte des centres sans un seul maximum : aucun objet."""

    class Blind:
        input_shape = (None, 64, 64, 3)

        def predict(self, images, **_):
            return np.zeros((len(images), 64, 64, 14), np.float32)

    monkeypatch.setattr(saving, "load_model", lambda _: Blind())
    picture = str(repo / "samples" / "avion.png")
    assert instances.main([picture, "--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Aucun objet trouvé."


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model = saving.load_model("ex18_instances")
    published = reports.load_measures("ex18_instances").metrics
    objects, grounds = extract("fashion_mnist"), extract("cifar10")[0]
    made = crowds.compose_crowds(*objects, grounds, num_scenes=80, seed=9)
    found = {
        name: instances.measure_objects(each, made)["any_ap"]
        for name, each in instances.answer(model, made).items()
    }
    assert found["group"] == pytest.approx(published["group_any_ap"].mean, abs=0.12)
    assert found["group"] > found["components"] + 0.15
