import numpy as np
import pytest
from scipy import ndimage

from convnets.training import augmentation
from convnets.training.augmentation import (
    Distortion,
    affine,
    alternate_mirror,
    cutout,
    positions,
    random_crop,
    random_warp,
    rotate,
    sample,
    shift,
    smooth,
)


def warp(images, *, angle=0.0, zoom=(1.0, 1.0), shear=0.0, offset=(0.0, 0.0)):
    """Applique la même déformation affine à toutes les images."""
    n, height, width = images.shape
    matrices = affine(np.full(n, angle), np.tile(np.array([zoom]).T, n), np.full(n, shear))
    shifts = np.tile(np.array([offset], np.float32).T, n)
    return sample(images, *positions(matrices, shifts, height, width))


@pytest.fixture
def oblong():
    return np.random.default_rng(0).integers(0, 256, (5, 20, 31)).astype(np.uint8)


def test_no_distortion_returns_the_image_to_the_bit(extract, oblong):
    for x in (extract("mnist")[0], oblong):
        warped = random_warp(x, Distortion(), rng=np.random.default_rng(0))
        assert warped.dtype == np.uint8
        np.testing.assert_array_equal(warped, x)


@pytest.mark.parametrize(("down", "right"), [(3, 0), (0, -2), (-4, 5)])
def test_whole_pixel_shift_is_a_shift(oblong, down, right):
    moved = warp(oblong, offset=(-down, -right))  # lire plus haut fait descendre l'image
    expected = np.roll(oblong, (down, right), (1, 2))
    expected[:, : max(down, 0)] = expected[:, 20 + min(down, 0) :] = 0
    expected[:, :, : max(right, 0)] = expected[:, :, 31 + min(right, 0) :] = 0
    np.testing.assert_array_equal(moved, expected)


def test_sample_agrees_with_scipy(oblong):
    rng = np.random.default_rng(1)
    rows, columns = rng.uniform(-3, 33, (2, 5, 12, 17)).astype(np.float32)
    found = sample(oblong, rows, columns)
    for image, row, column, result in zip(oblong, rows, columns, found, strict=True):
        # grid-constant : dehors, du noir, avec un fondu d'un pixel, comme `sample`.
        expected = ndimage.map_coordinates(
            image.astype(float), (row, column), order=1, mode="grid-constant"
        )
        assert abs(result - expected).max() <= 0.501


def test_smooth_agrees_with_scipy():
    field = np.random.default_rng(2).uniform(-1, 1, (2, 3, 20, 31)).astype(np.float32)
    expected = ndimage.gaussian_filter(field, (0, 0, 4, 4), mode="constant", truncate=3)
    np.testing.assert_allclose(smooth(field, 4.0), expected, atol=1e-6)


def test_warps_differ_and_follow_the_generator(extract):
    x = np.repeat(extract("mnist")[0][:1], 8, axis=0)
    distortion = Distortion(10, 0.1, 0.1, 2, 34, 4)
    first = random_warp(x, distortion, rng=np.random.default_rng(3))
    again = random_warp(x, distortion, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(first, again)
    assert len({image.tobytes() for image in first}) == 8


def test_elastic_field_moves_as_far_as_told():
    """Le lissage laisse un champ d'écart-type connu : alpha/√3 × la norme du noyau."""
    ramp = np.tile(np.arange(61, dtype=np.uint8) * 4, (40, 61, 1))
    warped = random_warp(ramp, Distortion(elastic_px=34), rng=np.random.default_rng(5))
    moved_px = (warped[:, 20:-20, 20:-20].astype(float) - ramp[:, 20:-20, 20:-20]) / 4
    reach = np.arange(-12, 13)
    weights = np.exp(-(reach**2) / 32)
    norm = (weights**2).sum() / weights.sum() ** 2  # celle du noyau à deux dimensions
    assert moved_px.std() == pytest.approx(34 / np.sqrt(3) * norm, rel=0.1)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 0), (-3, 0), (0, 4), (0, -1), (2, -3)])
def test_shift_moves_without_wrapping(down, right):
    x = np.random.default_rng(0).integers(1, 256, (3, 12, 15)).astype(np.uint8)
    expected = np.roll(x, (down, right), (1, 2))
    expected[:, : max(down, 0)] = expected[:, 12 + min(down, 0) :] = 0
    expected[:, :, : max(right, 0)] = expected[:, :, 15 + min(right, 0) :] = 0
    np.testing.assert_array_equal(shift(x, down, right), expected)


def test_a_crop_moves_by_a_few_pixels_and_reflects_the_border():
    x = np.random.default_rng(0).integers(0, 256, (1, 6, 9, 3), dtype=np.uint8).repeat(500, axis=0)
    found = random_crop(x, pad=2, rng=np.random.default_rng(1))
    padded = np.pad(x[0], [(2, 2), (2, 2), (0, 0)], mode="reflect")
    windows = {padded[i : i + 6, j : j + 9].tobytes() for i, j in np.ndindex(5, 5)}
    assert {image.tobytes() for image in found} == windows and found.shape == x.shape


def test_the_mirror_alternates():
    x = np.random.default_rng(0).integers(0, 256, (1000, 2, 3, 1), dtype=np.uint8)
    numbers = np.random.default_rng(1).permutation(50_000)[:1000]
    turns = [alternate_mirror(x.copy(), numbers, turn) for turn in range(3)]
    flipped = [(seen != x).any((1, 2, 3)) for seen in turns]
    for seen, mirrored in zip(turns, flipped, strict=True):
        np.testing.assert_array_equal(seen[mirrored], x[mirrored, :, ::-1])
        np.testing.assert_array_equal(seen[~mirrored], x[~mirrored])
    assert 420 < flipped[0].sum() < 580  # l'autre moitié ensuite, puis la première
    np.testing.assert_array_equal(flipped[0], ~flipped[1])
    np.testing.assert_array_equal(flipped[0], flipped[2])


