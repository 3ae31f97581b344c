import keras
import numpy as np
import pytest

from exercises.ex24_autoencoder import baselines, shortcuts
from exercises.ex24_autoencoder.measures import psnr

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    return {kind: shortcuts.build_model(kind) for kind in shortcuts.KINDS}


@pytest.mark.question(QUESTION)
def test_the_autoencoder_is_not_smaller(models):
    plain, unet = (models[kind].count_params() for kind in ("plain", "unet"))
    assert unet <= plain <= 1.2 * unet
    numbers = models["plain"].get_layer("bottleneck")
    assert numbers.filters * 4 * 4 == 256  # pour une vignette de 3 072 nombres


@pytest.mark.question(QUESTION)
def test_only_shortcuts_pass_a_cut_bottleneck(models, eager):
    """Vérité plantée : coupé, l'auto-encodeur rend la même image à tous ; le U-Net, non."""
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    for kind, model in models.items():
        before = np.asarray(model(images))
        shortcuts.cut_bottleneck(model, images)
        cut = np.asarray(model(images))
        assert np.abs(before[0] - before[1]).max() > 1e-3
        same = np.abs(cut[0] - cut[1]).max()
        assert same < 1e-4 if kind == "plain" else same > 1e-3


def test_noise_has_its_deviation():
    grey = np.full((4, 32, 32, 3), 128, np.uint8)
    noisy = shortcuts.add_noise(grey, rng=np.random.default_rng(0), indices=None, epoch=0)
    assert noisy.dtype == np.uint8
    assert psnr(grey, noisy) == pytest.approx(20 * np.log10(255 / shortcuts.NOISE), abs=0.3)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_sliding_wiener_removes_noise_and_keeps_what_has_none(monkeypatch):
    """Une image dont chaque carré tient en un axe : le reste n'est que du bruit."""
    rng = np.random.default_rng(0)
    flat = np.full((1, 24, 16, 3), 90, np.uint8)
    axes, _ = np.linalg.qr(np.column_stack([np.ones(192), rng.normal(size=(192, 191))]))
    spreads = np.array([1e4, *np.full(191, 1e-3)], np.float32)
    noisy = shortcuts.add_noise(flat, rng=rng)
    found = shortcuts.sliding_wiener(noisy, axes, spreads)
    assert found.shape == flat.shape and found.dtype == np.float32
    assert psnr(flat, found) > psnr(flat, noisy) + 12
    sure = shortcuts.sliding_wiener(noisy, axes, np.full(192, 1e6))  # rien n'est du bruit
    np.testing.assert_allclose(sure, noisy, atol=0.2)


def test_non_local_means_removes_noise_and_keeps_an_edge():
    """Deux plages : chacune n'est moyennée qu'avec les siens, où qu'ils soient."""
    halves = np.full((1, 24, 16, 3), 60, np.uint8)
    halves[:, :, 8:] = 200
    noisy = shortcuts.add_noise(halves, rng=np.random.default_rng(0))
    found = baselines.non_local_means(noisy, shortcuts.NOISE)
    assert found.shape == halves.shape and found.dtype == np.float32
    assert psnr(halves, found) > psnr(halves, noisy) + 5
    assert np.abs(found[:, 2:-2, [7, 8]].mean(axis=(0, 1, 3)) - [60, 200]).max() < 15
