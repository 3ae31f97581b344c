import keras
import numpy as np
import pytest
from keras import layers

from convnets.core.reports import Report
from convnets.training import saving
from convnets.training.distillation import copy_layer, load_teacher


def network(seed, units=0):
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((4,))
    if units:
        x = layers.Dense(units, activation="tanh")(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x), name=f"n{seed}")


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)


def test_a_teacher_is_loaded_at_the_precision_of_the_training(images, tmp_path):
    model = network(1, 8)
    report = Report(command="", metrics={}, score=0.5)
    export = b"essai", "float32"
    saving.save_model(model, "ex99_teacher", report, export=export, models_dir=tmp_path)
    exact = load_teacher("ex99_teacher", precision="float32", models_dir=tmp_path)
    np.testing.assert_array_equal(exact(images), model(images))
    rough = load_teacher("ex99_teacher", precision="mixed_bfloat16", models_dir=tmp_path)
    assert {layer.compute_dtype for layer in rough.layers[1:]} == {"bfloat16"}
    found = np.asarray(keras.ops.cast(rough(images), "float32"))
    assert 0 < np.abs(found - np.asarray(model(images))).max() < 0.02


def test_scaling_and_probabilities_stay_exact():
    """Les deux bouts en float32, ce qui est entre eux au format demandé."""
    keras.utils.set_random_seed(0)
    images = keras.Input((4,), dtype="uint8")
    x = layers.Dense(3)(layers.Rescaling(1 / 255, dtype="float32")(images))
    model = keras.Model(images, layers.Softmax()(x))
    copies = [copy_layer(layer, policy="mixed_bfloat16") for layer in model.layers[1:]]
    assert [copy.compute_dtype for copy in copies] == ["float32", "bfloat16", "float32"]
    assert [copy.name for copy in copies] == [layer.name for layer in model.layers[1:]]


def test_a_missing_teacher_says_how_to_train_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m recipes"):
        load_teacher("ex99_teacher", precision="float32", models_dir=tmp_path)
