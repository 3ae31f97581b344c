"""BLEU, contre des valeurs calculées à la main."""

import math

import pytest

from exercises.ex25_captions.bleu import bleu, brevity_penalty, matches

QUESTION = "S3, image captioning"


@pytest.mark.question(QUESTION)
def test_the_example_of_the_paper():
    """Papineni et al., §2.1 : sept « the », dont la référence n'a que deux."""
    assert matches(["the"] * 7, "the cat is on the mat".split(), 1) == (2, 7)


@pytest.mark.question(QUESTION)
def test_known_values():
    said = ["un sac rouge en haut".split()]
    truth = ["un sac bleu en haut à gauche".split()]
    penalty = math.exp(1 - 7 / 5)
    assert bleu(said, truth, order=1) == pytest.approx(penalty * 4 / 5)
    assert bleu(said, truth, order=2) == pytest.approx(penalty * math.sqrt(4 / 5 * 2 / 4))
    assert bleu(said, truth, order=3) == 0  # aucune suite de trois
    # Dans l'autre sens, rien ne manque : 4 mots sur 7, 2 paires sur 6.
    assert bleu(truth, said, order=2) == pytest.approx(math.sqrt(4 / 7 * 2 / 6))


def test_counts_are_pooled_over_the_sentences():
    """Une phrase parfaite de deux mots n'a aucun triplet, et ne l'empêche pas d'en compter."""
    said = ["a b".split(), "a b c d x".split()]
    truth = ["a b".split(), "a b c d y".split()]
    shares = 6 / 7, 4 / 5, 2 / 3, 1 / 2
    for order in range(1, 5):
        expected = math.prod(shares[:order]) ** (1 / order)
        assert bleu(said, truth, order=order) == pytest.approx(expected)


def test_who_says_little_is_punished_and_who_says_more_is_not():
    assert brevity_penalty(10, 10) == brevity_penalty(12, 10) == 1
    assert brevity_penalty(5, 10) == pytest.approx(math.exp(-1))
    assert brevity_penalty(0, 10) == 0
    assert bleu([[]], [["a"]], order=1) == 0
