import keras
import numpy as np
import pytest

from convnets.core.reports import Metric
from convnets.training import study


def batches(n=20, **changes):
    x = np.arange(n * 4, dtype=np.uint8).reshape(n, 2, 2, 1)
    options = {"batch_size": 6, "seed": 1, "augment": None, **changes}
    return study.Batches(x, np.arange(n), **options)


def test_an_epoch_shows_each_image_at_most_once():
    lots = batches()
    labels = np.concatenate([lots[k][1] for k in range(len(lots))])
    assert len(lots) == 3 and len(labels) == 18 == len(set(labels))
    for k in range(3):
        x, y = lots[k]
        np.testing.assert_array_equal(x[:, 0, 0, 0], 4 * y)


def test_batches_depend_on_seed_and_epoch_only():
    def noise(images, *, indices, epoch, rng):
        return images + rng.integers(0, 9, images.shape, np.uint8)

    first, second = batches(augment=noise), batches(augment=noise)
    second.epoch = 5
    second[2]
    second.epoch = 0
    np.testing.assert_array_equal(first[1][0], second[1][0])
    second.epoch = 1
    assert (first[1][1] != second[1][1]).any()
    assert (batches(seed=2)[0][1] != batches()[0][1]).any()


def test_too_few_images():
    with pytest.raises(ValueError, match="20 images ne font pas un lot de 21"):
        batches(batch_size=21)


def test_shipped_weights_are_rounded():
    """Un noyau à dix bits par filtre, un vecteur à seize ; arrondir deux fois ne change rien."""
    network, shipped = (keras.Sequential([keras.Input((30,)), keras.layers.Dense(4)]) for _ in "ab")
    rng = np.random.default_rng(0)
    spread = np.array([1e-3, 0.1, 1, 40])  # chaque filtre a son échelle
    network.set_weights([rng.normal(size=(30, 4)) * spread, rng.normal(size=4)])
    assert study.to_ship(network, shipped) is shipped
    (kernel, bias), (kept, kept_bias) = network.get_weights(), shipped.get_weights()
    np.testing.assert_array_equal(kept_bias, bias.astype(np.float16).astype(np.float32))
    for column, rounded in zip(kernel.T, kept.T, strict=True):
        assert len(np.unique(rounded)) > 20  # pas nul, pas écrasé
        step = 2.0 ** np.ceil(np.log2(np.abs(column).max() / 511))
        np.testing.assert_array_equal(rounded / step, np.round(rounded / step))
        assert np.abs(rounded - column).max() <= step / 2
    again = study.to_ship(shipped, keras.models.clone_model(shipped)).get_weights()
    np.testing.assert_array_equal(again[0], kept)


def test_random_crop_is_a_translation_of_the_reflected_image():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (200, 7, 9, 3), np.uint8)
    moved = study.random_crop(images, pad=2, rng=rng)
    assert moved.shape == images.shape and moved.dtype == np.uint8
    seen = set()
    for image, result in zip(images, moved, strict=True):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect")
        found = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if (padded[i : i + 7, j : j + 9] == result).all()
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 25  # tous les décalages possibles


def test_confusion_matrix_counts_pairs():
    y_true, y_pred = np.array([[0], [2], [2], [1]], np.uint8), np.array([0, 1, 2, 1])
    expected = [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert study.confusion_matrix(y_true, y_pred, 3).tolist() == expected


def test_confusion_matrix_of_many_uint8_labels():
    y = np.full((300, 1), 9, np.uint8)  # 10 · 9 + 9 tient dans un uint8, 10 · 200 non
    assert study.confusion_matrix(y, y.ravel(), 10)[9, 9] == 300
    y = np.full((3, 1), 200, np.uint8)
    assert study.confusion_matrix(y, y.ravel(), 250)[200, 200] == 3


def test_summarise_uses_the_sample_standard_deviation():
    summary = study.summarise([1.0, 2.0, 3.0])
    assert summary == Metric(mean=2.0, sd=1.0, n=3, values=[1.0, 2.0, 3.0])
    assert study.summarise([4]).sd is None


def small_model(rate=0.05):
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((2, 2, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(0.2, seed=3)(x)
    x = keras.layers.BatchNormalization()(keras.layers.Dense(5)(x))
    model = keras.Model(inputs, keras.layers.Dense(20, activation="softmax")(x), name="petit")
    schedule = keras.optimizers.schedules.CosineDecay(rate, 12)
    model.compile(
        keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


class CutAt:
    """Ctrl-C pendant l'époque donnée."""

    def __new__(cls, epoch):
        import keras

        class Cut(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if self.current == epoch and batch == 1:
                    raise KeyboardInterrupt

            def on_epoch_begin(self, number, logs=None):
                self.current = number

        return Cut()


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
def test_resume_ends_with_the_same_weights(tmp_path, capsys):
    whole = small_model()
    history = study.fit(whole, batches(), epochs=4, checkpoint=tmp_path / "a.npz", verbose=0)
    cut = small_model()
    with pytest.raises(KeyboardInterrupt):
        study.fit(
            cut, batches(), epochs=4, checkpoint=tmp_path / "b.npz", verbose=0, callbacks=[CutAt(2)]
        )
    resumed = small_model()
    again = study.fit(
        resumed, batches(), epochs=4, checkpoint=tmp_path / "b.npz", resume=True, verbose=0
    )
    for expected, got in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(again["loss"], history["loss"], rtol=1e-5)
    assert len(again["loss"]) == 4 == len(again["duration_s"])
    assert "Reprise après l'époque 2." in capsys.readouterr().out


@pytest.mark.usefixtures("eager")
def test_resume_refuses_another_training(tmp_path):
    study.fit(small_model(), batches(), epochs=1, checkpoint=tmp_path / "a.npz", verbose=0)
    with pytest.raises(ValueError, match="autre entraînement"):
        study.fit(small_model(), batches(), epochs=2, checkpoint=tmp_path / "a.npz", resume=True)


@pytest.mark.usefixtures("eager")
def test_resume_refuses_another_learning_rate(tmp_path):
    path = tmp_path / "a.npz"
    history = study.fit(small_model(), batches(), epochs=1, checkpoint=path, verbose=0)
    same = study.fit(small_model(), batches(), epochs=1, checkpoint=path, resume=True)
    assert same == history
    with pytest.raises(ValueError, match="autre entraînement"):
        study.fit(small_model(rate=0.1), batches(), epochs=1, checkpoint=path, resume=True)


@pytest.mark.usefixtures("eager")
def test_cut_while_writing_a_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    study.fit(small_model(), batches(), epochs=1, checkpoint=path, verbose=0)
    before = path.read_bytes()

    def savez(file, **arrays):
        file.write(b"debut")
        raise KeyboardInterrupt

    monkeypatch.setattr(study.np, "savez", savez)
    with pytest.raises(KeyboardInterrupt):
        study.fit(small_model(), batches(), epochs=1, checkpoint=path, verbose=0)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.npz"]
