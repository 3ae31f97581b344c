"""Ce que plusieurs tests partagent : extraits réels, lancement de `./predict`."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPO = Path(__file__).resolve().parents[1]


def load_extract(name):
    with np.load(REPO / "tests" / "extracts" / f"{name}_test.npz") as file:
        return file["x"], file["y"]


@pytest.fixture
def repo():
    return REPO


@pytest.fixture
def extract():
    """extract("cifar10") -> x uint8, y uint8 : 400 images de test, dans l'ordre."""
    return load_extract


@pytest.fixture
def as_dataset():
    """Un jeu complet en miniature : 300 images pour apprendre, 100 pour mesurer."""

    def build(name):
        x, y = load_extract(name)
        return (x[:300], y[:300]), (x[300:], y[300:])

    return build


@pytest.fixture
def predict_env():
    """L'environnement où ./predict trouve le Python des tests."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


@pytest.fixture
def run_predict(predict_env):
    """Lance ./predict comme depuis un terminal."""

    def run(*arguments, cwd=REPO, stdin=None, env=None, program=REPO / "predict"):
        return subprocess.run(
            [str(program), *map(str, arguments)],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            env={**predict_env, **(env or {})},
            timeout=120,
        )

    return run


@pytest.fixture
def run_module():
    """Lance `python -m module` dans le dépôt, comme un élève."""

    def run(module, *arguments, env=None):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=REPO,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **(env or {})},
            timeout=300,
        )

    return run
