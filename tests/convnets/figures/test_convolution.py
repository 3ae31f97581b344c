from fractions import Fraction

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

from convnets.figures import convolution

IMAGE = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
)
KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
OUTPUT = np.array([[4, 3, 4], [2, 4, 3], [2, 3, 4]])
PLAIN = convolution.Sliding(IMAGE, KERNEL, OUTPUT, (3, 3))
PADDED = convolution.Sliding(
    IMAGE, np.ones((2, 2), int), np.zeros((3, 3), int), (2, 2), (2, 2), ((1, 1), (1, 1)), (2, 2)
)
POOLED = convolution.Sliding(
    np.array([[1, 2, 3], [4, 5, 6], [8, 9, 7]]),
    None,
    np.array([[5, 6], [9, 7]]),
    (2, 2),
    (2, 2),
    ((0, 1), (0, 1)),
    operation="max",
)


def boxes(figure):
    """Les cadres, en pixels, des textes de la figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for ax in figure.axes for text in ax.texts if text.get_text().strip()]
    return [(text, text.get_window_extent(canvas.get_renderer())) for text in texts]


def assert_legible(figure):
    """Aucun texte n'en recouvre un autre, ne sort de la figure, ni ne se perd sur son fond."""
    found = boxes(figure)
    width, height = figure.canvas.get_width_height()
    for k, (text, box) in enumerate(found):
        assert 0 <= box.x0 and box.x1 <= width and 0 <= box.y0 and box.y1 <= height, text
        for other, other_box in found[k + 1 :]:
            assert not box.overlaps(other_box), (text, other)
    for ax in figure.axes:
        for patch in ax.patches:
            if isinstance(patch, Rectangle):
                red, green, blue = to_rgb(patch.get_facecolor())
                assert 0.21 * red + 0.72 * green + 0.07 * blue > 0.6  # gris clair, même imprimé


@pytest.mark.question("S3 Convolution 2D")
def test_the_window_the_products_and_the_sum_are_those_of_the_step():
    for index in range(9):
        i, j = divmod(index, 3)
        assert PLAIN.window_cells(index) == [(i + a, j + b) for a in range(3) for b in range(3)]
        np.testing.assert_array_equal(PLAIN.terms(index), IMAGE[i : i + 3, j : j + 3] * KERNEL)
        assert PLAIN.sentence(index).endswith(f" = {OUTPUT[i, j]}")
    assert PLAIN.sentence(0) == "Somme : 2 + 1 + 1 = 4"


