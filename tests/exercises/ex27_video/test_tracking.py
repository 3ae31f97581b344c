"""Les mesures d'un suivi, sur des cas faits à la main ; puis les suivis."""

import numpy as np
import pytest
from keras.utils.bounding_boxes import compute_iou

from exercises.ex27_video import metrics, tracking, videos

QUESTION = "S3, Object Tracking"
LEFT, RIGHT, FAR = ([x, 0, x + 10, 10] for x in (0, 40, 200))


def tracks(*frames):
    """Écrit des pistes : par image, `{identité: boîte}`."""
    return metrics.Tracks(
        [np.array([*frame], int) for frame in frames],
        [np.array([*frame.values()], float).reshape(-1, 4) for frame in frames],
    )


TRUTH = tracks(*[{1: LEFT, 2: RIGHT}] * 4)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    ("found", "faults", "identified", "mota", "idf1"),
    [
        # Parfait, sous d'autres numéros.
        ([{7: LEFT, 5: RIGHT}] * 4, (0, 0, 0), 8, 1, 1),
        # Un oubli.
        ([{7: LEFT, 5: RIGHT}] * 3 + [{7: LEFT}], (1, 0, 0), 7, 7 / 8, 14 / 15),
        # Une fausse alarme.
        ([{7: LEFT, 5: RIGHT}] * 3 + [{7: LEFT, 5: RIGHT, 9: FAR}], (0, 1, 0), 8, 7 / 8, 16 / 17),
        # Un changement d'identité, au milieu : une faute pour MOTA, deux boîtes pour IDF1.
        ([{7: LEFT, 5: RIGHT}] * 2 + [{7: LEFT, 8: RIGHT}] * 2, (0, 0, 1), 6, 7 / 8, 12 / 16),
        # Les deux objets échangent leurs numéros : deux changements.
        ([{7: LEFT, 5: RIGHT}] * 2 + [{5: LEFT, 7: RIGHT}] * 2, (0, 0, 2), 4, 6 / 8, 8 / 16),
        # Absent une image, puis revenu sous un autre numéro : un oubli et un changement.
        (
            [{7: LEFT, 5: RIGHT}] * 2 + [{7: LEFT}, {7: LEFT, 8: RIGHT}],
            (1, 0, 1),
            6,
            6 / 8,
            12 / 15,
        ),
        # Un même numéro pour les deux objets, l'un après l'autre : un seul y a droit.
        ([{7: LEFT}] * 3 + [{7: RIGHT}], (4, 0, 0), 3, 4 / 8, 6 / 12),
        # Boîtes à côté : tout est oublié, tout est fausse alarme, et MOTA passe sous zéro.
        ([{7: FAR}] * 4, (8, 4, 0), 0, -4 / 8, 0),
        ([{}] * 4, (8, 0, 0), 0, 0, 0),
        # À moitié recouverts, c'est assez ; à peine moins, ce ne l'est plus.
        ([{7: [0, 0, 10, 5], 5: [40, 0, 50, 4.9]}] * 4, (4, 4, 0), 4, 0, 8 / 16),
    ],
)
def test_measures_of_hand_made_tracks(found, faults, identified, mota, idf1):
    counts = metrics.count(TRUTH, tracks(*found))
    assert (counts.misses, counts.false_alarms, counts.switches) == faults
    assert counts.truths == 8 and counts.identified == identified
    assert metrics.mota(counts) == pytest.approx(mota)
    assert metrics.idf1(counts) == pytest.approx(idf1)


def test_an_identity_is_kept_though_another_box_fits_better():
    """CLEAR MOT : la correspondance d'avant l'emporte tant qu'elle recouvre assez."""
    close, exact = [2, 0, 12, 10], LEFT
    found = tracks({7: exact}, {7: close, 8: exact})
    assert metrics.count_faults(tracks({1: LEFT}, {1: LEFT}), found) == (0, 1, 0)


def test_overlaps_are_those_of_keras():
    corners = np.random.default_rng(0).uniform(0, 20, (2, 6, 2))
    boxes = np.concatenate([corners[0], corners[0] + corners[1] + 1], axis=1)
    expected = np.asarray(compute_iou(boxes[:4], boxes[4:], "xyxy"))
    np.testing.assert_allclose(metrics.overlaps(boxes[:4], boxes[4:]), expected, atol=1e-5)
    assert metrics.overlaps(np.empty((0, 4)), boxes).shape == (0, 6)


