"""Des foules de compte connu : la densité y somme au compte."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex28_pose_and_depth import counting, crowds

QUESTION = "S3, Crowd Understanding"
PLACES = st.floats(0, crowds.SIDE_PX, exclude_max=True)


def padded(heads) -> np.ndarray:
    """Les lignes qui manquent sont des NaN, comme dans `Crowds`."""
    found = np.full((crowds.MAX_COUNT, 2), np.nan)
    found[: len(heads)] = np.reshape(heads, (-1, 2))
    return found


@pytest.mark.question(QUESTION)
@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(PLACES, PLACES), max_size=30))
def test_a_density_sums_to_the_count_even_at_the_border(heads):
    heads = np.array([*heads, (0, 0), (63.99, 30)])
    density = counting.density_map(padded(heads))
    summed = counting.count_density(counting.SCALE * density[None])
    np.testing.assert_allclose(summed, len(heads), rtol=1e-5)


def test_a_density_is_highest_on_its_head_and_nobody_is_zero():
    density = counting.density_map(padded([(40.5, 10.5)]))
    assert np.unravel_index(density.argmax(), density.shape) == (10, 40)
    expected = np.exp(-(3**2 + 2**2) / (2 * counting.SPREAD_PX**2))
    assert density[12, 43] / density[10, 40] == pytest.approx(expected, rel=1e-5)
    assert counting.density_map(padded([])).sum() == 0


def test_crowds_have_as_many_heads_as_they_say(extract):
    photographs, _ = extract("cifar10")
    made = crowds.compose_crowds(
        photographs, *extract("fashion_mnist"), num_images=4, counts=(30, 60), seed=0
    )
    assert ((made.counts >= 30) & (made.counts <= 60)).all()
    np.testing.assert_array_equal((~np.isnan(made.heads[..., 0])).sum(1), made.counts)
    for heads, count in zip(made.heads, made.counts, strict=True):
        heads = heads[:count]
        assert heads.min() >= 0 and heads.max() < crowds.SIDE_PX
        gaps = np.linalg.norm(heads[:, None] - heads, axis=-1) + 99 * np.eye(count)
        assert gaps.min() > crowds.APART * crowds.HEAD_PX[0] - 1e-4
