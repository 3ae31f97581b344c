import numpy as np
import pytest

from exercises.ex20_source_separation import baselines
from exercises.ex20_source_separation.spectrograms import improvement

QUESTION = "S3 CNN & Time-Frequency representation"


def median_by_hand(rows, size):
    """Médiane glissante de chaque ligne, les bords prolongés en miroir."""
    padded = np.pad(rows, ((0, 0), (size // 2, size // 2)), mode="symmetric")
    found = np.empty_like(rows)
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            found[i, j] = sorted(padded[i, j : j + size])[size // 2]
    return found


@pytest.mark.question(QUESTION)
def test_median_masks_are_the_published_formula(monkeypatch):
    monkeypatch.setattr(baselines, "MEDIAN_FRAMES", 5)
    monkeypatch.setattr(baselines, "MEDIAN_BINS", 3)
    magnitudes = np.random.default_rng(0).uniform(size=(2, 12, 15))
    for each, mask in zip(magnitudes, baselines.median_masks(magnitudes), strict=True):
        notes = median_by_hand(each.T, 5).T  # au fil des trames
        hits = median_by_hand(each, 3)  # au fil des fréquences
        np.testing.assert_allclose(mask, notes**2 / (notes**2 + hits**2), atol=1e-6)


@pytest.mark.question(QUESTION)
def test_a_note_is_separated_from_a_click():
    """Le cas pour lequel les médianes sont faites."""
    note = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    click = 20 * (np.arange(8000) == 4000)
    sources = np.stack([note, click])[None]
    found = baselines.separate_by_medians(sources.sum(1))
    assert improvement(found, sources).min() > 10
    np.testing.assert_allclose(found.sum(1), sources.sum(1), atol=1e-4)
    assert improvement(baselines.separate_ideally(sources), sources).min() > 12


@pytest.mark.filterwarnings("error")
def test_silence_is_shared():
    np.testing.assert_array_equal(baselines.median_masks(np.zeros((1, 6, 7))), 0.5)
    assert np.isfinite(baselines.ideal_masks(np.zeros((1, 2, 6, 7)))).all()


@pytest.mark.question(QUESTION)
def test_the_ideal_mask_is_the_share_of_each_source():
    sources = np.array([[[[3j, 0, 2]], [[1, 5, -2]]]])  # (1, 2, 1, 3)
    np.testing.assert_allclose(baselines.ideal_masks(sources), [[[0.75, 0, 0.5]]], atol=1e-6)


# --- Deux micros ---------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_ica_separates_two_microphones():
    sources = np.random.default_rng(0).laplace(size=(3, 2, 8000))  # indépendantes, non gaussiennes
    assert baselines.two_microphone_gain(sources) > 20
