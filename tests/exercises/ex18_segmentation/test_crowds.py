import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex18_segmentation import crowds

QUESTION = "S3 Different problems, models & metrics"


@pytest.mark.question(QUESTION)
def test_every_kind_of_scene():
    """Des carrés de trois classes, et un seul fond."""
    objects, grounds = np.full((20, 28, 28), 200, np.uint8), np.full((1, 32, 32, 3), 90, np.uint8)
    made = crowds.compose_crowds(objects, np.arange(20) % 3, grounds, num_scenes=16, seed=0)
    assert made.overlaps.tolist() == [0, 1, 2, 3] * 4
    assert set(made.labels) == {0, 1, 2}
    for owners, image in zip(made.owners, made.images, strict=True):
        least, most = crowds.NUM_OBJECTS
        assert least <= owners.max() <= most
        assert set(np.unique(owners)) == set(range(owners.max() + 1))
        assert len(np.unique(image[owners == 0], axis=0)) == 1  # le fond, uni


def slide(owners, kind, seed):
    """Pose un carré de 8 ; rend le coin."""
    rng = np.random.default_rng(seed)
    return crowds.slide(np.ones((8, 8), bool), owners, [100], rng, kind)


@settings(max_examples=30, deadline=None)
@given(kind=st.integers(0, 3), seed=st.integers(0, 999))
def test_an_object_slides_until_enough_is_seen(kind, seed):
    """Un carré de 8 sur un carré de 10 : ce qui est caché se compte ligne par ligne."""
    owners = np.zeros((40, 40), np.uint8)
    owners[15:25, 15:25] = 1
    corner = slide(owners, kind, seed)
    gap_px, most_hidden = list(crowds.OVERLAPS.values())[kind]
    hidden = np.prod([max(0, min(a + 8, 25) - max(a, 15)) for a in corner])
    far = max(max(15 - (a + 8), a - 25) for a in corner)  # négatif, s'il recouvre
    assert most_hidden * 100 - 18 * (gap_px == 0) <= hidden <= most_hidden * 100
    assert gap_px <= far <= gap_px + 1 or hidden > 0


def test_what_was_hidden_stays_counted():
    """Déjà caché au plus, un objet ne peut plus l'être : le suivant glisse jusqu'à son bord."""
    owners = np.zeros((40, 40), np.uint8)
    owners[15:25, 15:21] = 1  # quarante pixels sur cent ont disparu
    for seed in range(20):
        top, left = slide(owners, 3, seed)
        assert not owners[top : top + 8, left : left + 8].any()
