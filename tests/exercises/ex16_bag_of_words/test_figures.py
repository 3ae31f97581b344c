"""Ce que montrent les figures : une image en mots, et qui gagne."""

import contextlib

import numpy as np
import pytest
from matplotlib.figure import Figure

from exercises.ex16_bag_of_words import figures
from exercises.ex16_bag_of_words.dictionary import word_pictures
from exercises.ex16_bag_of_words.encoding import build_distances, read_dictionary
from tests.exercises.ex16_bag_of_words.test_encoding import planted, slow_distances


@pytest.fixture
def drawn(monkeypatch):
    """Les cadres de la dernière figure, qui n'est pas écrite."""
    axes = []

    def figure(path, *, columns=1, **_):
        axes[:] = Figure().subplots(1, columns, squeeze=False)
        return contextlib.nullcontext((None, np.array(axes)))

    monkeypatch.setattr(figures, "new_figure", figure)
    return axes


def test_each_piece_is_replaced_by_its_nearest_word(extract, drawn):
    image, model = extract("cifar10")[0][1], build_distances(planted())
    figures.save_words(model, image, "prédiction : Bateau", "mots.png")
    shown, replaced, histogram = drawn[0]
    assert shown.get_title() == "prédiction : Bateau"
    np.testing.assert_array_equal(shown.images[0].get_array(), image)
    nearest, words = slow_distances(planted(), image).argmin(-1), word_pictures(planted())
    found = replaced.images[0].get_array()
    assert found.shape == (14 * 6, 14 * 6, 3)
    for i, j in np.ndindex(14, 14):
        tile = found[6 * i : 6 * i + 6, 6 * j : 6 * j + 6]
        np.testing.assert_array_equal(tile, words[nearest[i, j]])
    assert histogram.patches[0].get_xy()[:, 1].max() == np.bincount(nearest.ravel()).max()
    figures.save_dictionary(model, "mots.png")
    mosaic = drawn[0][0].images[0].get_array()
    np.testing.assert_array_equal(mosaic[:6, :6], word_pictures(read_dictionary(model))[0])


def test_every_rival_is_on_the_comparison(drawn):
    metrics = {f"{name}_{size}": 0.3 for name in figures.NAMES_FR for size in figures.SIZES}
    metrics |= {"soft_50": 0.55, "accuracy_pixels": 0.35, "accuracy_cnn": 0.75}
    figures.save_comparison(metrics, "comparaison.png")
    axis = drawn[0][0]
    lines = {line.get_label(): [*line.get_ydata()] for line in axis.lines}
    assert lines.pop("au hasard") == [10, 10]  # dix classes
    assert lines["codage doux"] == pytest.approx([55, 30, 30])
    assert lines["réseau de convolution"] == pytest.approx([75] * 3) and len(lines) == 6
    low, high = axis.get_ylim()
    assert low == 0 and max(map(max, lines.values())) < high
    assert len(axis.get_legend().texts) == 7
