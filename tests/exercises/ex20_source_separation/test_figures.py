import numpy as np

from exercises.ex20_source_separation import figures


def test_a_spectrogram_puts_low_notes_at_the_bottom(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(figures, "picture_rows", lambda path, rows, **_: drawn.update(rows))
    low_note = np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)
    figures.save_spectrograms(tmp_path / "grave.png", [{"grave": low_note}])
    levels_db = drawn[""][0].pixels
    assert levels_db[::-1].mean(axis=1).argmax() == 32  # 500 Hz
    assert levels_db.max() == drawn[""][0].limits[1]


def test_summary_has_a_line_per_test():
    names = [f"{name}{suffix}" for suffix in figures.KINDS for name in figures.METHODS]
    metrics = {name: 3.5 + k for k, name in enumerate(names)} | {"ica": 40.0}
    gaps = {
        f"network{suffix} - {name}{suffix}": [1.25, 0.75, 1.75]
        for suffix in figures.KINDS
        for name in figures.RIVALS
    }
    gains, over = figures.summary(metrics, gaps).split("\n\n")
    assert gains.splitlines()[2].split()[-6:] == "9,50 10,50 11,50 12,50 13,50 14,50".split()
    _, *rows, _, two_microphones, _ = over.splitlines()
    assert len(rows) == len(figures.KINDS)
    assert rows[1].split()[-6:] == "1,25 ± 0,50 1,25 ± 0,50".split()
    assert "ACI 40,00 dB" in two_microphones
