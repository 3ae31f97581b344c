import numpy as np
import pytest

from convnets.datasets import scenes, sources

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import metrics

    return metrics


@pytest.fixture
def apart():
    """Deux scènes : deux objets éloignés, puis un seul ; classes 4, 9 et 4."""
    boxes = np.array([[[4, 4, 28, 28], [34, 34, 58, 58]], [[20, 20, 44, 44], [0] * 4]], np.float32)
    labels = np.array([[4, 9], [4, scenes.ABSENT]], np.int32)
    return scenes.Scenes(np.zeros((2, 64, 64, 3), np.uint8), boxes, labels, None)


def evaluate(ex17, grids, scenes, *, min_score=0.5):
    from exercises.ex17_detection.grid import decode

    return ex17.evaluate(
        lambda suppress: decode(grids, suppress=suppress), scenes, min_score=min_score
    )


@pytest.fixture
def perfect(apart):
    from exercises.ex17_detection.grid import encode

    return encode(apart.boxes, apart.labels)


@pytest.mark.question(QUESTION)
def test_the_truth_is_perfect(ex17, apart, perfect):
    found = evaluate(ex17, perfect, apart)
    names = ["map", "precision", "recall"]
    assert set(found) == {
        *names,
        *(f"{n}_without_nms" for n in names),
        "ap Coat",
        f"ap {sources.FASHION_CLASSES[9]}",
    }
    assert set(found.values()) == {1.0}


@pytest.mark.question(QUESTION)
def test_duplicates_cost_without_suppression_only(ex17, apart, perfect):
    # Scène 1 : la case à gauche de celle de l'objet donne la même boîte, et plus sûrement.
    row, column = np.argwhere(perfect[1, ..., 0])[0]
    perfect[..., 0] *= 0.8
    perfect[1, row, column - 1] = perfect[1, row, column]
    perfect[1, row, column - 1, :2] = 0.9, 1  # même centre : le bord droit de la case voisine
    found = evaluate(ex17, perfect, apart)
    assert found["map"] == found["precision"] == found["recall"] == 1
    assert found["precision_without_nms"] == 3 / 4 and found["recall_without_nms"] == 1
    # Classe 4 : juste, puis juste ou doublon à égalité de score, dans l'ordre des scènes.
    assert found["map_without_nms"] == 1
    perfect[0, ..., 0] *= 0.5  # l'autre objet de classe 4 vient après le doublon : 1, 1/2, 2/3
    found = evaluate(ex17, perfect, apart)
    assert found["map_without_nms"] == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)
    assert found["map"] == 1 and found["recall"] == pytest.approx(1 / 3)


@pytest.mark.question(QUESTION)
def test_judge_keeps_the_count_of_what_is_missed(ex17, apart, perfect):
    from exercises.ex17_detection.grid import decode

    perfect[0] = 0
    judged = ex17.judge(decode(perfect), apart)
    assert judged.correct.tolist() == [True] and judged.labels.tolist() == [4]
    assert judged.num_objects[[4, 9]].tolist() == [2, 1] and judged.num_objects.sum() == 3
    values = ex17.class_average_precisions(judged)
    assert values[4] == 0.5 and values[9] == 0 and np.isnan(np.delete(values, [4, 9])).all()
    assert ex17.mean_average_precision(judged) == 0.25


@pytest.mark.question(QUESTION)
def test_the_chosen_score_has_the_best_f1(ex17):
    rng = np.random.default_rng(0)
    scores = rng.random(200).astype(np.float32)
    correct = rng.random(200) < scores**2
    judged = ex17.Judged(scores, correct, np.zeros(200, int), np.array([90]))

    def f1(score):
        kept = correct[scores >= score]
        return 2 * kept.sum() / (len(kept) + 90)

    chosen = ex17.choose_score(judged)
    assert chosen in scores and 0.1 < chosen < 0.9
    assert f1(chosen) == max(f1(score) for score in scores)
    nothing = ex17.Judged(np.empty(0), np.empty(0, bool), np.empty(0, int), np.array([3]))
    assert ex17.choose_score(nothing) == 1


@pytest.mark.question(QUESTION)
def test_one_box_finds_one_object_at_most(ex17, apart):
    from exercises.ex17_detection.localization import to_targets

    outputs = to_targets(apart.boxes[:, 0], apart.labels[:, 0])
    outputs[0, 4:] = 0.6 * outputs[0, 4:]
    found = ex17.one_box(outputs)
    assert [each.boxes.shape for each in found] == [(1, 4)] * 2
    np.testing.assert_allclose([each.scores[0] for each in found], [0.6, 1])
    judged = ex17.judge(found, apart)
    assert judged.correct.all() and ex17.mean_average_precision(judged) == 0.5
