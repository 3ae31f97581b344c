import pytest

from convnets.core import reports
from convnets.training import saving
from exercises.ex18_segmentation import instances

QUESTION = "S3 Different problems, models & metrics"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_lesson(small_data, eager, unrendered, tmp_path, monkeypatch, capsys, short_runs):
    for name in ("fashion_mnist", "cifar10"):
        small_data(name)
    short_runs(tmp_path)
    with unrendered():
        arguments = ["--epochs", "1", "--limit", "8", "--output", str(tmp_path / "f")]
        assert instances.main(arguments) == 0
    assert "taches du vrai masque" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"objets.png"}
    report = reports.read_report("ex18_instances", models_dir=tmp_path)
    assert report.command.startswith("python -m exercises.ex18_segmentation.instances --epochs 1")
    assert set(report.metrics) >= set(reports.load_measures("ex18_instances").metrics)
    # Le vrai masque connaît la vérité : à l'écart, presque chaque tache est un objet entier.
    apart, close = (report.metrics[f"true_components_ap_{end}"] for end in ("apart", "touching"))
    assert apart.mean > 0.9 and close.mean < 0.7


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_shipped_model(small_data):
    for name in ("fashion_mnist", "cifar10"):
        small_data(name)
    model = saving.load_model("ex18_instances")
    published = reports.load_measures("ex18_instances").metrics
    made = instances.make_alike(100)["test"]
    found = {
        name: instances.measure_objects(each, made)["ap_touching"]
        for name, each in instances.answer(model, made).items()
    }
    assert found["group"] == pytest.approx(published["group_ap_touching"].mean, abs=0.15)
    assert found["group"] > found["components"] + 0.15
