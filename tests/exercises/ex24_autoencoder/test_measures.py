import numpy as np
import pytest
from scipy.signal import convolve2d

from exercises.ex24_autoencoder.measures import at_rate, psnr, ssim, ssim_each


def test_psnr_of_hand_made_errors():
    truth = np.full((2, 4, 4, 3), 100, np.uint8)
    assert psnr(truth, truth) == np.inf
    half = truth.astype(float)
    half[0] += 2  # une image sur deux : l'erreur quadratique moyenne est 2
    assert psnr(truth, half) == pytest.approx(10 * np.log10(255**2 / 2))
    assert psnr(np.zeros_like(truth), truth * 0 + 255) == 0  # aucun débordement d'octets


def by_hand(x, y):
    """SSIM d'une voie : une vraie convolution en deux dimensions, fenêtre de l'article."""
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2

    def mean(values):
        return convolve2d(values, window, mode="valid")

    cov = mean(x * y) - mean(x) * mean(y)
    var = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    c1, c2 = 6.5025, 58.5225
    top = (2 * mean(x) * mean(y) + c1) * (2 * cov + c2)
    return (top / ((mean(x) ** 2 + mean(y) ** 2 + c1) * (var + c2))).mean()


def test_ssim_is_that_of_the_article():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (2, 16, 19, 3)).astype(np.uint8)
    y = np.clip(x + rng.normal(0, 40, x.shape), 0, 255)
    wanted = [by_hand(x[i, ..., c].astype(float), y[i, ..., c]) for i in range(2) for c in range(3)]
    assert ssim(x, y) == pytest.approx(np.mean(wanted), abs=1e-6)


def test_the_ssim_of_each_image_averages_to_that_of_all():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, 3, 16, 19, 3)).astype(np.uint8)
    each = ssim_each(x, y)
    assert each.shape == (3,) and each.mean() == pytest.approx(ssim(x, y))
    assert each[1] == pytest.approx(ssim(x[1:2], y[1:2]))


def test_a_curve_is_read_between_its_points():
    rates = np.array([0.25, 0.5, 1, 4])
    lines = np.stack([20 + 6 * np.log2(rates), rates], axis=1)  # deux images
    assert at_rate(rates, lines[:, 0], 2) == pytest.approx(26)
    np.testing.assert_allclose(at_rate(rates, lines, 2), [26, 2.5])
    np.testing.assert_allclose(at_rate(rates, lines, 4), lines[-1])
