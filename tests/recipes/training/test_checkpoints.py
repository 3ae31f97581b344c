"""Un entraînement coupé reprend à l'identique ; un point de reprise abîmé se dit."""

import keras
import numpy as np
import pytest

from recipes.training import checkpoints, distribution


def build(units=3):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)], name="petit")
    model.compile(keras.optimizers.Adam(), "mse", run_eagerly=True)
    return model


def learn(path, *, resume=False, epochs=3, seed=0, **options):
    x = np.arange(24, dtype=np.uint8).reshape(6, 4)
    batches = checkpoints.Batches(x, x[:, :3], batch_size=2, seed=seed, augment=None)
    model = build()
    history = checkpoints.fit(
        model, batches, epochs=epochs, checkpoint=path, resume=resume, **options
    )
    return model.get_weights(), history


class Cut(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_resumed_training_ends_with_the_same_weights(tmp_path):
    whole, curves = learn(tmp_path / "entier.npz")
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path / "coupe.npz", callbacks=[Cut()])
    resumed, history = learn(tmp_path / "coupe.npz", resume=True)
    for first, second in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(first, second)
    assert history["loss"] == curves["loss"]


def test_damaged_or_foreign_checkpoint_is_refused_in_one_sentence(tmp_path):
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


def test_processes_share_each_batch_and_deform_it_each_in_its_own_way(monkeypatch):
    def batches(index, count):
        monkeypatch.setattr(distribution, "_rank", distribution.Rank(index, count))
        return checkpoints.Batches(np.arange(20), None, batch_size=6, seed=3, augment=None)

    alone, parts = batches(0, 1), [batches(index, 3) for index in range(3)]
    together = np.transpose([part.rows(2) for part in parts]).reshape(-1)
    np.testing.assert_array_equal(together, alone.rows(2))
    assert len({part.rng(0).random() for part in parts}) == 3
    shares = distribution.share(np.arange(11), np.arange(11) + 50)  # du dernier des trois
    np.testing.assert_array_equal(shares, [[2, 5, 8], [52, 55, 58]])
