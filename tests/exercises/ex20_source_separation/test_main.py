import numpy as np
import pytest
from scipy.io import wavfile

from convnets.core import reports
from convnets.core.intervals import Interval, sign
from convnets.training import saving
from exercises.ex20_source_separation import __main__ as ex20
from exercises.ex20_source_separation import network, sounds
from exercises.ex20_source_separation.sounds import make_mixtures
from exercises.ex20_source_separation.spectrograms import improvement, si_sdr
from exercises.ex20_source_separation.wavs import read_wav

QUESTION = "S3 CNN & Time-Frequency representation"
SLUG = "ex20_source_separation"


@pytest.mark.slow
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("suffix", ex20.TESTS)
def test_published_gains_are_found_again(suffix):
    """Les mêmes sons, le réseau livré, la même mesure : les nombres de son compte rendu."""
    metrics, model = reports.read_report(SLUG).metrics, saving.load_model(SLUG)
    timbres, seed = ex20.TESTS[suffix]
    sources = make_mixtures(100, timbres, seed=seed)
    methods = ex20.list_methods(model, None, seed=0)  # sans la NMF apprise
    for name in ("network", "medians", "ideal"):
        gain = improvement(methods[name](sources), sources).mean()
        assert gain == pytest.approx(metrics[f"{name}{suffix}"].mean, abs=0.02)


@pytest.mark.ci
@pytest.mark.usefixtures("eager", "instruments")
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_lesson_trains_measures_saves_then_separates(
    unrendered, tmp_path, monkeypatch, capsys, short_runs
):
    short_runs(tmp_path / "m")
    monkeypatch.setattr(network, "DILATIONS", (2,))
    monkeypatch.setattr(ex20.factorisation, "NUM_PASSES", 5)
    monkeypatch.setattr(sounds, "DURATION_S", 1.0)
    monkeypatch.setattr(sounds, "NUM_SAMPLES", 8000)
    folder = tmp_path / "f"
    with unrendered():
        assert ex20.main(["--epochs", "1", "--limit", "3", "--output", str(folder)]) == 0
    assert "réseau − médianes" in capsys.readouterr().out
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert all(np.isfinite(report.metrics[shown.metric].mean) for shown in report.headline)
    names = {path.name for path in folder.iterdir()}
    assert {"spectrogrammes.png", "exemple1_melange.wav"} <= names
    assert len([name for name in names if name.startswith("exemple")]) == 3 * 7

    stereo = np.random.default_rng(0).normal(0, 3000, (30000, 2)).astype(np.int16)
    wavfile.write(tmp_path / "Mon son.wav", 44100, stereo)
    with unrendered():
        own = [str(tmp_path / "Mon son.wav"), "--model", str(tmp_path / "m" / SLUG)]
        assert ex20.main([*own, "--output", str(folder)]) == 0
    found = [folder / f"Mon son_{name}.wav" for name in ("melodie", "percussions")]
    total = sum(wavfile.read(path)[1].astype(float) for path in found)
    assert len(total) == 5443  # ⌈30000 × 8000 / 44100⌉
    assert si_sdr(total, read_wav(tmp_path / "Mon son.wav")) > 40  # la somme est le son


def test_what_is_not_a_sound_is_refused_in_one_sentence(tmp_path, capsys):
    path = tmp_path / "son.wav"
    assert ex20.main([str(path)]) == 1
    assert "n'existe pas" in capsys.readouterr().err
    path.write_bytes(b"ID3")
    assert ex20.main([str(path)]) == 1
    assert "n'est pas un fichier WAV lisible" in capsys.readouterr().err


def test_published_measures_hold_together():
    report = reports.load_measures(SLUG)
    means = {name: metric.mean for name, metric in report.metrics.items()}
    gaps = {name: Interval(*each) for name, each in report.details["gaps"].items()}
    assert means["medians_learned"] < means["network_learned"] < means["ideal_learned"]
    assert sign(gaps["network_melodies - medians_melodies"]) == 1
    assert sign(gaps["network_drums - trained_nmf_drums"]) == 1
    assert means["network_drums"] < means["network_melodies"] and means["ica"] > 20
    assert means["spectrogram_svd"] < means["nmf"]
    for end in ex20.TESTS:
        gap = gaps[f"network{end} - trained_nmf{end}"].mean
        assert gap == pytest.approx(means[f"network{end}"] - means[f"trained_nmf{end}"])
    assert report.metrics["network"].n == report.metrics["nmf"].n == 5
