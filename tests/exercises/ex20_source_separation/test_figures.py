import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import Report
from convnets.training import study


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import figures

    return figures


def low_note():
    return np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)


def test_a_spectrogram_puts_low_notes_at_the_bottom(ex20, tmp_path):
    path = tmp_path / "grave.png"
    assert ex20.save_spectrograms(path, {"grave": low_note()}, columns=1) == path
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
    history = {"loss": [0.5, 0.3], "val_loss": [0.6, 0.4]}
    report = Report(command="", metrics=metrics, history=history)
    assert ex20.save_measures(report, tmp_path / "m.png").stat().st_size > 5000
