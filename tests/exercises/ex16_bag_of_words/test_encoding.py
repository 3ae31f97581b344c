import numpy as np
import pytest

from exercises.ex16_bag_of_words.dictionary import Dictionary, normalise

QUESTION = "S3 Avant le deep"
WORDS = 7


@pytest.fixture(scope="module")
def ex16():
    from exercises.ex16_bag_of_words import encoding

    return encoding


def planted(num_words=WORDS, seed=0):
    """Un dictionnaire quelconque : le codage doit en suivre les formules, quel qu'il soit."""
    rng = np.random.default_rng(seed)
    whitening = rng.normal(0, 0.3, (108, 108)).astype(np.float32)
    words = rng.normal(0, 2, (num_words, 108)).astype(np.float32)
    return Dictionary(whitening - whitening.mean(0), words)


def slow_distances(dictionary, image):
    """La distance de chaque morceau à chaque mot, une boucle à la fois."""
    found = np.empty((14, 14, len(dictionary.words)))
    for i in range(14):
        for j in range(14):
            patch = image[2 * i : 2 * i + 6, 2 * j : 2 * j + 6].reshape(1, -1).astype(np.float32)
            v = (normalise(patch) @ dictionary.whitening)[0].astype(float)
            for k, word in enumerate(dictionary.words):
                found[i, j, k] = np.sqrt(((v - word) ** 2).sum())
    return found


@pytest.mark.question(QUESTION)
def test_distances_are_those_of_a_loop(ex16, extract):
    dictionary, x = planted(), extract("cifar10")[0][:3]
    model = ex16.build_distances(dictionary)
    assert model.output_shape == (None, 14, 14, WORDS) and model.inputs[0].dtype == "uint8"
    assert model.count_params() == 108 * 108 + 108 * WORDS + WORDS
    found = model.predict(x, verbose=0)
    for each, image in zip(found, x, strict=True):
        np.testing.assert_allclose(each, slow_distances(dictionary, image), rtol=1e-4)


@pytest.mark.filterwarnings("error")
def test_a_plain_image_is_not_a_nan(ex16):
    x = np.full((1, 32, 32, 3), 255, np.uint8)
    found = ex16.build_distances(planted()).predict(x, verbose=0)[0]
    norms = np.linalg.norm(planted().words, axis=1)  # un morceau uni, normalisé, est nul
    np.testing.assert_allclose(found, np.broadcast_to(norms, found.shape), atol=1e-4)


def test_the_dictionary_can_be_read_back(ex16):
    dictionary = planted()
    found = ex16.read_dictionary(ex16.build_distances(dictionary))
    for got, expected in zip(found, dictionary, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.question(QUESTION)
def test_codes_are_those_of_a_loop(ex16):
    distances = np.random.default_rng(0).uniform(0, 9, (2, 3, 3, WORDS)).astype(np.float32)
    hard, soft = ex16.hard_code(distances), ex16.triangle_code(distances)
    for where in np.ndindex(2, 3, 3):
        d = distances[where]
        expected = np.zeros((2, WORDS))
        expected[0, min(range(WORDS), key=lambda k: d[k])] = 1
        for k in range(WORDS):
            expected[1, k] = max(0, sum(d) / WORDS - d[k])
        np.testing.assert_allclose(np.array([hard[where], soft[where]]), expected, atol=1e-5)


@pytest.mark.question(QUESTION)
def test_the_histogram_counts_the_nearest_words(ex16, extract):
    dictionary, x = planted(), extract("cifar10")[0][:4]
    encoded = ex16.encode(ex16.build_encoder(dictionary), x)
    assert {name: code.shape for name, code in encoded.items()} == {
        "hard": (4, 2, 2, WORDS),
        "soft": (4, 2, 2, WORDS),
    }
    for k, image in enumerate(x):
        distances = slow_distances(dictionary, image)
        nearest = distances.argmin(-1)
        for i in range(2):
            for j in range(2):
                quarter = np.s_[7 * i : 7 * i + 7, 7 * j : 7 * j + 7]
                counts = np.bincount(nearest[quarter].ravel(), minlength=WORDS)
                np.testing.assert_allclose(encoded["hard"][k, i, j] * 49, counts, atol=1e-4)
                part = distances[quarter]
                soft = np.maximum(0, part.mean(-1, keepdims=True) - part).mean((0, 1))
                np.testing.assert_allclose(encoded["soft"][k, i, j], soft, atol=1e-4)
        whole = np.bincount(nearest.ravel(), minlength=WORDS) / 196
        np.testing.assert_allclose(ex16.features(encoded, "hard")[k], whole, atol=1e-6)
    assert ex16.features(encoded, "soft_quarters").shape == (4, 4 * WORDS)
    np.testing.assert_allclose(
        ex16.features(encoded, "soft"),
        ex16.features(encoded, "soft_quarters").reshape(4, 4, WORDS).mean(1),
        atol=1e-6,
    )


@pytest.mark.question(QUESTION)
def test_the_bag_forgets_where_and_the_quarters_do_not(ex16):
    """Un même motif dans deux coins opposés : même sac, mais pas mêmes quarts."""
    motif = np.random.default_rng(5).integers(0, 256, (6, 6, 3), np.uint8)
    x = np.full((2, 32, 32, 3), 90, np.uint8)
    x[0, 6:12, 4:10] = x[1, 18:24, 20:26] = motif
    dictionary = planted(40)
    encoded = ex16.encode(ex16.build_encoder(dictionary), x)
    for coding in ("hard", "soft"):
        first, second = ex16.features(encoded, coding)
        np.testing.assert_allclose(first, second, atol=1e-5)
        assert np.count_nonzero(first) > 1  # le motif a ses mots
        first, second = ex16.features(encoded, f"{coding}_quarters")
        assert np.abs(first - second).max() > 1e-2
