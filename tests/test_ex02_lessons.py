from types import SimpleNamespace

import keras
import numpy as np
import pytest

from exercises import ex02_fashion, ex02_lessons
from exercises.common import distillation, storage, training


@pytest.fixture
def teacher(tmp_path, monkeypatch):
    """Un petit maître tiré au sort, et un cache vide."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    keras.utils.set_random_seed(3)
    images = keras.Input((28, 28), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    network = keras.Model(images, keras.layers.Dense(10, activation="softmax")(x), name="maitre")
    monkeypatch.setattr(distillation, "load_teacher", lambda slug, **_: network)
    return network


@pytest.fixture
def options(tmp_path):
    return SimpleNamespace(
        teacher="ex02_teacher", epochs=2, batch_size=50, precision="float32", resume=False,
        module="ex02_fashion", models_dir=tmp_path / "m",
    )  # fmt: skip


def of_extract(extract, num):
    x, y = extract("fashion_mnist")
    return x[:num], keras.utils.to_categorical(y[:num], 10)


def test_a_copy_is_always_the_same(extract):
    x, labels = of_extract(extract, 200)
    before = x.copy(), labels.copy()
    first, again, other = (ex02_lessons.deform(x, labels, copy=copy) for copy in (3, 3, 4))
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three)
    assert first[0].dtype == np.uint8 and first[0].shape == x.shape
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_an_image_is_moved_or_mixed(extract):
    x, labels = of_extract(extract, 400)
    images, mixed = ex02_lessons.deform(x, labels, copy=0)
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(mixed.argmax(1), labels.argmax(1))  # elle garde plus de la moitié
    assert mixed.max(1).min() >= 0.5
    alone = mixed.max(1) == 1
    assert 0.45 < alone.mean() < 0.65  # une sur deux, et celles mêlées à une autre de leur classe
    moved = 0
    for image, result in zip(x[alone], images[alone], strict=True):
        padded = np.pad(image, 1, mode="reflect")
        moved += any(
            (padded[i : i + 28, j : j + 28] == result).all() for i in range(3) for j in range(3)
        )
    assert moved / alone.sum() > 0.85


def test_a_mixed_image_is_what_its_label_says():
    # Dix images unies, une par classe : l'étiquette dit la part de chacune.
    values = np.linspace(0, 250, 10)
    x = np.repeat(values, 784).reshape(10, 28, 28).astype(np.uint8)
    seen = 0
    for copy in range(5):
        images, labels = ex02_lessons.deform(x, np.eye(10, dtype=np.float32), copy=copy)
        expected = labels @ x[:, 0, 0].astype(np.float64)
        assert np.abs(images - expected[:, None, None]).max() <= 0.5 + 1e-3
        seen += (labels.max(1) < 1).sum()
    assert 10 < seen < 40


def test_the_teacher_answers_once(teacher, options, extract, capsys):
    x, labels = of_extract(extract, 120)
    found = ex02_lessons.answers(x, labels, copies=2, options=options)
    assert found.shape == (2, 120, 10) and found.dtype == np.float16
    for copy in range(2):
        images = ex02_lessons.deform(x, labels, copy=copy)[0]
        both = (teacher.predict(view, verbose=0) for view in (images, images[:, :, ::-1]))
        expected = sum(both) / 2
        np.testing.assert_allclose(found[copy], expected, atol=1e-3)
    assert capsys.readouterr().out.count("Le maître répond à la copie") == 2

    again = ex02_lessons.answers(x, labels, copies=2, options=options)  # relues
    np.testing.assert_array_equal(found, again)
    assert "Le maître répond" not in capsys.readouterr().out
    ex02_lessons.answers(x[1:], labels[1:], copies=2, options=options)  # d'autres images
    assert "Le maître répond" in capsys.readouterr().out
    teacher.set_weights([weight * 1.5 for weight in teacher.get_weights()])  # un autre maître
    changed = ex02_lessons.answers(x, labels, copies=2, options=options)
    assert not np.array_equal(found, changed)


def test_an_epoch_is_a_copy(extract):
    x, labels = of_extract(extract, 100)
    rng = np.random.default_rng(0)
    answers = rng.dirichlet(np.ones(10), (2, 100)).astype(np.float16)
    batches = ex02_lessons.Lessons(x, labels, answers, batch_size=100, seed=4)
    mirrored = []
    for epoch in (0, 1, 2, 1):
        batches.epoch = epoch
        images, wanted = batches[0]
        copy = epoch % 2
        deformed, mixed = ex02_lessons.deform(x, labels, copy=copy)
        order = np.random.default_rng([4, epoch]).permutation(100)
        np.testing.assert_allclose(
            wanted, 0.9 * answers[copy][order].astype(float) + 0.1 * mixed[order], atol=1e-6
        )
        straight = (images == deformed[order]).all((1, 2))
        flipped = (images == deformed[order][:, :, ::-1]).all((1, 2))
        assert (straight | flipped).all()
        mirrored.append(flipped.sum())
    assert all(30 < count < 70 for count in mirrored)


def test_the_pupil_learns_from_its_teacher_or_from_the_labels(
    teacher, options, extract, monkeypatch
):
    x, y = extract("fashion_mnist")
    seen = {}
    real = training.fit

    def fit(model, batches, **chosen):
        seen.update(batches=batches, smoothing=model.loss.label_smoothing)
        return real(model, batches, **chosen)

    monkeypatch.setattr(training, "fit", fit)
    parts = x[:200], y[:200], x[200:300], y[200:300]
    ex02_fashion.train(*parts, seed=0, options=options)
    assert seen["batches"].answers.shape == (2, 200, 10) and seen["smoothing"] == 0
    np.testing.assert_array_equal(seen["batches"].dataset[0], x[:200])  # pas la validation
    assert storage.checkpoint_path(options, 0, network="taught").exists()
    options.teacher = "none"
    ex02_fashion.train(*parts, seed=0, options=options)
    np.testing.assert_array_equal(seen["batches"].y.argmax(1), y[:200])
    assert seen["smoothing"] == ex02_fashion.LABEL_SMOOTHING
    assert storage.checkpoint_path(options, 0).exists()  # l'un ne reprend pas l'autre


def test_a_resumed_lesson_ends_the_same(teacher, options, extract, monkeypatch):
    """Coupé après une époque sur deux, l'élève finit avec les mêmes poids."""
    x, y = extract("fashion_mnist")
    parts = x[:200], y[:200], x[200:300], y[200:300]
    whole, _ = ex02_fashion.train(*parts, seed=0, options=options)
    real = training.Checkpoint.on_epoch_end

    def cut(self, epoch, logs=None):
        real(self, epoch, logs)
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Checkpoint, "on_epoch_end", cut)
    with pytest.raises(KeyboardInterrupt):
        ex02_fashion.train(*parts, seed=0, options=options)
    monkeypatch.setattr(training.Checkpoint, "on_epoch_end", real)
    options.resume = True
    resumed, history = ex02_fashion.train(*parts, seed=0, options=options)
    assert len(history["loss"]) == 2
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_teacher_option(extract, as_dataset, tmp_path, monkeypatch, capsys):
    from exercises.common import data

    monkeypatch.setattr(data, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    with pytest.raises(SystemExit) as caught:
        ex02_fashion.main(["--teacher", "personne"])
    assert caught.value.code == 2 and "choix impossible" in capsys.readouterr().err
    arguments = ["--teacher", "none", "--epochs", "1", "--seeds", "1", "--batch-size", "60",
                 "--models-dir", str(tmp_path), "--output", str(tmp_path / "f")]  # fmt: skip
    assert ex02_fashion.main(arguments) == 0
    report = storage.read_sidecar("ex02_fashion", models_dir=tmp_path)
    assert report["command"].startswith("python -m exercises.ex02_fashion --teacher none --seeds 1")
