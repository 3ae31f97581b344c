import math

import keras
import numpy as np
import pytest

from convnets.training import precision
from recipes.training import runner


@pytest.fixture
def measured(monkeypatch):
    """Rend `measured(gain, announced=True)` : ce que dira la machine ; rend les essais faits."""
    tries = []

    def fix(gain, *, announced=True):
        precision._fastest.cache_clear()
        monkeypatch.setattr(precision, "announces_bfloat16", lambda: announced)
        monkeypatch.setattr(precision, "measure_gain", lambda: tries.append(gain) or gain)
        return tries

    yield fix
    precision._fastest.cache_clear()


@pytest.mark.parametrize("explicit", ["float32", "mixed_bfloat16"])
def test_an_explicit_choice_is_kept_and_measures_nothing(measured, explicit):
    tries = measured(2.0)
    assert precision.choose_precision(explicit) == explicit and not tries


@pytest.mark.parametrize(
    "gain, announced, chosen",
    [
        (1.4, True, "mixed_bfloat16"),
        (1.0, True, "float32"),  # aussi vite : le plus exact
        (0.6, True, "float32"),  # annoncé, mais plus lent
        (1.4, False, "float32"),
    ],
)
def test_auto_takes_the_fastest_on_this_machine(measured, gain, announced, chosen):
    tries = measured(gain, announced=announced)
    assert precision.choose_precision("auto") == chosen
    assert precision.choose_precision("auto") == chosen
    assert len(tries) == announced  # une fois par processus, et seulement s'il peut y gagner


def test_auto_is_float32_under_jax(measured, monkeypatch):
    measured(1.4)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert precision.choose_precision("auto") == "float32"


@pytest.mark.parametrize(
    "text, announced",
    [("flags : fpu avx512_bf16 sse", True), ("flags : amx_bf16", True), ("flags : avx512f", False)],
)
def test_the_processor_announces_its_instructions(tmp_path, text, announced):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert precision.announces_bfloat16(path) == announced
    assert not precision.announces_bfloat16(tmp_path / "absent")


@pytest.mark.ci
def test_the_measure_leaves_names_and_weights_as_they_would_have_been(monkeypatch):
    monkeypatch.setattr(precision, "FILTERS", 8)  # les mêmes réseaux, plus petits
    monkeypatch.setattr(precision, "STEPS", 2)

    def build_model():
        x = images = keras.Input((4, 4, 3))
        for _ in range(2):
            x = keras.layers.Conv2D(2, 3, padding="same")(x)
        x = keras.layers.GlobalAveragePooling2D()(keras.layers.Dropout(0.5)(x))
        return keras.Model(images, keras.layers.Dense(3)(x))

    keras.utils.clear_session()
    plain = runner.build(build_model, seed=3, precision="float32")
    keras.utils.clear_session()
    gain = precision.measure_gain()
    after = runner.build(build_model, seed=3, precision="float32")
    assert math.isfinite(gain) and gain > 0
    assert [layer.name for layer in after.layers] == [layer.name for layer in plain.layers]
    assert after.name == plain.name and after.dtype_policy.name == "float32"
    for ours, theirs in zip(after.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_build_computes_at_the_precision_that_was_measured(measured):
    def build_model():
        images = keras.Input((2,))
        return keras.Model(images, keras.layers.Dense(3)(images))

    for gain, chosen in ((1.4, "mixed_bfloat16"), (0.6, "float32")):
        measured(gain)
        model = runner.build(build_model, seed=0, precision="auto")
        assert model.layers[-1].dtype_policy.name == chosen
        assert model.layers[-1].variable_dtype == "float32"
