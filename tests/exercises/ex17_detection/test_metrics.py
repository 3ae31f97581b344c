import numpy as np
import pytest

from convnets.datasets import scenes
from exercises.ex17_detection import grid
from exercises.ex17_detection import metrics as ex17

QUESTION = "S3 Different problems, models & metrics"
BOXES = np.array([[[4, 4, 28, 28], [34, 34, 58, 58]], [[20, 20, 44, 44], [0] * 4]], np.float32)
LABELS = np.array([[4, 9], [4, scenes.ABSENT]], np.int32)
APART = scenes.Scenes(np.zeros((2, 64, 64, 3), np.uint8), BOXES, LABELS, None)


@pytest.fixture
def perfect():
    """Ce que répondrait une grille sans défaut aux deux scènes."""
    return grid.encode(BOXES, LABELS)


def mean_precision(grids, **options):
    return ex17.mean_average_precision(ex17.judge(grid.decode(grids, **options), APART))


@pytest.mark.question(QUESTION)
def test_duplicates_cost_without_suppression_only(perfect):
    # Scène 1 : la case à gauche de celle de l'objet donne la même boîte, et plus sûrement.
    row, column = np.argwhere(perfect[1, ..., 0])[0]
    perfect[..., 0] = 0.8 * perfect[..., 0]
    perfect[1, row, column - 1] = perfect[1, row, column]
    perfect[1, row, column - 1, :2] = 0.9, 1  # même centre : le bord droit de la case voisine
    assert mean_precision(perfect) == 1
    perfect[0, ..., 0] *= 0.5  # l'autre objet de classe 4 vient après le doublon : 1, 1/2, 2/3
    without = mean_precision(perfect, suppress=False)
    assert without == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)
    assert mean_precision(perfect) == 1


@pytest.mark.question(QUESTION)
def test_what_is_missed_counts(perfect):
    perfect[0] = 0
    judged = ex17.judge(grid.decode(perfect), APART)
    assert ex17.average_precisions(judged) == {"ap Coat": 0.5, "ap Ankle boot": 0}
    assert ex17.mean_average_precision(judged) == 0.25


@pytest.mark.question(QUESTION)
def test_the_chosen_score_has_the_best_f1():
    rng = np.random.default_rng(0)
    scores = rng.random(200)
    correct = rng.random(200) < scores**2

    def f1(score):
        kept = correct[scores >= score]
        return 2 * kept.sum() / (len(kept) + 90)

    judged = ex17.Judged(scores, correct, np.zeros(200, int), np.array([90]))
    assert ex17.choose_score(judged) == max(scores, key=f1)
    nothing = ex17.Judged(np.empty(0), np.empty(0, bool), np.empty(0, int), np.array([3]))
    assert ex17.choose_score(nothing) == 1


@pytest.mark.question(QUESTION)
def test_what_a_scene_weighs_is_what_the_precision_loses_without_it(perfect):
    perfect[0, ..., 0] *= 0.5
    perfect[1] = 0  # la seconde scène n'est pas trouvée
    found = grid.decode(perfect)
    weighed = ex17.scene_precision(ex17.judge_each(found, APART))
    assert weighed.mean() == pytest.approx(ex17.mean_average_precision(ex17.judge(found, APART)))
    assert weighed[0] > weighed[1]
    # Mille scènes d'une boîte, juste ou fausse : l'écart-type de la précision moyenne est celui que
    # donnent des tirages avec remise.
    rng, classes = np.random.default_rng(0), np.eye(10, dtype=int)[0]
    scores = rng.random(1000)
    right = rng.random(1000) < scores
    judged = [
        ex17.Judged(scores[i : i + 1], right[i : i + 1], np.zeros(1, int), classes)
        for i in range(1000)
    ]
    drawn = [
        ex17.mean_average_precision(ex17.join([judged[i] for i in rng.integers(1000, size=1000)]))
        for _ in range(100)
    ]
    spread = ex17.scene_precision(judged).std(ddof=1) / 1000**0.5
    assert spread == pytest.approx(np.std(drawn, ddof=1), rel=0.3)
