from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture(scope="module")
def ex16():
    from exercises.ex16_bag_of_words import cnn

    return cnn


def test_the_network_has_the_size_of_the_bag(ex16):
    model = ex16.build_cnn()
    assert model.output_shape == (None, 10) and model.inputs[0].dtype == "uint8"
    convolutions = 16 * 3 * 32 + 9 * 32 * 64 + 9 * 64 * 160
    assert model.count_params() == convolutions + 4 * (32 + 64 + 160) + (4 * 4 * 160 + 1) * 10
    bag = 108 * 108 + 800 * 109 + (4 * 800 + 1) * 10
    assert 0.9 < model.count_params() / bag < 1.1


def test_augment_moves_and_mirrors_without_touching_the_images(ex16):
    x = np.zeros((200, 32, 32, 3), np.uint8)
    x[:, 16, 10] = 255
    before = x.copy()
    found = ex16.augment(x, indices=None, epoch=0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(x, before)
    assert found.shape == x.shape and found.dtype == np.uint8
    _, rows, columns = np.nonzero(found[..., 0])
    assert set(rows) == set(range(13, 20))
    assert set(columns) == set(range(7, 14)) | set(range(18, 25))  # 10 ± 3, et son reflet 21 ± 3


@pytest.mark.ci
def test_training_learns_and_counts_only_its_own_time(ex16, extract, eager, tmp_path, monkeypatch):
    monkeypatch.setattr(ex16, "FILTERS", (8, 8, 8))
    x, y = extract("cifar10")
    options = SimpleNamespace(
        precision="float32", batch_size=25, resume=False, module="essai", models_dir=tmp_path
    )
    y = y.reshape(-1)
    model, history = ex16.train_cnn(
        x[:100], y[:100], val=(x[300:], y[300:]), epochs=2, seed=0, options=options, move=False
    )
    assert len(history["cpu_s"]) == 2 and min(history["cpu_s"]) > 0
    assert history["loss"][-1] < history["loss"][0]
    guesses = model.predict(x[300:], verbose=0).argmax(1)
    assert np.mean(guesses == y[300:]) == pytest.approx(history["val_accuracy"][-1], abs=1e-6)
    # Reprendre un entraînement fini ne recalcule rien, et en garde le temps.
    options.resume = True
    again, found = ex16.train_cnn(
        x[:100], y[:100], val=(x[300:], y[300:]), epochs=2, seed=0, options=options, move=False
    )
    assert found == history
    for got, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)
