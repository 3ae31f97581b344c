"""Ce qu'une recette écrit d'elle-même : sa commande, ses étapes, ses mesures, sa graine."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from convnets.core import paths
from recipes.training import checkpoints, runner, stages

PARSER = runner.make_parser("garments", "Des vêtements.\nEt plus.", epochs=36, seeds=2)


@pytest.mark.parametrize(
    "arguments",
    ["", " --limit 50", " --batch-size 64", " --precision float32", " --limit 9 --batch-size 3"],
)
def test_the_command_of_the_report_says_each_option_that_changes_the_model(arguments):
    options = PARSER.parse_args([*arguments.split(), "--resume", "--models-dir", "m"])
    expected = f"python -m recipes.garments --seeds 2 --epochs 36{arguments}"
    assert runner.recipe_command(options) == expected


def test_a_trial_never_replaces_a_record(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(runner, "measure", lambda recipe, options: asked.append(recipe) or 0)
    trial = ["--limit", "50"]
    assert runner.launch(PARSER.parse_args(trial), lambda: "recette") == 1
    assert not asked and "un essai ne remplace pas un record" in capsys.readouterr().err
    for more in ([], [*trial, "--models-dir", str(tmp_path)]):
        assert runner.launch(PARSER.parse_args(more), lambda: "recette") == 0
    assert asked == ["recette"] * 2


@pytest.fixture
def done(tmp_path):
    """Les étapes d'un entraînement fini, de deux graines, qui ont duré 15 et 4 secondes."""
    kept = stages.Stages(SimpleNamespace(module="garments", models_dir=tmp_path, resume=False))
    kept.done = [
        {"seed": seed, "duration_s": duration_s, "pflop": 2.5}
        for seed, duration_s in ((1, 4.0), (0, 10.0), (0, 5.0))
    ]
    return kept


def test_stages_are_added_up_seed_by_seed(done):
    assert done.durations_s() == [15.0, 4.0]
    assert done.describe() == {"stages": done.done, "training_pflop": 7.5}
    curves = stages.join([{"loss": [3.0, 2.0]}, {"loss": [1.0]}])
    assert curves == {"loss": [3.0, 2.0, 1.0]}


def test_a_stage_says_what_it_cost(tmp_path, monkeypatch):
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    found = {"duration_s": [2.0, 3.0], "val_accuracy": [0.2, 0.7]}
    monkeypatch.setattr(checkpoints, "fit", lambda *_, **__: found)
    options = SimpleNamespace(module="garments", models_dir=tmp_path, resume=False)
    folder = paths.runs_dir("garments", models_dir=tmp_path)
    folder.mkdir(parents=True)
    (folder / "teacher_seed7.npz").write_bytes(b"d'avant")
    batches = checkpoints.Batches(np.zeros((43, 5)), None, batch_size=4, seed=0, augment=None)
    kept = stages.Stages(options)
    kept.fit(
        network,
        batches,
        (),
        name="pupil",
        seed=1,
        epochs=2,
        optimizer=lambda steps: keras.optimizers.SGD(1 / steps),
        loss="mse",
        asked=(network, 100),
    )
    (stage,) = kept.done
    assert stage.pop("pflop") == pytest.approx((3 * 2 * 4 * 10 + 100) * 30 / 1e15)
    assert stage == {
        "stage": "pupil",
        "seed": 1,
        "epochs": 2,
        "duration_s": 5.0,
        "val_accuracy": 0.7,
    }
    assert float(network.optimizer.learning_rate) == pytest.approx(1 / 20)
    assert not [*folder.iterdir()]  # le point de reprise d'avant est oublié


def test_the_report_is_of_the_best_seed_in_validation(done, monkeypatch):
    """Deux graines : la seconde l'emporte en validation, et c'est la moins bonne en test."""
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    right, y = np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 0])
    wrong = np.eye(3)[[1, 1, 2, 2]]
    x = np.zeros((4, 28, 28), np.uint8)
    runs = [
        {
            "model": network,
            "history": {"loss": [seed]},
            "val": {"accuracy": 0.5 + 0.25 * seed, "probabilities": right},
            "test": {"accuracy": 1 - 0.5 * seed, "probabilities": wrong if seed else right},
        }
        for seed in range(2)
    ]
    kept = []
    monkeypatch.setattr(runner, "save", lambda _, report, *rest: kept.append(report) or report)
    for name in ("save_training_figures", "save_mistakes"):
        monkeypatch.setattr(runner, name, lambda *rest: kept.append(rest[-1]))
    recipe = runner.Recipe(
        ((x, y), (x, y)), 4, None, None, "abc", "àçé", {"accuracy": "Exactitude"}, {}, {"plus": 1}
    )
    options = PARSER.parse_args(["--precision", "float32"])
    runner.publish(recipe, options, runs, (x[:2], y[:2], x, y, x, y), done)
    report, *drawn = kept
    assert all(probabilities is wrong for probabilities in drawn) and len(drawn) == 2
    assert report.shipped == {"seed": 1, "accuracy": 0.5} and report.history == {"loss": [1]}
    assert report.metrics["accuracy"].values == [1, 0.5] and report.score == 0.75
    assert report.validation.values == [0.5, 0.75] and report.duration_s.values == [15, 4]
    assert report.confusion_matrix == [[0, 1, 1], [0, 1, 0], [0, 0, 1]]
    assert report.num_images == {"train": 2, "val": 4, "test": 4} and report.seeds == [0, 1]
    assert report.num_parameters == 18 and report.input_shape == [28, 28]
    assert report.details == {"plus": 1, **done.describe()}
