import numpy as np

from exercises.ex20_source_separation import __main__ as training


def spectrograms(num=6, frames=3, bins=5, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(num, frames, bins)) + 1j).astype(np.complex64)


def test_batches_are_new_but_reproducible():
    def batches(seed):
        return training.Mixtures(
            spectrograms(), spectrograms(seed=1), batch_size=4, seed=seed, augment=None
        )

    first, again, other = batches(0), batches(0), batches(1)
    x, y = first[0]
    assert x.shape == (4, 3, 5, 1) and y.shape == (4, 3, 5, 2) and x.dtype == np.float32
    np.testing.assert_array_equal(x, again[0][0])
    assert np.abs(x - other[0][0]).max() > 0.1
    again.epoch = 1
    assert np.abs(x - again[0][0]).max() > 0.1


def test_examples_are_moduli():
    melodies, percussion = spectrograms(2), spectrograms(2, seed=1)
    levels_db = np.array([6.0, 0])
    x, y = training.examples(melodies, percussion, levels_db)
    gained = melodies * (10 ** (levels_db / 20))[:, None, None]
    np.testing.assert_allclose(y[..., 0], np.abs(gained), rtol=1e-5)
    np.testing.assert_allclose(y[..., 1], np.abs(percussion), rtol=1e-5)
    ratio = x[..., 0] / np.abs(gained + percussion)
    np.testing.assert_allclose(ratio, ratio[:, :1, :1] * np.ones((1, 3, 5)), rtol=1e-4)
