import numpy as np
import pytest

from exercises.ex20_source_separation import timbres

QUESTION = "S3 CNN & Time-Frequency representation"
SECOND = np.arange(8000) / 8000


def power(sound):
    """Énergie à chaque fréquence, au hertz près, de somme 1."""
    found = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return found / found.sum()


@pytest.mark.question(QUESTION)
def test_test_timbres_are_never_learned():
    for kind in ("melodic", "percussive"):
        learned, unseen = getattr(timbres.LEARNED, kind), getattr(timbres.UNSEEN, kind)
        assert not set(learned) & set(unseen)
        assert not {*learned.values()} & {*unseen.values()}
        assert len(learned) >= 3 and len(unseen) >= 3


@pytest.mark.parametrize("name", ["orgue", "cordes", "anche", "corde pincée", "voix", "cuivre"])
@pytest.mark.parametrize("frequency_hz", [220, 880])
def test_a_note_has_only_its_harmonics(name, frequency_hz):
    """À 880 Hz, les partiels au-delà de 4000 Hz sont ôtés : repliés, ils seraient ailleurs."""
    play = {**timbres.LEARNED.melodic, **timbres.UNSEEN.melodic}[name]
    found = power(play(np.random.default_rng(0), frequency_hz, SECOND))
    hertz = np.arange(len(found))
    gaps = np.abs(hertz - frequency_hz * np.round(hertz / frequency_hz))
    expected = (gaps < 5 + 0.025 * hertz) & (hertz > frequency_hz / 2)  # la largeur du vibrato
    assert found[expected].sum() > 0.99
    if name == "anche":
        assert found[2 * frequency_hz - 40 : 2 * frequency_hz + 40].sum() < 1e-3
