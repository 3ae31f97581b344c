import argparse
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from exercises.ex00_convolution.__main__ import main
from exercises.ex00_convolution.grids import (
    IMAGES,
    KERNELS,
    read_grid,
    read_image,
    read_kernel,
    read_padding,
    read_step,
)


def test_a_grid_is_read_as_typed():
    assert read_grid("1 0 -2/0 1 3").tolist() == [[1, 0, -2], [0, 1, 3]]
    assert read_grid("1 0 -2/0 1 3").dtype == np.int64
    assert read_grid(" 0,5  1.25 / 2 3 ").tolist() == [[Fraction(1, 2), Fraction(5, 4)], [2, 3]]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "la grille est vide"),
        (" / ", "la grille est vide"),
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


def test_steps_stay_on_the_page():
    assert [read_step(text) for text in ("1", "12")] == [1, 12]
    for wrong in ("0", "-2", "1.5", "13", "9" * 30):
        with pytest.raises(argparse.ArgumentTypeError, match="reçu"):
            read_step(wrong)


@pytest.mark.parametrize(
    "text, message",
    [
        ("12.png", "le fichier 12.png n'existe pas"),
        ("\udcff.png", "n'existe pas"),
        (".", "est un dossier"),
        (" ".join(["1"] * 150), "la grille fait 1×150"),  # trop long pour un nom de fichier
    ],
)
def test_what_is_not_an_image_is_explained(text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        read_image(text)


def test_pictures_are_opened_as_everywhere_else(tmp_path):
    deep = tmp_path / "deep.png"
    Image.fromarray((np.arange(64).reshape(8, 8) * 1000).astype(np.uint16)).save(deep)
    assert len(set(read_image(str(deep)).reshape(-1))) > 32  # 16 bits, sans écrêter
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(clear)
    assert set(read_image(str(clear)).reshape(-1)) == {128}


def test_a_grid_may_start_with_a_minus_sign(capsys):
    assert main(["--image", "-1,5/2", "--kernel", "-1/1"]) == 0
    assert "Somme : 1,50 + 2 = 3,50" in capsys.readouterr().out


def test_an_endless_animation_is_refused(capsys):
    huge = ["--image", "5x5", "--kernel", "3x3", "--padding"]
    assert main([*huge, "12"]) == 1
    assert "au plus 200 étapes et 24 cases" in capsys.readouterr().err
