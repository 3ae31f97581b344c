"""L'intervalle partagé : celui de l'exercice 23, et des nombres qui ne sont pas des réponses."""

import numpy as np
import pytest
from scipy import stats

from convnets.core.intervals import Interval, mean_interval, paired_gap, paired_gaps, sign
from exercises.ex23_what_matters import intervals as ex23


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_it_is_the_one_that_the_exercise_builds(num_seeds):
    rng = np.random.default_rng(0)
    right, reference = rng.random((2, num_seeds, 500)) < [[[0.8]], [[0.7]]]
    gap = paired_gap(right, reference)
    assert gap == pytest.approx(tuple(ex23.paired_gap(right, reference)))
    assert sign(gap) == 1 and sign(paired_gap(reference, right)) == -1


def test_pictures_alone_give_the_interval_of_student():
    losses = np.random.default_rng(1).exponential(size=(1, 40))
    known = stats.ttest_1samp(losses[0], 0).confidence_interval()
    assert mean_interval(losses) == pytest.approx((losses.mean(), known.low, known.high))


def test_seeds_alone_too():
    values = np.array([[0.1], [0.3], [0.5]])
    known = stats.ttest_1samp(values[:, 0], 0).confidence_interval()
    assert mean_interval(values) == pytest.approx((0.3, known.low, known.high))


def test_what_never_moves_has_no_width():
    assert mean_interval(np.ones((2, 3))) == Interval(1.0, 1.0, 1.0)


@pytest.mark.parametrize("shape", [(3,), (1, 1)])
def test_too_few_values_are_refused(shape):
    with pytest.raises(ValueError, match="au moins deux valeurs"):
        mean_interval(np.ones(shape))


def test_pairs_must_match():
    with pytest.raises(ValueError, match="mêmes graines"):
        paired_gap(np.ones((2, 5)), np.ones((3, 5)))


def test_named_pairs_are_compared_over_every_seed():
    found = [{"a": [1, 1, 0], "b": [0, 1, 0]}, {"a": [1, 0, 1], "b": [0, 0, 1]}]
    gaps = paired_gaps(found, [("a", "b"), ("b", "a")])
    assert list(gaps) == ["a - b", "b - a"]
    values = [np.array([each[name] for each in found]) for name in "ab"]
    assert gaps["a - b"] == list(paired_gap(*values))
    assert gaps["b - a"][0] == -gaps["a - b"][0] < 0
