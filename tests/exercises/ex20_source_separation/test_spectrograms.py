import numpy as np
import pytest

QUESTION = "S3 CNN & Time-Frequency representation"


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import spectrograms as ex20_spectrograms

    return ex20_spectrograms


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- La transformée ------------------------------------------------------------------


@pytest.mark.parametrize("window", [512, 1024])
def test_each_frame_is_a_windowed_fourier_transform(ex20, window):
    sound = noise(2000)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(sound, window)  # les trames débordent du son
    first = window - window // 2  # la première trame entière est centrée sur l'échantillon 0
    found = ex20.stft(sound, window=window)
    assert found.dtype == np.complex64 and found.shape[1] == window // 2 + 1
    frames = [padded[first + k * 256 :][:window] * hann for k in range(6)]
    offset = found.shape[0] - len(frames)
    expected = np.abs([np.fft.rfft(frame) / hann.sum() for frame in frames])
    matches = [
        np.allclose(np.abs(found[p : p + 6]), expected, atol=1e-5) for p in range(offset + 1)
    ]
    assert sum(matches) == 1


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("num_samples", [1, 100, 511, 512, 513, 3000, 4096])
@pytest.mark.parametrize("window", [512, 1024])
def test_the_inverse_is_exact(ex20, num_samples, window):
    sounds = noise(2, 3, num_samples)
    found = ex20.istft(ex20.stft(sounds, window=window), num_samples)
    assert found.dtype == np.float32 and found.shape == sounds.shape
    np.testing.assert_allclose(found, sounds, atol=2e-6)


def test_network_input_forgets_the_volume(ex20):
    spectrograms = ex20.stft(noise(2, 3000))
    found = ex20.network_input(spectrograms)
    assert found.shape == (*spectrograms.shape, 1) and found.dtype == np.float32
    np.testing.assert_allclose((found**2).mean(axis=(1, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_allclose(ex20.network_input(1e-3 * spectrograms), found, rtol=1e-4)
    np.testing.assert_array_equal(ex20.network_input(0 * spectrograms), 0)


# --- Les masques ---------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_a_mask_shares_the_mixture(ex20):
    sounds = noise(2, 3000)
    mixtures = ex20.stft(sounds)
    whole = ex20.apply_masks(mixtures, np.ones(mixtures.shape), 3000)
    np.testing.assert_allclose(whole[:, 0], sounds, atol=2e-6)
    np.testing.assert_allclose(whole[:, 1], 0, atol=2e-6)
    masks = np.random.default_rng(1).uniform(size=mixtures.shape)
    np.testing.assert_allclose(ex20.apply_masks(mixtures, masks, 3000).sum(1), sounds, atol=4e-6)


@pytest.mark.question(QUESTION)
def test_the_planted_mask_separates_two_tones(ex20):
    t = np.arange(8000) / 8000
    sources = np.stack([np.sin(2 * np.pi * 500 * t), 0.7 * np.sin(2 * np.pi * 2500 * t)])[None]
    mixtures = ex20.stft(sources.sum(1))
    masks = np.zeros(mixtures.shape)
    masks[..., : 1500 * 512 // 8000] = 1
    assert ex20.improvement(ex20.apply_masks(mixtures, masks, 8000), sources).min() > 25
    assert ex20.improvement(ex20.apply_masks(mixtures, 1 - masks, 8000), sources).max() < -25


@pytest.mark.ci
def test_blocks_give_the_mask_of_the_whole(ex20, monkeypatch, eager):
    import keras

    from exercises.ex20_source_separation.network import build_model

    keras.utils.set_random_seed(0)
    model = build_model()
    weights = [
        np.random.default_rng(k).normal(0, 0.3, w.shape) if w.ndim == 4 else w
        for k, w in enumerate(model.get_weights())
    ]
    model.set_weights(weights)
    mixtures = ex20.stft(noise(1, 16000))
    whole = ex20.predict_masks(model, mixtures)
    assert whole.shape == mixtures.shape and whole.std() > 0.1
    monkeypatch.setattr(ex20, "BLOCK_FRAMES", 40)
    np.testing.assert_allclose(ex20.predict_masks(model, mixtures), whole, atol=1e-4)
    monkeypatch.setattr(ex20, "MARGIN_FRAMES", 4)  # trop peu : les raccords se voient
    assert np.abs(ex20.predict_masks(model, mixtures) - whole).max() > 1e-3


# --- Le rapport ----------------------------------------------------------------------


def orthogonal_noise(target, ratio_db):
    """Un bruit orthogonal à la source, plus faible qu'elle de `ratio_db` exactement."""
    added = noise(*target.shape, seed=9)
    added -= (added @ target) / (target @ target) * target
    return added * np.sqrt(target @ target / (added @ added) / 10 ** (ratio_db / 10))


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("ratio_db", [-20, -3, 0, 7.5, 40])
def test_a_known_noise_gives_its_decibels(ex20, ratio_db):
    target = noise(4000)
    estimate = target + orthogonal_noise(target, ratio_db)
    assert ex20.si_sdr(estimate, target) == pytest.approx(ratio_db, abs=1e-4)
    for scale in (1e-3, -1, 250):
        assert ex20.si_sdr(scale * estimate, target) == pytest.approx(ratio_db, abs=1e-4)
        assert ex20.si_sdr(estimate, scale * target) == pytest.approx(ratio_db, abs=1e-4)


@pytest.mark.filterwarnings("error")
def test_extreme_ratios_are_finite(ex20):
    target = noise(100)
    assert ex20.si_sdr(target, target) > 95
    assert ex20.si_sdr(orthogonal_noise(target, 0), target) < -90
    assert np.isfinite(ex20.si_sdr(np.zeros(100), target))


@pytest.mark.question(QUESTION)
def test_improvement_starts_from_the_mixture(ex20):
    sources = noise(3, 2, 500)
    mixtures = np.repeat(sources.sum(1, keepdims=True), 2, axis=1)
    np.testing.assert_allclose(ex20.improvement(mixtures, sources), 0, atol=1e-9)
    target = sources[0, 0]
    estimates = sources.copy()
    estimates[0, 0] = target + orthogonal_noise(target, 12)
    before = ex20.si_sdr(mixtures[0, 0], target)
    assert ex20.improvement(estimates, sources)[0, 0] == pytest.approx(12 - before, abs=1e-4)
