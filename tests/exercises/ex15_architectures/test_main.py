from functools import partial

import keras
import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import export, saving

QUESTION = "S3 Architectures en image"


@pytest.fixture(scope="module")
def ex15():
    from exercises.ex15_architectures import __main__ as ex15_architectures

    return ex15_architectures


@pytest.fixture
def small(ex15, as_dataset, monkeypatch, eager):
    """Un extrait de CIFAR-10 ; LeNet et ResNet sont vrais, les autres réseaux ont deux couches."""
    from exercises.ex15_architectures.residual import build_deep

    dataset = as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    shallow = {
        name: partial(build_deep, 2, shortcuts=name.startswith("residual"))
        for name in ex15.BUILDERS
    }
    real = {name: ex15.NETWORKS[name] for name in ("lenet", "resnet")}
    monkeypatch.setattr(ex15, "BUILDERS", shallow | real)
    return dataset


@pytest.mark.question(QUESTION)
def test_augment_only_moves_and_mirrors(ex15, extract):
    images = extract("cifar10")[0][:24]
    out = ex15.augment(images, indices=None, epoch=0, rng=np.random.default_rng(0))
    assert out.dtype == np.uint8 and out.shape == images.shape
    pad = ex15.SHIFT_PX
    mirrored = 0
    for image, got in zip(images, out, strict=True):
        padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
        moves = [
            padded[r : r + 32, c : c + 32] for r in range(2 * pad + 1) for c in range(2 * pad + 1)
        ]
        kept = any((move == got).all() for move in moves)
        mirrored += (not kept) and any((move[:, ::-1] == got).all() for move in moves)
        assert kept or any((move[:, ::-1] == got).all() for move in moves)
    assert 4 < mirrored < 20


@pytest.mark.question(QUESTION)
def test_all_networks_share_the_recipe(ex15):
    assert list(ex15.BUILDERS) == [
        "lenet",
        "alexnet",
        "vgg",
        "resnet",
        "plain_8",
        "plain_30",
        "residual_30",
    ]
    metrics = {"accuracy" if name == ex15.SHIPPED else f"accuracy_{name}" for name in ex15.BUILDERS}
    assert set(ex15.HEADLINE) <= metrics


@pytest.mark.question(QUESTION)
def test_main_trains_saves_and_shows(ex15, small, tmp_path, capsys):
    arguments = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    options = ["--seeds", "1", "--epochs", "1", "--batch-size", "135", "--precision", "float32"]
    assert ex15.main([*arguments, *options]) == 0
    report = reports.read_sidecar("ex15_architectures", models_dir=tmp_path / "m")
    assert report["command"] == (
        "python -m exercises.ex15_architectures --seeds 1 --epochs 1 --limit 11000"
        " --batch-size 135 --precision float32"
    )
    assert report["num_images"] == {"train": 270, "val": 30, "test": 100}
    assert report["num_parameters"] == report["networks"]["resnet"]["parameters"]
    assert set(report["networks"]) == set(ex15.BUILDERS)
    assert len(report["metrics"]) == 7 and len(report["headline"]) == len(ex15.HEADLINE)
    for found in report["networks"].values():
        assert 0 <= report["metrics"][found["metric"]]["mean"] <= 1 and found["operations"] > 1000
        assert [len(curve) for curve in found["curves"].values()] == [1, 1]

    # Le modèle se relit sans rien de nous, et l'export répond comme lui.
    model, (x, y) = keras.saving.load_model(tmp_path / "m" / "ex15_architectures.keras"), small[1]
    found = ex15.evaluate({"resnet": model}, model, x, y)
    assert found["accuracy"] == pytest.approx(report["shipped"]["accuracy"])
    content = (tmp_path / "m" / "ex15_architectures.tflite").read_bytes()
    guesses = export.export_guesses(content, x)
    assert (guesses == found["probabilities"].argmax(1)).mean() > 0.97

    names = {"architectures.png", "raccourcis.png"}
    assert {path.name for path in (tmp_path / "f").iterdir()} == names
    shown = capsys.readouterr().out
    again = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "g"), "--show"]
    assert ex15.main(again) == 0
    assert {path.name for path in (tmp_path / "g").iterdir()} == names
    table = capsys.readouterr().out.split("Figures")[0]
    assert table in shown and "ResNet-8" in table

    # Reprendre avec un autre nombre d'époques n'aurait pas de sens.
    options[options.index("--epochs") + 1] = "2"
    assert ex15.main([*arguments, *options, "--resume"]) == 1
    assert "autre entraînement" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_evaluate_tells_the_networks_apart(ex15):
    """Trois réseaux qui répondent toujours la même classe : leurs précisions sont connues."""
    images = keras.Input((32, 32, 3), dtype="uint8")
    models = {}
    for name, answer in (("lenet", 2), ("resnet", 5), ("plain_8", 9)):
        x = keras.layers.Rescaling(0.0)(keras.layers.Flatten()(images))
        dense = keras.layers.Dense(10, activation="softmax")
        models[name] = keras.Model(images, dense(x))
        dense.set_weights([np.zeros((3072, 10)), np.eye(10)[answer]])
    y = np.array([[2], [5], [5], [5], [1], [9], [9], [0]], np.uint8)
    found = ex15.evaluate(models, models["resnet"], np.zeros((8, 32, 32, 3), np.uint8), y)
    assert found.pop("probabilities").argmax(1).tolist() == [5] * 8
    assert found == {"accuracy_lenet": 1 / 8, "accuracy": 3 / 8, "accuracy_plain_8": 2 / 8}


def test_counts_train_nothing(ex15, monkeypatch, capsys, tmp_path):
    from exercises.ex15_architectures import networks, operations

    monkeypatch.setattr(operations, "FULL_SIZE", {"LeNet": networks.build_lenet})
    assert ex15.main(["--counts", "--models-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "ConvNet (S3) : 416 paramètres" in out and "62 006" in out
    assert not list(tmp_path.iterdir())


def test_show_says_that_nothing_is_trained(ex15, tmp_path, capsys):
    assert ex15.main(["--show", "--models-dir", str(tmp_path)]) == 1
    assert "python -m exercises.ex15_architectures" in capsys.readouterr().err
    (tmp_path / "ex15_architectures.json").write_text("{", encoding="utf-8")
    assert ex15.main(["--show", "--models-dir", str(tmp_path)]) == 1
    assert "--force" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model(ex15, extract):
    if not (paths.MODELS_DIR / "ex15_architectures.json").exists():
        pytest.skip("ex15_architectures n'est pas encore entraîné")
    model = saving.load_model("ex15_architectures")
    report = reports.read_sidecar("ex15_architectures")
    x, y = extract("cifar10")
    assert ex15.evaluate({"resnet": model}, model, x, y)["accuracy"] > 0.45
    means = {name: metric["mean"] for name, metric in report["metrics"].items()}
    assert means["accuracy"] > means["accuracy_lenet"]
    assert means["accuracy_plain_30"] < 0.15  # le hasard, à peu près
    assert means["accuracy_residual_30"] > means["accuracy_plain_30"] + 0.15
