import argparse
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from exercises.ex00_options import IMAGES, KERNELS, read_grid, read_image, read_kernel, read_padding


def test_a_grid_is_read_as_typed():
    assert read_grid("1 0 -2/0 1 3").tolist() == [[1, 0, -2], [0, 1, 3]]
    assert read_grid("1 0 -2/0 1 3").dtype == np.int64
    assert read_grid(" 0,5  1.25 / 2 3 ").tolist() == [[Fraction(1, 2), Fraction(5, 4)], [2, 3]]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "pas la même longueur"),
        ("1 2/3", "pas la même longueur"),
        ("1 a", "'a' n'est pas un nombre"),
        ("nan", "n'est pas un nombre"),
        ("1e9", "n'est pas un nombre"),
        ("12345", "au plus 4 chiffres"),
        ("/".join(["1"] * 13), "au plus 12×12"),
        (" ".join(["1"] * 13), "au plus 12×12"),
    ],
)
def test_a_wrong_grid_is_explained(text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        read_grid(text)


def test_names_and_files(tmp_path):
    assert read_image("X") is IMAGES["X"] and read_kernel("F2") is KERNELS["F2"]
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((40, 80, 3), 128, np.uint8)).save(path)
    read = read_image(str(path))
    assert read.shape == (6, 12) and set(read.reshape(-1)) == {128} and read.dtype == np.int64
    with pytest.raises(argparse.ArgumentTypeError, match="n'existe pas"):
        read_image(str(tmp_path / "absent.png"))
    broken = tmp_path / "broken.png"
    broken.write_text("rien")
    with pytest.raises(argparse.ArgumentTypeError, match="n'est pas une image lisible"):
        read_image(str(broken))
    assert read_image("0.5 1").shape == (1, 2)  # une grille, pas un nom de fichier


def test_paddings():
    assert [read_padding(text) for text in ("valid", "same", "2")] == ["valid", "same", 2]
    for wrong in ("full", "-1", "1.5", "99"):
        with pytest.raises(argparse.ArgumentTypeError, match="valid, same ou un entier"):
            read_padding(wrong)