def test_cutout_erases_one_square_inside_each_picture():
    x = np.random.default_rng(0).integers(0, 100, (1000, 10, 14, 3)).astype(np.uint8)
    x[0] = 255  # la couleur moyenne, 51 ou 52, n'est pas celle de chaque image
    before, found = x.copy(), cutout(x, 4, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(x, before)
    assert found.dtype == np.uint8 and found.shape == x.shape
    color = x.mean((0, 1, 2)).astype(np.uint8)
    corners = set()
    for image, original in zip(found, x, strict=True):
        places = [
            (top, left)
            for top in range(7)
            for left in range(11)
            if (image[top : top + 4, left : left + 4] == color).all()
        ]
        (place,) = places
        kept = np.ones((10, 14), bool)
        kept[place[0] : place[0] + 4, place[1] : place[1] + 4] = False
        np.testing.assert_array_equal(image[kept], original[kept])
        corners.add(place)
    assert len(corners) == 7 * 11  # partout, bords compris


def test_rotate_turns_clockwise_about_the_centre():
    rng = np.random.default_rng(0)
    square = rng.integers(0, 256, (3, 9, 9), dtype=np.uint8)
    np.testing.assert_array_equal(rotate(square, 0), square)
    np.testing.assert_array_equal(rotate(square, 90), np.rot90(square, -1, axes=(1, 2)))
    np.testing.assert_array_equal(rotate(square, -90), np.rot90(square, 1, axes=(1, 2)))
    there_and_back = rotate(rotate(np.full((1, 9, 9), 200, np.uint8), 8), -8)
    assert there_and_back[0, 2:7, 2:7].min() == 200  # le centre ne bouge pas, les coins se perdent
    assert there_and_back[0, 0, 0] < 200


def test_an_object_changes_its_size(monkeypatch):
    monkeypatch.setattr(augmentation, "SCALED", 1.0)
    # Un objet blanc sur fond noir, de 16 pixels de côté ; rapetissé, il en a de 10 à 16.
    x = np.zeros((300, 32, 32, 3), np.uint8)
    x[:, 8:24, 8:24] = 255
    monkeypatch.setattr(augmentation, "LOG_SCALE", (-0.5, -0.01))
    small = augmentation.rescale(x.copy(), rng=np.random.default_rng(0))
    assert small.shape == x.shape and small.dtype == np.uint8
    monkeypatch.setattr(augmentation, "LOG_SCALE", (0.01, 0.35))
    large = augmentation.rescale(x.copy(), rng=np.random.default_rng(0))
    sizes = [np.median((images > 250).sum((1, 2))[:, 0]) for images in (small, x, large)]
    assert sizes[0] < sizes[1] < sizes[2], sizes
    # Rapetissée, une image unie reste elle-même au milieu, que le décalage ne découvre jamais.
    plain = np.arange(200, dtype=np.uint8)[:, None, None, None] + np.zeros_like(x[:200])
    monkeypatch.setattr(augmentation, "LOG_SCALE", (-0.5, -0.01))
    small = augmentation.rescale(plain.copy(), rng=np.random.default_rng(0))
    np.testing.assert_array_equal(small[:, 13:19, 13:19], plain[:, 13:19, 13:19])
    assert (small != plain).any((1, 2, 3)).mean() > 0.8  # autour, le fond d'une autre
    monkeypatch.setattr(augmentation, "SCALED", 0.25)
    mixed = augmentation.rescale(x.copy(), rng=np.random.default_rng(1))
    changed = (mixed != x).any((1, 2, 3)).mean()
    assert 0.15 < changed < 0.35


def test_the_light_changes(monkeypatch):
    x = np.random.default_rng(0).integers(40, 216, (400, 8, 8, 3), dtype=np.uint8)
    seen = augmentation.relight(x.copy(), rng=np.random.default_rng(1))
    assert seen.shape == x.shape and seen.dtype == np.uint8
    relit = (seen != x).any((1, 2, 3))
    assert 0.15 < relit.mean() < 0.35

    monkeypatch.setattr(augmentation, "RELIT", 1.0)
    for name, value in (("LOG_CONTRAST", 0.0), ("BRIGHTNESS", 0.0), ("SATURATION", (1, 1))):
        monkeypatch.setattr(augmentation, name, value)
    same = augmentation.relight(x.copy(), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(same, x)
    monkeypatch.setattr(augmentation, "SATURATION", (0, 0))  # des gris
    grey = augmentation.relight(x.copy(), rng=np.random.default_rng(1))
    np.testing.assert_allclose(grey, x.mean(-1, keepdims=True).repeat(3, -1), atol=0.51)
    monkeypatch.setattr(augmentation, "SATURATION", (1, 1))
    monkeypatch.setattr(augmentation, "BRIGHTNESS", 25.0)
    shift = augmentation.relight(x.copy(), rng=np.random.default_rng(1)).astype(int) - x
    assert (np.ptp(shift, axis=(1, 2, 3)) <= 1).all() and shift.min() < -15 < 15 < shift.max()
    monkeypatch.setattr(augmentation, "BRIGHTNESS", 0.0)
    monkeypatch.setattr(augmentation, "LOG_CONTRAST", 0.1)
    seen = augmentation.relight(x.copy(), rng=np.random.default_rng(1))
    np.testing.assert_allclose(seen.mean((1, 2, 3)), x.mean((1, 2, 3)), atol=0.5)
    ratio = seen.std((1, 2, 3)) / x.std((1, 2, 3))
    assert ratio.min() > np.exp(-0.11) and ratio.max() < np.exp(0.11) and np.ptp(ratio) > 0.1
