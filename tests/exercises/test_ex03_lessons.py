import numpy as np
import pytest

from exercises import ex03_lessons


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_each_copy_is_seen_in_both_directions(copies, monkeypatch):
    """Une image d'une copie est retournée une fois sur deux où la copie revient."""
    monkeypatch.setattr(ex03_lessons, "CUTOUT_PX", 0)
    monkeypatch.setattr(ex03_lessons, "SCALED", 0.0)
    monkeypatch.setattr(ex03_lessons, "RELIT", 0.0)
    x = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    for copy in range(copies):
        flipped = []
        for epoch in range(copy, 4 * copies, copies):
            seen = ex03_lessons.augment(
                x.copy(),
                indices=np.arange(50),
                epoch=epoch,
                rng=np.random.default_rng(0),
                copies=copies,
            )
            mirrored = (seen == x[:, :, ::-1]).all((1, 2, 3))
            assert (mirrored | (seen == x).all((1, 2, 3))).all()
            flipped.append(mirrored)
        np.testing.assert_array_equal(flipped[0], ~flipped[1])
        np.testing.assert_array_equal(flipped[0], flipped[2])


def test_an_object_changes_its_size(monkeypatch):
    monkeypatch.setattr(ex03_lessons, "SCALED", 1.0)
    # Un objet blanc sur fond noir, de 16 pixels de côté ; rapetissé, il en a de 10 à 16.
    x = np.zeros((300, 32, 32, 3), np.uint8)
    x[:, 8:24, 8:24] = 255
    monkeypatch.setattr(ex03_lessons, "LOG_SCALE", (-0.5, -0.01))
    small = ex03_lessons.rescale(x.copy(), rng=np.random.default_rng(0))
    assert small.shape == x.shape and small.dtype == np.uint8
    monkeypatch.setattr(ex03_lessons, "LOG_SCALE", (0.01, 0.35))
    large = ex03_lessons.rescale(x.copy(), rng=np.random.default_rng(0))
    sizes = [np.median((images > 250).sum((1, 2))[:, 0]) for images in (small, x, large)]
    assert sizes[0] < sizes[1] < sizes[2], sizes
    monkeypatch.setattr(ex03_lessons, "SCALED", 0.25)
    mixed = ex03_lessons.rescale(x.copy(), rng=np.random.default_rng(1))
    changed = (mixed != x).any((1, 2, 3)).mean()
    assert 0.15 < changed < 0.35


def test_the_light_changes(monkeypatch):
    x = np.random.default_rng(0).integers(40, 216, (400, 8, 8, 3), dtype=np.uint8)
    seen = ex03_lessons.relight(x.copy(), rng=np.random.default_rng(1))
    assert seen.shape == x.shape and seen.dtype == np.uint8
    relit = (seen != x).any((1, 2, 3))
    assert 0.15 < relit.mean() < 0.35

    monkeypatch.setattr(ex03_lessons, "RELIT", 1.0)
    for name, value in (("LOG_CONTRAST", 0.0), ("BRIGHTNESS", 0.0), ("SATURATION", (1, 1))):
        monkeypatch.setattr(ex03_lessons, name, value)
    same = ex03_lessons.relight(x.copy(), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(same, x)
    monkeypatch.setattr(ex03_lessons, "SATURATION", (0, 0))  # des gris
    grey = ex03_lessons.relight(x.copy(), rng=np.random.default_rng(1))
    np.testing.assert_allclose(grey, x.mean(-1, keepdims=True).repeat(3, -1), atol=0.51)
    monkeypatch.setattr(ex03_lessons, "SATURATION", (1, 1))
    monkeypatch.setattr(ex03_lessons, "BRIGHTNESS", 25.0)
    shift = ex03_lessons.relight(x.copy(), rng=np.random.default_rng(1)).astype(int) - x
    assert (np.ptp(shift, axis=(1, 2, 3)) <= 1).all() and shift.min() < -15 < 15 < shift.max()
    monkeypatch.setattr(ex03_lessons, "BRIGHTNESS", 0.0)
    monkeypatch.setattr(ex03_lessons, "LOG_CONTRAST", 0.1)
    spread = ex03_lessons.relight(x.copy(), rng=np.random.default_rng(1)).std((1, 2, 3))
    ratio = spread / x.std((1, 2, 3))
    assert ratio.min() > np.exp(-0.11) and ratio.max() < np.exp(0.11) and np.ptp(ratio) > 0.1
