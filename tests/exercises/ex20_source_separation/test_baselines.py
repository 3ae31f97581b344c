import numpy as np
import pytest

from exercises.ex20_source_separation.sounds import make_mixtures
from exercises.ex20_source_separation.spectrograms import apply_masks, improvement, si_sdr, stft
from exercises.ex20_source_separation.timbres import UNSEEN

QUESTION = "S3 CNN & Time-Frequency representation"


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import baselines

    return baselines


def note_and_hit(num_samples=8000):
    """Une note tenue et un clic : le cas pour lequel les médianes sont faites."""
    t = np.arange(num_samples) / 8000
    note = np.sin(2 * np.pi * 440 * t)
    hit = np.zeros(num_samples)
    hit[num_samples // 2] = 20
    return np.stack([note, hit])[None]


def median_by_hand(rows, size):
    """Médiane glissante de chaque ligne, les bords prolongés en miroir."""
    padded = np.pad(rows, ((0, 0), (size // 2, size // 2)), mode="symmetric")
    found = np.empty_like(rows)
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            found[i, j] = sorted(padded[i, j : j + size])[size // 2]
    return found


@pytest.mark.question(QUESTION)
def test_median_masks_are_the_published_formula(ex20):
    magnitudes = np.random.default_rng(0).uniform(size=(2, 12, 15))
    found = ex20.median_masks(magnitudes, ex20.MedianSetting(512, 5, 3))
    for each, mask in zip(magnitudes, found, strict=True):
        notes = median_by_hand(each.T, 5).T  # au fil des trames
        hits = median_by_hand(each, 3)  # au fil des fréquences
        np.testing.assert_allclose(mask, notes**2 / (notes**2 + hits**2), atol=1e-6)


@pytest.mark.question(QUESTION)
def test_medians_separate_a_note_from_a_hit(ex20):
    sources = note_and_hit()
    found = ex20.separate_by_medians(sources.sum(1), ex20.MedianSetting(512, 17, 17))
    assert improvement(found, sources).min() > 10
    np.testing.assert_allclose(found.sum(1), sources.sum(1), atol=1e-4)


@pytest.mark.ci
def test_other_masks_that_know_the_sources_do_better(ex20):
    """Le masque des rapports de modules est un repère, et non une borne."""
    sources = make_mixtures(4, UNSEEN, seed=0)
    spectrograms = stft(sources)
    mixtures, powers = spectrograms.sum(axis=1), np.abs(spectrograms) ** 2 + 1e-20
    masks = (
        ex20.ideal_masks(spectrograms),
        powers[:, 0] / powers.sum(axis=1),
        np.clip((spectrograms[:, 0] / (mixtures + 1e-20)).real, 0, 1),
    )
    gains = [
        improvement(apply_masks(mixtures, each, sources.shape[-1]), sources).mean()
        for each in masks
    ]
    assert gains[0] < gains[1] < gains[2]


@pytest.mark.filterwarnings("error")
def test_silence_is_shared(ex20):
    setting = ex20.MedianSetting(512, 9, 9)
    np.testing.assert_array_equal(ex20.median_masks(np.zeros((1, 6, 7)), setting), 0.5)
    assert np.isfinite(ex20.ideal_masks(np.zeros((1, 2, 6, 7)))).all()


def test_the_best_setting_is_chosen(ex20, monkeypatch):
    monkeypatch.setattr(ex20, "MEDIAN_SIZES", (3, 17))
    rng = np.random.default_rng(0)
    sources = note_and_hit(4000) + 0.1 * rng.normal(size=(2, 2, 4000))
    gains = {}
    for window in (512, 1024):
        for frames in (3, 17):
            for bins in (3, 17):
                setting = ex20.MedianSetting(window, frames, bins)
                found = ex20.separate_by_medians(sources.sum(1), setting)
                gains[setting] = improvement(found, sources).mean()
    assert len(set(gains.values())) == 8
    assert ex20.choose_medians(sources) == max(gains, key=gains.get)


@pytest.mark.question(QUESTION)
def test_the_ideal_mask_is_the_share_of_each_source(ex20):
    sources = np.array([[[[3j, 0, 2]], [[1, 5, -2]]]])  # (1, 2, 1, 3)
    np.testing.assert_allclose(ex20.ideal_masks(sources), [[[0.75, 0, 0.5]]], atol=1e-6)
    real = note_and_hit()
    spectrograms = stft(real)
    masks = ex20.ideal_masks(spectrograms)
    found = ex20.apply_masks(spectrograms.sum(1), masks, real.shape[-1])
    assert improvement(found, real).min() > 12


# --- Deux micros ---------------------------------------------------------------------


def test_each_microphone_is_a_sum_of_both_sources(ex20):
    sources = np.random.default_rng(0).normal(size=(4, 2, 300))
    heard = ex20.two_microphones(sources, np.random.default_rng(1))
    for truth, microphones in zip(sources, heard, strict=True):
        gains, residuals, *_ = np.linalg.lstsq(truth.T, microphones.T, rcond=None)
        np.testing.assert_allclose(residuals, 0, atol=1e-20)
        assert (gains > 0).all() and np.linalg.det(gains) > 0.02  # inversible


@pytest.mark.question(QUESTION)
def test_ica_finds_what_the_svd_does_not(ex20):
    """Deux sources indépendantes et non gaussiennes : la décorrélation ne suffit pas."""
    sources = np.random.default_rng(0).laplace(size=(3, 2, 8000))
    ica, svd = (
        ex20.two_microphone_gain(sources, separate, np.random.default_rng(0))
        for separate in (ex20.separate_ica, ex20.separate_svd)
    )
    assert ica > 20 and ica > svd + 15
    first, second = ex20.separate_svd(ex20.two_microphones(sources, np.random.default_rng(0))[0])
    assert abs(first @ second) < 1e-9  # pourtant décorrélées


def test_the_gain_ignores_order_and_sign(ex20):
    sources = np.random.default_rng(0).normal(size=(2, 2, 500))
    heard = ex20.two_microphones(sources, np.random.default_rng(3))

    def answers(estimates):
        given = iter(estimates)
        return ex20.two_microphone_gain(
            sources, lambda microphones: next(given), np.random.default_rng(3)
        )

    swapped = -2.0 * sources[:, ::-1]
    untouched = np.mean(
        [
            max(si_sdr(m, s) for m in each)
            for each, truth in zip(heard, sources, strict=True)
            for s in truth
        ]
    )
    assert answers(swapped) == pytest.approx(answers(sources))
    assert answers(sources) == pytest.approx(100 - untouched, abs=0.5)
