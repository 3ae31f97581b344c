import keras
import pytest
from keras import layers

from convnets.core import reports
from convnets.datasets import sources
from exercises.ex11_curves.__main__ import main
from exercises.ex11_curves.methods import METHODS

pytestmark = pytest.mark.ci

QUESTION = "S3 Introspection d'un CNN"


@pytest.fixture
def models_dir(tmp_path, write_model):
    """Un dossier de modèles qui n'a qu'un réseau minuscule."""
    keras.utils.set_random_seed(0)
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 5, strides=4, activation="relu")(x))
    model = keras.Model(images, layers.Dense(10, activation="softmax")(x))
    write_model(model, tmp_path, "thumbnails_light")
    return tmp_path


@pytest.mark.question(QUESTION)
def test_the_whole_study(models_dir, as_dataset, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    folders = ["--models-dir", str(models_dir), "--output", str(models_dir / "f")]
    assert main(["--limit", "2", *folders]) == 0
    printed = capsys.readouterr().out
    assert "CAM est laissée de côté" in printed and "| Grad-CAM++ |" in printed
    folder = models_dir / "runs" / "ex11_curves"
    report = reports.read_report("ex11_curves", models_dir=folder)
    assert (
        report.num_images == {"test": 2} and report.details["model"]["name"] == "thumbnails_light"
    )
    assert set(report.details["methods"]) == set(METHODS)
    assert set(report.metrics) == {
        f"{curve} {name}" for curve in ("deletion", "insertion") for name in METHODS
    }
    assert (models_dir / "f" / "aires.png").stat().st_size > 5000


def test_what_could_not_be_compared_is_refused_at_once(models_dir, as_dataset, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    assert main(["--cell", "32", "--models-dir", str(models_dir)]) == 1
    assert "--cell 32 : une seule case" in capsys.readouterr().err
    (models_dir / "notes.md").touch()
    assert main(["--output", str(models_dir / "notes.md")]) == 1
    assert "notes.md n'est pas un dossier" in capsys.readouterr().err


def test_another_input_shape_is_refused(models_dir, as_dataset, monkeypatch, capsys, write_model):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    images = keras.Input((8, 9, 3), dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1.0)(images))
    model = keras.Model(images, layers.Dense(2, activation="softmax")(x))
    write_model(model, models_dir, "autre")
    assert main(["--model", "autre", "--models-dir", str(models_dir)]) == 1
    assert "autre lit des images (8, 9, 3)" in capsys.readouterr().err
