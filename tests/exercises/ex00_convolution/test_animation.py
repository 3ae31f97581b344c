import argparse
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from exercises.ex00_convolution.__main__ import main
from exercises.ex00_convolution.animation import GRIDS, read_grid, slide
from exercises.ex00_convolution.operations import IMAGE, KERNEL, conv2d


def test_a_grid_is_read_as_typed():
    assert read_grid("1 0 -2/0 1 3").tolist() == [[1, 0, -2], [0, 1, 3]]
    assert read_grid(" 0,5  1.25 / 2 3 ").tolist() == [[Fraction(1, 2), Fraction(5, 4)], [2, 3]]
    assert read_grid("X") is GRIDS["X"]
    for wrong in ("", " / ", "1 2/3", "1 a", "nan", "1/0 2/", " ".join(["1"] * 13)):
        with pytest.raises(argparse.ArgumentTypeError, match="ni une grille"):
            read_grid(wrong)


@pytest.mark.question("S3 Convolution 2D")
def test_the_text_version_ends_on_the_slides_result(capsys):
    assert main(["--image", "5x5", "--kernel", "3x3"]) == 0
    *steps, last = capsys.readouterr().out.splitlines()
    assert len(steps) == 9 and steps[8].endswith("ligne 3, colonne 3. Somme : 2 + 1 + 1 = 4")
    assert last == "Sortie : 4 3 4 / 2 4 3 / 2 3 4"


def test_every_option_reaches_the_operation(capsys):
    settings = ["--stride", "2", "--padding", "same"]
    main(["--image", "5x5", "--kernel", "1 2/-1 1", *settings])
    expected = conv2d(IMAGE, [[1, 2], [-1, 1]], stride=2, padding="same")
    rows = " / ".join(" ".join(map(str, row)) for row in expected)
    assert capsys.readouterr().out.endswith(f"Sortie : {rows}\n")
    main(["--image", "-1,5 2/3 4", "--pool", "sum"])
    assert capsys.readouterr().out.endswith("Somme de -1,50 ; 2 ; 3 ; 4 = 7,50\nSortie : 7,50\n")


def test_slide_says_where_the_padding_is():
    sliding = slide(IMAGE, KERNEL, padding="same", stride=2)
    assert sliding.margins == ((1, 1), (1, 1)) and sliding.stride == 2
    np.testing.assert_array_equal(sliding.output, conv2d(IMAGE, KERNEL, padding="same", stride=2))
    pooled = slide(np.arange(9).reshape(3, 3), padding="same")
    assert pooled.margins == ((0, 1), (0, 1)) and pooled.output.tolist() == [[4, 5], [7, 8]]
    assert slide(IMAGE, KERNEL, mean=True).output[0, 0] == Fraction(4, 9)


@pytest.mark.ci
def test_own_operation_as_gif(tmp_path, capsys):
    arguments = ["--image", "1 2 3/4 5 6/7 8 9", "--kernel", "1 0/0 -1", "--figures", str(tmp_path)]
    assert main(arguments) == 0
    with Image.open(tmp_path / "convolution.gif") as animation:
        assert animation.n_frames == 4
    assert str(tmp_path / "convolution.gif") in capsys.readouterr().out
