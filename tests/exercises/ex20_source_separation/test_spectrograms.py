import numpy as np
import pytest

from exercises.ex20_source_separation import spectrograms as ex20

QUESTION = "S3 CNN & Time-Frequency representation"


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- La transformée ------------------------------------------------------------------


@pytest.mark.parametrize("window", [512, 1024])
def test_each_frame_is_a_windowed_fourier_transform(window):
    """La trame k est centrée sur l'échantillon 256·k ; d'autres, avant elle, débordent du son."""
    sound, half = noise(2000), window // 2
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(sound, half)
    frames = [padded[256 * k :][:window] * hann for k in range(6)]
    expected = np.abs([np.fft.rfft(frame) / hann.sum() for frame in frames])
    found = ex20.stft(sound, window=window)[half // 256 - 1 :][:6]
    assert found.dtype == np.complex64
    np.testing.assert_allclose(np.abs(found), expected, atol=1e-5)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("num_samples", [1, 100, 511, 512, 513, 3000, 4096])
@pytest.mark.parametrize("window", [512, 1024])
def test_the_inverse_is_exact(num_samples, window):
    sounds = noise(2, 3, num_samples)
    found = ex20.istft(ex20.stft(sounds, window=window), num_samples)
    assert found.dtype == np.float32 and found.shape == sounds.shape
    np.testing.assert_allclose(found, sounds, atol=2e-6)


def test_network_input_forgets_the_volume():
    spectrograms = ex20.stft(noise(2, 3000))
    found = ex20.network_input(spectrograms)
    assert found.shape == (*spectrograms.shape, 1) and found.dtype == np.float32
    np.testing.assert_allclose((found**2).mean(axis=(1, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_allclose(ex20.network_input(1e-3 * spectrograms), found, rtol=1e-4)
    np.testing.assert_array_equal(ex20.network_input(0 * spectrograms), 0)


# --- Les masques ---------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_planted_mask_separates_two_tones():
    t = np.arange(8000) / 8000
    sources = np.stack([np.sin(2 * np.pi * 500 * t), 0.7 * np.sin(2 * np.pi * 2500 * t)])[None]
    mixtures = ex20.stft(sources.sum(1))
    masks = np.zeros(mixtures.shape)
    masks[..., : 1500 * 512 // 8000] = 1
    found = ex20.apply_masks(mixtures, masks, 8000)
    assert ex20.improvement(found, sources).min() > 25
    np.testing.assert_allclose(found.sum(1), sources.sum(1), atol=1e-5)


# --- Le rapport ----------------------------------------------------------------------


def orthogonal_noise(target, ratio_db):
    """Un bruit orthogonal à la source, plus faible qu'elle de `ratio_db` exactement."""
    added = noise(*target.shape, seed=9)
    added -= (added @ target) / (target @ target) * target
    return added * np.sqrt(target @ target / (added @ added) / 10 ** (ratio_db / 10))


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("ratio_db", [-20, -3, 0, 7.5, 40])
def test_a_known_noise_gives_its_decibels(ratio_db):
    target = noise(4000)
    estimate = target + orthogonal_noise(target, ratio_db)
    assert ex20.si_sdr(estimate, target) == pytest.approx(ratio_db, abs=1e-4)
    assert ex20.si_sdr(-250 * estimate, 1e-3 * target) == pytest.approx(ratio_db, abs=1e-4)


@pytest.mark.filterwarnings("error")
def test_extreme_ratios_are_finite():
    target = noise(100)
    assert ex20.si_sdr(target, target) > 95
    assert ex20.si_sdr(orthogonal_noise(target, 0), target) < -90
    assert np.isfinite(ex20.si_sdr(np.zeros(100), target))


@pytest.mark.question(QUESTION)
def test_improvement_starts_from_the_mixture():
    sources = noise(3, 2, 500)
    mixtures = np.repeat(sources.sum(1, keepdims=True), 2, axis=1)
    np.testing.assert_allclose(ex20.improvement(mixtures, sources), 0, atol=1e-9)
    before = ex20.si_sdr(mixtures, sources)
    estimates = sources + 0.1 * mixtures
    after = ex20.si_sdr(estimates, sources)
    np.testing.assert_allclose(ex20.improvement(estimates, sources), after - before)
