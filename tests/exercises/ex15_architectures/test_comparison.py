import numpy as np
import pytest

QUESTION = "S3 Architectures en image"


@pytest.fixture(scope="module")
def comparison():
    from exercises.ex15_architectures import comparison as ex15_comparison

    return ex15_comparison


@pytest.mark.question(QUESTION)
def test_augment_only_moves_and_mirrors(comparison, extract):
    images = extract("cifar10")[0][:24]
    out = comparison.augment(images, indices=None, epoch=0, rng=np.random.default_rng(0))
    assert out.dtype == np.uint8 and out.shape == images.shape
    pad = comparison.SHIFT_PX
    mirrored = 0
    for image, got in zip(images, out, strict=True):
        padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
        moves = [
            padded[r : r + 32, c : c + 32] for r in range(2 * pad + 1) for c in range(2 * pad + 1)
        ]
        kept = any((move == got).all() for move in moves)
        mirrored += (not kept) and any((move[:, ::-1] == got).all() for move in moves)
        assert kept or any((move[:, ::-1] == got).all() for move in moves)
    assert 4 < mirrored < 20


@pytest.mark.question(QUESTION)
def test_every_network_has_its_share_of_the_time(comparison):
    assert set(comparison.SHARES) == set(comparison.BUILDERS) == set(comparison.ALL_NAMES_FR)
    assert sum(comparison.SHARES.values()) == pytest.approx(1)
