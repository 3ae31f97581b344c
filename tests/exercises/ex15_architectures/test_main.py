from dataclasses import replace
from functools import partial

import keras
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.figures.charts import class_table
from convnets.training import export, saving

pytestmark = pytest.mark.ci

QUESTION = "S3 Architectures en image"


@pytest.fixture(scope="module")
def ex15():
    from exercises.ex15_architectures import __main__ as ex15_architectures

    return ex15_architectures


@pytest.fixture(scope="module")
def comparison():
    from exercises.ex15_architectures import comparison as ex15_comparison

    return ex15_comparison


@pytest.fixture
def small(comparison, as_dataset, monkeypatch, eager):
    """Un extrait de CIFAR-10 ; LeNet, un ResNet étroit, et deux réseaux de deux couches."""
    from exercises.ex15_architectures import networks
    from exercises.ex15_architectures.residual import build_deep

    dataset = as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    monkeypatch.setattr(networks, "RESNET_WIDTHS", (4, 8))
    builders = {name: comparison.NETWORKS[name] for name in ("lenet", "resnet")}
    for name in ("plain_30", "residual_30"):
        builders[name] = partial(build_deep, 2, shortcuts=name.startswith("residual"))
    costs = dict(zip(comparison.BUILDERS, comparison.COSTS, strict=True))
    monkeypatch.setattr(comparison, "BUILDERS", builders)
    monkeypatch.setattr(comparison, "COSTS", [costs[name] for name in builders])
    shown = {key: text for key, text in comparison.HEADLINE.items() if "inception" not in key}
    monkeypatch.setattr(comparison, "HEADLINE", shown)
    return dataset


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_saves_and_shows(ex15, comparison, small, unrendered, tmp_path, capsys):
    arguments = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    options = ["--seeds", "1", "--epochs", "1", "--batch-size", "270", "--precision", "float32"]
    with unrendered():
        assert ex15.main([*arguments, *options]) == 0
    report = reports.read_report("ex15_architectures", models_dir=tmp_path / "m")
    assert report.command == (
        "python -m exercises.ex15_architectures --seeds 1 --epochs 1 --limit 11000"
        " --batch-size 270 --precision float32"
    )
    assert report.num_images == {"train": 270, "val": 30, "test": 100}
    assert report.num_parameters == report.details["networks"]["resnet"]["parameters"]
    assert set(report.details["networks"]) == set(comparison.BUILDERS)
    assert len(report.metrics) == 4 and len(report.headline) == len(comparison.HEADLINE)
    for found in report.details["networks"].values():
        assert 0 <= report.metrics[found["metric"]].mean <= 1 and found["operations"] > 1000
        assert [len(curve) for curve in found["curves"].values()] == [1, 1]

    # Le modèle se relit sans rien de nous, et l'export répond comme lui.
    model, (x, y) = keras.saving.load_model(tmp_path / "m" / "ex15_architectures.keras"), small[1]
    found = comparison.evaluate({"resnet": model}, model, x, y)
    assert found["accuracy"] == pytest.approx(report.shipped["accuracy"])
    content = (tmp_path / "m" / "ex15_architectures.tflite").read_bytes()
    guesses = export.export_guesses(content, x)
    assert (guesses == found["probabilities"].argmax(1)).mean() > 0.97

    names = {"architectures.png", "raccourcis.png"}
    assert {path.name for path in (tmp_path / "f").iterdir()} == names
    shown = capsys.readouterr().out
    again = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "g"), "--show"]
    with unrendered():
        assert ex15.main(again) == 0
    assert {path.name for path in (tmp_path / "g").iterdir()} == names
    table = capsys.readouterr().out.split("Figures")[0]
    assert table in shown and "ResNet-8" in table
    assert class_table(report.confusion_matrix, report.classes_fr) in table

    # Un réseau que le compte rendu n'a pas s'y ajoute, tel qu'il y serait.
    networks = {name: each for name, each in report.details["networks"].items() if name != "lenet"}
    metrics = {name: each for name, each in report.metrics.items() if name != "accuracy_lenet"}
    without = replace(report, metrics=metrics, headline=[], details={"networks": networks})
    reports.save_report(without, tmp_path / "m" / "ex15_architectures.json")
    with unrendered():
        assert ex15.main([*arguments, *options, "--missing"]) == 0
    added = reports.read_report("ex15_architectures", models_dir=tmp_path / "m")
    assert added.metrics == report.metrics and added.headline == report.headline
    curves, expected = (each.details["networks"]["lenet"]["curves"] for each in (added, report))
    assert curves == expected and added.files == report.files

    # Reprendre avec un autre nombre d'époques n'aurait pas de sens.
    options[options.index("--epochs") + 1] = "2"
    assert ex15.main([*arguments, *options, "--resume"]) == 1
    assert "autre entraînement" in capsys.readouterr().err


def test_counts_train_nothing(ex15, monkeypatch, capsys, tmp_path):
    from exercises.ex15_architectures import networks, operations

    monkeypatch.setattr(operations, "FULL_SIZE", {"LeNet": networks.build_lenet})
    assert ex15.main(["--counts", "--models-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "ConvNet (S3) : 416 paramètres" in out and "62 006" in out
    assert not list(tmp_path.iterdir())


def test_show_says_that_nothing_is_trained(ex15, tmp_path, capsys):
    assert ex15.main(["--show", "--models-dir", str(tmp_path)]) == 1
    assert "Pas de modèle ex15_architectures" in capsys.readouterr().err
    (tmp_path / "ex15_architectures.json").write_text("{", encoding="utf-8")
    assert ex15.main(["--show", "--models-dir", str(tmp_path)]) == 1
    assert "--force" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model(comparison, extract):
    model = saving.load_model("ex15_architectures")
    report = reports.read_report("ex15_architectures")
    x, y = extract("cifar10")
    assert comparison.evaluate({"resnet": model}, model, x, y)["accuracy"] > 0.45
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["accuracy"] > means["accuracy_lenet"]
    assert means["accuracy_plain_30"] < 0.15  # le hasard, à peu près
    assert means["accuracy_residual_30"] > means["accuracy_plain_30"] + 0.15
    sizes = report.details["networks"]
    ratio = sizes["inception_twin"]["operations"] / sizes["inception"]["operations"]
    assert abs(ratio - 1) < 0.03 and report.metrics["accuracy_inception"].n == 3
