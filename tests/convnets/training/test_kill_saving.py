"""Un processus tué (`kill -9`) pendant un enregistrement : à chaque ligne de code, l'une après
l'autre, ce qui reste est le modèle d'avant ou le nouveau, entier."""

import functools
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from convnets.core import paths, reports
from convnets.serving.card import read_card
from convnets.training import saving

FILES = ["ex99_essai.json", "ex99_essai.keras", "ex99_essai.tflite"]
SCORES = {b"ancien": 0.5, b"nouveau": 0.6}

# Un processus sans TensorFlow, qui se dédouble : chaque copie s'arrête une ligne plus loin.
KILLED = """
import os, signal, sys, zipfile
from pathlib import Path
from convnets.core import files, reports
from convnets.training import saving

saving.environment = dict

class Network:
    def __init__(self, content):
        self.content = content

    def save(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("poids", self.content)

def save(folder, content, score):
    report = reports.Report("python -m exercises.ex99_essai", {}, score=score)
    export = (content, "float32")
    saving.save_model(Network(content), "ex99_essai", report, export=export, models_dir=folder)

def save_and_die(folder, num_lines):
    watched, left = {saving.__file__, files.__file__}, [num_lines]
    def trace(frame, event, argument):
        if frame.f_code.co_filename not in watched:
            return None
        left[0] -= event == "line"
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    save(folder, b"nouveau", 0.6)
    sys.settrace(None)

base, had_one = Path(sys.argv[1]), sys.argv[2] == "replaced"
for num_lines in range(1, 10**6):
    folder = base / f"{num_lines:04}"
    folder.mkdir()
    if had_one:
        save(folder, b"ancien", 0.5)
    child = os.fork()
    if not child:
        save_and_die(folder, num_lines)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):  # arrivé au bout, ou en erreur
        sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """killed("replaced") -> les dossiers laissés par chaque arrêt, dans l'ordre des lignes."""
    if not hasattr(os, "fork"):
        pytest.skip("pas de fork sous Windows")

    def run(case: str) -> list[Path]:
        base = tmp_path_factory.mktemp(case)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(base), case],
            cwd=paths.MODELS_DIR.parent,
            capture_output=True,
            text=True,
        )
        assert not done.returncode, done.stderr
        return sorted(base.iterdir())

    return functools.cache(run)


def version(folder: Path) -> bytes:
    """Rend ce que les trois fichiers, lus par chacun de leurs lecteurs, disent tous."""
    read_card("ex99_essai", models_dir=folder)  # ce que ./predict vérifie
    found = reports.read_report("ex99_essai", models_dir=folder)
    content = (folder / FILES[2]).read_bytes()
    assert SCORES[content] == found.score and sorted(found.files) == FILES[1:]
    return content


@pytest.mark.ci
def test_a_kill_at_any_line_leaves_one_whole_model(killed, tmp_path):
    folders = [shutil.copytree(each, tmp_path / each.name) for each in killed("replaced")]
    states = [len(list(folder.glob(".*"))) for folder in folders]
    found = [version(folder) for folder in folders]
    assert found == sorted(found)  # l'ancien, puis, d'un instant à l'autre, le nouveau
    assert len(folders) > 40 and set(found) == set(SCORES) and max(states) == 1
    assert sum(state > 0 for state in states) > 15


@pytest.mark.ci
def test_a_kill_while_saving_the_first_model(killed):
    found = []
    for folder in killed("first"):
        try:
            found.append(version(folder))
        except FileNotFoundError as error:
            assert "Pas de modèle ex99_essai" in str(error)
            found.append(b"")
    assert found == sorted(found) and set(found) == {b"", b"nouveau"}


class Network:
    def save(self, path):
        zipfile.ZipFile(path, "w").close()


def test_saving_again_leaves_three_files(killed, tmp_path, monkeypatch):
    """Après un arrêt à mi-chemin, l'enregistrement suivant range tout."""
    monkeypatch.setattr(saving, "environment", dict)
    half = [folder for folder in killed("replaced") if list(folder.glob(".*"))]
    options = {"export": (b"x", "float32")}
    for each in (half[0], half[len(half) // 2], half[-1]):
        folder = shutil.copytree(each, tmp_path / each.name)
        report = reports.Report("", {}, score=0.9)
        saving.save_model(Network(), "ex99_essai", report, models_dir=folder, **options)
        assert sorted(path.name for path in folder.iterdir()) == FILES
        assert json.loads((folder / FILES[0]).read_text(encoding="utf-8"))["score"] == 0.9


def test_git_does_not_see_what_is_being_written():
    root = paths.MODELS_DIR.parent
    if not (root / ".git").exists():
        pytest.skip("pas un dépôt git")
    for name in (".ex99_essai.tmp/ex99_essai.keras", ".ex99_essai.new/ex99_essai.keras"):
        seen = subprocess.run(["git", "check-ignore", "-q", f"models/{name}"], cwd=root)
        assert seen.returncode == 0, name
