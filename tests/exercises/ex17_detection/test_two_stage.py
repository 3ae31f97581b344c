import keras
import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT, Scenes

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import two_stage

    return two_stage


@pytest.fixture(scope="module")
def model(ex17):
    """Le réseau, en plus étroit : les mêmes couches, aux poids tirés au hasard."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ex17, "WIDTHS", (4, 6))
        patch.setattr(ex17, "DENSE_UNITS", 8)
        patch.setattr(ex17.proposals, "WIDTH", 5)
        patch.setattr(ex17.proposals, "NUM_PROPOSALS", 3)
        keras.utils.set_random_seed(0)
        yield ex17.build_model()


TRUTH = np.array(
    [[[8, 10, 30, 34, 3], [40, 30, 60, 62, 9]], [[20, 44, 50, 60, 1], [0, 0, 0, 0, ABSENT]]],
    np.float32,
)
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)


def perfect_regions(ex17):
    """Des régions à côté des objets, et ce qu'en dirait une tête parfaite."""
    from exercises.ex17_detection.anchors import encode

    regions = np.zeros((2, 3, 19), np.float32)
    regions[..., :4] = [[0, 40, 8, 60]]
    regions[..., -1] = 1
    for i, k in ((0, 0), (0, 1), (1, 0)):
        box = TRUTH[i, k, :4]
        start = box + np.array([2, -2, 2, 1], np.float32)
        answer = np.eye(11)[int(TRUTH[i, k, 4])]
        regions[i, k] = [*start, *np.asarray(encode(box[None], start[None]))[0], *answer]
    return regions


# --- Le réseau -----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_network(ex17, model):
    outputs = model(IMAGES)
    shapes = {name: tuple(each.shape) for name, each in outputs.items()}
    assert shapes == {"anchors": (2, 384, 5), "regions": (2, 3, 19), "maps": (2, 16, 16, 6)}
    regions = np.asarray(outputs["regions"])
    np.testing.assert_allclose(regions[..., 8:].sum(-1), 1, atol=1e-5)
    assert regions[..., :4].min() >= 0 and regions[..., :4].max() <= 64
    trunk = 9 * (3 * 4 + 4 * 6 + 6 * 6) + 4 * (4 + 6 + 6)
    proposing = 9 * (6 * 5 + 5 * 5) + 4 * (5 + 5) + (5 + 1) * 30
    head = (7 * 7 * 6 + 1) * 8 + (8 + 1) * (4 + 11)
    assert model.count_params() == trunk + proposing + head


@pytest.mark.question(QUESTION)
def test_the_head_teaches_the_maps_and_not_the_proposals(ex17, model):
    import tensorflow as tf

    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    with tf.GradientTape() as tape:
        lost = tf.reduce_sum(ex17.head_loss(TRUTH, model(IMAGES)["regions"]))
    maps, anchors = tape.gradient(lost, [first.kernel, model.get_layer("anchors").kernel])
    assert np.abs(np.asarray(maps)).max() > 0 and anchors is None


@pytest.mark.question(QUESTION)
def test_the_head_also_learns_from_the_true_boxes(ex17, model):
    outputs = model(IMAGES)
    shown = model.get_layer("head")([outputs["maps"], keras.ops.convert_to_tensor(TRUTH[..., :4])])
    np.testing.assert_array_equal(np.asarray(shown)[..., :4], TRUTH[..., :4])
    parts = [
        ex17.proposals.loss(TRUTH, outputs["anchors"]),
        ex17.head_loss(TRUTH, outputs["regions"]),
        ex17.head_loss(TRUTH, shown),
    ]
    expected = np.mean(np.sum([np.asarray(each) for each in parts], axis=0))
    found = float(model.compute_loss(y=keras.ops.convert_to_tensor(TRUTH), y_pred=outputs))
    assert found == pytest.approx(expected, rel=1e-5) and float(np.mean(parts[2])) > 0


# --- La perte de la tête -------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum(ex17):
    rng = np.random.default_rng(1)
    right = perfect_regions(ex17)
    guess = right.copy()
    guess[..., 4:8] += rng.normal(0, 0.1, (2, 3, 4))
    guess[..., 8:] = rng.dirichlet(np.ones(11), (2, 3))
    expected = np.zeros(2)
    for i, k in np.ndindex(2, 3):
        label = right[i, k, 8:].argmax()
        expected[i] -= np.log(guess[i, k, 8 + label])
        if label != ex17.BACKGROUND:
            gaps = np.abs(guess[i, k, 4:8] - right[i, k, 4:8])
            lost = np.where(gaps < 0.1, 5 * gaps**2, gaps - 0.05)
            expected[i] += ex17.BOX_WEIGHT * lost.sum()
    found = np.asarray(ex17.head_loss(TRUTH, guess))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.question(QUESTION)
def test_an_empty_box_is_background_and_breaks_nothing(ex17):
    import tensorflow as tf

    regions = perfect_regions(ex17)
    regions[0, 2, :4] = 0
    regions = tf.Variable(regions)
    with tf.GradientTape() as tape:
        lost = ex17.head_loss(TRUTH, regions)
    np.testing.assert_allclose(lost, 0, atol=1e-4)
    assert np.isfinite(np.asarray(tape.gradient(lost, regions))).all()


# --- Lire et mesurer -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_regions_become_detections(ex17):
    regions = perfect_regions(ex17)
    regions[0, 0, 8:] *= 0.8
    regions[0, 2] = regions[0, 1]  # un doublon, moins sûr
    regions[0, 2, 8:] *= 0.5
    found = ex17.to_detections(regions)[0]
    assert found.labels.tolist() == [9, 3]
    np.testing.assert_allclose(found.scores, [1, 0.8], atol=1e-6)
    np.testing.assert_allclose(found.boxes, TRUTH[0, ::-1, :4], atol=1e-3)
    assert ex17.to_detections(regions, suppress=False)[0].labels.tolist() == [9, 3, 9]
    raw = ex17.to_detections(regions, refine=False)[0]
    np.testing.assert_allclose(raw.boxes, regions[0, [1, 0], :4], atol=1e-6)
    assert ex17.to_detections(regions)[1].labels.tolist() == [1]  # le fond n'est pas une classe


@pytest.mark.question(QUESTION)
def test_the_truth_is_perfect(ex17):
    from exercises.ex17_detection import metrics

    scenes = Scenes(IMAGES, TRUTH[..., :4], TRUTH[..., 4].astype(np.int32), None)
    found = metrics.evaluate_stages(perfect_regions(ex17), scenes, min_score=0.5)
    assert found.pop("recall_regular") < 1
    assert found["two_stage_map_without_nms"] == found["two_stage_map_unrefined"] == 1
    assert set(found.values()) == {1.0} and "two_stage_ap Dress" in found
    regions = perfect_regions(ex17)
    regions[0, 0, :4] += [6, 4, 6, 4]  # un objet mal proposé, et que la tête ne corrige plus
    missed = metrics.evaluate_stages(regions, scenes, min_score=0.5)
    assert missed["recall_proposals"] == pytest.approx(2 / 3)
    regions = perfect_regions(ex17)
    regions[0, 0, 4] = 1.0  # bien proposé, et que la tête déplace d'une largeur
    moved = metrics.evaluate_stages(regions, scenes, min_score=0.5)
    assert moved["two_stage_map"] < 1 == moved["two_stage_map_unrefined"]
