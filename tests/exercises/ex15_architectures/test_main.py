from functools import partial
from importlib import import_module

import keras
import numpy as np
import pytest

from convnets.core import reports
from convnets.training import saving
from exercises.ex15_architectures import __main__ as ex15
from exercises.ex15_architectures import networks, operations
from exercises.ex15_architectures.residual import build_deep

QUESTION = "S3 Architectures en image"


def accuracy(model, x, y):
    return np.mean(model.predict(x, verbose=0).argmax(1) == y.reshape(-1))


@pytest.mark.question("S3, Dropout et data-augmentation")
@pytest.mark.parametrize(
    ("name", "reach"),
    [("ex15_architectures", 2), ("ex16_bag_of_words", 3), ("ex23_what_matters", 2)],
)
def test_augment_only_moves_and_mirrors(name, reach):
    """Un point blanc, qui va où la translation et le miroir le mènent."""
    x = np.zeros((300, 32, 32, 3), np.uint8)
    x[:, 16, 10] = 255
    augment = import_module(f"exercises.{name}.__main__").augment
    found = augment(x, indices=None, epoch=0, rng=np.random.default_rng(0))
    assert (x[:, 16, 10] == 255).all()  # les images elles-mêmes n'ont pas bougé
    _, rows, columns = np.nonzero(found[..., 0])
    moves = np.arange(-reach, reach + 1)
    assert set(rows) == {*16 + moves} and set(columns) == {*10 + moves} | {*21 + moves}
    assert 100 < np.sum(columns > 16) < 200  # une image sur deux


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_trains_saves_and_shows(
    small_data, eager, unrendered, tmp_path, monkeypatch, capsys, short_runs
):
    """Un extrait de CIFAR-10 ; LeNet, un ResNet étroit, et des réseaux de deux couches."""
    dataset, small = small_data("cifar10"), partial(build_deep, 2, shortcuts=True)
    kept = {name: networks.NETWORKS[name] for name in ("lenet", "resnet")}
    monkeypatch.setattr(networks, "RESNET_WIDTHS", (4, 8))
    monkeypatch.setattr(ex15, "BUILDERS", dict.fromkeys(ex15.BUILDERS, small) | kept)
    short_runs(tmp_path / "m")
    with unrendered():
        assert ex15.main(["--epochs", "1", "--limit", "100", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert all(title in printed for title in ex15.ALL_NAMES_FR.values())
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"architectures.png", "raccourcis.png"}
    report = reports.read_report("ex15_architectures", models_dir=tmp_path / "m")
    assert set(report.metrics) <= set(reports.load_measures("ex15_architectures").metrics)
    # Le modèle se relit sans rien de nous : c'est bien celui qui a été mesuré.
    model = keras.saving.load_model(tmp_path / "m" / "ex15_architectures.keras")
    assert accuracy(model, *dataset[1]) == pytest.approx(report.metrics["accuracy"].mean)


@pytest.mark.ci
def test_counting_trains_nothing(monkeypatch, capsys):
    monkeypatch.setattr(operations, "FULL_SIZE", {"LeNet": networks.build_lenet})
    assert operations.main([]) == 0
    assert "62 072" in capsys.readouterr().out


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model = saving.load_model("ex15_architectures")
    assert accuracy(model, *extract("cifar10")) > 0.45
    means = {k: v.mean for k, v in reports.load_measures("ex15_architectures").metrics.items()}
    assert means["accuracy"] > means["accuracy_lenet"]
    losses = [means[f"train_loss_{name}"] for name in ("residual_30", "plain_8", "plain_30")]
    assert losses == sorted(losses)  # la dégradation, et les raccourcis qui l'ôtent


@pytest.mark.question(QUESTION)
def test_each_network_has_the_rate_that_validation_prefers():
    from recipes import ex15_architectures as recipe

    tried = reports.load_measures("ex15_rates").metrics
    for name, chosen in ex15.PEAK_RATES.items():
        rates = {
            rate: tried[recipe.trial(name, rate)].mean
            for rate in recipe.RATES
            if recipe.trial(name, rate) in tried
        }
        assert chosen == recipe.preferred(rates)
