"""Un entraînement coupé reprend à l'identique ; un point de reprise abîmé se dit."""

import keras
import numpy as np
import pytest

from convnets.training import batches as lots
from recipes.training import checkpoints


def build(units=3):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)], name="petit")
    model.compile(keras.optimizers.Adam(), "mse", run_eagerly=True)
    return model


def learn(path, *, resume=False, epochs=3, seed=0, **options):
    x = np.arange(24, dtype=np.uint8).reshape(6, 4)
    batches = lots.Batches(x, x[:, :3], batch_size=2, seed=seed, augment=None)
    model = build()
    history = checkpoints.fit(
        model, batches, epochs=epochs, checkpoint=path, resume=resume, **options
    )
    return model.get_weights(), history


class Cut(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.ci
def test_resumed_training_ends_with_the_same_weights(tmp_path, monkeypatch, capsys):
    whole, curves = learn(tmp_path / "entier.npz")
    monkeypatch.setattr(checkpoints, "EVERY_S", 0)
    path = tmp_path / "runs" / "coupe.npz"
    with pytest.raises(KeyboardInterrupt):
        learn(path, callbacks=[Cut()])
    resumed, history = learn(path, resume=True)
    assert "Reprise après l'époque 2." in capsys.readouterr().out
    for first, second in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(first, second)
    assert history["loss"] == curves["loss"]


@pytest.mark.ci
def test_damaged_or_foreign_checkpoint_is_refused_in_one_sentence(tmp_path, capsys):
    path = tmp_path / "reprise.npz"
    learn(path)
    content = path.read_bytes()
    for damaged in (b"", b"texte", content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="est abîmé. Effacez-le"):
            learn(path, resume=True)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="vient d'un autre entraînement"):
        learn(path, resume=True, seed=1)
    learn(path, resume=True)  # la dernière époque est gardée, même si tout a duré une seconde
    assert "Reprise après l'époque 3." in capsys.readouterr().out
