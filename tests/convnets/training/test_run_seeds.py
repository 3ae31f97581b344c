"""L'étude de plusieurs graines, avec le `train` d'un élève : `model.fit`, et rien d'autre."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from convnets.core.cli import training_parser
from convnets.training import study


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
