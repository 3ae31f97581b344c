"""Les phrases : vraies, comprises, et refusées d'une phrase ; les attributs, exacts."""

import numpy as np
import pytest

from exercises.ex26_text_to_image import sentences

QUESTION = "S3, figure (6)"


@pytest.mark.question(QUESTION)
def test_every_sentence_it_writes_can_be_read_and_says_what_is_true():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 400)
    true = rng.integers(-1, 2, (400, 2))
    written, said = sentences.describe(labels, true, rng=rng)
    assert {noun.label for noun in sentences.NOUNS} == set(range(10))
    assert sentences.encode(written).shape == (400, sentences.MAX_WORDS)
    assert ((said == true) | (said == 0)).all() and 0.6 < np.mean(said[true != 0] != 0) < 0.8
    for sentence, label, each in zip(written, labels, said, strict=True):
        spoken = sentences.split(sentence)
        noun = next(noun for noun in sentences.NOUNS if noun.text in spoken)
        assert noun.label == label and ("une" in spoken) == noun.feminine
        for attribute, level in zip(sentences.ATTRIBUTES, each, strict=True):
            low, high = (pair[noun.feminine] in spoken for pair in attribute[1:])
            assert (low, high) == (level < 0, level > 0)


def test_a_sentence_is_read_whatever_its_capitals_and_apostrophes():
    plain, other = sentences.encode(["l'image d'une robe claire", "  L’image d’une ROBE claire !"])
    assert (plain == other).all() and (plain > 0).sum() == 6
    assert (sentences.encode([""]) == sentences.NOTHING).all()


def test_an_unknown_word_is_said_and_the_eleventh_is_not_read():
    with pytest.raises(ValueError, match="Mot inconnu : « dragon »"):
        sentences.encode(["un dragon clair"])
    long, longer = sentences.encode([" et ".join(["une robe"] * 4), " et ".join(["une robe"] * 5)])
    assert (long == longer).all()


# --- Les attributs -------------------------------------------------------------------


def drawn(height, width, level):
    """Un rectangle uni sur le fond noir."""
    image = np.zeros((28, 28, 1), np.uint8)
    image[14 - height // 2 :][:height, 14 - width // 2 :][:, :width] = level
    return image


def test_the_attributes_are_those_of_a_rectangle():
    images = np.stack([drawn(20, 10, 200), drawn(10, 20, 60), np.zeros((28, 28, 1), np.uint8)])
    assert sentences.lightness(images).tolist() == [200, 60, 0]
    assert sentences.width(images).tolist() == [0.5, 2, 0]


def test_a_third_of_each_class_is_dark_and_a_third_is_light():
    shades = np.arange(30, 90)
    images = np.stack([drawn(20, 10, shade) for shade in shades])
    labels = (shades >= 60).astype(int)  # une classe sombre, une claire
    found = sentences.levels(images, labels, sentences.thirds(images, labels))
    assert found[:, 0].tolist() == ([-1] * 10 + [0] * 10 + [1] * 10) * 2
    assert (found[:, 1] == -1).all()  # toutes de même allure : aucune n'est large
