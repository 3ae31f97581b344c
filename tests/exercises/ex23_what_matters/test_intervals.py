"""L'intervalle d'une différence : des cas dont la réponse est connue."""

import numpy as np
import pytest
from scipy import stats

from exercises.ex23_what_matters.intervals import Gap, paired_gap, sign

QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"


def draw(rng, num_seeds=3, num_images=400, *, gain=0.0, luck=0.02):
    """Tire les réponses de deux réseaux ; l'un vaut en vérité `gain` de plus que l'autre.

    Des images plus ou moins difficiles, les mêmes pour les deux ; une chance par apprentissage.
    """
    share = rng.uniform(0.25, 0.75, num_images)
    return [
        rng.random((num_seeds, num_images)) < share + more + rng.normal(0, luck, (num_seeds, 1))
        for more in (gain, 0.0)
    ]


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("num_seeds", [1, 3])
def test_a_planted_gap_is_found(num_seeds):
    """Le second réseau se trompe de plus sur quarante images de mille, à chaque graine."""
    right = np.random.default_rng(1).random((num_seeds, 1000)) < 0.7
    right[:, :40] = True
    worse = right.copy()
    worse[:, :40] = False
    gap, nothing = paired_gap(right, worse), paired_gap(right, right)
    assert gap.difference == pytest.approx(0.04) and 0.02 < gap.low < 0.04 < gap.high < 0.06
    assert nothing == Gap(0.0, 0.0, 0.0)
    assert [sign(each) for each in (gap, nothing, paired_gap(worse, right))] == [1, 0, -1]


def test_with_one_seed_it_is_the_paired_t_interval():
    right, reference = draw(np.random.default_rng(2), 1, gain=0.05)
    known = stats.ttest_rel(*(x[0].astype(float) for x in (right, reference))).confidence_interval()
    assert paired_gap(right, reference)[1:] == pytest.approx((known.low, known.high))


def test_seeds_that_disagree_count_as_three_and_not_as_a_thousand():
    """Toute la variation vient des graines : c'est l'intervalle de Student de trois nombres."""
    right, reference = np.ones((3, 10_000), bool), np.zeros((3, 10_000), bool)
    for seed, count in enumerate((9000, 7000, 5000)):
        reference[seed, :count] = True
    values = np.array([0.1, 0.3, 0.5])  # différence de chaque graine
    gap = paired_gap(right, reference)
    assert gap.difference == pytest.approx(values.mean())
    alone = stats.ttest_1samp(values, 0).confidence_interval()
    assert gap.high - gap.low == pytest.approx(alone.high - alone.low, rel=0.05)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(("luck", "naive_covers"), [(0.0, True), (0.03, False)])
def test_it_covers_the_truth_and_counting_images_alone_would_not(luck, naive_covers):
    """De 400 comparaisons de réseaux égaux, 95 % des intervalles contiennent zéro, à peu près.

    Prendre les images de trois graines pour trois fois plus d'images ne suffit que si la chance de
    l'apprentissage ne compte pas.
    """
    rng = np.random.default_rng(3)
    pairs = [draw(rng, luck=luck) for _ in range(400)]
    covered = np.mean([sign(paired_gap(*pair)) == 0 for pair in pairs])
    pooled = [paired_gap(*(each.reshape(1, -1) for each in pair)) for pair in pairs]
    assert covered >= 0.92
    assert (np.mean([sign(gap) == 0 for gap in pooled]) > 0.92) == naive_covers


@pytest.mark.parametrize("shapes", [((3, 5), (3, 4)), ((5,), (5,)), ((3, 1), (3, 1))])
def test_what_cannot_be_compared_is_refused(shapes):
    with pytest.raises(ValueError, match="deux tableaux .graines, images. de même forme"):
        paired_gap(*(np.zeros(shape, bool) for shape in shapes))
