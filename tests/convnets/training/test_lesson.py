import itertools
import math
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

from convnets.core import cli, paths, reports, session
from convnets.figures.style import new_figure
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
    # Puis un cosinus entier sur ce qui reste : 0,4 au cinquième pas, presque zéro au vingtième.
    falling = [0.2 * (1 + math.cos(math.pi * step / 16)) for step in range(16)]
    np.testing.assert_allclose(rates[4:], falling, rtol=1e-5)


def test_lesson_ends_on_time_with_the_rate_at_zero(monkeypatch, capsys):
    now = iter(range(10_000))  # chaque regard sur l'heure prend une seconde
    monkeypatch.setattr(lesson.time, "monotonic", lambda: float(next(now)))
    _, rates = fit(lesson.Clock(1000, 1), epochs=1000)
    assert 5 < len(rates) < 60
    assert rates[-1] < 0.02
    assert "le temps est passé" in capsys.readouterr().out


def test_a_network_has_its_share_of_the_minutes_to_learn():
    assert session.take(0.5, 2) == pytest.approx(120 * 0.85 * 0.5)
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


def test_time_spent_before_learning_is_taken_from_each_network_alike(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(session.time, "monotonic", lambda: now[0])
    with session.opened(SimpleNamespace(minutes=10)):
        now[0] = 60.0  # lire les données
        assert session.take(0.25, 10) == pytest.approx((510 - 60) * 0.25)
        now[0] = 300.0
        assert session.take(0.5, 10) == pytest.approx((510 - 300) * 0.5 / 0.75)
        now[0] = 600.0
        assert session.take(0.25, 10) < 0.01 and session.learning_s(10) < 0


def options_of(*argv, epochs=2):
    return cli.lesson_parser("ex99_essai", "Essai.", epochs=epochs).parse_args(argv)


def learn_and_save(options):
    model, _ = fit(lesson.Clock(options.epochs, options.minutes), epochs=options.epochs)
    measures = {"accuracy": options.epochs / 10, "over_mean": 0.1, "pca_gain": 0.2}
    lesson.save(model, options, measures, light=False)


def learn_and_draw(options):
    learn_and_save(options)
    with new_figure(paths.RUNS_DIR / "bilan.png") as (figure, _):
        figure.suptitle("Le petit est le meilleur")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Les dossiers des modèles livrés, et des leçons abrégées."""
    found = tmp_path / "models", tmp_path / "runs"
    monkeypatch.setattr(paths, "MODELS_DIR", found[0])
    monkeypatch.setattr(paths, "RUNS_DIR", found[1])
    return found


@pytest.mark.parametrize(
    ("argv", "missing"),
    [
        (["--limit", "500"], ["--limit 500"]),
        (["--epochs", "1"], ["--epochs 1"]),
        (["--epochs", "1", "--minutes", "2", "--limit", "9"], ["--epochs 1", "--limit 9"]),
    ],
)
def test_a_shortened_lesson_leaves_the_shipped_model_and_says_so(folders, argv, missing, capsys):
    models, runs = folders
    assert lesson.run(learn_and_save, options_of()) == 0
    shipped = {path: path.read_bytes() for path in models.iterdir()}
    capsys.readouterr()
    assert lesson.run(learn_and_save, options := options_of(*argv)) == 0
    assert {path: path.read_bytes() for path in models.iterdir()} == shipped
    said = capsys.readouterr().out
    assert f"Leçon abrégée ({' ; '.join(missing)})" in said and "reste en place" in said
    assert lesson.command_for(options) == f"python -m exercises.ex99_essai --model {options.saved}"
    report = reports.read_report("ex99_essai", models_dir=runs)
    assert report.missing == missing and report.trainings[0]["done"] == options.epochs
    assert report.command == " ".join(["python -m exercises.ex99_essai", *argv])


def test_a_whole_lesson_replaces_the_shipped_model_and_says_both_figures(folders, capsys):
    for argv in ([], ["--epochs", "3", "--minutes", "20"]):
        assert lesson.run(learn_and_save, options := options_of(*argv)) == 0
    said = capsys.readouterr().out
    assert "Modèle remplacé : 20,00 %" in said and "Modèle qui le remplace : 30,00 %" in said
    report = reports.read_report("ex99_essai", models_dir=folders[0])
    assert report.missing == [] and report.warning == ""
    assert not folders[1].exists() and options.saved == "ex99_essai"


def test_a_lesson_that_the_clock_shortened_says_what_was_done(folders, monkeypatch, capsys):
    now = iter(range(100_000))  # chaque regard sur l'heure prend une seconde
    monkeypatch.setattr(lesson.time, "monotonic", lambda: float(next(now)))
    assert lesson.run(learn_and_save, options_of("--epochs", "1000", "--minutes", "1")) == 0
    report = reports.read_report("ex99_essai", models_dir=folders[1])
    (training,), (missing,) = report.trainings, report.missing
    assert 0 < training["done"] < 10 and training["epochs"] == 1000
    assert missing.startswith("petit, ") and missing.endswith("sur 1000 : le temps est passé")
    assert "petit, " in capsys.readouterr().out and not folders[0].exists()


def test_a_lesson_whose_time_ran_out_concludes_nothing(folders, monkeypatch):
    """Ni dans son compte rendu, ni au-dessus de ses figures ; une leçon moins longue, si."""
    titles = []

    def keep_title(figure, path, **_):
        titles.append(figure.get_suptitle())
        Path(path).touch()

    monkeypatch.setattr(Figure, "savefig", keep_title)
    assert lesson.run(learn_and_draw, options_of("--epochs", "1")) == 0
    whole = reports.read_report("ex99_essai", models_dir=folders[1])
    now = iter(range(100_000))
    monkeypatch.setattr(lesson.time, "monotonic", lambda: float(next(now)))
    assert lesson.run(learn_and_draw, options_of("--epochs", "1000", "--minutes", "1")) == 0
    cut = reports.read_report("ex99_essai", models_dir=folders[1])
    assert set(whole.metrics) == {"accuracy", "over_mean", "pca_gain"} and whole.warning == ""
    assert set(cut.metrics) == {"accuracy"} and "ne disent pas lequel" in cut.warning
    assert titles[0] == "Le petit est le meilleur" and "ne disent pas lequel" in titles[1]


def test_figures_of_a_shortened_lesson_go_beside_too(folders, monkeypatch):
    from convnets.figures.style import output_dir

    with session.opened(options := options_of("--limit", "5")):
        assert output_dir(options) == folders[1] / "figures" / "ex99_essai"
    with session.opened(options := options_of()):
        assert output_dir(options) == Path("figures/ex99_essai")


def test_interrupted_save_leaves_the_former_model(folders, monkeypatch):
    models, options = folders[0], options_of()
    assert lesson.run(learn_and_save, options) == 0
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    assert set(before) == {"ex99_essai.keras", "ex99_essai.json"}

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(lesson.saving, "save_report", interrupted)
    assert lesson.run(learn_and_save, options) == 130
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before


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
