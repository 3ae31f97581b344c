"""Ce qu'une recette écrit d'elle-même : sa commande et ses étapes."""

import pytest

from recipes.training import runner, stages

PARSER = runner.make_parser("garments", "Des vêtements.\nEt plus.", epochs=36, seeds=2)


@pytest.mark.parametrize(
    "arguments",
    ["", " --limit 50", " --batch-size 64", " --precision float32", " --limit 9 --batch-size 3"],
)
def test_the_command_of_the_report_says_each_option_that_changes_the_model(arguments):
    options = PARSER.parse_args([*arguments.split(), "--resume", "--models-dir", "m"])
    expected = f"python -m recipes.garments --seeds 2 --epochs 36{arguments}"
    assert runner.recipe_command(options, 2) == expected


def test_a_trial_never_replaces_a_record(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(runner, "measure", lambda recipe, options: asked.append(recipe) or 0)
    trial = ["--limit", "50"]
    assert runner.launch(PARSER.parse_args(trial), lambda: "recette") == 1
    assert not asked and "un essai ne remplace pas un record" in capsys.readouterr().err
    options = PARSER.parse_args([*trial, "--models-dir", str(tmp_path)])
    assert runner.launch(options, lambda: "recette") == 0 and asked == ["recette"]


def test_stages_are_added_up_seed_by_seed():
    done = stages.Stages(None)
    done.done = [
        {"seed": seed, "duration_s": duration_s, "pflop": 2.5}
        for seed, duration_s in ((1, 4.0), (0, 10.0), (0, 5.0))
    ]
    assert done.durations_s() == [15.0, 4.0]
    assert done.describe() == {"stages": done.done, "training_pflop": 7.5}
    curves = [{"loss": [3, 2], "val_accuracy": [0.5, 0.6]}, {"loss": [1], "val_accuracy": [0.7]}]
    assert stages.join(curves) == {"loss": [3, 2, 1], "val_accuracy": [0.5, 0.6, 0.7]}
