"""Les étapes : une chose change à chacune, les mesures se reprennent, les tableaux en viennent."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import reports
from convnets.core.paths import MEASURES_DIR
from convnets.training import lesson
from exercises import FOLDER, ex02_fashion, ex03_cifar10, ex04_lenet
from recipes import steps

LESSONS = {"ex02": ex02_fashion, "ex03": ex03_cifar10, "ex04": ex04_lenet}


def make_line(step, seed, right):
    """Rend la ligne d'une mesure : quelques réponses justes, rien d'autre."""
    packed = steps.base64.b64encode(np.packbits(right).tobytes()).decode("ascii")
    val = {"accuracy": float(np.mean(right)), "log_loss": 0.5, "right": packed}
    return {"step": step, "seed": seed, "num_images": {"val": len(right)}, "val": val}


@pytest.fixture
def options(tmp_path):
    return SimpleNamespace(name="ex02", output=tmp_path, seeds=2, only=None, limit=None)


@pytest.mark.parametrize("name", LESSONS)
def test_each_step_says_what_it_comes_after(name):
    found = steps.EXERCISES[name].steps().steps
    names = list(found)
    assert names[0] == "plain" and found["plain"].before is None
    for row, step in enumerate(list(found.values())[1:], start=1):
        assert step.before in names[:row]
        assert step.recipe != found[step.before].recipe
    assert found["plain"].tested and found["lesson"].tested and found["lesson"].recipe.rounded


def test_measures_are_kept_and_only_the_missing_ones_are_made(options, monkeypatch, capsys):
    made = []

    def measure_step(step, all_steps, parts, *, seed):
        made.append((step.name, seed))
        return [make_line(step.name, seed, np.arange(10) < 5) | {"duration_s": 1.0}]

    exercise = steps.EXERCISES["ex02"]._replace(load=lambda: ((np.ones((20, 2)), np.ones(20)),) * 2)
    monkeypatch.setitem(steps.EXERCISES, "ex02", exercise)
    monkeypatch.setattr(steps, "measure_step", measure_step)
    options.only = ["plain", "dense"]
    steps.measure(options)
    options.seeds = 3
    steps.measure(options)
    assert made == [(name, seed) for seed in range(3) for name in ("plain", "dense")]
    assert "Graine 2, dense : 50,00 %" in capsys.readouterr().out
    options.only = ["inconnue"]
    with pytest.raises(ValueError, match="--only inconnue : les étapes sont plain, dense"):
        steps.measure(options)


def test_the_table_says_what_is_seen_what_is_not_and_what_is_missing(options, tmp_path, capsys):
    """« dense » perd à tous les coups ; « epochs » échange deux réponses."""
    right = np.arange(2000) % 10 < 9
    worse = np.arange(2000) % 10 < 8
    same = right.copy()
    same[[0, 9]] = False, True
    path = steps.lines_path(options)
    for seed in range(2):
        for name, values in {"plain": right, "dense": worse, "epochs": same}.items():
            steps.append(make_line(name, seed, values) | {"machine": "essai"}, path)
    assert np.array_equal(steps.answers({0: steps.read_lines(path)["epochs", 0]}, [0])[0], same)
    steps.publish(options)
    table = {line.split(" | ")[0].strip("| "): line for line in capsys.readouterr().out.split("\n")}
    assert "| 90,00 % | – | 0,500 | 2 |" in table["le programme de l'énoncé"]
    assert "| 80,00 % | −10,00 [" in table["témoin : deux couches denses"]
    assert "nous ne le voyons pas" in table["16 époques au lieu de 5"]
    assert "| pas encore mesuré | pas encore mesuré |  | 0 |" in table["une cible adoucie"]
    report = reports.load_report(tmp_path / "ex02_steps.json")
    assert report.metrics["dense"].values == [0.8, 0.8]
    text = "# Titre\n\n| étape | x |\n|---|---|\n| a | b |\n\nSuite.\n"
    replaced = steps.replace_table(text, "| étape | y |\n|---|---|\n| c | d |")
    assert replaced == "# Titre\n\n| étape | y |\n|---|---|\n| c | d |\n\nSuite.\n"


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "ex02_steps.jsonl"
    path.write_text(json.dumps(make_line("plain", 0, np.ones(8, bool))) + '\n{"step": "pl', "utf-8")
    with pytest.raises(ValueError, match="ligne 2 : ce n'est pas une mesure"):
        steps.read_lines(path)


@pytest.mark.parametrize("name", LESSONS)
def test_published_tables_are_those_of_the_measures(name):
    """Le tableau d'une leçon et le compte rendu se refont des lignes : `--table` les écrit."""
    lines = steps.read_lines(MEASURES_DIR / f"{name}_steps.jsonl")
    rows = steps.summarise(steps.EXERCISES[name].steps().steps.values(), lines)
    text = (FOLDER / "lessons" / f"{steps.EXERCISES[name].lesson}.md").read_text("utf-8")
    assert steps.format_table(rows).strip() in text
    if lines:
        report = reports.load_report(MEASURES_DIR / f"{name}_steps.json")
        for row in rows:
            assert report.metrics.get(row.step.name) == row.accuracy


@pytest.mark.ci
@pytest.mark.parametrize(("name", "extract_name"), [("ex02", "fashion_mnist"), ("ex04", "mnist")])
@pytest.mark.slow
def test_the_last_step_is_the_lesson(name, extract_name, as_dataset, eager):
    """Mêmes images, même graine : les mêmes poids que ceux de la commande."""
    parts = steps.split(as_dataset(extract_name), limit=None)
    x, y = parts["train"]
    recipe = steps.EXERCISES[name].steps().steps["lesson"].recipe._replace(epochs=1)
    model, _ = steps.train(recipe, parts["train"], seed=0)
    short = SimpleNamespace(epochs=1, minutes=None)
    taught, _ = LESSONS[name].train(x, y, *parts["val"], seed=0, options=short)
    if name == "ex04":
        taught = taught.get_layer("lenet")
    lesson.round_weights(taught)  # comme le fait `lesson.save_classifier`
    for found, known in zip(model.get_weights(), taught.get_weights(), strict=True):
        np.testing.assert_allclose(found, known, atol=1e-5)
