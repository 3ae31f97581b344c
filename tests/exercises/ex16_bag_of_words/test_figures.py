"""Une image en mots : chaque morceau est remplacé par le mot le plus proche."""

import contextlib

import numpy as np
import pytest
from matplotlib.figure import Figure

from exercises.ex16_bag_of_words import figures
from exercises.ex16_bag_of_words.dictionary import word_pictures
from exercises.ex16_bag_of_words.encoding import build_distances
from tests.exercises.ex16_bag_of_words.test_encoding import planted, slow_distances


@pytest.mark.ci
def test_each_piece_is_replaced_by_its_nearest_word(extract, monkeypatch):
    image, axes = extract("cifar10")[0][1], Figure().subplots(1, 3, squeeze=False)
    drawn = contextlib.nullcontext((None, axes))
    monkeypatch.setattr(figures, "new_figure", lambda *_, **__: drawn)
    figures.save_words(build_distances(planted()), image, "prédiction : Bateau", "mots.png")
    shown, replaced, histogram = axes[0]
    np.testing.assert_array_equal(shown.images[0].get_array(), image)
    nearest = slow_distances(planted(), image).argmin(-1)
    expected = word_pictures(planted())[nearest].transpose(0, 2, 1, 3, 4).reshape(84, 84, 3)
    np.testing.assert_array_equal(replaced.images[0].get_array(), expected)
    assert histogram.patches[0].get_xy()[:, 1].max() == np.bincount(nearest.ravel()).max()
