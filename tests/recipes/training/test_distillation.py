from types import SimpleNamespace

import keras
import numpy as np
import pytest

from recipes.training import distillation
from recipes.training.optimizers import Lookahead


def of_extract(extract, num):
    x, y = extract("fashion_mnist")
    return x[:num], keras.utils.to_categorical(y[:num], 10)


def mirror(images, **_):
    return images[:, :, ::-1]


@pytest.fixture
def teacher(tmp_path, monkeypatch):
    """Un petit maître tiré au sort, et un cache vide."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    keras.utils.set_random_seed(3)
    images = keras.Input((28, 28), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    return keras.Model(images, keras.layers.Dense(10, activation="softmax")(x), name="maitre")


def test_a_copy_is_always_the_same(extract):
    x, labels = of_extract(extract, 200)
    before = x.copy(), labels.copy()
    first, again, other = (
        distillation.deform(x, labels, copy=copy, translate_px=1) for copy in (3, 3, 4)
    )
    for given, kept, *copies in zip((x, labels), before, first, again, other, strict=True):
        np.testing.assert_array_equal(given, kept)
        np.testing.assert_array_equal(*copies[:2])
        assert not np.array_equal(*copies[1:])


def test_an_image_is_moved_or_mixed(extract):
    x, labels = of_extract(extract, 400)
    images, mixed = distillation.deform(x, labels, copy=0, translate_px=1)
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(mixed.argmax(1), labels.argmax(1))  # elle garde plus de la moitié
    alone = mixed.max(1) == 1
    assert 0.45 < alone.mean() < 0.65  # une sur deux, et celles mêlées à une autre de leur classe
    padded = np.pad(x[alone], [(0, 0), (1, 1), (1, 1)], mode="reflect")
    moved = np.zeros(alone.sum(), bool)
    for i, j in np.ndindex(3, 3):
        moved |= (padded[:, i : i + 28, j : j + 28] == images[alone]).all((1, 2))
    assert moved.mean() > 0.85


def test_a_mixed_image_is_what_its_label_says():
    # Dix images unies, une par classe : l'étiquette dit la part de chacune.
    x = np.repeat(np.linspace(0, 250, 10), 784).reshape(10, 28, 28).astype(np.uint8)
    images, labels = distillation.deform(x, np.eye(10), copy=0, translate_px=1)
    expected = labels @ x[:, 0, 0].astype(np.float64)
    assert np.abs(images - expected[:, None, None]).max() <= 0.5 + 1e-3
    assert 1 < (labels.max(1) < 1).sum() < 9


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
def test_the_teacher_answers_once(teacher, extract, capsys):
    x, labels = of_extract(extract, 120)
    found = distillation.answers(teacher, x, labels, copies=2, translate_px=1)
    assert found.shape == (2, 120, 10) and found.dtype == np.float16
    for copy in range(2):
        images = distillation.deform(x, labels, copy=copy, translate_px=1)[0]
        both = (teacher.predict(view, verbose=0) for view in (images, images[:, :, ::-1]))
        expected = sum(both) / 2
        np.testing.assert_allclose(found[copy], expected, atol=1e-3)
    assert capsys.readouterr().out.count("Le maître répond à la copie") == 2

    again = distillation.answers(teacher, x, labels, copies=2, translate_px=1)  # relues
    np.testing.assert_array_equal(found, again)
    assert "Le maître répond" not in capsys.readouterr().out
    teacher.set_weights([weight * 1.5 for weight in teacher.get_weights()])  # un autre maître
    changed = distillation.answers(teacher, x, labels, copies=2, translate_px=1)
    assert not np.array_equal(found, changed)


def test_an_epoch_is_a_copy(extract):
    x, labels = of_extract(extract, 100)
    answers = np.random.default_rng(0).dirichlet(np.ones(10), (2, 100)).astype(np.float16)
    copies = distillation.lessons_of(x, labels, answers, translate_px=1, first=3)
    batches = distillation.Lessons(copies, batch_size=100, seed=4, augment=mirror)
    for epoch in (0, 1, 2, 1):
        batches.epoch, copy = epoch, epoch % 2
        images, wanted = batches[0]
        deformed, mixed = distillation.deform(x, labels, copy=3 + copy, translate_px=1)
        order = np.random.default_rng([4, epoch]).permutation(100)
        expected = 0.9 * answers[copy][order].astype(float) + 0.1 * mixed[order]
        np.testing.assert_allclose(wanted, expected, atol=1e-6)
        np.testing.assert_array_equal(images, deformed[order][:, :, ::-1])


class Recorder:
    """À la place des étapes d'une recette : garde ce qu'on demande d'apprendre."""

    def fit(self, network, batches, val, **asked):
        self.batches, self.val, self.asked = batches, val, asked
        return {"loss": [1.0]}


def test_labels_are_learnt_smoothed(extract):
    train, stages = tuple(each[:20] for each in extract("fashion_mnist")), Recorder()
    network, settings = SimpleNamespace(output_shape=(None, 10)), {"seed": 1, "batch_size": 10}
    settings |= {"name": "teacher", "epochs": 2, "optimizer": None, "augment": mirror}
    found = distillation.learn_labels(
        network, train, train, stages=stages, smoothing=0.2, **settings
    )
    assert found == {"loss": [1.0]}
    np.testing.assert_array_equal(stages.batches.y, np.eye(10)[train[1].reshape(-1)])
    np.testing.assert_array_equal(stages.val[1], stages.batches.y)
    loss = stages.asked["loss"](np.array([[1, 0]]), np.array([[0.75, 0.25]]))
    assert float(loss) == pytest.approx(-0.9 * np.log(0.75) - 0.1 * np.log(0.25))


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
def test_a_pupil_learns_smoothed_labels_and_counts_both_directions(teacher, extract):
    stages, few = Recorder(), tuple(each[:20] for each in extract("fashion_mnist"))
    settings = {"name": "pupil", "seed": 1, "epochs": 2, "batch_size": 10, "augment": None}
    settings |= {"optimizer": None, "smoothing": 0.2, "translate_px": 1, "copies": 4, "first": 3}
    distillation.learn_answers(teacher, teacher, few, few, stages=stages, **settings)
    labels = 0.8 * np.eye(10)[few[1]] + 0.02
    found = distillation.answers(teacher, few[0], labels, copies=2, translate_px=1, first=3)
    expected = distillation.lessons_of(few[0], labels, found, translate_px=1, first=3)
    for own, others in zip(stages.batches.copies, expected, strict=True):
        np.testing.assert_allclose(own[1], others[1], atol=1e-6)
    assert stages.asked["asked"] == (teacher, 2 * 2 * 20)  # deux copies, et leurs miroirs
    (lookahead,) = stages.asked["callbacks"](40)
    assert isinstance(lookahead, Lookahead) and lookahead.total_steps == 40
