import json

import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.training import lessons, saving
from exercises import ex03_again, ex03_cifar10, ex03_lessons

SLUG = "ex03_cifar10"


def arguments(folder, *more):
    return [
        "--seeds",
        "1",
        "--precision",
        "float32",
        "--models-dir",
        str(folder),
        "--output",
        str(folder / "f"),
        *more,
    ]


def weights(folder):
    return saving.load_model(SLUG, models_dir=folder).get_weights()


def test_it_starts_from_the_weights_of_its_teacher(shipped_large, monkeypatch, capsys):
    """À un taux nul, le réseau finit comme il a commencé, normalisations mises à part."""
    before = reports.read_sidecar(SLUG, models_dir=shipped_large)
    start = weights(shipped_large)
    monkeypatch.setattr(ex03_again, "PEAK", 0.0)
    assert ex03_again.main(arguments(shipped_large, "--epochs", "1", "--force")) == 0
    assert "Le maître répond à la copie 1 sur 1." in capsys.readouterr().out
    model = ex03_cifar10.build_model(ex03_cifar10.RECIPES["large"])
    for variable, a, b in zip(model.weights, start, weights(shipped_large), strict=True):
        if "moving" in variable.path:
            continue
        if a.ndim == 4 and a.shape[2] > 3:  # Muon donne aux noyaux une norme, pas une direction
            a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        np.testing.assert_allclose(a, b, atol=2e-3)
    report = reports.read_sidecar(SLUG, models_dir=shipped_large)
    assert report["command"].startswith("python -m exercises.ex03_again --seeds 1 --epochs 1 ")
    assert report["start"] == {
        "command": before["command"],
        "shipped": before["shipped"],
        "duration_s": before["duration_s"]["mean"],
        "sha256": before["files"][f"{SLUG}.keras"],
    }
    assert report["views"] == before["views"] and report["num_views"] == 6


@pytest.mark.usefixtures("training_alone")
def test_it_learns_and_can_be_cut_and_resumed(shipped_large, monkeypatch, capfd):
    start = weights(shipped_large)

    def ctrl_c(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    more = ("--epochs", "2", "--force")
    with monkeypatch.context() as patch:
        patch.setattr(ex03_lessons.Lookahead, "on_epoch_begin", ctrl_c)
        assert ex03_again.main(arguments(shipped_large, *more)) == 130
    assert "--resume" in capfd.readouterr().err
    for before, after in zip(start, weights(shipped_large), strict=True):  # rien n'est perdu
        np.testing.assert_array_equal(before, after)
    assert ex03_again.main(arguments(shipped_large, *more, "--resume")) == 0
    resumed = reports.read_sidecar(SLUG, models_dir=shipped_large)
    assert len(resumed["history"]["loss"]) == 2
    end = weights(shipped_large)
    assert any(np.abs(a - b).max() > 1e-2 for a, b in zip(start, end, strict=True))
    # Le modèle en place est maintenant un autre départ : son point de reprise n'est pas le même.
    points = paths.runs_dir(SLUG, models_dir=shipped_large)
    assert ex03_again.main(arguments(shipped_large, *more, "--resume")) == 0
    assert len(list(points.glob("again-*_seed0.npz"))) == 2
    again = reports.read_sidecar(SLUG, models_dir=shipped_large)
    assert again["start"]["sha256"] == resumed["files"][f"{SLUG}.keras"]
    assert "start" not in resumed["start"] and again["start"]["start"] == resumed["start"]


@pytest.mark.usefixtures("training_alone")
def test_each_new_start_sees_other_copies(shipped_large, monkeypatch):
    deform, seen = lessons.deform, []

    def spy(x, labels, *, copy, translate_px):
        seen.append(copy)
        return deform(x, labels, copy=copy, translate_px=translate_px)

    monkeypatch.setattr(lessons, "deform", spy)
    for expected in ({0, 1}, {2, 3}, {4, 5}):
        assert ex03_again.main(arguments(shipped_large, "--epochs", "2", "--force")) == 0
        assert set(seen) == expected
        seen.clear()


@pytest.mark.usefixtures("training_alone")
def test_a_better_model_stays(shipped_large, capsys):
    path = shipped_large / f"{SLUG}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "score": 1.0}))
    before = weights(shipped_large)
    assert ex03_again.main(arguments(shipped_large, "--epochs", "1")) == 0
    assert "rien n'est remplacé sans --force" in capsys.readouterr().out
    for a, b in zip(before, weights(shipped_large), strict=True):
        np.testing.assert_array_equal(a, b)
