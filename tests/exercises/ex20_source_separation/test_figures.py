import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from convnets.training import study
from exercises.ex20_source_separation import baselines
from exercises.ex20_source_separation.spectrograms import si_sdr


class HalfModel:
    """Un faux réseau, qui donne tout au grave et rien à l'aigu."""

    def predict(self, magnitudes, **options):
        masks = np.zeros_like(magnitudes)
        masks[:, :, :96] = 1  # sous 1500 Hz
        return masks


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import figures

    return figures


def low_and_high(num):
    t = np.arange(8000) / 8000
    pair = np.stack([np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 2500 * t)])
    return np.stack([pair * (k + 1) for k in range(num)])


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


def test_a_spectrogram_puts_low_notes_at_the_bottom(ex20, tmp_path):
    path = tmp_path / "grave.png"
    assert ex20.save_spectrograms(path, {"grave": low_and_high(1)[0, 0]}, columns=1) == path
    with Image.open(path) as image:
        brightness = np.asarray(image.convert("L")).astype(int)
    height, width = brightness.shape
    inside = brightness[height // 6 : -height // 5, width // 4 : width // 2]
    half = len(inside) // 2
    assert inside[half:].max() > 200 > inside[:half].max() + 50


def test_measures_are_drawn(ex20, tmp_path):
    names = [
        f"{name}{suffix}" for name in ("network", "medians", "ideal") for suffix in ("", "_learned")
    ]
    metrics = {name: study.summarise([3.0, 4.0]) for name in names}
    report = {"metrics": metrics, "history": {"loss": [0.5, 0.3], "val_loss": [0.6, 0.4]}}
    assert ex20.save_measures(report, tmp_path / "m.png").stat().st_size > 5000
