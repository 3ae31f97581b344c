"""Chaque commande, de rien au modèle relu, sur un extrait ; coupée, puis reprise."""

import json

import numpy as np
import pytest

from convnets.training import cost, distillation, lessons, study
from recipes import __main__ as listing
from recipes import cifar10, fashion, mnist

STAGES = {
    "fashion": ["teacher", "pupil"],
    "cifar10": ["labels", "round1"],
    "cifar10_light": ["teacher_labels", "teacher_round1", "pupil"],
    "mnist": ["teacher", "pupil"],
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", STAGES)
def test_the_command_makes_the_model_and_resumes_between_stages(
    name, run_recipe, cut, same, tmp_path, capfd
):
    whole = run_recipe(name)
    assert whole.stages == STAGES[name]
    assert whole.points == {f"{stage}_seed0.npz" for stage in STAGES[name]}
    report = whole.report
    assert report.command.startswith(f"python -m recipes.{name} --seeds 1 --epochs 1 ")
    assert report.num_images == {"train": 270, "val": 30, "test": 100}
    assert report.headline and all(row.metric in report.metrics for row in report.headline)
    stages = report.details["stages"]
    assert all(stage["pflop"] > 0 and stage["seed"] == 0 for stage in stages)
    total = sum(stage["pflop"] for stage in stages)
    assert report.details["training_pflop"] == pytest.approx(total)
    assert report.duration_s.mean == pytest.approx(sum(stage["duration_s"] for stage in stages))

    # Coupée au début de la dernière étape, puis reprise : les mêmes poids que d'une traite.
    folder = tmp_path / "coupe"
    with cut(STAGES[name][-1]):
        run_recipe(name, folder=folder, code=130)
    assert "--resume" in capfd.readouterr().err
    resumed = run_recipe(name, "--resume", folder=folder)
    assert same(whole.weights, resumed.weights, 2e-3)


@pytest.mark.usefixtures("small")
def test_starting_again_forgets_the_stages_of_before(run_recipe, cut):
    run_recipe("cifar10")
    with cut("round1"):
        left = run_recipe("cifar10", code=130)
    assert left.points == {"labels_seed0.npz"}  # et non le réapprentissage d'avant


@pytest.mark.usefixtures("small")
def test_each_seed_learns_alone(run_recipe, same, monkeypatch):
    """Deux graines ne partagent rien : ni départ, ni maître."""
    seen, fit = [], study.fit

    def spy(model, batches, **options):
        found = fit(model, batches, **options)
        seen.append((model.get_weights(), batches.x))
        return found

    monkeypatch.setattr(study, "fit", spy)
    found = run_recipe("fashion", "--seeds", "2")
    assert [each["seed"] for each in found.report.details["stages"]] == [0, 0, 1, 1]
    assert not same(seen[0][0], seen[2][0], 1e-3) and not same(seen[1][0], seen[3][0], 1e-3)
    assert all(len(images) == 270 for _, images in seen)  # personne n'apprend la validation
    assert found.report.metrics["accuracy"].n == 2


@pytest.mark.usefixtures("small")
def test_a_pupil_hears_its_teacher(run_recipe, same):
    for name, seen in (("mnist", {"pupil"}), ("cifar10_light", {"labels"})):
        taught, alone = run_recipe(name), run_recipe(name, "--teacher", "none")
        assert set(alone.stages) == seen and " --teacher none " in alone.report.command
        assert not same(taught.weights, alone.weights, 1e-4)
    assert taught.report.targets == lessons.TARGETS and not alone.report.targets


@pytest.mark.usefixtures("small")
def test_a_teacher_made_by_its_recipe_is_not_learnt_again(run_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "EPOCHS", 1)
    run_recipe("cifar10")
    assert run_recipe("cifar10_light").stages == ["pupil"]
    path = tmp_path / "m" / f"{cifar10.SLUG}.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    trial = report["command"] + " --limit 300"
    for command in (trial, "python -m exercises.ex03_cifar10 --seeds 1 --epochs 1"):
        path.write_text(json.dumps({**report, "command": command}), encoding="utf-8")
        assert run_recipe("cifar10_light").stages == STAGES["cifar10_light"]


@pytest.mark.usefixtures("small")
def test_rounds_are_an_option(run_recipe):
    found = run_recipe("cifar10", "--rounds", "0")
    assert found.stages == ["labels"] and " --rounds 0 " in found.report.command
    assert found.report.views[0] == ("crop", 1.0) and found.report.num_views == 6
    for each in found.weights:  # arrondis à 16 bits : c'est ce qui est mesuré et livré
        np.testing.assert_array_equal(each, each.astype(np.float16))


def test_costs_count_what_each_stage_does():
    """Une image apprise coûte trois passes ; une image demandée au maître, une."""
    pupil, teacher = mnist.build_model(), mnist.build_model(width=4)
    # C1 et C3 par position de leurs cartes, puis trois couches denses.
    by_hand = 2 * (28**2 * 25 * 6 + 10**2 * 25 * 6 * 16 + 400 * 120 + 120 * 84 + 84 * 10)
    assert cost.forward_flops(pupil) == by_hand
    student = distillation.Student(pupil, teacher)
    assert cost.training_pflop(student, 10) == pytest.approx(3 * by_hand * 10 / 1e15)
    assert cost.inference_pflop(teacher, 10) > 4 * cost.inference_pflop(pupil, 10)


@pytest.mark.parametrize("module", [fashion, cifar10, mnist])
def test_the_usage_line_is_that_of_the_recipe(module, capsys):
    name = module.__name__.rpartition(".")[2]
    with pytest.raises(SystemExit) as caught:
        module.main(["--seeds", "0"])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert f"python -m recipes.{name}" in error and "au moins 1" in error


@pytest.mark.usefixtures("small")
def test_too_few_images(run_recipe, capsys):
    run_recipe("mnist", "--limit", "40", code=1)
    assert "ne font pas un lot de 90" in capsys.readouterr().err


def test_the_list_says_what_each_recipe_made(capsys, repo):
    assert listing.main() == 0
    printed = capsys.readouterr().out
    assert sorted(f"{name}.py" for name in listing.MODELS) == sorted(
        path.name
        for path in (repo / "recipes").glob("*.py")
        if path.name not in {"__init__.py", "__main__.py", "command.py", "network.py"}
    )
    for name, slug in listing.MODELS.items():
        assert f"Commande : python -m recipes.{name}" in printed
        assert f"Modèle publié : {slug}, exactitude " in printed
