from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from convnets.figures import convolution

IMAGE = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
)
KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
OUTPUT = np.array([[4, 3, 4], [2, 4, 3], [2, 3, 4]])
PLAIN = convolution.Sliding(IMAGE, KERNEL, OUTPUT, (3, 3))
PADDED = convolution.Sliding(
    IMAGE, np.ones((2, 2), int), np.zeros((3, 3), int), (2, 2), 2, ((1, 1), (1, 1))
)
POOLED = convolution.Sliding(
    np.array([[1, 2, 3], [4, 5, 6], [8, 9, 7]]),
    None,
    np.array([[5, 6], [9, 7]]),
    (2, 2),
    2,
    ((0, 1), (0, 1)),
    operation="max",
)


@pytest.mark.question("S3 Convolution 2D")
def test_the_window_the_products_and_the_sum_are_those_of_the_step():
    for index in range(9):
        i, j = divmod(index, 3)
        np.testing.assert_array_equal(PLAIN.terms(index), IMAGE[i : i + 3, j : j + 3] * KERNEL)
        assert PLAIN.sentence(index).endswith(f" = {OUTPUT[i, j]}")
    assert PLAIN.sentence(0) == "Somme : 2 + 1 + 1 = 4"
    assert PLAIN.heading(8) == "Étape 9 sur 9 : ligne 3, colonne 3"


def test_stride_and_padding_place_the_window():
    assert PADDED.terms(0).tolist() == [[0, 0], [0, 1]]
    assert PADDED.terms(4).tolist() == [[1, 1], [0, 1]]
    assert POOLED.terms(3).tolist() == [[7, None], [None, None]]
    assert POOLED.sentence(3) == "Maximum de 7 = 7"


@pytest.mark.parametrize("sliding", [PLAIN, PADDED, POOLED], ids=["plain", "padded", "pooled"])
def test_a_step_shows_its_window_and_its_result(sliding):
    """La fenêtre et la case obtenue sont en trait épais, le padding en tirets."""
    figure = convolution.draw_step(sliding, sliding.output.size - 1, title="Un titre : été")
    shown = {text.get_text() for text in figure.axes[0].texts}
    assert {"Un titre : été", *map(str, sliding.output.reshape(-1))} <= shown
    patches = figure.axes[0].patches
    assert sum(p.get_linewidth() > 2 for p in patches) == np.prod(sliding.window) + 1
    added = np.prod(np.add(sliding.image.shape, np.sum(sliding.margins, axis=1)))
    assert sum(isinstance(p.get_linestyle(), tuple) for p in patches) == added - sliding.image.size


@pytest.mark.ci
def test_a_gif_has_one_frame_per_step_and_lingers_on_the_last(tmp_path):
    path = convolution.save_animation(PLAIN, tmp_path / "new" / "steps.gif", title="S3")
    with Image.open(path) as animation:
        assert animation.n_frames == 9
        first = animation.info["duration"]
        animation.seek(8)
        assert animation.info["duration"] > first


def test_numbers_are_truncated():
    given = [4, np.int64(-3), Fraction(7, 9), Fraction(-7, 9), 0.5, 2.0, 1e-9, Fraction(-1, 999)]
    shown = [convolution.format_number(value) for value in given]
    assert shown == ["4", "-3", "0,77", "-0,77", "0,50", "2", "0,00", "0,00"]
