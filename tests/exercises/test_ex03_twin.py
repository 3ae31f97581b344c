import json

import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving
from exercises import ex03_again, ex03_twin

SLUG = "ex03_cifar10"


def arguments(folder, *more):
    return [
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


def head(folder):
    """Les poids de la couche dense, tirés au hasard et à peine appris ; de norme 1."""
    kernel = np.ravel(weights(folder)[-1])
    return kernel / np.linalg.norm(kernel)


def answers(folder, x):
    return saving.load_model(SLUG, models_dir=folder).predict(x, verbose=0)


def test_a_twin_keeps_nothing_of_its_teachers_weights(shipped_large):
    before, teacher = head(shipped_large), reports.read_sidecar(SLUG, models_dir=shipped_large)
    more = ("--seeds", "2", "--epochs", "1", "--force")
    assert ex03_twin.main(arguments(shipped_large, *more)) == 0
    assert abs(before @ head(shipped_large)) < 0.5  # repartir du maître donnerait presque 1
    report = reports.read_sidecar(SLUG, models_dir=shipped_large)
    assert report["command"].startswith("python -m exercises.ex03_twin --seeds 2 --epochs 1 ")
    assert report["metrics"]["accuracy"]["n"] == 2 and report["num_views"] == 6
    assert "start" not in report
    assert report["teacher"] == {
        "command": teacher["command"],
        "shipped": teacher["shipped"],
        "duration_s": teacher["duration_s"]["mean"],
        "sha256": teacher["files"][f"{SLUG}.keras"],
    }
    # Qui repart d'un jumeau dit aussi de qui ce jumeau était l'élève.
    assert ex03_again.main(arguments(shipped_large, "--epochs", "1", "--force")) == 0
    again = reports.read_sidecar(SLUG, models_dir=shipped_large)
    assert again["start"]["teacher"] == report["teacher"] and "start" not in again["start"]


@pytest.mark.usefixtures("training_alone")
def test_a_twin_comes_nearer_to_its_teacher_which_stays_if_better(shipped_large, capsys):
    x, distances, before = sources.load_cifar10()[1][0], [], weights(shipped_large)
    path = shipped_large / f"{SLUG}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "score": 1.0}))
    wanted = answers(shipped_large, x)
    for epochs in ("1", "12"):
        more = ("--seeds", "1", "--epochs", epochs)
        assert ex03_twin.main(arguments(shipped_large, *more)) == 0
        assert "rien n'est remplacé sans --force" in capsys.readouterr().out
        twin = paths.runs_dir(SLUG, models_dir=shipped_large)
        distances.append(np.abs(answers(twin, x) - wanted).mean())
    assert distances[1] < distances[0]
    for a, b in zip(before, weights(shipped_large), strict=True):
        np.testing.assert_array_equal(a, b)
