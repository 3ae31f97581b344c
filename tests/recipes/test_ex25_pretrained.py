"""La base déjà apprise, à côté du réseau de la leçon 25."""

import numpy as np
import pytest

from exercises.ex25_captions import products

pytestmark = pytest.mark.usefixtures("eager")


@pytest.mark.ci
def test_a_base_answers_from_what_it_says_of_each_picture():
    """Des moyennes qui disent chaque attribut : tout est trouvé ; les mêmes, mêlées : presque rien.

    Les phrases sont celles de la grammaire, comparées à celles des vrais attributs.
    """
    from recipes import ex25_pretrained as recipe

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (600, 5))
    x = np.repeat(labels, 4, axis=1).astype(np.float32) + rng.normal(0, 0.1, (600, 20))
    x = x.astype(np.float32)
    mixed = rng.permutation(x)
    known = recipe.Means({"pretrained": x, "pretrained_64": mixed}, labels)
    found = recipe.answer(known, known, seed=0)
    assert (found["pretrained"] == labels).mean() > 0.95
    assert (found["pretrained_64"] == labels).mean() < 0.85
    test = products.Album(np.zeros((600, 8, 8, 3), np.uint8), labels, np.arange(600))
    said = {name: products.write_sentences(each) for name, each in found.items()}
    metrics, right = products.measure(said, found, test)
    assert metrics["exact_pretrained"] == right["exact_pretrained"].mean() > 0.7
    assert metrics["bleu4_pretrained"] > metrics["bleu4_pretrained_64"]
