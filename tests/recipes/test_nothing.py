"""Les colonnes « rien de cela » : elles séparent, et les sources rangent leurs images."""

import numpy as np
import pytest
from scipy.special import logsumexp

from convnets.datasets import elsewhere
from recipes import nothing

NUM_CLASSES = 3


def described(rng, centres, count):
    """Rend des caractéristiques autour de centres, et les scores de trois classes."""
    features = centres[rng.integers(len(centres), size=count)] + rng.normal(size=(count, 8)) / 4
    return np.hstack([features, features[:, :NUM_CLASSES]]).astype("float32")


def test_columns_separate_the_classes_from_several_other_things(monkeypatch):
    """Quatre sortes d'étrangères, de tous les côtés : aucune droite ne les séparerait."""
    monkeypatch.setattr(nothing, "LEARNING_RATE", 0.05)
    rng, axes = np.random.default_rng(0), 4 * np.eye(8)
    known, strange = axes[:3], np.concatenate([axes[4:6], -axes[4:6]])
    x = described(rng, known, 600)
    lots = nothing.Lots(x, np.full(600, 1 / 600), x, described(rng, strange, 600))
    kernel, bias = nothing.fit(lots, NUM_CLASSES)
    assert kernel.shape == (8, nothing.COLUMNS)

    def familiarity(found):
        features, scores = found[:, :-NUM_CLASSES], found[:, -NUM_CLASSES:]
        return logsumexp(scores, 1) - logsumexp(features @ kernel + bias, 1)

    assert (familiarity(described(rng, known, 200)) > 0).mean() > 0.95
    assert (familiarity(described(rng, strange, 200)) < 0).mean() > 0.95


@pytest.fixture
def folder(tmp_path):
    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def names(paths):
    return [path.name for path in paths]


def test_an_object_of_caltech_is_strange_and_a_plane_is_known(folder):
    found = elsewhere._caltech(folder("airplanes/a.jpg", "chair/b.jpg", "wild_cat/c.jpg"))
    assert (names(found.known), names(found.strange)) == (["a.jpg"], ["b.jpg"])


def test_pictures_of_the_development_list_are_not_learned(folder):
    pictures = [f"{kind}/{number}.jpg" for kind in ("dog", "house") for number in range(5)]
    found = elsewhere._pacs(folder(*pictures))
    assert names(found.known) == names(found.strange) == ["1.jpg", "2.jpg", "3.jpg"]


def test_the_thousand_classes_are_sorted_by_their_rank(folder):
    found = elsewhere._imagenet(folder(*(f"n{rank:04d}.JPEG" for rank in range(1000))))
    assert len(found.known) == 212 and "n0281.JPEG" in names(found.known)  # un chat tigré
    assert "n0508.JPEG" in names(found.strange)  # un clavier
    assert len(found.known) + len(found.strange) + len(elsewhere.IMAGENET_UNSURE) == 1000
