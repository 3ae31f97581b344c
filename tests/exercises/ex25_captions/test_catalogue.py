"""Un article dit en français : accords, mots, réponses."""

from pathlib import Path

import numpy as np
import pytest

from convnets.datasets.products import Product
from exercises.ex25_captions import catalogue
from exercises.ex25_captions.catalogue import ATTRIBUTES, FIRST
from exercises.ex25_captions.grammar import split

QUESTION = "S3, image captioning"


def article(kind, color, style="Casual", gender="Women", season="Summer"):
    return Product(12, Path("12.jpg"), kind, color, style, gender, season)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    "product, sentence",
    [
        (article("Dresses", "Red"), "une robe rouge décontractée, pour femme, d'été"),
        (
            article("Trousers", "Blue", "Formal", "Men", "Fall"),
            "un pantalon bleu habillé, pour homme, d'automne",
        ),
        (
            article("Casual Shoes", "White", "Sports", "Boys", "Winter"),
            "des chaussures de loisir blanches sportives, pour garçon, d'hiver",
        ),
        (  # une couleur de deux mots ne s'accorde pas, le style si
            article("Kurtas", "Navy Blue", "Ethnic", "Unisex", "Spring"),
            "une kurta bleu marine traditionnelle, pour tous, de printemps",
        ),
    ],
)
def test_adjectives_agree_with_the_noun(product, sentence):
    assert catalogue.describe_product(catalogue.find_labels(product)) == sentence


def test_an_article_without_a_french_word_is_left_out():
    assert catalogue.find_labels(article("Dresses", "NA")) is None
    assert catalogue.find_labels(article("Footballs", "Red")) is None


def all_labels():
    """Chaque valeur de chaque attribut, au moins une fois."""
    sizes = [len(attribute.answers) for attribute in ATTRIBUTES.values()]
    return np.stack([np.arange(max(sizes)) % size for size in sizes], axis=1)


def test_every_word_has_a_number_and_the_longest_sentence_fits():
    labels = all_labels()
    captions = catalogue.encode_captions(labels)
    found = [catalogue.to_words(numbers) for numbers in captions]
    assert found == [split(catalogue.describe_product(each)) for each in labels]
    longest = [max(np.unique(labels[:, k]), key=lambda x, k=k: words(k, x)) for k in range(5)]
    assert len(split(catalogue.describe_product(longest))) + 1 == catalogue.MAX_SAID


def words(k, label):
    labels = [0] * len(ATTRIBUTES)
    labels[k] = label
    return len(split(catalogue.describe_product(labels)))


def test_an_answer_is_chosen_among_those_of_its_question():
    labels = all_labels()
    ranks = catalogue.encode_answers(labels)
    assert ((ranks >= FIRST[:-1]) & (ranks < FIRST[1:])).all()
    assert catalogue.ANSWERS[ranks[5, 1]] == "rouge"
    probabilities = 0.1 * np.eye(len(catalogue.ANSWERS))[ranks]
    probabilities[:, 1:, 0] = 1  # « un tee-shirt », à « de quelle couleur ? »
    np.testing.assert_array_equal(catalogue.decode_answers(probabilities), labels)
