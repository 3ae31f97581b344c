import numpy as np
import pytest

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import boxes as ex17_boxes

    return ex17_boxes


def random_boxes(num, seed, side=20):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, side - 6, (num, 2))
    return np.concatenate([low, low + rng.integers(1, 7, (num, 2))], axis=1)


# --- IoU -----------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_iou_counts_pixels(ex17):
    """Boîtes entières : l'aire est un nombre de pixels, que l'on compte."""
    first, second = random_boxes(15, 0), random_boxes(11, 1)

    def pixels(box):
        x0, y0, x1, y1 = box
        return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}

    expected = [
        [len(pixels(a) & pixels(b)) / len(pixels(a) | pixels(b)) for b in second] for a in first
    ]
    found = ex17.iou(first, second)
    assert np.max(expected) > 0.3 and np.min(expected) == 0
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(ex17.iou(second, first), found.T, atol=1e-12)


@pytest.mark.filterwarnings("error")
def test_iou_of_nothing(ex17):
    flat, full = np.array([[3, 3, 3, 8], [9, 9, 4, 4]]), np.array([[0, 0, 9, 9]])
    assert (ex17.iou(flat, np.concatenate([flat, full])) == 0).all()
    assert ex17.iou(np.empty((0, 4)), full).shape == (0, 1)
    assert ex17.iou(full, np.empty((0, 4))).shape == (1, 0)


# --- Suppression des doublons --------------------------------------------------------


def plain_suppression(iou, boxes, scores, labels, threshold):
    """La définition, avec des listes : prendre la plus sûre, écarter ses rivales, recommencer."""
    left, kept = list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda i: scores[i])
        kept.append(best)
        left = [
            i
            for i in left
            if i != best
            and (labels[i] != labels[best] or iou(boxes[[i]], boxes[[best]])[0, 0] <= threshold)
        ]
    return kept


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("seed", range(4))
def test_suppression_is_the_plain_loop(ex17, seed):
    rng = np.random.default_rng(seed)
    boxes, scores = random_boxes(40, seed, side=14), rng.permutation(40) / 40
    labels = rng.integers(0, 3, 40)
    for threshold in (0.1, 0.4):
        found = ex17.non_max_suppression(boxes, scores, labels, threshold=threshold)
        expected = plain_suppression(ex17.iou, boxes, scores, labels, threshold)
        assert found.tolist() == expected and 3 < len(expected) < 40


@pytest.mark.question(QUESTION)
def test_a_box_just_sure_enough_is_kept(ex17):
    """Le seuil choisi est le score d'une boîte : elle-même est gardée."""
    boxes, scores = np.tile([0.0, 0, 10, 10], (1, 3, 1)), np.array([[0.2, 0.5, 0.6]])
    (found,) = ex17.select(boxes, scores, np.arange(3)[None], min_score=0.5, suppress=True)
    assert found.scores.tolist() == [0.6, 0.5] and found.labels.tolist() == [2, 1]


# --- Justes ou non -------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_match_by_hand(ex17):
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
@pytest.mark.parametrize("seed", range(5))
def test_average_precision_against_the_definition_and_scikit_learn(ex17, seed):
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(seed)
    correct = rng.random(30) < 0.5
    scores = rng.permutation(30) / 30 + 0.31 * correct  # tous différents
    num_objects = int(correct.sum())  # tous trouvés : scikit-learn ne sait rien des manqués
    curve = ex17.precision_recall(scores, correct, num_objects)
    found = ex17.average_precision(*curve)
    # La définition : à chaque rappel k / num_objects, la meilleure précision qui l'atteint.
    ranked = correct[np.argsort(-scores)]
    expected = np.mean(
        [
            max(ranked[:n].sum() / n for n in range(1, 31) if ranked[:n].sum() >= k)
            for k in range(1, num_objects + 1)
        ]
    )
    assert found == pytest.approx(expected)
    # Sans interpolation, la somme est celle de scikit-learn ; l'interpolation ne fait qu'ajouter.
    raw = np.sum(np.diff(curve[1], prepend=0) * curve[0])
    assert average_precision_score(correct, scores) == pytest.approx(raw)
    assert found >= raw
