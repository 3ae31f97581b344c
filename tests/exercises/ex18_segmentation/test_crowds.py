import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def crowds():
    from exercises.ex18_segmentation import crowds as ex18_crowds

    return ex18_crowds


@pytest.fixture(scope="module")
def made(crowds):
    """Seize scènes de carrés de 28 pixels, et d'un seul fond."""
    objects = np.full((20, 28, 28), 200, np.uint8)
    grounds = np.full((1, 32, 32, 3), 90, np.uint8)
    return crowds.compose_crowds(objects, np.arange(20) % 3, grounds, num_scenes=16, seed=0)


def places_of(owners):
    return [np.argwhere(owners == k) for k in range(1, owners.max() + 1)]


def gaps(owners):
    """Pixels de fond entre un objet et le plus proche des autres, par un côté ou un coin."""
    places = places_of(owners)
    return [
        min(
            np.abs(mine[:, None] - other).max(-1).min() - 1
            for j, other in enumerate(places)
            if j != k
        )
        for k, mine in enumerate(places)
    ]


@pytest.mark.question(QUESTION)
def test_every_kind_of_scene(crowds, made):
    least, most = crowds.NUM_OBJECTS
    assert made.overlaps.tolist() == [0, 1, 2, 3] * 4
    assert set(made.labels) <= {0, 1, 2} and len(set(made.labels)) > 1
    for owners, image, kind in zip(made.owners, made.images, made.overlaps, strict=True):
        assert least <= owners.max() <= most
        assert set(np.unique(owners)) == set(range(owners.max() + 1))
        assert (image[owners == 0] == image[owners == 0][0]).all()  # le fond, uni
        if kind == 0:
            assert min(gaps(owners)) == crowds.OVERLAPS["apart"][0]  # glissé jusque-là, pas plus
        else:
            assert max(gaps(owners)) <= 1  # un pas en biais peut sauter un pixel


@settings(max_examples=30, deadline=None)
@given(kind=st.integers(0, 3), seed=st.integers(0, 999))
def test_an_object_slides_until_enough_is_seen(crowds, kind, seed):
    """Un carré de 8 sur un carré de 10 : ce qui est caché se compte ligne par ligne."""
    owners = np.zeros((40, 40), np.uint8)
    owners[15:25, 15:25] = 1
    rng = np.random.default_rng(seed)
    corner = crowds.slide(np.ones((8, 8), bool), owners, [100], rng, kind)
    gap_px, most_hidden = list(crowds.OVERLAPS.values())[kind]
    top, left = corner  # la scène a de la place de tous les côtés
    common = [max(0, min(a + 8, 25) - max(a, 15)) for a in (top, left)]
    far = [max(15 - (a + 8), a - 25, 0) for a in (top, left)]
    assert 0 <= min(top, left) and max(top, left) <= 32
    assert common[0] * common[1] <= most_hidden * 100
    if gap_px:
        assert gap_px <= max(far) <= gap_px + 1
    else:
        assert max(far) <= 1
        assert common[0] * common[1] > most_hidden * 100 - 18  # un pas de moins en cachait plus


def test_what_was_hidden_stays_counted(crowds):
    """Déjà caché au plus, un objet ne peut plus l'être : le suivant glisse jusqu'à son bord."""
    owners = np.zeros((40, 40), np.uint8)
    owners[15:25, 15:25] = 1
    owners[15:25, 21:25] = 0  # quarante pixels sur cent ont disparu
    for seed in range(20):
        rng = np.random.default_rng(seed)
        top, left = crowds.slide(np.ones((8, 8), bool), owners, [100], rng, 3)
        assert not owners[top : top + 8, left : left + 8].any()