def test_dilation_stride_and_padding_place_the_window():
    assert PADDED.window_cells(0) == [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    assert PADDED.window_cells(8) == [(3, 3), (3, 5), (5, 3), (5, 5)]
    assert PADDED.terms(0).tolist() == [[0, 0], [0, 1]]


def test_pooling_skips_the_added_cells():
    assert POOLED.terms(3).tolist() == [[7, None], [None, None]]
    assert POOLED.sentence(3) == "Maximum de 7 = 7"
    assert POOLED.sentence(0) == "Maximum de 1 ; 2 ; 4 ; 5 = 5"


@pytest.mark.question("S3 Convolution 2D")
def test_the_last_text_step_reads_the_whole_output():
    lines = convolution.text_step(PLAIN, 8).splitlines()
    assert lines[0] == "Étape 9 sur 9 : ligne 3, colonne 3 de la sortie"
    assert lines[1].split() == ["Image", "Noyau", "Produits", "Sortie"]
    assert [line.split("   ")[-1].strip() for line in lines[2:4]] == ["4  3  4", "2  4  3"]
    assert lines[4].endswith("2  3 [4]")
    assert lines[4].startswith(" 0  0 [1][1][1]")


def test_the_output_fills_up_one_cell_at_a_time():
    for index in range(9):
        assert convolution.text_step(PLAIN, index).count("·") == 8 - index
    assert convolution.text_step(POOLED, 0).splitlines()[-2].startswith(" ·  ·  ·  ·")  # padding


@pytest.mark.parametrize("sliding", [PLAIN, PADDED, POOLED], ids=["plain", "padded", "pooled"])
def test_a_step_is_legible(sliding):
    with convolution.house_style():
        figure = convolution.draw_step(
            sliding, sliding.output.size - 1, title="Un titre accentué : été"
        )
    assert_legible(figure)
    shown = [text.get_text() for text, _ in boxes(figure)]
    for value in sliding.output.reshape(-1):
        assert str(value) in shown
    thick = [p for ax in figure.axes for p in ax.patches if p.get_linewidth() > 2]
    assert len(thick) == np.prod(sliding.window) + 1  # la fenêtre et la case obtenue


def test_a_gif_has_one_frame_per_step_and_lingers_on_the_last(tmp_path):
    path = convolution.save_animation(PLAIN, tmp_path / "new" / "steps.gif", title="S3")
    with Image.open(path) as animation:
        assert animation.n_frames == 9
        frames, durations = [], []
        for index in range(9):
            animation.seek(index)
            frames.append(animation.convert("L").tobytes())
            durations.append(animation.info["duration"])
    assert len(set(frames)) == 9 and durations[-1] > durations[0]


@pytest.mark.parametrize(
    "value, text",
    [
        (4, "4"),
        (np.int64(-3), "-3"),
        (Fraction(7, 9), "0,77"),
        (Fraction(-7, 9), "-0,77"),
        (Fraction(-1, 9), "-0,11"),
        (0.5, "0,50"),
        (2.0, "2"),
        (1e-9, "0,00"),
    ],
)
def test_numbers_are_truncated(value, text):
    assert convolution.format_number(value) == text


def test_rows_bars_layers_are_legible():
    ninths = np.array([[Fraction(k - 4, 9) for k in range(7)]] * 7)
    rows = [[("carte 1", ninths), "→", ("carte 2", ninths[:2, :2])], [("vecteur", ninths[:1])]]
    with convolution.house_style():
        assert_legible(convolution.draw_rows(rows, title="Titre", note="Une note assez longue."))
        assert_legible(
            convolution.draw_layers(
                [("image", (9, 9, 1)), ("filtres", (7, 7, 3)), ("vecteur", (12,))], title="Chaîne"
            )
        )
        figure = convolution.draw_bars(
            [("X", [1, Fraction(5, 9)])], series=["a", "b"], title="Vote"
        )
    assert {text.get_text() for text, _ in boxes(figure)} == {"1", "0,55"}


def test_shading_follows_the_values():
    with convolution.house_style():
        figure = convolution.draw_rows([[("a", [[0, 5, 10]])]], title="t")
    greys = [to_rgb(p.get_facecolor())[0] for p in figure.axes[0].patches]
    assert greys[0] == 1 and greys[0] > greys[1] > greys[2] == pytest.approx(convolution.DARKEST)


def test_curves_show_what_they_are_given():
    with convolution.house_style():
        figure = convolution.draw_curves(
            [0, 1],
            [("CNN", [1, 0.9], [0, 0]), ("dense", [1, 0.2], [0, 0])],
            title="t",
            xlabel="x",
            ylabel="y",
        )
    lines = figure.axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [[1, 0.9], [1, 0.2]]
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 2  # sans couleur


def test_pictures_are_placed_by_row():
    pictures = np.arange(3 * 4).reshape(3, 2, 2)
    figure = convolution.draw_pictures([("X", pictures), ("O", pictures[:1])], title="t")
    assert sum(len(ax.images) for ax in figure.axes) == 4


def test_the_style_does_not_outlive_its_block():
    import matplotlib

    before = matplotlib.rcParams["font.size"], matplotlib.rcParams["savefig.dpi"]
    with convolution.house_style():
        assert matplotlib.rcParams["savefig.dpi"] == 120
    assert (matplotlib.rcParams["font.size"], matplotlib.rcParams["savefig.dpi"]) == before


def test_truncated_numbers_are_announced():
    image, kernel = np.array([[0.05], [0.05]]), np.array([[0.5], [0.5]])
    exact = convolution.Sliding(np.ones((2, 1), int), np.ones((2, 1), int), np.array([[2]]), (2, 1))
    assert "tronqués" not in exact.sentence(0)
    cut = convolution.Sliding(image, kernel, np.array([[0.05]]), (2, 1))
    assert cut.sentence(0) == "Somme : 0,02 + 0,02 = 0,05 (nombres tronqués à deux décimales)"
