from functools import partial

import keras
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving

pytestmark = pytest.mark.ci

QUESTION = "S3 Architectures en image"


@pytest.fixture(scope="module")
def ex15():
    from exercises.ex15_architectures import __main__ as ex15_architectures

    return ex15_architectures


@pytest.fixture
def comparison(ex15, as_dataset, monkeypatch, eager):
    """Un extrait de CIFAR-10 ; LeNet, un ResNet étroit, et des réseaux de deux couches."""
    from exercises.ex15_architectures import networks
    from exercises.ex15_architectures.residual import build_deep

    dataset, comparison = as_dataset("cifar10"), ex15.comparison
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    monkeypatch.setattr(networks, "RESNET_WIDTHS", (4, 8))
    small = {name: partial(build_deep, 2, shortcuts=True) for name in comparison.BUILDERS}
    monkeypatch.setattr(
        comparison,
        "BUILDERS",
        small | {name: networks.NETWORKS[name] for name in ("lenet", "resnet")},
    )
    return comparison


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_trains_saves_and_shows(ex15, comparison, unrendered, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    with unrendered():
        assert ex15.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert all(title in printed for title in comparison.ALL_NAMES_FR.values())
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"architectures.png", "raccourcis.png"}
    report = reports.read_report("ex15_architectures", models_dir=tmp_path / "m")
    assert report.command == "python -m exercises.ex15_architectures --epochs 1"
    assert set(report.metrics) == {"accuracy"} | {
        f"accuracy_{name}" for name in comparison.BUILDERS if name != "resnet"
    }
    # Le modèle se relit sans rien de nous : c'est bien celui qui a été mesuré.
    model = keras.saving.load_model(tmp_path / "m" / "ex15_architectures.keras")
    found = comparison.evaluate(model, *sources.load_cifar10()[1])
    assert found == pytest.approx(report.metrics["accuracy"].mean)


def test_counting_trains_nothing(monkeypatch, capsys):
    from exercises.ex15_architectures import networks, operations

    monkeypatch.setattr(operations, "FULL_SIZE", {"LeNet": networks.build_lenet})
    assert operations.main([]) == 0
    assert "62 006" in capsys.readouterr().out


@pytest.mark.question(QUESTION)
def test_shipped_model(ex15, extract):
    model, (x, y) = saving.load_model("ex15_architectures"), extract("cifar10")
    assert ex15.comparison.evaluate(model, x, y) > 0.45
    means = {k: v.mean for k, v in reports.load_measures("ex15_architectures").metrics.items()}
    assert means["accuracy"] > means["accuracy_lenet"]
    assert means["accuracy_plain_30"] < 0.15  # le hasard, à peu près
    assert means["accuracy_residual_30"] > means["accuracy_plain_30"] + 0.15
