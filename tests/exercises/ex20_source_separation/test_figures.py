import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import figures

    return figures


def low_note():
    return np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)


def test_a_spectrogram_puts_low_notes_at_the_bottom(ex20, tmp_path):
    path = tmp_path / "grave.png"
    ex20.save_spectrograms(path, {"grave": low_note()}, columns=1)
    with Image.open(path) as image:
        brightness = np.asarray(image.convert("L")).astype(int)
    height, width = brightness.shape
    inside = brightness[height // 6 : -height // 5, width // 4 : width // 2]
    half = len(inside) // 2
    assert inside[half:].max() > 200 > inside[:half].max() + 50


def test_summary_has_a_line_per_method(ex20):
    names = [f"{name}{suffix}" for name in ex20.METHODS for suffix in ex20.KINDS]
    metrics = {name: 3.5 + k for k, name in enumerate(names)} | {"ica": 40.0, "svd": -1.0}
    first, *rows, two_microphones, _ = ex20.summary(metrics).splitlines()
    assert first.endswith("timbres appris, autres sons  timbres jamais entendus")
    assert all(
        row.startswith(title) for row, title in zip(rows, ex20.METHODS.values(), strict=True)
    )
    assert rows[1].split()[-4:] == "5,50 dB 6,50 dB".split()
    assert "ACI 40,00 dB" in two_microphones
