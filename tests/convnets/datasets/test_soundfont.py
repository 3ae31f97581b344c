"""Le soundfont : les zones d'un fichier de deux notes, ou une phrase qui dit quoi faire."""

import numpy as np
import pytest

from convnets.core.files import file_sha256
from convnets.datasets import packages, soundfont


def chunk(name, fields, *rows):
    content = np.array([*rows], fields).tobytes()
    return name + len(content).to_bytes(4, "little") + content


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    soundfont.load_instruments.cache_clear()
    yield tmp_path / "datasets" / "cours-cnn" / soundfont.NAME
    soundfont.load_instruments.cache_clear()


def test_zones_say_what_to_play(cached, monkeypatch):
    cached.parent.mkdir(parents=True)
    cached.write_bytes(
        chunk(b"smpl", "<i2", *range(100))
        + chunk(b"inst", "S20,u2", (b"Un\0reste", 0), (b"EOI", 2))
        + chunk(b"ibag", "u2,u2", (0, 0), (3, 0), (9, 0))
        + chunk(
            b"igen",
            "u2,i2",
            *((soundfont.KEYS, 59 << 8), (soundfont.LOOPS, 1), (soundfont.SAMPLE, 0)),
            *((soundfont.KEYS, 127 << 8 | 60), (soundfont.ROOT, 72), (soundfont.FINE, 50)),
            *((soundfont.DECAY, 1200), (soundfont.SUSTAIN, 120), (soundfont.SAMPLE, 1)),
        )
        + chunk(
            b"shdr",
            soundfont.RECORD,
            (b"grave", 10, 30, 15, 25, 22050, 48, 0, 0, 1),
            (b"aigu", 40, 90, 40, 90, 44100, 60, 0, 0, 1),
        )
    )
    monkeypatch.setattr(soundfont, "SHA256", file_sha256(cached))
    low, high = soundfont.load_instruments()["Un"]
    assert low[:4] == (0, 59, 48, 22050) and low.loop == (5, 15) and low.sustain_db == 0
    np.testing.assert_allclose(low.wave * 2**15, np.arange(10, 30))
    assert high[:4] == (60, 127, 71.5, 44100) and high.loop is None
    assert (high.decay_db_s, high.sustain_db) == (50, 12)  # cent décibels en deux secondes


def test_without_a_network_a_sentence_says_what_to_do(cached, monkeypatch):
    def offline(name, folder):
        raise ConnectionError("pas de réseau")

    monkeypatch.setattr(packages, "pip_download", offline)
    with pytest.raises(FileNotFoundError, match=f"déposer {soundfont.NAME}, que contient"):
        soundfont.load_instruments()
