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


@pytest.fixture(scope="module")
def report(ex20):
    names = [f"{name}{suffix}" for name in ex20.METHODS for suffix in ex20.KINDS]
    metrics = {name: study.summarise([3.0 + k, 4.0 + k]) for k, name in enumerate(names)}
    metrics |= {name: study.summarise([40.0]) for name in ("ica", "svd")}
    history = {"loss": [0.5, 0.3], "val_loss": [0.6, 0.4]}
    return Report(command="", metrics=metrics, history=history)


def test_measures_are_drawn(ex20, report, tmp_path):
    assert ex20.save_measures(report, tmp_path / "m.png").stat().st_size > 5000


def test_summary_has_a_line_per_method(ex20, report):
    first, *rows, two_microphones, note = ex20.summary(report).splitlines()
    assert first.endswith("timbres appris, autres sons  timbres jamais entendus")
    assert [row[:30].strip() for row in rows] == list(ex20.METHODS.values())
    assert {len(row) for row in rows} == {len(first)}
    assert rows[1].split()[-8:] == "5,50 dB ± 0,71 6,50 dB ± 0,71".split()
    assert "ACI 40,00 dB" in two_microphones and "2 graines" in note
