import numpy as np
import pytest
from scipy.io import wavfile

from exercises.ex20_source_separation import baselines
from exercises.ex20_source_separation.sounds import make_mixtures
from exercises.ex20_source_separation.spectrograms import si_sdr, stft
from exercises.ex20_source_separation.timbres import LEARNED, UNSEEN


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import comparison

    return comparison


def test_means_by_source(ex20):
    found = ex20.by_source("essai", np.array([[1.0, 10], [3, 20]]))
    assert found == {"essai": 8.5, "essai_melody": 2, "essai_percussion": 15}


def test_a_perfect_and_a_useless_network(ex20):
    sources = make_mixtures(2, UNSEEN, seed=0)

    class Planted:
        def __init__(self, masks):
            self.masks = masks

        def predict(self, magnitudes, **options):
            return self.masks[..., None]

    ideal = baselines.ideal_masks(stft(sources))
    assert ex20.gain(Planted(ideal), sources).min() > 10
    assert np.abs(ex20.gain(Planted(0 * ideal + 0.5), sources)).max() < 1e-3  # le mélange


def test_baselines_are_in_their_order(ex20):
    sources = make_mixtures(4, UNSEEN, seed=0)
    setting = baselines.MedianSetting(1024, 17, 17)
    found = ex20.measure_masks(sources, setting) | ex20.measure_two_microphones(sources)
    assert found["svd"] < found["medians"] < found["ideal"] < found["ica"]
    for name in ("medians", "ideal"):
        halves = found[f"{name}_melody"], found[f"{name}_percussion"]
        assert found[name] == pytest.approx(np.mean(halves))
    again = ex20.measure_masks(sources, setting, suffix="_learned")
    assert again["ideal_learned"] == found["ideal"]


@pytest.mark.ci
def test_factorisations_are_measured_beside_the_rest(ex20, monkeypatch):
    monkeypatch.setattr(ex20.factorisation, "NUM_PARTS", (8,))
    monkeypatch.setattr(ex20.factorisation, "NUM_PASSES", 30)
    learned, unseen = (make_mixtures(3, each, seed=0) for each in (LEARNED, UNSEEN))
    sets = {
        "train": (learned[:, 0], learned[:, 1]),
        "val": learned,
        "tests": {"network": unseen, "network_learned": learned},
    }
    metrics, details = ex20.measure_factorisations(sets, num_draws=2)
    means = {name: metric.mean for name, metric in metrics.items()}
    for suffix in ("", "_learned"):
        assert means[f"spectrogram_svd{suffix}"] < means[f"nmf{suffix}"]
        assert metrics[f"spectrogram_svd{suffix}"].sd is None
        assert metrics[f"nmf{suffix}"].n == 2 and metrics[f"nmf{suffix}"].sd > 0
    assert means["dictionaries"] < means["dictionaries_learned"]  # appris de ces sons mêmes
    assert details["num_parts"] == {"dictionaries": 8, "nmf": 8}
    assert 0.2 < details["negative_share"] < 0.5


class HalfModel:
    """Un faux réseau, qui donne tout au grave et rien à l'aigu."""

    def predict(self, magnitudes, **options):
        masks = np.zeros_like(magnitudes)
        masks[:, :, :96] = 1  # sous 1500 Hz
        return masks


def low_and_high(num):
    t = np.arange(8000) / 8000
    pair = np.stack([np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 2500 * t)])
    return np.stack([pair * (k + 1) for k in range(num)])


@pytest.mark.ci
def test_examples_can_be_listened_to(ex20, tmp_path):
    sources = low_and_high(4)
    setting = baselines.MedianSetting(512, 9, 9)
    paths = ex20.write_examples(tmp_path, HalfModel(), sources, setting)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}
    assert len(paths) == 3 * 7 + 1
    sounds = {path.stem: wavfile.read(path)[1].astype(float) for path in paths[:-1]}
    for k in (1, 2, 3):
        for source in ("melodie", "percussions"):
            true, found = (sounds[f"exemple{k}_{source}_{name}"] for name in ("vraie", "reseau"))
            assert si_sdr(found, true) > 25
        true = sounds[f"exemple{k}_melodie_vraie"] + sounds[f"exemple{k}_percussions_vraie"]
        np.testing.assert_allclose(sounds[f"exemple{k}_melange"], true, atol=2)
