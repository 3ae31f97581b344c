import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from threadpoolctl import threadpool_limits

from exercises.ex16_bag_of_words import dictionary as ex16

QUESTION = "S3 Avant le deep"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """L'algèbre linéaire à un seul fil : plusieurs s'attendent en tournant à vide."""
    with threadpool_limits(1):
        yield


def test_patches_are_pieces_of_the_images():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (3, 9, 11, 3), np.uint8)  # ni carrées, ni de 32 pixels
    pieces = {
        x[k, i : i + 6, j : j + 6].tobytes() for k in range(3) for i in range(4) for j in range(6)
    }
    found = ex16.sample_patches(x, 1000, seed=0)
    assert found.shape == (1000, 108) and found.dtype == np.float32
    seen = {patch.astype(np.uint8).tobytes() for patch in found}
    assert seen == pieces  # les 72 positions, et elles seules : mille tirages suffisent
    np.testing.assert_array_equal(ex16.sample_patches(x, 1000, seed=0), found)
    assert not np.array_equal(ex16.sample_patches(x, 1000, seed=1), found)


def test_normalise_forgets_brightness_and_contrast():
    rng = np.random.default_rng(1)
    patches = rng.uniform(0, 255, (5, 108)).astype(np.float32)
    expected = [(patch - np.mean(patch)) / (np.var(patch) + 10) ** 0.5 for patch in patches]
    np.testing.assert_allclose(ex16.normalise(patches), expected, atol=1e-5)
    np.testing.assert_array_equal(ex16.normalise(np.full((1, 108), 200.0)), 0)  # un ciel uni


@pytest.mark.question(QUESTION)
def test_whitening_decorrelates_the_pixels(extract):
    normalised = ex16.normalise(ex16.sample_patches(extract("cifar10")[0], 5000, seed=0))
    matrix = ex16.whitening_matrix(normalised)
    covariance = np.cov(normalised.astype(float), rowvar=False)
    power = fractional_matrix_power(covariance + ex16.EPSILON * np.eye(108), -0.5)
    np.testing.assert_allclose(matrix, power - power.mean(0), atol=2e-4)
    # Un morceau non centré donne le même résultat.
    np.testing.assert_allclose((normalised + 7) @ matrix, normalised @ matrix, atol=1e-3)


@pytest.mark.question(QUESTION)
def test_planted_motifs_are_the_words(monkeypatch):
    """Des images d'un seul motif chacune : trois motifs, trois mots, et leur fréquence."""
    monkeypatch.setattr(ex16, "NUM_PATCHES", 2000)
    rng = np.random.default_rng(0)
    motifs = rng.integers(0, 256, (3, 6, 6, 3), np.uint8)
    x = motifs[[0, 1, 1, 1, 2, 2]]
    found = ex16.learn_dictionary(x, 3, seed=0)
    expected = ex16.normalise(motifs[[1, 2, 0]].reshape(3, -1).astype(np.float32))
    np.testing.assert_allclose(found.words, expected @ found.whitening, atol=1e-2)
    # Remis en pixels, un mot est son motif, clarté et contraste en moins.
    # Presque uni, il reste gris.
    words = found.words * np.array([[1.0], [1.0], [0.01]])
    first, _, plain = ex16.word_pictures(found._replace(words=words))
    assert np.corrcoef(first.ravel(), expected[0])[0, 1] > 0.999
    assert np.abs(first - 127.5).max() == pytest.approx(127.5, abs=1)
    assert 0 < np.abs(plain - 127.5).max() < 5


def test_words_drawn_at_random_are_whitened_patches(monkeypatch):
    monkeypatch.setattr(ex16, "NUM_PATCHES", 500)
    x = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 3), np.uint8)
    found = ex16.draw_dictionary(x, 7, seed=3)
    patches = ex16.normalise(ex16.sample_patches(x, 500, seed=3))
    np.testing.assert_array_equal(found.whitening, ex16.whitening_matrix(patches))
    np.testing.assert_allclose(found.words, patches[:7] @ found.whitening, atol=1e-4)
