import numpy as np
import pytest

from exercises.ex16_bag_of_words import encoding as ex16
from exercises.ex16_bag_of_words.dictionary import Dictionary, normalise

QUESTION = "S3 Avant le deep"
WORDS = 7


def planted(num_words=WORDS, seed=0):
    """Un dictionnaire quelconque : le codage doit en suivre les formules, quel qu'il soit."""
    rng = np.random.default_rng(seed)
    whitening = rng.normal(0, 0.3, (108, 108)).astype(np.float32)
    words = rng.normal(0, 2, (num_words, 108)).astype(np.float32)
    return Dictionary(whitening - whitening.mean(0), words)


def slow_distances(dictionary, image):
    """La distance de chaque morceau à chaque mot, un morceau à la fois."""
    found = np.empty((14, 14, len(dictionary.words)))
    for i, j in np.ndindex(14, 14):
        patch = image[2 * i : 2 * i + 6, 2 * j : 2 * j + 6].reshape(1, -1).astype(np.float32)
        v = normalise(patch) @ dictionary.whitening
        found[i, j] = np.linalg.norm(v - dictionary.words, axis=1)
    return found


@pytest.mark.question(QUESTION)
def test_distances_are_those_of_a_loop(extract):
    dictionary, x = planted(), extract("cifar10")[0][:1]
    model = ex16.build_distances(dictionary)
    assert not model.trainable_weights  # rien n'y est appris par gradient
    found = model.predict(x, verbose=0)[0]
    np.testing.assert_allclose(found, slow_distances(dictionary, x[0]), rtol=1e-4)
    for got, expected in zip(ex16.read_dictionary(model), dictionary, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.filterwarnings("error")
def test_a_plain_image_is_not_a_nan():
    x = np.full((1, 32, 32, 3), 255, np.uint8)
    found = ex16.build_distances(planted()).predict(x, verbose=0)[0]
    norms = np.linalg.norm(planted().words, axis=1)  # un morceau uni, normalisé, est nul
    np.testing.assert_allclose(found, np.broadcast_to(norms, found.shape), atol=1e-4)


@pytest.mark.question(QUESTION)
def test_the_codes_are_counted_quarter_by_quarter(extract):
    dictionary, x = planted(), extract("cifar10")[0][:1]
    encoded = ex16.build_encoder(dictionary).predict(x, verbose=0)
    distances = slow_distances(dictionary, x[0])
    for i, j in np.ndindex(2, 2):
        part = distances[7 * i : 7 * i + 7, 7 * j : 7 * j + 7].reshape(49, WORDS)
        counts = np.bincount(part.argmin(-1), minlength=WORDS)
        np.testing.assert_allclose(encoded["hard"][0, i, j] * 49, counts, atol=1e-4)
        soft = np.maximum(0, part.mean(-1, keepdims=True) - part).mean(0)
        np.testing.assert_allclose(encoded["soft"][0, i, j], soft, atol=1e-4)
    whole = np.bincount(distances.argmin(-1).ravel(), minlength=WORDS) / 196
    np.testing.assert_allclose(ex16.features(encoded, "hard")[0], whole, atol=1e-6)
