import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from threadpoolctl import threadpool_limits

QUESTION = "S3 Avant le deep"


@pytest.fixture(scope="module")
def ex16():
    from exercises.ex16_bag_of_words import dictionary

    return dictionary


@pytest.fixture(scope="module", autouse=True)
def one_thread(ex16):
    """L'algèbre linéaire à un seul fil : plusieurs s'attendent en tournant à vide."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def few_patches(ex16, monkeypatch):
    monkeypatch.setattr(ex16, "NUM_PATCHES", 2000)


def test_patches_are_pieces_of_the_images(ex16):
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


def test_normalise_forgets_brightness_and_contrast(ex16):
    rng = np.random.default_rng(1)
    patches = rng.uniform(0, 255, (5, 108)).astype(np.float32)
    expected = np.empty((5, 108))
    for k, patch in enumerate(patches.astype(float)):
        mean = sum(patch) / 108
        variance = sum((value - mean) ** 2 for value in patch) / 108
        expected[k] = [(value - mean) / (variance + 10) ** 0.5 for value in patch]
    np.testing.assert_allclose(ex16.normalise(patches), expected, atol=1e-5)
    np.testing.assert_allclose(ex16.normalise(0.5 * patches + 40), expected, atol=1e-2)
    np.testing.assert_array_equal(ex16.normalise(np.full((1, 108), 200.0)), 0)  # un ciel uni


@pytest.mark.question(QUESTION)
def test_whitening_decorrelates_the_pixels(ex16, extract):
    normalised = ex16.normalise(ex16.sample_patches(extract("cifar10")[0], 5000, seed=0))
    matrix = ex16.whitening_matrix(normalised)
    covariance = np.cov(normalised.astype(float), rowvar=False)
    power = fractional_matrix_power(covariance + ex16.EPSILON * np.eye(108), -0.5)
    np.testing.assert_allclose(matrix, power - power.mean(0), atol=2e-4)
    # Deux pixels se ressemblent bien moins.
    before, after = (np.corrcoef(p, rowvar=False) for p in (normalised, normalised @ matrix))
    assert before[0, 3] > 0.75 and after[0, 3] < 0.35  # deux voisins
    others = ~np.eye(108, dtype=bool)
    assert np.abs(before[others]).mean() > 0.2 and np.abs(after[others]).mean() < 0.06
    # Un morceau non centré donne le même résultat.
    np.testing.assert_allclose((normalised + 7) @ matrix, normalised @ matrix, atol=1e-3)


@pytest.mark.question(QUESTION)
def test_planted_motifs_are_the_words(ex16, few_patches):
    """Des images d'un seul motif chacune : trois motifs, trois mots, et leur fréquence."""
    rng = np.random.default_rng(0)
    motifs = rng.integers(0, 256, (3, 6, 6, 3), np.uint8)
    x = motifs[[0, 1, 1, 1, 2, 2]]
    found = ex16.learn_dictionary(x, 3, seed=0)
    expected = ex16.normalise(motifs[[1, 2, 0]].reshape(3, -1).astype(np.float32))
    np.testing.assert_allclose(found.words, expected @ found.whitening, atol=1e-2)
    # Remis en pixels, un mot est son motif, clarté et contraste en moins.
    pictures = ex16.word_pictures(found)
    assert pictures.shape == (3, 6, 6, 3) and pictures.dtype == np.uint8
    for picture, patch in zip(pictures.reshape(3, -1), expected, strict=True):
        assert np.corrcoef(picture, patch)[0, 1] > 0.999
        assert np.abs(picture - 127.5).max() == pytest.approx(127.5, abs=1)
    # Un mot presque uni reste gris : l'étirer ferait croire à un motif.
    words = found.words * np.array([[1.0], [1.0], [0.01]])
    plain = ex16.word_pictures(found._replace(words=words))[2]
    assert 0 < np.abs(plain - 127.5).max() < 5
