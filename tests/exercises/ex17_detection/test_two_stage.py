import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import huber

from convnets.datasets.scenes import ABSENT, Scenes
from exercises.ex17_detection import __main__ as ex17_main
from exercises.ex17_detection import metrics, proposals
from exercises.ex17_detection import two_stage as ex17

QUESTION = "S3 Different problems, models & metrics"
TRUTH = np.array(
    [[[8, 10, 30, 34, 3], [40, 30, 60, 62, 9]], [[20, 44, 50, 60, 1], [0, 0, 0, 0, ABSENT]]],
    np.float32,
)
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    """Le réseau, aux poids tirés au hasard."""
    keras.utils.set_random_seed(0)
    return ex17.build_model()


@pytest.fixture
def perfect():
    """Des régions à côté des objets, et ce qu'en dirait une tête parfaite."""
    regions = np.zeros((2, 3, 19), np.float32)  # deux régions sont vides, et du fond
    regions[..., -1] = 1
    for i, k in ((0, 0), (0, 1), (1, 0)):
        box = TRUTH[i, k, :4]
        start = box + np.array([2, -2, 2, 1], np.float32)
        correction = np.asarray(proposals.encode(box[None], start[None]))[0]
        regions[i, k] = [*start, *correction, *np.eye(11)[int(TRUTH[i, k, 4])]]
    return regions


# --- Le réseau -----------------------------------------------------------------------


def plain_roi_align(maps, boxes, bins):
    """La définition, une lecture à la fois : quatre pixels, pesés par leur distance."""
    side = maps.shape[1]
    found = np.zeros((*boxes.shape[:2], bins, bins, maps.shape[3]))
    for n, r, i, j in np.ndindex(found.shape[:4]):
        x0, y0, x1, y1 = boxes[n, r] * side / 64
        y = np.clip(y0 + (y1 - y0) * (i + 0.5) / bins - 0.5, 0, side - 1)
        x = np.clip(x0 + (x1 - x0) * (j + 0.5) / bins - 0.5, 0, side - 1)
        for row in {int(y), min(int(y) + 1, side - 1)}:
            for column in {int(x), min(int(x) + 1, side - 1)}:
                weight = (1 - abs(y - row)) * (1 - abs(x - column))
                found[n, r, i, j] += weight * maps[n, row, column]
    return found


@pytest.mark.question(QUESTION)
def test_roi_align_is_the_plain_loop():
    maps = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    # Des régions entières, fractionnaires, qui touchent deux bords, d'aire nulle, et plates.
    first = [[0, 0, 64, 64], [10.5, 3, 40, 50.25], [50, 50, 64, 60]]
    boxes = np.array([first, [[5, 5, 5, 5], [0, 10, 20, 12], [60, 0, 64, 64]]], np.float32)
    found = np.asarray(ex17.RoiAlign()(maps, boxes))
    np.testing.assert_allclose(found, plain_roi_align(maps, boxes, ex17.BINS), atol=1e-5)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_network(model):
    outputs = model(IMAGES)
    shapes = {name: tuple(each.shape) for name, each in outputs.items()}
    assert shapes == {"anchors": (2, 384, 5), "regions": (2, 25, 19), "maps": (2, 16, 16, 48)}
    np.testing.assert_allclose(np.sum(outputs["regions"][..., 8:], axis=-1), 1, atol=1e-5)
    trunk = 9 * (3 * 24 + 24 * 48 + 48 * 48) + 4 * (24 + 48 + 48)
    proposing = 9 * (48 * 96 + 96 * 96) + 4 * (96 + 96) + (96 + 1) * 30
    head = (7 * 7 * 48 + 1) * 128 + (128 + 1) * (4 + 11)
    assert model.count_params() == trunk + proposing + head


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_head_teaches_the_maps_and_not_the_proposals(model):
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    with tf.GradientTape() as tape:
        lost = tf.reduce_sum(ex17.head_loss(TRUTH, model(IMAGES)["regions"]))
    maps, anchors = tape.gradient(lost, [first.kernel, model.get_layer("anchors").kernel])
    assert np.abs(np.asarray(maps)).max() > 0 and anchors is None


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_head_also_learns_from_the_true_boxes(model):
    outputs = model(IMAGES)
    shown = model.get_layer("head")([outputs["maps"], tf.constant(TRUTH[..., :4])])
    lost = proposals.loss(TRUTH, outputs["anchors"]) + ex17.head_loss(TRUTH, outputs["regions"])
    expected = np.mean(lost + ex17.head_loss(TRUTH, shown))
    found = model.compute_loss(y=tf.constant(TRUTH), y_pred=outputs)
    assert float(found) == pytest.approx(expected, rel=1e-5)


# --- La perte de la tête -------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum(perfect):
    rng = np.random.default_rng(1)
    guess, labels = perfect.copy(), perfect[..., 8:].argmax(-1)
    guess[..., 4:8] += rng.normal(0, 0.1, (2, 3, 4))
    guess[..., 8:] = rng.dirichlet(np.ones(11), (2, 3))
    names = -np.log(np.take_along_axis(guess[..., 8:], labels[..., None], axis=-1))[..., 0]
    moved = huber(0.1, guess[..., 4:8] - perfect[..., 4:8]).mean(-1)
    expected = (names + ex17.BOX_WEIGHT * moved * (labels != ex17.BACKGROUND)).sum(1)
    np.testing.assert_allclose(np.asarray(ex17.head_loss(TRUTH, guess)), expected, rtol=1e-4)


# --- Lire et mesurer -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_regions_become_detections(perfect):
    perfect[0, 0, 8:] *= 0.8
    perfect[0, 2] = perfect[0, 1]  # un doublon, moins sûr
    perfect[0, 2, 8:] *= 0.5
    found, other = ex17.to_detections(perfect)
    assert found.labels.tolist() == [9, 3]
    np.testing.assert_allclose(found.scores, [1, 0.8], atol=1e-6)
    np.testing.assert_allclose(found.boxes, TRUTH[0, ::-1, :4], atol=1e-3)
    assert other.labels.tolist() == [1]  # le fond n'est pas une classe
    assert ex17.to_detections(perfect, suppress=False)[0].labels.tolist() == [9, 3, 9]


@pytest.mark.question(QUESTION)
def test_each_stage_is_measured(perfect):
    scenes = Scenes(IMAGES, TRUTH[..., :4], TRUTH[..., 4].astype(np.int32), None)

    def measured():
        judged = metrics.judge(ex17.to_detections(perfect), scenes)
        recalls = ex17_main.measure_proposals(perfect, scenes)
        means = {name: each.mean() for name, each in recalls.items()}
        return means | {"map": metrics.mean_average_precision(judged)}

    found = measured()
    assert found.pop("recall_regular") < 1 and set(found.values()) == {1.0}
    perfect[0, 0, 4] = 1.0  # bien proposé, et que la tête déplace d'une largeur
    moved = measured()
    assert moved["map"] < 1 == moved["recall_proposals"]
    perfect[0, 0, :4] += [6, 4, 6, 4]  # mal proposé
    assert measured()["recall_proposals"] == pytest.approx(2 / 3)
