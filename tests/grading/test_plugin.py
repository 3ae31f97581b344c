"""`pytest grading` comme un enseignant le lance : un processus à part, du début à la fin."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from grading import plugin
from grading.scale import read_scale
from tests.grading import handins

pytestmark = pytest.mark.ci

RELU = ("    return np.maximum(as_numbers(values), 0)", "    return np.abs(as_numbers(values))")


@pytest.fixture
def run(repo):
    def launch(*arguments, cwd=repo, env=None):
        return subprocess.run(
            [sys.executable, "-m", *map(str, arguments), "-p", "no:cacheprovider"],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
        )

    return launch


def trap(path):
    """Écrit un module qui, importé par le correcteur lui-même, le dirait."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"raise SystemExit('piège : {path.stem}')\n", encoding="utf-8")


@pytest.fixture
def handed(tmp_path):
    folder = tmp_path / "dupont"
    package = folder / "ex00_convolution"
    package.mkdir(parents=True)
    text = handins.changed(handins.solution("ex00_convolution.pooling"), [RELU], name="dupont")
    (package / "pooling.py").write_text(text)
    (package / "geometry.py").write_text(handins.solution("ex00_convolution.geometry"))
    (folder / "conftest.py").write_text("raise SystemExit('conftest du rendu exécuté')\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --co -q\n")
    return folder


def test_one_hand_in_from_the_command_to_the_reports(run, handed, tmp_path):
    reports = [tmp_path / f"notes.{end}" for end in ("json", "csv")]
    options = [part for path in reports for part in ("--grade-report", path)]
    ended = run(
        "pytest",
        "grading",
        "--submission",
        handed,
        "--hint",
        "-n",
        "2",
        "--grade-seed",
        "5",
        f"--junitxml={tmp_path / 'junit.xml'}",
        *options,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "graine : 5" in ended.stdout and "exercices : ex00" in ended.stdout
    assert "protections : " in ended.stdout and "Le signe est perdu" in ended.stdout
    assert "dupont : 6/20" in ended.stdout  # taille 2, padding 1, pooling 3
    for hidden in ("conftest du rendu", "np.maximum(", "def ask_relu"):
        assert hidden not in ended.stdout
    (found,) = json.loads(reports[0].read_text())["submissions"]
    marks = {question["id"]: question for question in found["questions"]}
    assert len(marks) == 11 and found["mark"] == 6
    assert marks["ex00.pool2d"]["level"] == "1" and marks["ex00.pool2d"]["reason"] is None
    assert marks["ex00.relu"]["reason"] == "absolute_value"
    assert marks["ex00.relu"]["hint"]
    assert marks["ex00.conv1d"]["reason"] == "not_handed_in"
    assert all(path.stat().st_size > 100 for path in reports)
    cases = ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
    assert [case.find("failure") is None for case in cases].count(True) == 3


def test_a_class_from_another_folder(run, handed, tmp_path, repo):
    other = tmp_path / "martin/exercises/ex00_convolution"
    other.mkdir(parents=True)
    (other / "pooling.py").write_text("def relu(:\n")
    report = tmp_path / "notes.json"
    trap(tmp_path / "pytest/__init__.py")  # un élève qui s'appelle ainsi
    options = ("--fill-missing", "-n", "0", "--tb=no", "--grade-report", report)
    ended = run("grading", tmp_path, *options, cwd=tmp_path, env={"PYTHONPATH": str(repo)})
    assert ended.returncode == 1, ended.stdout + ended.stderr
    found = {each["name"]: each for each in json.loads(report.read_text())["submissions"]}
    assert set(found) == {"dupont", "martin"}
    assert found["dupont"]["mark"] == 6, "un module complété ne rapporte rien"
    assert found["martin"]["mark"] == 0 and "note /20" in ended.stdout
    reasons = {q["id"]: q["reason"] for q in found["martin"]["questions"]}
    assert reasons["ex00.relu"] == "syntax_error" and reasons["ex00.pool2d"] == "missing_name"
    assert "warning" not in ended.stdout, "une correction n'a rien à dire en anglais"


def test_nothing_of_a_hand_in_is_imported_by_the_grader(run, handed, repo):
    for name in ("pytest", "numpy", "signal", "pathlib", "json", "xdist"):
        trap(handed / f"{name}.py")
    chosen = ("-n", "1", "--exercises", "ex22")  # rien n'en est rendu : tout est zéro ; sans Keras
    ended = run("grading", ".", *chosen, cwd=handed, env={"PYTHONPATH": str(repo)})
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "dupont : 0/20" in ended.stdout and "piège" not in ended.stdout + ended.stderr


def test_every_hand_in_is_copied_before_any_runs(handed, pytestconfig, tmp_path):
    options = argparse.Namespace(**vars(pytestconfig.option))
    options.submissions, options.grade_seed = str(tmp_path), 1
    session = plugin.Session(argparse.Namespace(option=options))
    shutil.rmtree(handed)
    (copy,) = session.submissions
    assert copy.modules == {"ex00_convolution.geometry", "ex00_convolution.pooling"}
    assert copy.root.parent.stat().st_mode & 0o077 == 0, "lisible par d'autres"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--submission=absent"], "n'est pas un dossier"),
        (["--submission=exercises", "--exercises", "ex99"], "n'est pas au barème"),
    ],
)
def test_bad_options_are_said_at_once(run, arguments, message):
    ended = run("pytest", *arguments, "-n", "0")
    assert ended.returncode == 4 and message in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr + ended.stdout


def test_help_is_in_french_and_names_every_option(run_module):
    done = run_module("grading", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage : python -m grading")
    assert "show this help" not in done.stdout and "options de pytest" in done.stdout
    for option in ("--submissions", "--as", "--grade-report", "--hint", "--without-weights"):
        assert option in done.stdout


def test_a_misspelled_option_is_named_in_french(run_module):
    done = run_module("grading", ".", "--hnt")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--hnt : option inconnue. Vouliez-vous écrire --hint ?" in done.stderr


@pytest.mark.slow
def test_without_an_option_the_solutions_are_graded(run, tmp_path):
    report = tmp_path / "notes.json"
    ended = run("pytest", "grading", "--grade-report", report)
    assert ended.returncode == 0, ended.stdout
    (found,) = json.loads(report.read_text())["submissions"]
    assert found["mark"] == 20
    assert found["exercises"] == dict.fromkeys(read_scale(), 20)
