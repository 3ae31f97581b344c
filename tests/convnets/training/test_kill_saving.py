"""Un processus tué (`kill -9`) pendant un enregistrement : à chaque ligne de code, l'une après
l'autre, ce qui reste est le modèle d'avant ou le nouveau, entier."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convnets.core import paths, reports
from convnets.serving.card import read_card

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

base = Path(sys.argv[1])
for num_lines in range(1, 10**6):
    folder = base / f"{num_lines:04}"
    folder.mkdir()
    save(folder, b"ancien", 0.5)
    child = os.fork()
    if not child:
        save_and_die(folder, num_lines)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):  # arrivé au bout, ou en erreur
        sys.exit(os.waitstatus_to_exitcode(status))
"""


def version(folder: Path) -> bytes:
    """Rend ce que les trois fichiers, lus par chacun de leurs lecteurs, disent tous."""
    read_card("ex99_essai", models_dir=folder)  # ce que ./predict vérifie
    found = reports.read_report("ex99_essai", models_dir=folder)
    content = (folder / FILES[2]).read_bytes()
    assert SCORES[content] == found.score and sorted(found.files) == FILES[1:]
    return content


@pytest.mark.ci
@pytest.mark.skipif(not hasattr(os, "fork"), reason="pas de fork sous Windows")
def test_a_kill_at_any_line_leaves_one_whole_model(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, cwd=paths.MODELS_DIR.parent, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    folders = sorted(tmp_path.iterdir())
    states = [len(list(folder.glob(".*"))) for folder in folders]
    found = [version(folder) for folder in folders]
    assert found == sorted(found)  # l'ancien, puis, d'un instant à l'autre, le nouveau
    assert len(folders) > 40 and set(found) == set(SCORES) and max(states) == 1
    assert sum(state > 0 for state in states) > 15


def test_git_does_not_see_what_is_being_written():
    root = paths.MODELS_DIR.parent
    if not (root / ".git").exists():
        pytest.skip("pas un dépôt git")
    for name in (".ex99_essai.tmp/ex99_essai.keras", ".ex99_essai.new/ex99_essai.keras"):
        seen = subprocess.run(["git", "check-ignore", "-q", f"models/{name}"], cwd=root)
        assert seen.returncode == 0, name
