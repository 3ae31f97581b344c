import numpy as np
import pytest
from scipy.io import wavfile


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import wavs

    return wavs


def tone(rate_hz=8000, hertz=440, seconds=0.5):
    return np.sin(2 * np.pi * hertz * np.arange(int(rate_hz * seconds)) / rate_hz)


def test_written_sounds_keep_their_ratio(ex20, tmp_path):
    paths = ex20.write_wavs(tmp_path / "d", {"fort": 4 * tone(), "faible": tone()})
    assert [path.name for path in paths] == ["fort.wav", "faible.wav"]
    (rate_hz, loud), (_, quiet) = (wavfile.read(path) for path in paths)
    assert rate_hz == 8000 and loud.dtype == np.int16 and loud.shape == (4000,)
    assert np.abs(loud).max() == pytest.approx(0.9 * 32767, abs=40)
    np.testing.assert_allclose(loud / 4, quiet, atol=1)
    np.testing.assert_allclose(ex20.read_wav(paths[0]), tone(), atol=2e-3)
    assert len(list((tmp_path / "d").iterdir())) == 2  # pas de fichier provisoire


@pytest.mark.filterwarnings("error")
def test_silence_is_written_and_read(ex20, tmp_path):
    (path,) = ex20.write_wavs(tmp_path, {"silence": np.zeros(50)})
    np.testing.assert_array_equal(ex20.read_wav(path), np.zeros(50))


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100, 48000])
@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32"])
def test_any_format_and_rate(ex20, tmp_path, rate_hz, kind):
    samples = 0.8 * tone(rate_hz)
    if kind == "uint8":
        samples = np.round(128 + 127 * samples).astype(np.uint8)
    elif kind != "float32":
        samples = (samples * np.iinfo(kind).max).astype(kind)
    else:
        samples = (1e4 * samples).astype(kind)  # hors de [-1, 1] : permis dans ce format
    wavfile.write(tmp_path / "son.wav", rate_hz, samples)
    found = ex20.read_wav(tmp_path / "son.wav")
    assert found.dtype == np.float32 and len(found) == 4000
    assert np.abs(found).max() == pytest.approx(1)
    middle = slice(200, 3800)  # les bords du rééchantillonnage ondulent
    np.testing.assert_allclose(found[middle], tone()[middle], atol=0.06)


def test_what_8000_hertz_cannot_hold_is_removed(ex20, tmp_path):
    """5000 Hz disparaît ; sans filtre, il reviendrait à 3000 Hz."""
    samples = (tone(44100, 5000) + 0.5 * tone(44100, 1000)).astype(np.float32)
    wavfile.write(tmp_path / "son.wav", 44100, samples)
    found = np.abs(np.fft.rfft(ex20.read_wav(tmp_path / "son.wav")[200:3800]))
    assert found.argmax() == 1000 * 3600 // 8000
    assert found[1300:1400].max() < 0.01 * found.max()


def test_stereo_is_averaged(ex20, tmp_path):
    left, right = tone(hertz=300), tone(hertz=700)
    samples = np.stack([left, right], 1)
    wavfile.write(tmp_path / "son.wav", 8000, (20000 * samples).astype(np.int16))
    expected = (left + right) / np.abs(left + right).max()
    np.testing.assert_allclose(ex20.read_wav(tmp_path / "son.wav"), expected, atol=1e-3)


def write(path, *, rate_hz=8000, samples=(0, 1)):
    wavfile.write(path, rate_hz, np.asarray(samples))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.write_bytes(b"ID3\x04 un MP3"), "n'est pas un fichier WAV lisible"),
        (lambda p: p.write_bytes(b""), "n'est pas un fichier WAV lisible"),
        (lambda p: p.write_bytes(b"RIFF\x10\x00\x00\x00WAVEfmt "), "n'est pas un fichier WAV"),
        (lambda p: write(p, samples=np.zeros(0, np.int16)), "0 échantillons à 8000 Hz"),
        (lambda p: write(p, rate_hz=10, samples=np.ones(9, np.int16)), "à 10 Hz"),
        (lambda p: write(p, samples=np.array([0, np.nan], np.float32)), "nombres finis"),
        (lambda p: write(p, samples=np.array([0, np.inf], np.float32)), "nombres finis"),
        (lambda p: write(p, rate_hz=1000, samples=np.ones(1_200_001, np.uint8)), "dure 1200 s"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_bad_files_are_refused_in_french(ex20, tmp_path, make, message):
    path = tmp_path / "son.wav"
    make(path)
    with pytest.raises(ValueError, match=message):
        ex20.read_wav(path)


def test_every_cut_of_a_file_is_read_or_refused(ex20, tmp_path):
    write(tmp_path / "entier.wav", samples=(3000 * tone(seconds=0.01)).astype(np.int16))
    content, read = (tmp_path / "entier.wav").read_bytes(), 0
    for size in range(len(content)):
        (tmp_path / "coupe.wav").write_bytes(content[:size])
        try:
            assert len(ex20.read_wav(tmp_path / "coupe.wav"))
            read += 1
        except ValueError as error:
            assert "WAV" in str(error) or "échantillons" in str(error)
    assert read < len(content) - 44


def test_a_missing_file_stays_a_system_error(ex20, tmp_path):
    with pytest.raises(FileNotFoundError):
        ex20.read_wav(tmp_path / "absent.wav")
