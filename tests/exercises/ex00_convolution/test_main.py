import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from exercises.ex00_convolution.__main__ import main
from exercises.ex00_convolution.operations import (
    IMAGE,
    KERNEL,
    SIGNAL,
    SIGNAL_KERNEL,
    conv1d,
    conv2d,
)

LIGHT = [
    "animation",
    "convolution",
    "examples",
    "figures",
    "geometry",
    "matrices",
    "more_examples",
    "options",
    "pooling",
    "replay",
    "x_or_o",
]


@pytest.mark.question("S2 §1")
def test_flip_is_the_only_difference_between_the_two_convolutions():
    assert conv1d(SIGNAL, SIGNAL_KERNEL).tolist() == [3, 4, 14, 18]
    flipped = conv1d(SIGNAL, SIGNAL_KERNEL, flip=True)
    assert flipped.tolist() == np.convolve(SIGNAL, SIGNAL_KERNEL, mode="valid").tolist()
    assert flipped.tolist() == conv1d(SIGNAL, SIGNAL_KERNEL[::-1]).tolist()


@pytest.mark.question("S3 Convolution 2D")
def test_the_convolution_of_the_slides():
    assert conv2d(IMAGE, KERNEL).tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_an_impulse_draws_the_kernel_turned_round():
    image, kernel = np.zeros((5, 5), int), np.arange(9).reshape(3, 3)
    image[2, 2] = 1
    np.testing.assert_array_equal(conv2d(image, kernel), kernel[::-1, ::-1])
    np.testing.assert_array_equal(conv2d(image, kernel, flip=True), kernel)


def test_fractions_stay_exact_and_bytes_do_not_overflow():
    thirds = np.full((2, 2), Fraction(1, 3))
    assert conv2d(np.ones((2, 2), int), thirds)[0, 0] == Fraction(4, 3)
    bright = np.full((2, 2), 200, np.uint8)
    assert conv2d(bright, bright)[0, 0] == 4 * 200 * 200


@pytest.mark.question("S4 plusieurs canaux")
def test_a_depth_mismatch_is_refused():
    image, kernel = np.zeros((4, 4, 3)), np.zeros((2, 2, 2, 5))
    with pytest.raises(ValueError, match="l'image a 3 canaux et le noyau 2"):
        conv2d(image, kernel)
    with pytest.raises(ValueError, match=re.escape("(4, 4, 3) et noyau de forme (2, 2)")):
        conv2d(image, np.zeros((2, 2)))


@pytest.mark.question("S4 plusieurs canaux")
def test_several_filters_are_several_maps():
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(-5, 6, (5, 6, 2)), rng.integers(-5, 6, (3, 2, 2, 4))
    maps = conv2d(image, kernel)
    assert maps.shape == (3, 5, 4)
    for k in range(4):
        alone = sum(conv2d(image[..., c], kernel[..., c, k]) for c in range(2))
        np.testing.assert_array_equal(maps[..., k], alone)


def test_arguments_are_left_as_they_were():
    image, kernel = np.array(IMAGE), np.array(KERNEL)
    conv2d(image, kernel, padding="same", flip=True)
    np.testing.assert_array_equal(image, IMAGE)
    np.testing.assert_array_equal(kernel, KERNEL)


def test_importing_does_nothing():
    program = "import sys\n" + "".join(f"import exercises.ex00_{name}\n" for name in LIGHT)
    program += "print(sorted({'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_the_command_speaks_french_whatever_the_locale(run_module):
    locale = {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii"}
    done = run_module("exercises.ex00_convolution", "--example", "N5", env=locale)
    assert done.returncode == 0 and done.stderr == ""
    assert "✔ moyenne (imprimé)\n  0.55" in done.stdout and "5/9" in done.stdout


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--example"], "attend une valeur"),
        (["--nope"], "option inconnue"),
        (["--kernel", "3x3"], "--kernel demande --image"),
        (["--flip"], "--flip demande --image"),
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
