import numpy as np
from matplotlib.figure import Figure

from exercises.ex20_source_separation import figures


def test_a_spectrogram_puts_low_notes_at_the_bottom(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    low_note = np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)
    figures.save_spectrograms(tmp_path / "grave.png", {"grave": low_note}, columns=1)
    (image,) = drawn[0].axes[0].images
    bins = np.asarray(image.get_array())  # (f, t)
    assert image.origin == "lower" and bins.mean(axis=1).argmax() == 32  # 500 Hz
    assert bins.max() == 0 and image.get_extent()[3] == 4  # décibels, kilohertz


def test_summary_has_a_line_per_method():
    names = [f"{name}{suffix}" for name in figures.METHODS for suffix in figures.KINDS]
    metrics = {name: 3.5 + k for k, name in enumerate(names)} | {"ica": 40.0, "svd": -1.0}
    first, *rows, two_microphones, _ = figures.summary(metrics).splitlines()
    assert first.endswith("timbres appris, autres sons  timbres jamais entendus")
    assert len(rows) == len(figures.METHODS) and rows[1].startswith("NMF et oracle")
    assert rows[1].split()[-4:] == "5,50 dB 6,50 dB".split()
    assert "ACI 40,00 dB" in two_microphones
