"""`python -m grading DOSSIER --watch` : un verdict par enregistrement, et rien ne l'arrête."""

import os
import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import nbformat
import pytest

import exercises
from exercises import sheet
from grading import watch
from grading.asking import workshop
from grading.asking.credits import Credit
from grading.check import find_rule
from grading.reading import notebooks
from grading.scale import read_scale
from tests.grading import handins

GEOMETRY = "ex00_convolution/geometry.py"
SOURCE = handins.solution("ex00_convolution.geometry")
BODY = "    before, after = pads(size, kernel, stride=stride, padding=padding, dilation=dilation)\n"
WRONG = SOURCE.replace("// stride + 1", "// stride")


def test_the_right_way_is_shown_without_the_list_of_arguments():
    text = "\n".join(watch.right_way(find_rule("ex00.output_size")))
    assert "def output_size(" in text and "// stride + 1" in text and "Source : S3" in text
    assert "Args:" not in text and "Returns:" not in text
    assert watch.right_way(find_rule("ex02.architecture")) == []


class Screen:
    """Ce qu'affiche la commande, lu au fur et à mesure."""

    def __init__(self, process):
        self.text, self.place, self.more = "", 0, threading.Condition()
        threading.Thread(target=self._read, args=[process.stdout], daemon=True).start()

    def _read(self, stream):
        for line in stream:
            with self.more:
                self.text += line
                self.more.notify()

    def wait(self, *parts):
        """Attend ces textes, dans cet ordre, après ceux qui ont déjà été lus."""
        for part in parts:
            with self.more:
                found = self.more.wait_for(lambda p=part: p in self.text[self.place :], timeout=120)
                assert found, f"{part!r} attendu dans {self.text[self.place :]!r}"
                self.place = self.text.index(part, self.place) + len(part)


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="la correction ne se lance que sous Linux")
def test_every_save_has_its_verdict_and_nothing_stops_the_watch(tmp_path, repo):
    path = tmp_path / GEOMETRY
    path.parent.mkdir()
    path.write_text(WRONG, encoding="utf-8")
    command = [sys.executable, "-m", "grading", tmp_path, "--watch", "--exercises", "ex00"]
    process = subprocess.Popen(
        command,
        cwd=repo,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        # Ctrl-C, même si l'essai est lancé à l'arrière-plan, où il est ignoré.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        screen = Screen(process)
        screen.wait("J'attends vos enregistrements", "ex00.pads ✓ juste", "1 sur 11", " s)")
        path.write_text(WRONG.replace("def output_size(", "def output_size(:"), encoding="utf-8")
        screen.wait("geometry.py, ligne ", "erreur de syntaxe", "1 sur 11", " s)")
        stuck = WRONG.replace(BODY, "    while True:\n        pass\n" + BODY)
        path.write_text(stuck, encoding="utf-8")
        screen.wait("Je vérifie…", "n'a pas fini dans le temps accordé", "geometry.py", " s)")
        falls = WRONG.replace(BODY, "    import ctypes\n    ctypes.string_at(0)\n" + BODY)
        path.write_text(falls, encoding="utf-8")
        screen.wait("s'est arrêté brutalement", "de geometry.py", " s)")
        path.write_text(SOURCE, encoding="utf-8")
        screen.wait("ex00.output_size ✓ juste", "Le corrigé l'écrit ainsi", "def output_size(")
        screen.wait("2 sur 11")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, screen.text
        assert "Traceback" not in screen.text
    finally:
        process.kill()


FILLED = """
def fill_color(image, fill):
    return image.mean(axis=(0, 1)).round()
def positions(length_px, patch_px, stride_px):
    raise NotImplementedError("À vous : positions")
def drops(model, image, class_index):
    raise NotImplementedError("À vous : drops")
"""
RULE = find_rule("ex07.fill_color")


class Asked:
    """Un correcteur qui trouve tout juste, et note ce qu'on lui demande."""

    def __init__(self):
        self.ids = []

    def answer(self, _, rule):
        self.ids.append(rule.id)
        return Credit(Fraction(rule.name == "fill_color"), "wrong_values")

    def close(self):
        pass


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Une veille d'un dossier, dont le correcteur ne lance rien."""
    monkeypatch.setattr(watch.grader, "Grader", lambda _: Asked())
    with watch.Watch(tmp_path, ["ex07"]) as found:
        yield found


def test_a_syntax_error_is_placed_and_costs_nothing(watched):
    path = watched.path / "ex07.py"
    path.write_text(FILLED, encoding="utf-8")
    watched.right = {RULE.id: True}
    for broken in (FILLED.replace("fill):", "fill)"), FILLED.replace("def fill", "df fill")):
        path.write_text(broken, encoding="utf-8")
        first, *_, bar = watched.ask()
        assert first.startswith("ex07.py, ligne 2 : ") and "erreur de syntaxe" in first
        assert bar.endswith("1 sur 4") and watched.right == {RULE.id: True}
        assert watched.grader.ids == []


def test_the_questions_follow_the_functions_of_the_sheet(tmp_path):
    """L'énoncé de l'exercice 07 commence par `positions`, son barème par `fill_color`."""
    path = tmp_path / "ex07.py"
    path.write_bytes(sheet.sheet_files(exercises.find("ex07_occlusion"))["ex07.py"])
    rules = read_scale()["ex07"].rules
    read = dict.fromkeys(["ex07_occlusion"], notebooks.read(path))
    found = [rule.name for rule in watch.in_order(rules, read)]
    assert found == ["positions", "fill_color", "drops", "occlusion"]
    assert watch.in_order(rules, {}) == [*rules]


def test_the_file_where_the_pupil_writes_is_the_one_that_is_read(watched):
    """Un énoncé contient aussi un notebook, où rien n'est écrit."""
    blank = FILLED.replace("return image.mean(axis=(0, 1)).round()", "raise NotImplementedError")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(blank)])
    nbformat.write(book, watched.path / "ex07.ipynb")
    (watched.path / "ex07.py").write_text(FILLED.replace("fill):", "fill)"), encoding="utf-8")
    assert watched.ask()[0].startswith("ex07.py, ligne 2 : ")


class OneChild(workshop.Child):
    """Un enfant dont on ne connaît que le dossier et ce que `faulthandler` a écrit."""

    def __init__(self, trace):
        self._folder, self.log = Path("/tmp/correction-a/tmpb"), trace.encode()


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("exercises/ex00_convolution/geometry.py", "ligne 7 de geometry.py"),
        ("ex07.py", "ligne 7 de ex07.py"),
        ("cellule 3 de ex07.ipynb", "ligne 7 de cellule 3 de ex07.ipynb"),
        ("convnets/core/cli.py", ""),
        ("exercises/_cellules.py", ""),
    ],
)
def test_the_line_of_a_loop_without_end_is_read_in_a_sheet_too(file, place):
    trace = f'Current thread (most recent call first):\n  File "/tmp/correction-a/tmpb/{file}"'
    assert OneChild(f'{trace}, line 7 in f\n  File "/usr/x.py", line 2')._place() == place
