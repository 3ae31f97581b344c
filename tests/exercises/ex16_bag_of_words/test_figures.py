import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from convnets.core.reports import Headline, Report
from convnets.training.study import summarise
from exercises.ex16_bag_of_words.dictionary import Dictionary
from exercises.ex16_bag_of_words.encoding import build_distances


@pytest.fixture(scope="module")
def ex16():
    from exercises.ex16_bag_of_words import figures

    return figures


def planted(num_words=30):
    rng = np.random.default_rng(0)
    whitening = np.eye(108, dtype=np.float32) - np.float32(1 / 108)
    return Dictionary(whitening, rng.normal(0, 1, (num_words, 108)).astype(np.float32))


def report():
    rng = np.random.default_rng(0)
    names = [f"{c}_{s}" for c in ("hard", "hard_quarters", "soft", "soft_quarters") for s in (5, 9)]
    measures = ["accuracy", *(f"accuracy_{k}" for k in ("pixels", "cnn", "cnn_long")), *names]
    timed = ["pixels", "cnn", "cnn_long", *names]

    return Report(
        command="",
        metrics={name: summarise([rng.uniform(0.2, 0.7)]) for name in measures},
        headline=[Headline("accuracy", "sac")],
        parameters={"bag": 123, "cnn": 456},
        num_images={"train": 10},
        details={
            "cpu_s": {name: summarise([k + 2]) for k, name in enumerate(timed)},
            "sizes": [5, 9],
        },
    )


def test_every_dotted_line_is_named_in_the_legend(ex16, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: drawn.append(self))
    ex16.save_comparison(report(), tmp_path / "sac.png")
    (figure,) = drawn
    dotted = {line.get_color() for line in figure.axes[0].lines if line.get_linestyle() == ":"}
    (legend,) = figure.legends
    lines = [each for each in legend.findobj(Line2D) if each.get_linestyle() == ":"]
    assert len(dotted) == 3 and dotted == {line.get_color() for line in lines}


def test_tile_puts_pictures_in_reading_order(ex16):
    pictures = np.arange(5, dtype=np.float32)[:, None, None, None] / 10 * np.ones((1, 2, 3, 3))
    page = ex16.tile(pictures, 3)
    assert page.shape == (2 * 3 - 1, 3 * 4 - 1, 3)
    for k in range(5):
        row, column = divmod(k, 3)
        square = page[3 * row : 3 * row + 2, 4 * column : 4 * column + 3]
        np.testing.assert_allclose(square, k / 10)
    np.testing.assert_array_equal(page[2], 1)  # la séparation
    np.testing.assert_array_equal(page[3:, 8:], 1)  # la place vide
    assert ex16.tile(pictures, 5, gap_px=0).shape == (2, 15, 3)


def test_nearest_words_are_the_smallest_distances(ex16, extract):
    dictionary, x = planted(), extract("cifar10")[0][:2]
    found = ex16.nearest_words(dictionary, x)
    distances = build_distances(dictionary).predict(x, verbose=0)
    assert found.shape == (2, 14, 14)
    chosen = np.take_along_axis(distances, found[..., None], -1)[..., 0]
    np.testing.assert_array_equal(chosen, distances.min(-1))
    # Un mot planté : le morceau lui-même, normalisé.
    from exercises.ex16_bag_of_words.dictionary import normalise

    patch = x[0, 4:10, 8:14].reshape(1, -1).astype(np.float32)
    words = np.concatenate([dictionary.words, normalise(patch) @ dictionary.whitening])
    assert ex16.nearest_words(dictionary._replace(words=words), x)[0, 2, 4] == 30


@pytest.mark.ci
def test_figures_are_written(ex16, extract, tmp_path):
    x = extract("cifar10")[0][:1]
    ex16.save_dictionary(planted(), tmp_path / "d" / "dictionnaire.png")
    both = np.concatenate([x, np.full_like(x, 9)])
    ex16.save_words(planted(), both, ["un", "uni"], tmp_path / "d" / "mots.png")
    ex16.save_comparison(report(), tmp_path / "d" / "comparaison.png")
    for name in ("dictionnaire", "mots", "comparaison"):
        with Image.open(tmp_path / "d" / f"{name}.png") as image:
            assert min(image.size) > 200 and len(image.convert("L").getcolors()) > 20


def test_summary_says_the_measures(ex16):
    text = ex16.summary(report())
    assert text.startswith("sac : ") and "sac 12, réseau 3, plus longtemps 4" in text
    assert "sac 123, réseau 456" in text
