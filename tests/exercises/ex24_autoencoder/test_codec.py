import numpy as np
import pytest

from exercises.ex24_autoencoder import baselines
from exercises.ex24_autoencoder.codec import STEPS, pack, quantise, unpack
from exercises.ex24_autoencoder.measures import psnr


def test_rounding_leans_towards_zero():
    codes = np.array([0.64, -0.64, 0.66, -1.7, 1e9, -1e9])
    assert quantise(32 * codes, 32).tolist() == [0, 0, 1, -2, 127, -127]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (1, 1), (9, 23)])
def test_any_size_is_read_back(pca, height, width):
    image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3)).astype(np.uint8)
    content = pack(pca, image, len(STEPS))
    found = unpack(pca, content)
    assert psnr(image, found) > 25
    # Ce qui est relu est, à l'arrondi près, ce que rendent les codes arrondis, sans fichier.
    padded = np.pad(image, [(0, 0), (0, -height % 8), (0, -width % 8), (0, 0)], mode="edge")
    codes = quantise(pca.analyse(padded), STEPS[-1]).astype(np.float32) * STEPS[-1]
    direct = np.clip(np.round(pca.synthesise(codes)[:, :height, :width]), 0, 255)
    np.testing.assert_array_equal(found, direct.astype(np.uint8))


def test_a_better_quality_is_bigger_and_closer(images, pca):
    contents = [pack(pca, images[300:309], quality) for quality in (1, 4, 7)]
    psnrs = [psnr(images[300:309], unpack(pca, content)) for content in contents]
    assert contents == sorted(contents, key=len) and psnrs == sorted(psnrs)


def test_blocks_come_back(images):
    x = images[:9, :24, :16]
    blocks = baselines.to_blocks(x)
    np.testing.assert_array_equal(blocks[4, 1, 1], x[4, 8:16, 8:16].reshape(-1))
    np.testing.assert_array_equal(baselines.from_blocks(blocks), x)


def test_a_projection_keeps_what_its_axes_say(images, principal):
    axes, spreads = principal
    np.testing.assert_allclose(baselines.project(images[:300], axes), images[:300], atol=1e-2)
    error = (images[:300] - baselines.project(images[:300], axes[:, :16])) ** 2
    assert error.mean() * 192 == pytest.approx(np.sum(spreads[16:] ** 2), rel=1e-3)


def test_no_linear_bottleneck_of_its_size_beats_that_of_whole_images(images):
    """Huit pixels de côté sont une image entière : les deux ACP n'en font qu'une."""
    x = images[:200, :16, :16]
    whole = baselines.whole_axes(x, 64)
    np.testing.assert_allclose(whole.T @ whole, np.eye(64), atol=1e-4)
    found = baselines.project_whole(x, whole)
    blocks, _ = baselines.principal_axes(x)
    assert psnr(x, found) > psnr(x, baselines.project(x, blocks[:, :16]))
    small = x[:, :8, :8]
    axes, _ = baselines.principal_axes(small)
    same = baselines.project_whole(small, baselines.whole_axes(small, 16))
    np.testing.assert_allclose(same, baselines.project(small, axes[:, :16]), atol=0.1)


def test_a_reduced_image_keeps_what_is_smooth():
    ramp = np.broadcast_to(np.arange(0, 256, 8, np.uint8)[:, None, None], (2, 32, 24, 3))
    found = baselines.reduce_and_enlarge(np.ascontiguousarray(ramp))
    assert found.shape == ramp.shape and psnr(ramp, found) > 30


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_format_gives_each_thumbnail_back_in_its_place(images, kind):
    content, found = baselines.through_format(images[:9], kind, 95)
    assert psnr(images[:9], found) > 25 and len(content) < images[:9].size / 2
    small, worse = baselines.through_format(images[:9], kind, 5)
    assert len(small) < len(content) and psnr(images[:9], worse) < psnr(images[:9], found)


def test_a_damaged_file_is_refused(images, pca):
    content = pack(pca, images[300:301], 4)
    middle = len(content) // 2
    broken = content[:middle] + bytes([content[middle] ^ 64]) + content[middle + 1 :]
    for damaged in (b"", b"\x89PNG" + content, content[:-4], broken):
        with pytest.raises(ValueError, match="pas été écrit par --compress, ou il est abîmé"):
            unpack(pca, damaged)
