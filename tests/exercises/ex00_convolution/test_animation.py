import numpy as np
import pytest
from PIL import Image

from exercises.ex00_convolution.__main__ import main
from exercises.ex00_convolution.animation import slide
from exercises.ex00_convolution.operations import IMAGE, KERNEL, conv2d


@pytest.mark.question("S3 Convolution 2D")
def test_the_text_version_ends_on_the_slides_result(capsys):
    assert main(["--image", "5x5", "--kernel", "3x3"]) == 0
    shown = capsys.readouterr().out
    steps = shown.strip().split("\n\n")
    assert len(steps) == 9 and steps[-1].startswith("Étape 9 sur 9")
    rows = [
        line.split("     ")[-1].replace("[", " ").replace("]", " ").split()
        for line in steps[-1].splitlines()[2:5]
    ]
    assert rows == [["4", "3", "4"], ["2", "4", "3"], ["2", "3", "4"]]
    assert steps[-1].splitlines()[-1] == "Somme : 2 + 1 + 1 = 4"


def test_every_option_reaches_the_operation(capsys):
    main(
        [
            "--image",
            "5x5",
            "--kernel",
            "1 2/-1 1",
            "--stride",
            "2",
            "--padding",
            "1",
            "--dilation",
            "2",
            "--flip",
        ]
    )
    expected = conv2d(IMAGE, [[1, 2], [-1, 1]], stride=2, padding=1, dilation=2, flip=True)
    last = capsys.readouterr().out.strip().split("\n\n")[-1]
    results = [
        line.replace("[", " ").replace("]", " ").split()[-expected.shape[1] :]
        for line in last.splitlines()[2 : 2 + len(expected)]
    ]
    assert results == [[str(v) for v in row] for row in expected]


@pytest.mark.question("S0 Opération de Convolution")
def test_the_mean_is_shown_exact_and_truncated(capsys):
    main(["--image", "X", "--kernel", "F1", "--mean"])
    assert "Moyenne : (3 + 3 + 1) / 9 = 7/9, écrit 0,77" in capsys.readouterr().out


@pytest.mark.question("S3 Couche de Pooling")
@pytest.mark.parametrize("mode, last", [("max", 7), ("average", 7), ("sum", 7)])
def test_poolings_ignore_the_padding(capsys, mode, last):
    main(["--image", "1 2 3/4 5 6/8 9 7", "--pool", mode, "--padding", "same"])
    shown = capsys.readouterr().out.strip()
    assert shown.endswith(f"de 7 = {last}") and shown.count("Étape") == 4


@pytest.mark.ci
def test_own_operation_as_gif_and_png(tmp_path, capsys):
    arguments = ["--image", "1 2 3/4 5 6/7 8 9", "--kernel", "1 0/0 -1", "--figures", str(tmp_path)]
    assert main(arguments) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["convolution.gif", "convolution.png"]
    with Image.open(tmp_path / "convolution.gif") as animation:
        assert animation.n_frames == 4
    assert str(tmp_path / "convolution.gif") in capsys.readouterr().out


def test_slide_says_where_the_padding_is():
    sliding = slide(IMAGE, KERNEL, padding="same", stride=2)
    assert sliding.margins == ((1, 1), (1, 1)) and sliding.stride == (2, 2)
    np.testing.assert_array_equal(sliding.output, conv2d(IMAGE, KERNEL, padding="same", stride=2))
    pooled = slide(np.arange(9).reshape(3, 3), pool="max", padding="same")
    assert pooled.margins == ((0, 1), (0, 1)) and pooled.stride == (2, 2)
    assert slide(IMAGE, [[1, 2], [3, 4]], flip=True).kernel.tolist() == [[4, 3], [2, 1]]


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["--image", "1 2/3 4", "--pool", "max", "--figures", str(blocked)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Erreur : ") and "déjà pris" in error
