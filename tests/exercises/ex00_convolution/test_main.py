import subprocess
import sys

import pytest

from exercises.ex00_convolution.__main__ import main

pytestmark = pytest.mark.ci

LIGHT = [
    "__main__",
    "animation",
    "examples",
    "figures",
    "geometry",
    "grids",
    "matrices",
    "operations",
    "pooling",
    "replay",
    "x_or_o",
]


def test_importing_does_nothing():
    program = "import sys\n" + "".join(
        f"import exercises.ex00_convolution.{name}\n" for name in LIGHT
    )
    program += "print(sorted({'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_the_command_speaks_french_whatever_the_locale(run_module):
    locale = {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii"}
    done = run_module("exercises.ex00_convolution", "--example", "N5", env=locale)
    assert done.returncode == 0 and done.stderr == ""
    assert "✔ moyenne (imprimé)\n  0,55" in done.stdout and "5/9" in done.stdout


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--example"], "attend une valeur"),
        (["--nope"], "option inconnue"),
        (["--kernel", "3x3"], "--kernel demande --image"),
        (["--flip"], "--flip demande --image"),
        (["--padding", "0"], "--padding demande --image"),
        (["--image", "5x5"], "--image demande --kernel ou --pool"),
        (["--image", "5x5", "--kernel", "3x3", "--pool", "max"], "l'un des deux"),
        (["--image", "5x5", "--kernel", "3x3", "--window", "2"], "--window demande --pool"),
        (["--image", "5x5", "--pool", "max", "--mean"], "--mean demande --kernel"),
        (["--image", "5x5", "--kernel", "3x3", "--example", "N3"], "ne va pas avec --image"),
        (["--example", "N3", "--figures", "f"], "ne va pas avec --figures"),
        (["--image", "5x5", "--pool", "min"], "choix impossible"),
        (["--image", "5x5", "--kernel", "3x3", "--stride", "0"], "au moins 1"),
    ],
)
def test_wrong_usage_is_one_french_sentence(capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    captured = capsys.readouterr()
    assert stop.value.code == 2 and captured.out == ""
    assert message in captured.err and len(captured.err.splitlines()) == 2  # usage, puis phrase


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--example", "N99"], "exemple 'N99' inconnu : de N1 à N23"),
        (["--data", "/nulle/part.json"], "n'existe pas"),
        (["--image", "1 2/3 4", "--kernel", "3x3"], "la fenêtre couvre 3 cases"),
        (["--image", "1 2/3 4", "--pool", "max", "--padding", "4"], "dans le padding 4"),
    ],
)
def test_wrong_values_are_one_french_sentence(capsys, arguments, message):
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert message in captured.err and len(captured.err.splitlines()) == 1
