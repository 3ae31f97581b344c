"""Des foules de compte connu : la densité y somme au compte, les pics s'y comptent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex28_pose_and_depth import counting, crowds, lessons

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
    assert density.min() >= 0
    assert density.sum() == pytest.approx(len(heads), rel=1e-5)
    summed = counting.count_density(counting.SCALE * density[None])
    np.testing.assert_allclose(summed, len(heads), rtol=1e-5)


def test_nobody_is_zero():
    assert counting.density_map(padded([])).sum() == counting.peak_map(padded([])).sum() == 0


@pytest.mark.question(QUESTION)
def test_peaks_of_heads_apart_are_all_found_and_nowhere_else():
    heads = np.array([(10.5, 10.5), (14.5, 10.5), (63.5, 0.5), (30.2, 40.9)])
    peaks = counting.peak_map(padded(heads))
    assert peaks.max() == 1 and peaks[10, 10] == peaks[0, 63] == 1
    rows, columns = np.nonzero(counting.find_peaks(peaks[None], 0.5)[0])
    assert sorted(zip(columns, rows, strict=True)) == [(10, 10), (14, 10), (30, 40), (63, 0)]
    assert counting.count_peaks(peaks[None], 0.95).tolist() == [3]  # la dernière est entre deux
    assert counting.count_peaks(0.5 * np.eye(3)[None, 1:2], 0.5).tolist() == [1]  # tout juste


def test_two_heads_too_close_are_one_peak_and_still_two_in_density():
    heads = padded([(20.5, 20.5), (21.5, 20.9)])
    assert counting.count_peaks(counting.peak_map(heads)[None], 0.3).tolist() == [1]
    assert counting.density_map(heads).sum() == pytest.approx(2, rel=1e-5)


def test_losses_are_least_for_the_target():
    heads = padded([(10.5, 10.5), (12.0, 11.0), (40.2, 3.3)])
    density, peaks = counting.density_map(heads)[None], counting.peak_map(heads)[None]
    assert float(counting.density_loss(density, counting.SCALE * density)[0]) == 0
    shifted = counting.SCALE * density + 2
    assert float(counting.density_loss(density, shifted)[0]) == pytest.approx(4, rel=1e-3)
    right, *wrong = (
        float(counting.peak_loss(peaks, each)[0])
        for each in (peaks, np.roll(peaks, 1, 1), np.full_like(peaks, 0.5))
    )
    assert right < min(wrong) and wrong[1] == pytest.approx(64 * 64 * np.log(2), rel=1e-3)


def test_the_threshold_that_counts_best_is_chosen():
    """Vraies têtes à 0,8, fausses à 0,4 : tout seuil entre les deux compte juste."""
    answers = np.zeros((3, 64, 64))
    counts = np.array([2, 5, 9])
    for answer, count in zip(answers, counts, strict=True):
        answer[4, 4 : 4 + 4 * count : 4] = 0.8
        answer[30, 4::7] = 0.4
    assert 0.4 < counting.choose_threshold(answers, counts) <= 0.8


@pytest.fixture(scope="module")
def made():
    from tests.conftest import load_extract

    photographs, _ = load_extract("cifar10")
    objects, labels = load_extract("fashion_mnist")
    return crowds.compose_crowds(
        photographs, objects, labels, num_images=8, counts=(30, 60), seed=0
    )


def test_crowds_have_as_many_heads_as_they_say(made):
    assert made.images.shape == (8, 64, 64, 3) and made.images.dtype == np.uint8
    assert ((made.counts >= 30) & (made.counts <= 60)).all()
    np.testing.assert_array_equal((~np.isnan(made.heads[..., 0])).sum(1), made.counts)
    for heads, count in zip(made.heads, made.counts, strict=True):
        heads = heads[:count]
        assert heads.min() >= 0 and heads.max() < crowds.SIDE_PX
        assert (np.diff(heads[:, 1]) >= 0).all()  # les plus proches devant
        gaps = np.linalg.norm(heads[:, None] - heads, axis=-1)
        np.fill_diagonal(gaps, np.inf)
        assert gaps.min() > crowds.APART * crowds.HEAD_PX[0] - 1e-4


def test_every_head_is_seen(monkeypatch):
    """Corps noirs, fond noir : ce qui est clair est une tête, et chacune en a."""
    objects, black = np.full((1, 28, 28), 255, np.uint8), np.zeros((1, 32, 32, 3), np.uint8)
    monkeypatch.setattr(
        crowds, "cut_out", lambda _, px: (np.zeros((px, px)), np.ones((px, px), bool))
    )
    found = crowds.compose_crowds(
        black, objects, np.zeros(1), num_images=3, counts=(80, 80), seed=0
    )
    for image, heads, count in zip(*found, strict=True):
        rows, columns = np.nonzero(image.max(-1) > 25)
        points = np.stack([columns, rows], axis=-1) + 0.5
        away = np.linalg.norm(points[:, None] - heads[:count], axis=-1)
        assert count == 80 and (away.min(0) < crowds.HEAD_PX[1]).all()


def test_counts_are_judged_by_density():
    counts = np.array([10, 30, 30, 50, 110])
    found = {"density": np.array([12, 30, 27, 40, 110]), "constant": 30}
    measured = lessons.measure_counts(found, counts)
    assert measured["count_mae_density_all"] == (2 + 3 + 10) / 5
    assert measured["relative_density_all"] == (2 + 3 + 10) / 230
    assert measured["relative_density_21"] == 3 / 60
    assert measured["relative_density_1"] == measured["relative_density_41"] == 0.2
    assert measured["relative_density_101"] == 0
    assert measured["relative_constant_101"] == 80 / 110
    assert "relative_density_61" not in measured  # aucune foule de 61 à 80
