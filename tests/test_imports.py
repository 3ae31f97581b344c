import subprocess
import sys

import pytest

from exercises import EXERCISES, FOLDER, sources

CODE = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
import keras, numpy
import matplotlib.pyplot as plt
numbers = numpy.random.get_state()[1].copy()
for name in sys.argv[2:]:
    importlib.import_module(f"exercises.{name}")
    assert not plt.get_fignums(), name
    assert (numpy.random.get_state()[1] == numbers).all(), name
    assert keras.config.dtype_policy().name == "float32", name
"""


@pytest.mark.ci
@pytest.mark.question("S1, exercice 01")
def test_importing_an_exercise_does_nothing(tmp_path, repo):
    """Ni texte, ni fichier, ni figure ouverte, ni tirage, ni réglage de Keras."""
    names = [
        ".".join((exercise.slug, path.stem) if path.parent != FOLDER else (exercise.slug,))
        for exercise in EXERCISES
        for path in sources(exercise.slug)
        if path.stem != "__init__"
    ]
    assert len(names) > 60
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(repo), *names],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert list(tmp_path.iterdir()) == []
