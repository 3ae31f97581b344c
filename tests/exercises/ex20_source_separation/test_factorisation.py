from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex20_source_separation import factorisation as ex20
from exercises.ex20_source_separation.spectrograms import improvement, stft

QUESTION = "S3 CNN & Time-Frequency representation"


def two_tones(num_samples=8000):
    """Deux notes pures qui se chevauchent : chacune est seule un moment, sans quoi la même somme
    s'écrirait aussi d'une note et de l'accord des deux.
    """
    t = np.arange(num_samples) / 8000
    swell = np.sin(np.pi * np.clip(np.arange(num_samples) / (0.7 * num_samples), 0, 1)) ** 2
    low, high = (np.sin(2 * np.pi * each * t) for each in (500, 2000))
    return np.stack([low * swell, high * swell[::-1]])[None].astype(np.float32)


@pytest.mark.question(QUESTION)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(rows=st.integers(2, 9), columns=st.integers(2, 9), kept=st.integers(1, 8))
def test_the_svd_loses_exactly_what_it_drops(rows, columns, kept):
    matrix = np.random.default_rng(rows * columns).uniform(size=(rows, columns))
    parts = ex20.svd_parts(matrix, kept)
    assert parts.shape == (min(kept, rows, columns), rows, columns)
    lost = np.sum((matrix - parts.sum(axis=0)) ** 2)
    squares = np.linalg.eigvalsh(matrix @ matrix.T)[::-1]  # des valeurs singulières
    assert lost == pytest.approx(np.sum(squares[kept:]), abs=1e-9)
    assert all(np.linalg.matrix_rank(part) == 1 for part in parts)


@pytest.mark.question(QUESTION)
def test_two_parts_are_enough_for_two_tones():
    sources = two_tones()
    nmf = partial(ex20.nmf_parts, num_parts=2, seed=0)
    assert improvement(ex20.separate_by_oracle(sources, nmf), sources).min() > 45
    magnitudes = np.abs(stft(sources.sum(axis=1)))[0]
    parts = nmf(magnitudes)
    assert parts.min() >= 0
    np.testing.assert_allclose(parts.sum(axis=0), magnitudes, atol=0.03 * magnitudes.max())
    loudest = sorted(part.sum(axis=0).argmax() for part in parts)
    assert loudest == [32, 128]  # 500 et 2000 Hz : une note chacune


@pytest.mark.question(QUESTION)
def test_svd_parts_are_not_sounds():
    """La SVD approche au moins aussi bien les mêmes notes, et ne les sépare pourtant pas."""
    sources = two_tones()
    magnitudes = np.abs(stft(sources.sum(axis=1)))[0]
    svd, nmf = ex20.svd_parts(magnitudes, 2), ex20.nmf_parts(magnitudes, 2, seed=0)
    errors = [np.sum((magnitudes - parts.sum(axis=0)) ** 2) for parts in (svd, nmf)]
    assert errors[0] <= errors[1]
    assert svd[0].min() > -1e-3 and svd[1].min() < -0.1 * magnitudes.max()
    found = ex20.separate_by_oracle(sources, partial(ex20.svd_parts, num_parts=2))
    assert improvement(found, sources).max() < 1


@pytest.mark.question(QUESTION)
def test_the_oracle_gives_each_part_to_its_source():
    sources = np.array([[[2.0, 0.5, 0.0]], [[0.5, 2.0, 0.0]]])  # (2, 1, 3)
    parts = np.array([[[3.0, 1, 0]], [[1.0, 3, 0]], [[-5.0, -5, 0]]])
    np.testing.assert_allclose(ex20.oracle_mask(parts, sources), [[0.75, 0.25, 0]], atol=1e-6)
    np.testing.assert_allclose(
        ex20.oracle_mask(parts, sources[::-1]), [[0.25, 0.75, 0]], atol=1e-6
    )  # ce qui reste est à l'autre source


def test_a_draw_is_its_seed():
    magnitudes = np.abs(stft(two_tones(3000).sum(axis=1)))[0]
    first, again, other = (ex20.nmf_parts(magnitudes, 3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.filterwarnings("error")
def test_silence_stays_silent():
    silence = np.zeros((1, 2, 2000), np.float32)
    for factorise in (
        partial(ex20.svd_parts, num_parts=3),
        partial(ex20.nmf_parts, num_parts=3, seed=0),
    ):
        np.testing.assert_array_equal(ex20.separate_by_oracle(silence, factorise), 0)


@pytest.mark.question(QUESTION)
def test_spectra_learned_from_each_source_alone_need_no_oracle():
    sources = two_tones()
    spectra = tuple(ex20.learn_spectra(sources[:, k], 3, seed=0) for k in range(2))
    for each, loudest in zip(spectra, (32, 128), strict=True):  # 500 et 2000 Hz
        assert each.shape == (3, 257) and each.min() >= 0
        np.testing.assert_allclose(each.sum(axis=1), 1, rtol=1e-5)
        assert each.sum(axis=0).argmax() == loudest
    found = ex20.separate_by_spectra(sources.sum(axis=1), spectra)
    assert improvement(found, sources).min() > 30
    np.testing.assert_allclose(found.sum(axis=1), sources.sum(axis=1), atol=1e-5)
    swapped = ex20.separate_by_spectra(sources.sum(axis=1), spectra[::-1])
    np.testing.assert_allclose(swapped, found[:, ::-1], atol=1e-2)
