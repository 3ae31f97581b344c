import numpy as np
import pytest

from exercises.ex20_source_separation import __main__ as lesson
from exercises.ex20_source_separation import sounds
from exercises.ex20_source_separation.timbres import LEARNED

QUESTION = "S3 CNN & Time-Frequency representation"


def test_first_sounds_do_not_depend_on_how_many():
    few, more = sounds.make_mixtures(2, LEARNED, seed=4), sounds.make_mixtures(3, LEARNED, seed=4)
    np.testing.assert_array_equal(few, more[:2])
    assert np.abs(few - sounds.make_mixtures(2, LEARNED, seed=5)).max() > 0.1
    assert np.abs(more[0] - more[1]).max() > 0.1


@pytest.mark.question(QUESTION)
def test_levels_are_exact_decibels():
    melodies, percussion = np.random.default_rng(0).normal(size=(2, 4, 50))
    levels_db = np.array([-6.0, 0.0, 3.5, 20.0])
    mixed = sounds.mix(melodies, percussion, levels_db)
    np.testing.assert_array_equal(mixed[:, 1], percussion)
    before = 10 * np.log10((melodies**2).sum(1) / (percussion**2).sum(1))
    after = 10 * np.log10((mixed[:, 0] ** 2).sum(1) / (mixed[:, 1] ** 2).sum(1))
    np.testing.assert_allclose(after - before, levels_db)


def test_batches_are_new_but_reproducible():
    rng = np.random.default_rng(0)
    melodies, percussion = rng.normal(size=(2, 6, 3, 5)) + 1j

    def batches(seed):
        return lesson.Mixtures(melodies, percussion, batch_size=4, seed=seed, augment=None)

    first, again, other = batches(0), batches(0), batches(1)
    x, y = first[0]
    assert x.shape == (4, 3, 5, 1) and y.shape == (4, 3, 5, 2) and x.dtype == np.float32
    np.testing.assert_array_equal(x, again[0][0])
    assert np.abs(x - other[0][0]).max() > 0.1
    again.epoch = 1
    assert np.abs(x - again[0][0]).max() > 0.1
