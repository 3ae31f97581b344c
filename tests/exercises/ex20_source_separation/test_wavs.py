import numpy as np
import pytest
from scipy.io import wavfile

from exercises.ex20_source_separation import wavs


def tone(rate_hz=8000, hertz=440, seconds=0.5):
    return np.sin(2 * np.pi * hertz * np.arange(int(rate_hz * seconds)) / rate_hz)


def test_written_sounds_keep_their_ratio(tmp_path):
    paths = wavs.write_wavs(tmp_path / "d", {"fort": 4 * tone(), "faible": tone()})
    assert [path.name for path in paths] == ["fort.wav", "faible.wav"]
    (rate_hz, loud), (_, quiet) = (wavfile.read(path) for path in paths)
    assert rate_hz == 8000 and loud.dtype == np.int16 and loud.shape == (4000,)
    assert np.abs(loud).max() == pytest.approx(0.9 * 32767, abs=40)
    np.testing.assert_allclose(loud / 4, quiet, atol=1)
    np.testing.assert_allclose(wavs.read_wav(paths[0]), tone(), atol=2e-3)


@pytest.mark.parametrize("rate_hz", [8000, 44100])
@pytest.mark.parametrize(
    ("kind", "scale", "middle"),
    [
        ("uint8", 127, 128.5),
        ("int16", 2**15 - 1, 0),
        ("int32", 2**31 - 1, 0),
        ("float32", 1e4, 0),  # hors de [-1, 1] : permis dans ce format
    ],
)
def test_any_format_and_rate(tmp_path, rate_hz, kind, scale, middle):
    samples = (middle + 0.8 * scale * tone(rate_hz)).astype(kind)
    wavfile.write(tmp_path / "son.wav", rate_hz, samples)
    found = wavs.read_wav(tmp_path / "son.wav")
    assert found.dtype == np.float32 and len(found) == 4000
    assert np.abs(found).max() == pytest.approx(1)
    middle = slice(200, 3800)  # les bords du rééchantillonnage ondulent
    np.testing.assert_allclose(found[middle], tone()[middle], atol=0.06)


def test_stereo_is_averaged(tmp_path):
    left, right = tone(hertz=300), tone(hertz=700)
    samples = np.stack([left, right], 1)
    wavfile.write(tmp_path / "son.wav", 8000, (20000 * samples).astype(np.int16))
    expected = (left + right) / np.abs(left + right).max()
    np.testing.assert_allclose(wavs.read_wav(tmp_path / "son.wav"), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("rate_hz", "samples", "message"),
    [
        (8000, np.zeros(0, np.int16), "0 échantillons à 8000 Hz"),
        (1000, np.ones(600_001, np.uint8), "600 s au plus. Coupez"),
    ],
)
def test_an_empty_or_endless_sound_is_refused(tmp_path, rate_hz, samples, message):
    wavfile.write(tmp_path / "son.wav", rate_hz, samples)
    with pytest.raises(ValueError, match=message):
        wavs.read_wav(tmp_path / "son.wav")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [0, 20, 44, 51, 100])
def test_a_cut_file_is_read_or_refused(tmp_path, size):
    wavfile.write(tmp_path / "son.wav", 8000, np.zeros(80, np.int16))
    (tmp_path / "son.wav").write_bytes((tmp_path / "son.wav").read_bytes()[:size])
    if size > 44:
        assert 0 < len(wavs.read_wav(tmp_path / "son.wav")) < 80
    else:
        with pytest.raises(ValueError, match="WAV|échantillons"):
            wavs.read_wav(tmp_path / "son.wav")
