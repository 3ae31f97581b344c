"""Les films : l'ordre seul y répond ; les trois réseaux, de même taille."""

import numpy as np
import pytest

from exercises.ex27_video import __main__ as ex27
from exercises.ex27_video import clips

QUESTION = "S3, Action Recognition"


@pytest.fixture(scope="module")
def pictures():
    from tests.conftest import load_extract

    return [load_extract(name)[0] for name in ("fashion_mnist", "cifar10")]


@pytest.fixture(scope="module")
def twins(pictures):
    return clips.compose_clips(*pictures, num_clips=18, seed=0, twins=True)


def frames(clip):
    return sorted(each.tobytes() for each in clip)


@pytest.mark.question(QUESTION)
def test_twins_have_the_same_pictures_and_the_other_answer(twins):
    x, y = twins
    assert x.shape == (36, 8, 32, 32) and x.dtype == np.uint8
    assert (y[::2] ^ 1 == y[1::2]).all() and np.bincount(y).tolist() == [6] * 6
    for first, second in zip(x[::2], x[1::2], strict=True):
        assert (first != second).any() and frames(first) == frames(second)


def test_each_class_moves_as_its_name_says():
    """Un carré blanc au-dessus d'un trait, sur fond noir : où il va se mesure."""
    square = np.zeros((28, 28), np.uint8)
    square[2:26, 12:16] = 255  # un mât…
    square[2:12, 4:24] = 255  # … et sa tête, en haut
    black, rng = np.zeros((32, 32, 3), np.uint8), np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :32]

    def centers(pair):
        clip = clips.compose_clip(pair, np.stack([square, square]), black, rng)
        weights = np.clip(clip.astype(float) - 40, 0, None)  # le bruit n'y est pas
        mass = weights.sum((1, 2))
        return np.stack([(weights * each).sum((1, 2)) / mass for each in (columns, rows)], axis=1)

    for _ in range(5):
        arm = centers(0)
        arm -= arm.mean(0)
        angle = np.unwrap(np.arctan2(-arm[:, 1], arm[:, 0]))  # vers le haut, donc vers la gauche
        assert angle[-1] - angle[0] > 0
        away = centers(1)
        far = np.linalg.norm(away - away[0], axis=1)
        assert far.argmax() in (3, 4) and far[-1] < 1 < far.max()
        one_then_other = centers(2)[:, 0]
        assert one_then_other[0] < 16 < one_then_other[-1]


def test_training_clips_are_balanced_and_swapped(pictures):
    x, y = clips.compose_clips(*pictures, num_clips=60, seed=1, twins=False)
    assert len(x) == 60 and np.bincount(y // 2).tolist() == [20] * 3
    assert 15 < (y % 2).sum() < 45


@pytest.mark.ci
@pytest.mark.question("S0, Convolution 3D")
def test_networks_are_of_equal_size_and_only_some_see_the_order(twins):
    """Avant tout apprentissage, image par image, la réponse est la même aux deux jumeaux."""
    x, _ = twins
    counts = {}
    for kind in ex27.WIDTHS:
        model = ex27.build_model(kind)
        counts[kind] = model.count_params()
        found = np.asarray(model(x[:12]))
        np.testing.assert_allclose(found.sum(1), np.ones(12), atol=1e-5)
        gap = np.abs(found[::2] - found[1::2]).max()
        assert gap < 1e-5 if kind == "frames" else gap > 1e-4, kind
    assert max(counts.values()) < 1.04 * min(counts.values())
