"""Chaque commande, de rien au modèle relu, sur un extrait ; coupée, puis reprise."""

import importlib

import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.training import cost
from recipes import digits
from recipes.training import checkpoints

STAGES = {
    "garments": ["teacher", "pupil"],
    "thumbnails": ["labels", "round1", "round2"],
    "digits": ["teacher", "pupil"],
}


@pytest.mark.ci
@pytest.mark.parametrize(
    "name",
    [
        "digits",  # un maître, puis son élève
        pytest.param("garments", marks=pytest.mark.slow),
        pytest.param("thumbnails", marks=pytest.mark.slow),
    ],
)
def test_one_command_makes_the_model(name, small):
    found = small(name, "--seeds", "2")
    report = found.report
    stages = report.details["stages"]
    assert found.stages == STAGES[name] * len(report.seeds)
    each = {(stage, seed) for stage in STAGES[name] for seed in report.seeds}
    assert {(stage["stage"], stage["seed"]) for stage in stages} == each
    assert found.points == {f"{stage}_seed{seed}.npz" for stage, seed in each}
    assert report.command.startswith(f"python -m recipes.{name} ")
    assert f" --seeds {len(report.seeds)} --epochs 1 " in report.command
    assert report.exercise == name
    assert report.num_images == {"train": 108, "val": 12, "test": 50}
    assert report.headline and all(row.metric in report.metrics for row in report.headline)
    assert all(stage["pflop"] > 0 for stage in stages)
    total = sum(stage["pflop"] for stage in stages)
    assert report.details["training_pflop"] == pytest.approx(total)
    durations = sum(stage["duration_s"] for stage in stages)
    assert sum(report.duration_s.values) == pytest.approx(durations)


@pytest.mark.ci
def test_every_recipe_shows_its_help_and_refuses_an_unknown_option(repo, capsys):
    for path in sorted((repo / "recipes").glob("*.py")):
        if "\ndef main(" not in path.read_text(encoding="utf-8"):
            continue
        main = importlib.import_module(f"recipes.{path.stem}").main
        for argument, code in (("--help", 0), ("--inconnue", 2)):
            with pytest.raises(SystemExit) as stop:
                main([argument])
            assert stop.value.code == code, path
        assert "usage : python -m recipes" in capsys.readouterr().out, path


@pytest.mark.slow
def test_a_recipe_cut_between_two_stages_ends_alike(small, monkeypatch, capfd):
    begin = checkpoints.Checkpoint.on_epoch_begin

    def ctrl_c(self, epoch, logs=None):
        if self.path.name.startswith("round1"):
            raise KeyboardInterrupt
        begin(self, epoch)

    whole = small("thumbnails").weights
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpoint, "on_epoch_begin", ctrl_c)
        left = small("thumbnails", code=130)
    assert left.points == {"labels_seed0.npz"}
    assert "--resume" in capfd.readouterr().err
    for first, second in zip(whole, small("thumbnails", "--resume").weights, strict=True):
        np.testing.assert_allclose(first, second, atol=2e-3)


@pytest.mark.ci
@pytest.mark.slow
def test_a_seed_cut_loses_nothing_of_the_one_before(small, tmp_path, monkeypatch):
    """Ctrl-C pendant la graine 1 : le modèle de la graine 0 est déjà écrit."""
    begin = checkpoints.Checkpoint.on_epoch_begin

    def ctrl_c(self, epoch, logs=None):
        if self.path.name == "pupil_seed1.npz":
            raise KeyboardInterrupt
        begin(self, epoch)

    monkeypatch.setattr(checkpoints.Checkpoint, "on_epoch_begin", ctrl_c)
    small("digits", "--seeds", "2", code=130)
    report = reports.read_report("digits", models_dir=tmp_path / "m")
    assert report.seeds == [0] and " --seeds 1 " in report.command


@pytest.mark.ci
@pytest.mark.slow
def test_starting_again_forgets_the_stages_of_before(small, tmp_path):
    folder = paths.runs_dir(digits.SLUG, models_dir=tmp_path / "m")
    folder.mkdir(parents=True)
    (folder / "pupil_seed12.npz").touch()
    assert small("digits").points == {"teacher_seed0.npz", "pupil_seed0.npz"}


@pytest.mark.slow
def test_each_seed_learns_alone(small):
    """Deux graines ne partagent rien, ni départ, ni maître."""
    found = small("digits", "--seeds", "2")
    for stage in STAGES["digits"]:
        first, second = (np.load(found.runs / f"{stage}_seed{seed}.npz") for seed in (0, 1))
        assert (
            max(np.abs(first[name] - second[name]).max() for name in first if name != "state")
            > 0.01
        )


def test_costs_count_what_each_stage_does():
    """Une image apprise coûte trois passes ; une image demandée au maître, une."""
    pupil, teacher = digits.build_model(), digits.build_teacher()
    # C1 et C3 par position de leurs cartes, puis trois couches denses.
    by_hand = 2 * (28**2 * 25 * 6 + 10**2 * 25 * 6 * 16 + 400 * 120 + 120 * 84 + 84 * 10)
    assert cost.forward_flops(pupil) == by_hand
    assert cost.training_pflop(pupil, 10) == pytest.approx(3 * by_hand * 10 / 1e15)
    assert cost.inference_pflop(teacher, 10) > 4 * cost.inference_pflop(pupil, 10)


@pytest.mark.ci
def test_too_few_images(small, capsys):
    small("digits", "--limit", "40", code=1)
    assert "ne font pas un lot de 50" in capsys.readouterr().err