# --- Les suivis ----------------------------------------------------------------------


def test_hungarian_matching_beats_nearest_first():
    """Prendre la meilleure paire d'abord laisse ici une piste sans détection."""
    shared = np.array([[0.9, 0.8], [0.8, 0.0]])
    assert tracking.match_nearest(shared) == [(0, 0)]
    assert sorted(tracking.match_best(shared)) == [(0, 1), (1, 0)]
    assert tracking.match_best(np.full((1, 1), tracking.MIN_IOU - 0.01)) == []


def crossing(*, hidden=()):
    """Deux objets se croisent à vitesse constante, à deux hauteurs proches."""
    boxes = []
    for t in range(40):
        each = [[4 * t, 0, 4 * t + 20, 20], [160 - 4 * t, 8, 180 - 4 * t, 28]]
        boxes.append(np.array(each if t not in hidden else [], float).reshape(-1, 4))
    return boxes


@pytest.mark.question(QUESTION)
def test_speed_and_memory_carry_identities_through_a_hidden_crossing():
    """La vérité est plantée : la vitesse ne change pas, chaque objet doit garder son numéro."""
    detections = crossing(hidden=range(14, 26))
    kept = {name: tracking.track(detections, method) for name, method in tracking.METHODS.items()}
    assert kept["kalman"][0].tolist() == kept["kalman"][-1].tolist() == [0, 1]
    assert not {0, 1} & {*kept["neighbour"][-1]}  # l'image d'avant est vide : numéros neufs
    assert kept["memory"][-1].tolist() != [0, 1]  # attendus là où ils ont disparu


def test_memory_forgets():
    absence = [np.array([LEFT], float), *[np.empty((0, 4))] * 6, np.array([LEFT], float)]
    for memory, expected in ((7, 0), (6, 1)):
        method = tracking.Method(optimal=True, moving=True, memory=memory)
        assert tracking.track(absence, method)[-1].tolist() == [expected]


# --- Les vidéos ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def video():
    from tests.conftest import load_extract

    objects, backgrounds = (load_extract(name)[0] for name in ("fashion_mnist", "cifar10"))
    return videos.compose_video(objects, backgrounds, seed=0)


def test_boxes_and_visible_shares_are_exact(video):
    assert video.boxes.min() >= 0 and video.boxes.max() <= videos.VIDEO_PX
    sizes = video.boxes[..., 2:] - video.boxes[..., :2]
    assert (sizes == sizes[0]).all()  # l'objet entier, même caché
    steps = np.abs(np.diff(video.boxes[..., :2], axis=0))
    assert 0 < steps.max() <= videos.SPEED_PX[1] + 1
    start, end = videos.PILLAR_PX
    left, right = video.boxes[..., 0], video.boxes[..., 2]
    hidden = (start <= left) & (right <= end)
    assert hidden.any() and (video.visible[hidden] == 0).all()
    clear = (right[:, -1] <= start) | (left[:, -1] >= end)
    assert clear.any() and (video.visible[clear, -1] == 1).all()  # le dernier passe devant


def test_detections_are_noisy_truths(video, monkeypatch):
    truth, found = metrics.Tracks(*videos.truths(video)), videos.detect(video, seed=0)
    numbers = [np.arange(len(each)) for each in found]
    misses, alarms, _ = metrics.count_faults(truth, metrics.Tracks(numbers, found))
    assert 0 < misses < 0.15 * sum(map(len, truth.ids)) and 0 < alarms < 20
    for name in ("MISSED", "NOISE_PX", "FALSE_ALARMS"):
        monkeypatch.setattr(videos, name, 0)
    for exact, each in zip(truth.boxes, videos.detect(video, seed=0), strict=True):
        assert sorted(exact.tolist()) == sorted(each.tolist())


def test_a_size_follows_no_trend():
    """La boîte grandit à chaque image : sa taille attendue reste celle de la dernière."""
    track = tracking.Track(np.array([0.0, 0, 10, 10]), identity=1)
    for growth in range(1, 6):
        track.predict(moving=True)
        track.correct(np.array([0.0, 0, 10 + 4 * growth, 10 + 2 * growth]), moving=True)
        before = track.box
        assert (track.state[1, 2:] == 0).all() and (track.state[1, :2] > 0).all()
    track.predict(moving=True)
    np.testing.assert_allclose(track.box[2:] - track.box[:2], before[2:] - before[:2])
