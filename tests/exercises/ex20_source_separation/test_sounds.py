import numpy as np
import pytest

from exercises.ex20_source_separation import __main__ as lesson
from exercises.ex20_source_separation import sounds, timbres
from exercises.ex20_source_separation.timbres import LEARNED, UNSEEN

QUESTION = "S3 CNN & Time-Frequency representation"


@pytest.mark.question(QUESTION)
def test_test_timbres_are_never_learned():
    for learned, unseen in zip(LEARNED, UNSEEN, strict=True):
        assert not {*learned.values()} & {*unseen.values()}
        assert len(learned) >= 3 and len(unseen) >= 3


@pytest.mark.usefixtures("instruments")
@pytest.mark.parametrize("note", [45, 69, 81])
def test_a_note_has_its_pitch_and_dies_away(note):
    found = timbres.play(LEARNED.melodic["piano"], note, 2.0)
    assert found.shape == (16000,)
    spectrum = np.abs(np.fft.rfft(found * np.hanning(16000)))
    assert spectrum.argmax() / 2 == pytest.approx(440 * 2 ** ((note - 69) / 12), abs=0.5)
    loudness = [np.abs(found[place : place + 400]).max() for place in (0, 7800, 15000)]
    assert np.diff(20 * np.log10(loudness)) == pytest.approx([-10, 0], abs=0.8)  # puis plus rien
    assert abs(found[-1]) < 0.02


@pytest.mark.usefixtures("instruments")
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
