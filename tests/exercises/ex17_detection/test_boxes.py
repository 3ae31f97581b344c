import numpy as np
import pytest

from exercises.ex17_detection import boxes as ex17

QUESTION = "S3 Different problems, models & metrics"


def random_boxes(num, seed, side=20):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, side - 6, (num, 2))
    return np.concatenate([low, low + rng.integers(1, 7, (num, 2))], axis=1)


# --- IoU -----------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_iou_counts_pixels():
    """Boîtes entières : l'aire est un nombre de pixels, que l'on compte."""
    first, second = random_boxes(15, 0), random_boxes(11, 1)

    def pixels(box):
        x0, y0, x1, y1 = box
        return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}

    expected = [
        [len(pixels(a) & pixels(b)) / len(pixels(a) | pixels(b)) for b in second] for a in first
    ]
    assert np.max(expected) > 0.3 and np.min(expected) == 0
    np.testing.assert_allclose(ex17.iou(first, second), expected, atol=1e-12)


@pytest.mark.filterwarnings("error")
def test_iou_of_nothing():
    flat, full = np.array([[3, 3, 3, 8], [9, 9, 4, 4]]), np.array([[0, 0, 9, 9]])
    assert (ex17.iou(flat, np.concatenate([flat, full])) == 0).all()
    assert ex17.iou(np.empty((0, 4)), full).shape == (0, 1)
    with pytest.raises(ValueError, match=r"\(n, 4\) attendu"):
        ex17.iou(full[0], full)


# --- Suppression des doublons --------------------------------------------------------


def plain_suppression(boxes, scores, labels, threshold):
    """La définition, avec des listes : prendre la plus sûre, écarter ses rivales, recommencer."""
    left, kept = list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda i: scores[i])
        kept.append(best)
        left = [
            i
            for i in left
            if i != best
            and (labels[i] != labels[best] or ex17.iou(boxes[[i]], boxes[[best]]) <= threshold)
        ]
    return kept


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("threshold", [0.1, 0.4])
def test_suppression_is_the_plain_loop(threshold):
    rng = np.random.default_rng(0)
    boxes, scores = random_boxes(60, 0, side=14), rng.permutation(60) / 60
    labels = rng.integers(0, 3, 60)
    found = ex17.non_max_suppression(boxes, scores, labels, threshold=threshold)
    expected = plain_suppression(boxes, scores, labels, threshold)
    assert found.tolist() == expected and 3 < len(expected) < 60


# --- Justes ou non -------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_match_by_hand():
    truth, labels = np.array([[0, 0, 10, 10], [20, 0, 30, 10]]), np.array([3, 4])
    found = ex17.Detections(
        np.array(
            [
                [0, 0, 10, 5],  # IoU 1/2 tout juste : trouvé
                [0, 0, 10, 10],  # parfaite, mais cet objet l'est déjà
                [20, 0, 30, 10],  # parfaite, mauvaise classe
                [20, 0, 30, 4.9],  # trop petite
                [20, 0, 30, 9],  # trouvé
                [50, 50, 60, 60],  # rien ici
            ]
        ),
        np.linspace(0.9, 0.4, 6),
        np.array([3, 3, 3, 4, 4, 4]),
    )
    expected = [True, False, False, False, True, False]
    assert ex17.match(found, truth, labels).tolist() == expected
    assert ex17.match(found, np.empty((0, 4)), np.empty(0, int)).tolist() == [False] * 6
    nothing = ex17.Detections(np.empty((0, 4)), np.empty(0), np.empty(0, int))
    assert ex17.match(nothing, truth, labels).shape == (0,)


# --- Précision, rappel, précision moyenne --------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("num_missed", [0, 3])
def test_average_precision_is_its_definition(num_missed):
    """À chaque rappel k / num_objects : la meilleure précision qui l'atteint."""
    rng = np.random.default_rng(0)
    correct, scores = rng.random(30) < 0.5, rng.permutation(30)
    num_objects = correct.sum() + num_missed
    ranked = correct[np.argsort(-scores)]
    expected = sum(
        max(ranked[:n].sum() / n for n in range(1, 31) if ranked[:n].sum() >= k)
        for k in range(1, correct.sum() + 1)
    )
    curve = ex17.precision_recall(scores, correct, num_objects)
    assert ex17.average_precision(*curve) == pytest.approx(expected / num_objects)
