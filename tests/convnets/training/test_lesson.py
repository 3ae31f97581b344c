import itertools
import math
import shutil
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from convnets.core import paths
from convnets.training import batches, cost, lesson


def fit(clock, *, epochs=2, num_images=40):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)], name="petit")
    model.compile(keras.optimizers.SGD(0.4), "mse")
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_, **__: rates.append(float(model.optimizer.learning_rate))
    )
    x = np.ones((num_images, 3), np.float32)
    model.fit(x, x[:, :1], batch_size=4, epochs=epochs, verbose=0, callbacks=[clock, note])
    return model, rates


def test_rate_follows_a_cosine_down_to_zero(capsys):
    _, rates = fit(lesson.Clock(2, None))
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" ; reste ")[0] for line in said] == [
        "petit, époque 1/2",
        "petit, époque 2/2",
    ]
    assert said[1].endswith("reste 0 s")
    expected = [0.2 * (1 + math.cos(math.pi * step / 20)) for step in range(20)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_rate_rises_first_when_asked():
    _, rates = fit(lesson.Clock(2, None, warmup=0.2))
    np.testing.assert_allclose(rates[:4], [0.1, 0.2, 0.3, 0.4], atol=1e-6)
    assert max(rates) == pytest.approx(0.4)


def test_lesson_ends_on_time_with_the_rate_at_zero(monkeypatch, capsys):
    now = iter(range(10_000))  # chaque regard sur l'heure prend une seconde
    monkeypatch.setattr(lesson.time, "monotonic", lambda: float(next(now)))
    _, rates = fit(lesson.Clock(1000, 1), epochs=1000)
    assert 5 < len(rates) < 60
    assert rates[-1] < 0.02
    assert "le temps est passé" in capsys.readouterr().out


def test_a_network_has_its_share_of_the_minutes_to_learn():
    assert lesson.Clock(10, 2, share=0.5).limit_s == pytest.approx(120 * 0.85 * 0.5)
    assert [lesson.format_duration(s) for s in (59.4, 305)] == ["59 s", "5 min 05"]


def test_the_split_gives_each_picture_once():
    x = np.arange(30)
    for limit, num_val, expected in ((None, 5, 3), (None, 2, 2), (5, 3, 1)):
        parts = lesson.split(((x, -x), (x, -x)), limit=limit, num_val=num_val)
        assert sorted([*parts[0], *parts[2]]) == [*parts[4]] == [*x[:limit]]
        assert len(parts[2]) == expected and (parts[2] == -parts[3]).all()


def test_a_confusion_matrix_has_the_truth_in_rows():
    found = lesson.confusion_matrix(np.array([[0], [2], [2], [1]]), np.array([1, 2, 0, 1]), 3)
    assert found.tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_the_cost_of_a_network_is_the_one_counted_by_hand():
    inside = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3)])
    network = keras.Sequential([inside, keras.layers.Flatten(), keras.layers.Dense(5)])
    operations = 2 * (3 * 3 * 3 * 4) * (4 * 4) + 2 * 64 * 5
    assert cost.inference_pflop(network, 1000) == pytest.approx(operations * 1e-12)
    assert cost.training_pflop(network, 1000) == pytest.approx(3 * operations * 1e-12)


def test_batches_are_shuffled_again_at_each_epoch_and_the_same_for_a_seed():
    x = np.arange(10, dtype=np.uint8)

    def epochs(seed):
        feed = batches.shuffled(x, x, batch_size=5, seed=seed)
        return [np.concatenate([np.asarray(part) for part, _ in feed]) for _ in range(2)]

    first, second = epochs(0)
    assert sorted(first) == sorted(second) == list(x) and (first != second).any()
    np.testing.assert_array_equal(epochs(0), [first, second])
    assert (epochs(1)[0] != first).any()


def test_an_epoch_may_start_before_the_former_knows_it_is_over(monkeypatch):
    """Keras s'arrête au dernier lot : ce que le générateur fait ensuite vient quand il peut."""
    advance = batches.Batches.on_epoch_end
    monkeypatch.setattr(
        batches.Batches, "on_epoch_end", lambda self: (time.sleep(0.3), advance(self))
    )
    x = np.arange(20)
    made, expected = (batches.Batches(x, x, batch_size=5, seed=0, augment=None) for _ in range(2))
    fed, kept = batches.feed(made), []  # comme Keras, qui garde l'un en commençant l'autre
    for expected.epoch in range(3):
        kept.append(iter(fed))
        found = [images.numpy() for images, _ in itertools.islice(kept[-1], 4)]
        np.testing.assert_array_equal(found, [expected[k][0] for k in range(4)])


def test_interrupted_save_leaves_the_former_model(tmp_path, monkeypatch):
    from argparse import Namespace

    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path)
    options = Namespace(
        module="ex99_essai", command="exercises.ex99_essai", epochs=2, limit=None, start=0.0
    )
    model, _ = fit(lesson.Clock(2, None))
    lesson.save(model, options, {"accuracy": 0.5}, light=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"ex99_essai.keras", "ex99_essai.json"}

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(lesson.saving, "save_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lesson.save(model, options, {"accuracy": 0.9}, light=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_fewer_images_than_a_batch_are_one_batch():
    with pytest.raises(ValueError, match="5 images ne font pas un lot de 6"):
        batches.Batches(np.zeros((5, 2)), np.zeros(5), batch_size=6, seed=0, augment=None)
    x, y = np.zeros((5, 4, 4), np.uint8), np.arange(5)
    ((_, labels),) = list(batches.shuffled(x, y, batch_size=256, seed=0))
    assert sorted(np.asarray(labels)) == list(y)


def test_a_full_disk_is_said_before_learning(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1e6))
    assert lesson.run(pytest.fail, SimpleNamespace(output=tmp_path)) == 1
    assert "plus de place sur le disque, il en faut 50 Mo" in capsys.readouterr().err
