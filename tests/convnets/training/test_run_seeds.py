"""Un exercice entier sur un extrait : ce qu'il dit, où il écrit, `--minutes`, `--resume`."""

import numpy as np
import pytest

from convnets.core.reports import load_report
from convnets.training import budget, export, saving, study
from convnets.training.budget import Plan
from exercises.ex00_convolution import learned_filters

SLUG = "ex00_learned_filters"


@pytest.fixture
def shown(monkeypatch):
    """Les réseaux dont les figures auraient été dessinées."""
    seen = []
    monkeypatch.setattr(learned_filters, "save_figures", lambda model, _: seen.append(model))
    return seen


@pytest.fixture
def train(tmp_path, monkeypatch, capsys, eager, shown):
    """train("--epochs", "2") -> ce que dit l'exercice, sur 150 lettres, sans export ni figures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "choose_export", lambda *_: (b"essai", "float32"))
    monkeypatch.setattr(export, "export_accuracy", lambda *_: 0.0)

    def call(*arguments, folder="m"):
        folders = ["--models-dir", str(tmp_path / folder), "--output", str(tmp_path / "f")]
        capsys.readouterr()
        code = learned_filters.main(["--limit", "150", *arguments, *folders])
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture
def planned(monkeypatch):
    """Deux époques, quoi que mesure la répétition ; rend les plans demandés."""
    asked = []

    def choose(stages, **known):
        asked.append((stages, known))
        return Plan(2, None)

    monkeypatch.setattr(budget, "choose", choose)
    return asked


def weights(folder):
    return saving.load_model(SLUG, models_dir=folder).get_weights()


def test_it_says_how_long_then_what_it_reached(train, tmp_path):
    code, out, err = train("--epochs", "3")
    lines = out.splitlines()
    assert code == 0 and not err
    assert lines[0].startswith("Durée prévue : ") and lines[0].endswith(" (1 graine, 3 époques).")
    assert [line.split(" : ")[0] for line in lines[1:4]] == [f"époque {k}/3" for k in (1, 2, 3)]
    assert all("exactitude en validation" in line for line in lines[1:4])
    reached, where, use = lines[-3:]
    accuracy = f"{100 * load_report(tmp_path / 'm' / f'{SLUG}.json').metrics['accuracy'].mean:.2f}"
    assert reached.startswith(
        f"Exactitude sur le jeu de test : {accuracy.replace('.', ',')} % (1 graine, 150 images, "
        "en une passe) ; le modèle publié : "
    )
    assert where == f"Poids : m/{SLUG}.keras (graine 0)."
    assert use == f"Pour s'en servir : ./predict --model m/{SLUG} image.png"
    assert "accuracy" not in out and "ETA" not in out


def test_one_seed_does_not_replace_the_best_of_two(train, tmp_path, shown, monkeypatch):
    """Même bien mieux appris : il va dans runs/, et c'est lui que montrent les figures."""
    _, out, _ = train("--epochs", "1", "--seeds", "2")
    assert out.count("graine 1/2, époque 1/1") == 1 and "Graine 1 : exactitude" in out
    before, runs = weights(tmp_path / "m"), tmp_path / "m" / "runs" / SLUG
    monkeypatch.setattr(learned_filters, "LEARNING_RATE", 0.05)
    _, out, _ = train("--epochs", "5")
    scores = [load_report(m / f"{SLUG}.json").score for m in (tmp_path / "m", runs)]
    assert scores[0] < scores[1] - 0.2
    assert "est le meilleur de 2 graines, celui-ci de 1 : rien n'est remplacé sans --force" in out
    assert out.splitlines()[-1] == f"Pour s'en servir : ./predict --model m/runs/{SLUG} image.png"
    learned = weights(runs)
    for kept, found, new, drawn in zip(
        before, weights(tmp_path / "m"), learned, shown[-1].get_weights(), strict=True
    ):
        np.testing.assert_array_equal(kept, found)
        np.testing.assert_array_equal(new, drawn)
        assert (new != kept).any()


def test_minutes_train_as_epochs_would(train, tmp_path, planned):
    """Au bit près : la répétition ne laisse rien, ni poids, ni hasard, ni point de reprise."""
    code, out, _ = train("--minutes", "1", folder="minutes")
    assert code == 0 and out.splitlines()[1] == "En 1 minute : 2 époques."
    train("--epochs", "2", folder="epochs")
    for expected, got in zip(
        weights(tmp_path / "epochs"), weights(tmp_path / "minutes"), strict=True
    ):
        np.testing.assert_array_equal(got, expected)
    commands = [load_report(tmp_path / k / f"{SLUG}.json").command for k in ("epochs", "minutes")]
    assert commands[0] == commands[1] and "--epochs 2" in commands[0]
    [([stage], known)] = planned
    assert stage.steps >= 1 and stage.epoch_s > 0 and known["num_images"] == 150


def test_a_resumed_budget_keeps_its_epochs(train, tmp_path, planned, monkeypatch):
    real, cut = study.Checkpoint.on_epoch_end, []

    def interrupt(self, epoch, logs=None):
        real(self, epoch, logs)
        if not cut:
            cut.append(epoch)
            raise KeyboardInterrupt

    monkeypatch.setattr(study.Checkpoint, "on_epoch_end", interrupt)
    assert train("--minutes", "1")[0] == 130
    code, out, _ = train("--minutes", "1", "--resume")
    assert code == 0 and len(planned) == 1 and cut == [0]
    assert "époque 1/2" not in out and "époque 2/2" in out
    train("--epochs", "2", folder="whole")
    for expected, got in zip(weights(tmp_path / "whole"), weights(tmp_path / "m"), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
