from types import SimpleNamespace

import numpy as np
import pytest
from scipy.io import wavfile

from convnets.core import paths, reports
from convnets.training import saving
from exercises.ex20_source_separation import __main__ as ex20
from exercises.ex20_source_separation import baselines, network, sounds
from exercises.ex20_source_separation.sounds import make_mixtures
from exercises.ex20_source_separation.spectrograms import improvement, separate, si_sdr, stft
from exercises.ex20_source_separation.timbres import LEARNED, UNSEEN
from exercises.ex20_source_separation.wavs import read_wav

QUESTION = "S3 CNN & Time-Frequency representation"
SLUG = "ex20_source_separation"


@pytest.mark.ci
@pytest.mark.parametrize(
    ("suffix", "timbres", "seed"), [("", UNSEEN, "test"), ("_learned", LEARNED, "learned")]
)
def test_published_gains_are_found_again(suffix, timbres, seed):
    """Les mêmes sons, les mêmes filtres, la même mesure : les nombres de la page."""
    metrics = reports.load_measures(SLUG).metrics
    sources = make_mixtures(100, timbres, seed=ex20.SEEDS[seed])
    medians = baselines.separate_by_medians(sources.sum(axis=1))
    found = {"medians": medians, "ideal": baselines.separate_ideally(sources)}
    for name, estimates in found.items():
        gain = improvement(estimates, sources).mean()
        assert gain == pytest.approx(metrics[f"{name}{suffix}"].mean, abs=1e-3)


@pytest.mark.ci
def test_every_method_reads_the_mixture():
    sources = make_mixtures(2, LEARNED, seed=0)
    masks = baselines.ideal_masks(stft(sources))
    network = SimpleNamespace(predict=lambda *_, **__: masks[..., None])  # il rend ce masque
    methods = ex20.list_methods(network, np.moveaxis(sources, 1, 0), seed=0)
    found = {name: improvement(method(sources), sources).mean() for name, method in methods.items()}
    assert found["network"] == pytest.approx(found["ideal"])
    assert found["spectrogram_svd"] < found["medians"] and found["spectrogram_svd"] < found["nmf"]
    assert found["ideal"] > found["dictionaries"] > 0  # appris de ces sons mêmes


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
@pytest.mark.question(QUESTION)
def test_lesson_trains_measures_saves_then_separates(unrendered, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    monkeypatch.setattr(network, "DILATIONS", (2,))
    monkeypatch.setattr(ex20.factorisation, "NUM_PASSES", 5)
    monkeypatch.setattr(sounds, "DURATION_S", 1.0)
    monkeypatch.setattr(sounds, "NUM_SAMPLES", 8000)
    folder = tmp_path / "f"
    with unrendered():
        assert ex20.main(["--epochs", "1", "--limit", "3", "--output", str(folder)]) == 0
    assert "filtres médians" in capsys.readouterr().out
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert all(np.isfinite(report.metrics[shown.metric].mean) for shown in report.headline)
    names = {path.name for path in folder.iterdir()}
    assert {"spectrogrammes.png", "exemple1_melange.wav"} <= names
    assert len([name for name in names if name.startswith("exemple")]) == 3 * 7

    model = saving.load_model(SLUG, models_dir=tmp_path / "m")
    monkeypatch.setattr(ex20.saving, "load_model", lambda _: model)
    stereo = np.random.default_rng(0).normal(0, 3000, (30000, 2)).astype(np.int16)
    wavfile.write(tmp_path / "Mon son.wav", 44100, stereo)
    with unrendered():
        assert ex20.main([str(tmp_path / "Mon son.wav"), "--output", str(folder)]) == 0
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


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shipped_network_separates():
    model = saving.load_model(SLUG)
    for timbres, seed, least in ((UNSEEN, "test", 7), (LEARNED, "learned", 11)):
        sources = make_mixtures(12, timbres, seed=ex20.SEEDS[seed])
        found, _ = separate(model, sources.sum(axis=1))
        assert improvement(found, sources).mean() > least


def test_published_measures_hold_together():
    metrics = reports.load_measures(SLUG).metrics
    means = {name: metric.mean for name, metric in metrics.items()}
    assert means["medians_learned"] < means["network_learned"] < means["ideal_learned"]
    assert means["network"] < means["network_learned"] and means["svd"] < 0 < means["ica"]
    assert means["spectrogram_svd"] < means["dictionaries"] < means["medians"] < means["nmf"]
    assert means["dictionaries_learned"] < means["nmf_learned"] < means["network_learned"]
    assert metrics["network"].n == metrics["nmf"].n == 3
