"""L'étude de plusieurs graines, avec le `train` d'un élève : `model.fit`, et rien d'autre."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from convnets.core.cli import training_parser
from convnets.core.reports import load_report
from convnets.training import saving, study


def build_model():
    images = keras.Input((4, 4), dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(images))
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="ex02_fashion")


def evaluate(model, x, y):
    probabilities = np.asarray(model(x))
    return {
        "accuracy": float(np.mean(probabilities.argmax(1) == y)),
        "probabilities": probabilities,
    }


@pytest.mark.slow
def test_a_plain_fit_is_timed_and_saved(tmp_path):
    def train(x_train, y_train, x_val, y_val, *, seed, options):
        model = build_model()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        fitted = model.fit(x_train, y_train, epochs=2, validation_data=(x_val, y_val), verbose=0)
        return model, fitted

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (60, 4, 4)).astype(np.uint8)
    y = (np.arange(60) % 10).astype(np.uint8)
    options = training_parser("ex02_fashion", "essai", epochs=2).parse_args(
        ["--models-dir", str(tmp_path), "--precision", "float32"]
    )
    names = [str(digit) for digit in range(10)]
    code = study.run_seeds(
        options,
        dataset=((x, y), (x, y)),
        num_val=10,
        train=train,
        evaluate=evaluate,
        classes=names,
        classes_fr=names,
        on_saved=lambda *_: None,
    )
    (report,) = tmp_path.rglob("ex02_fashion.json")
    history = json.loads(report.read_text(encoding="utf-8"))["history"]
    assert code == 0 and len(history["loss"]) == 2
    assert len(history["duration_s"]) == 1 and history["duration_s"][0] > 0


def test_validation_chooses_and_test_only_measures(tmp_path):
    """Chaque graine répond 1 au-delà d'un seuil ; la vérité est 100, mais 150 au jeu de test."""
    thresholds = (45, 95, 145)

    def train(x_train, y_train, x_val, y_val, *, seed, options):
        images = keras.Input((1, 1), dtype="uint8")
        x = layers.Flatten()(layers.Rescaling(1 / 10)(images))
        model = keras.Model(images, layers.Dense(2, activation="softmax")(x))
        model.set_weights([np.array([[0, 1]]), np.array([0, -thresholds[seed] / 10])])
        return model, {"loss": [0.5, 0.1 * seed], "duration_s": [1.0, 2.0 + seed]}

    levels = np.arange(0, 200, 10, np.uint8).reshape(-1, 1, 1)
    x = np.tile(levels, (10, 1, 1))
    dataset = (x, (x >= 100).ravel().astype(int)), (levels, (levels >= 150).ravel().astype(int))
    options = training_parser("ex02_fashion", "essai", epochs=2, seeds=3).parse_args(
        ["--models-dir", str(tmp_path)]
    )
    study.run_seeds(
        options,
        dataset=dataset,
        num_val=30,
        train=train,
        evaluate=evaluate,
        classes=["low", "high"],
        classes_fr=["bas", "haut"],
        on_saved=lambda *_: None,
    )
    report = load_report(tmp_path / "ex02_fashion.json")
    assert report.num_images == {"train": 180, "val": 20, "test": 20}  # un dixième au plus
    assert report.metrics["accuracy"].values == [0.5, 0.75, 1]
    assert report.metrics["accuracy"].sd == 0.25
    assert report.validation.values[1] == 1 > max(report.validation.values[::2])
    assert report.shipped == {"seed": 1, "accuracy": 0.75} and report.score == 1
    assert report.confusion_matrix == [[10, 5], [0, 5]]
    assert report.export_accuracy == 0.75
    assert report.history == {"loss": [0.5, 0.1], "duration_s": [1, 3]}
    assert report.duration_s.values == [3, 4, 5]
    # La validation n'a pas d'erreur : il faudrait être aussi sûr que possible, et c'est faux.
    assert report.calibration["temperature"] < 0.1
    assert report.calibration["ece_after"] == pytest.approx(0.25, abs=1e-3)
    model = saving.load_model("ex02_fashion", models_dir=tmp_path)
    np.testing.assert_allclose(model.get_weights()[1], [0, -9.5])
