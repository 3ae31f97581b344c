import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from exercises.ex00_convolution import replay
from exercises.ex00_convolution.__main__ import main
from exercises.ex00_convolution.examples import read_examples

NAMES = [f"N{k}" for k in range(1, 24)]
NETWORKS = NAMES[12:18]  # TensorFlow est long à charger


def test_all_examples_are_replayed(capsys):
    assert list(read_examples()) == NAMES
    assert main([]) == 0
    *lines, _, last = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["✔", name] for name in NAMES]
    printed = [line for line in lines if "(imprimé : rien)" not in line]
    assert f"pour {len(printed)} d'entre eux ; les {23 - len(printed)} autres" in last


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NETWORKS])
def test_every_expected_value_is_computed(name):
    entry = read_examples()[name]
    assert set(replay.compute(name)) == {*entry["imprimé"], *entry["attendu"]}


def test_a_wrong_value_is_a_failure():
    obtained, entry = replay.compute("N5"), read_examples()["N5"]
    assert replay.wrong_values(entry, obtained) == {}
    entry["imprimé"]["produits"][2][2] = 2
    line = replay.line("N5", entry, obtained)
    assert line.startswith("✘ N5") and "-1 1 1 au lieu de 1 1 -1 / 1 1 1 / -1 1 2" in line
    del entry["attendu"]["somme"]
    assert "\n✘ somme (recalculé)\n    5" in replay.details("N5", entry, obtained)


def test_one_example_is_shown_in_full(capsys):
    assert main(["--example", "n6"]) == 0
    shown = capsys.readouterr().out
    assert "✔ cartes (imprimé)" in shown and "✔ neuvièmes (recalculé)" in shown
    assert " 0,77 -0,11  0,11  0,33  0,55 -0,11  0,33\n" in shown and "✘" not in shown


def test_values_are_written_as_in_the_course():
    given = [61706, [4, 14], [[4, 3], [2, 4]], Fraction(7, 9), Fraction("0.77"), [[[1]], [[2]]]]
    shown = [replay.show(replay.plain(each)) for each in given]
    assert shown == ["61706", "4 14", "4 3 / 2 4", "7/9", "0,77", "1 // 2"]
    assert replay.plain((np.int64(2), "5/9")) == [2, Fraction(5, 9)]


def test_an_unknown_example_is_one_french_sentence(capsys):
    assert main(["--example", "N99"]) == 1
    assert "exemple 'N99' inconnu : de N1 à N23" in capsys.readouterr().err


@pytest.mark.ci
def test_the_command_starts_without_keras_and_speaks_french_whatever_the_locale(run_module):
    light = "import sys, exercises.ex00_convolution.__main__, exercises.ex00_convolution.matrices\n"
    light += "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    locale = {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii"}
    done = run_module("exercises.ex00_convolution", "--example", "N5", env=locale)
    assert done.returncode == 0 and done.stderr == ""
    assert "✔ moyenne (imprimé)\n 0,55" in done.stdout
