import numpy as np
import pytest

QUESTION = "S3 CNN & Time-Frequency representation"
SECOND = np.arange(8000) / 8000


@pytest.fixture(scope="module")
def timbres():
    from exercises.ex20_source_separation import timbres as ex20_timbres

    return ex20_timbres


def power(sound):
    """Énergie à chaque fréquence, au hertz près, de somme 1."""
    found = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return found / found.sum()


@pytest.mark.question(QUESTION)
def test_test_timbres_are_never_learned(timbres):
    for kind in ("melodic", "percussive"):
        learned, unseen = getattr(timbres.LEARNED, kind), getattr(timbres.UNSEEN, kind)
        assert not set(learned) & set(unseen)
        assert not {*learned.values()} & {*unseen.values()}
        assert len(learned) >= 3 and len(unseen) >= 3


@pytest.mark.parametrize("name", ["orgue", "cordes", "anche", "corde pincée", "voix", "cuivre"])
@pytest.mark.parametrize("frequency_hz", [220, 880])
def test_a_note_has_only_its_harmonics(timbres, name, frequency_hz):
    """À 880 Hz, les partiels au-delà de 4000 Hz sont ôtés : repliés, ils seraient ailleurs."""
    play = {**timbres.LEARNED.melodic, **timbres.UNSEEN.melodic}[name]
    found = power(play(np.random.default_rng(0), frequency_hz, SECOND))
    hertz = np.arange(len(found))
    gaps = np.abs(hertz - frequency_hz * np.round(hertz / frequency_hz))
    expected = (gaps < 5 + 0.025 * hertz) & (hertz > frequency_hz / 2)  # la largeur du vibrato
    assert found[expected].sum() > 0.99
    if name == "anche":
        assert found[2 * frequency_hz - 40 : 2 * frequency_hz + 40].sum() < 1e-3


def test_vibrato_stays_between_its_bounds(timbres):
    phase = timbres._phase(np.random.default_rng(3), 440, SECOND, vibrato=(0.01, 0.01))
    hertz = np.diff(phase) * 8000 / (2 * np.pi)
    assert hertz.max() == pytest.approx(440 * 1.01, rel=1e-3)
    assert hertz.min() == pytest.approx(440 * 0.99, rel=1e-3)


def test_envelope_rises_and_falls(timbres):
    found = timbres._envelope(SECOND, attack_s=0.1, release_s=0.2)
    assert found[0] == 0 and found[-1] == 0
    np.testing.assert_allclose(found[[400, 4000, 7199]], [0.5, 1, 0.5], atol=1e-9)


def test_hits_are_where_they_should_be(timbres):
    t, learned, unseen = SECOND[:2800], timbres.LEARNED.percussive, timbres.UNSEEN.percussive
    share_below = {}
    for name, play in {**learned, **unseen}.items():
        sound = play(np.random.default_rng(1), t)
        assert sound.shape == t.shape and np.isfinite(sound).all()
        energy = np.cumsum(sound**2) / np.sum(sound**2)
        assert energy[1600] > 0.9, name  # bref
        hertz = np.fft.rfftfreq(len(t), 1 / 8000)
        spectrum = np.abs(np.fft.rfft(sound)) ** 2
        share_below[name] = spectrum[hertz < 1000].sum() / spectrum.sum()
    assert share_below["grosse caisse"] > 0.9 and share_below["tom"] > 0.6
    assert share_below["charleston"] < 0.1 and share_below["maracas"] < 0.2


def test_same_generator_same_sound(timbres):
    for kind in (*timbres.LEARNED.melodic.values(), *timbres.UNSEEN.melodic.values()):
        first, again = (kind(np.random.default_rng(5), 300.0, SECOND[:800]) for _ in range(2))
        np.testing.assert_array_equal(first, again)
