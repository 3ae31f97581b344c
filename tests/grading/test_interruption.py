"""Ctrl-C pendant une correction : une phrase, et rien qui reste derrière."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.grading import handins

pytestmark = pytest.mark.ci

COURSE = """
title = "Occlusion"
students = "eleves.csv"

[[exercises]]
id = "ex07"
hand_ins = "rendus"
"""


@pytest.fixture
def place(tmp_path):
    """Deux rendus, sans Keras : le premier est noté aussitôt, le second fait attendre."""
    right = handins.answers("ex07_simple")["ex07_occlusion.py"]
    for name, text in (("alami", right), ("costa", "import time\ntime.sleep(60)\n" + right)):
        (tmp_path / "rendus" / name).mkdir(parents=True)
        (tmp_path / "rendus" / name / "ex07_occlusion.py").write_text(text, encoding="utf-8")
    (tmp_path / "cours.toml").write_text(COURSE, encoding="utf-8")
    students = "nom,numéro\nInès Alami,1\nLéo Costa,2\n"
    (tmp_path / "eleves.csv").write_text(students, encoding="utf-8")
    (tmp_path / "temporaire").mkdir()
    tmp_path.chmod(0o755)  # un rendu peut y être lu par un autre utilisateur que root
    return tmp_path


def interrupt(place, arguments, *, after):
    """Lance la commande et l'interrompt, ses processus avec elle, comme le fait un terminal."""
    environment = {"TMPDIR": str(place / "temporaire"), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "grading", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        start_new_session=True,
        # Lancé en arrière-plan (`pytest &`), on hérite d'un Ctrl-C ignoré.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        shown = []
        for line in process.stdout:
            shown.append(line)
            if after in line:
                os.killpg(process.pid, signal.SIGINT)
                after = "\0"
        process.wait(60)
    assert not [*(place / "temporaire").glob("correction-*"), *place.glob("temporaire/rendus-*")]
    return process.returncode, "".join(shown)


@pytest.mark.slow
def test_a_term_is_interrupted_then_goes_on(place, run_module):
    code, shown = interrupt(place, [str(place / "cours.toml")], after="/20")
    assert code == 130 and "\nInterrompu. " in shown and "Inès Alami : 20/20" in shown
    assert "Erreur" not in shown and "Traceback" not in shown
    path = place / "rendus/costa/ex07_occlusion.py"
    path.write_text((place / "rendus/alami/ex07_occlusion.py").read_text("utf-8"), "utf-8")
    again = run_module("grading", place / "cours.toml")
    assert "Inès Alami : 20/20, inchangé\n" in again.stdout, again.stderr
    assert "Léo Costa : 20/20\n" in again.stdout
    rows = list(csv.reader((place / "notes/notes.csv").open(encoding="utf-8-sig"), delimiter=";"))
    assert [row[:4] for row in rows[1:]] == [
        ["Inès Alami", "1", "", "20"],
        ["Léo Costa", "2", "", "20"],
    ]
    page = (place / "notes/ressemblances.html").read_text(encoding="utf-8")
    assert "Inès Alami (1) et Léo Costa (2)" in page


def test_a_class(place):
    report = place / "notes.csv"
    options = ["-n", "0", "-vv", "--grade-report", str(report), "-p", "no:cacheprovider"]
    code, shown = interrupt(place, [str(place / "rendus"), *options], after="PASSED")
    assert code == 2 and "il manque des notes" in shown and "Traceback" not in shown
    rows = list(csv.reader(report.open(encoding="utf-8-sig"), delimiter=";"))
    said = {row[0]: (row[1], row[-1]) for row in rows[1:]}
    assert set(said) == {"alami", "costa", ""}, "les notes données, les autres, un avertissement"
    assert said["costa"][0] == "" and "pas encore noté" in said["costa"][1]
    assert "il manque des notes" in rows[-1][-1]


def test_a_class_whose_grader_is_killed_keeps_the_marks_already_given(place):
    """Ni Ctrl-C ni message : le fichier est là, parce qu'il est écrit à mesure."""
    report = place / "notes.csv"
    command = [sys.executable, "-m", "grading", str(place / "rendus"), "--grade-report", report]
    process = subprocess.Popen(
        [*map(str, command), "-p", "no:cacheprovider"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "TMPDIR": str(place / "temporaire"), "PYTHONUNBUFFERED": "1"},
    )
    with process:
        shown = next(line for line in process.stdout if line.startswith("ex07, alami"))
        deadline = time.monotonic() + 60
        while not report.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
    assert shown == "ex07, alami : 20/20\n"
    rows = list(csv.DictReader(report.open(encoding="utf-8-sig"), delimiter=";"))
    assert [(row["rendu"], row["note /20"]) for row in rows] == [
        ("alami", "20"),
        ("costa", ""),
        ("", ""),
    ]
    assert "en cours" in rows[-1]["remarques"]
