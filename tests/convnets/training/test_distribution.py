"""Se partager les lots, et dire ce qui manque ; l'entraînement à deux est dans tests/cluster."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from convnets.training import distribution, study


@pytest.fixture
def as_rank(monkeypatch):
    def set_rank(index, count):
        monkeypatch.setattr(distribution, "_rank", distribution.Rank(index, count))

    return set_rank


def test_shares_are_a_partition(as_rank):
    rows = np.arange(11)
    shares = []
    for index in range(3):
        as_rank(index, 3)
        [share] = distribution.share(rows)
        shares.append(share)
    assert [len(share) for share in shares] == [3, 3, 3]
    assert sorted(np.concatenate(shares)) == list(range(9))


def test_ranks_share_each_batch(as_rank):
    """Les parts d'un lot, réunies, sont le lot d'un seul processus."""
    x, y = np.arange(40).reshape(40, 1).astype(np.uint8), np.arange(40)

    def batches():
        return study.Batches(x, y, batch_size=8, seed=3, augment=None)

    alone = batches()
    parts = []
    for index in range(2):
        as_rank(index, 2)
        parts.append(batches())
    for k in range(len(alone)):
        together = np.concatenate([part[k][1] for part in parts])
        assert sorted(together) == sorted(alone[k][1]) and len(parts[0][k][1]) == 4


def test_ranks_do_not_augment_alike(as_rank):
    """Chaque processus tire ses déformations : les mêmes aux mêmes places se verraient."""
    x, y = np.zeros((8, 4, 4, 1), np.uint8), np.arange(8)

    def augment(images, *, indices, epoch, rng):
        return images + rng.integers(0, 256, images.shape).astype(np.uint8)

    drawn = []
    for index in range(2):
        as_rank(index, 2)
        drawn.append(study.Batches(x, y, batch_size=8, seed=0, augment=augment)[0][0])
    assert not np.array_equal(*drawn)


def test_a_batch_that_does_not_share(as_rank):
    as_rank(0, 3)
    x = np.zeros((40, 1), np.uint8)
    with pytest.raises(ValueError, match="ne se partage pas entre 3"):
        study.Batches(x, np.arange(40), batch_size=8, seed=0, augment=None)


def options(**changes):
    known = dict(distribution=True, coordinator="127.0.0.1:1", num_processes=2, process_id=0)
    return SimpleNamespace(**(known | changes))


def test_without_the_option_nothing_changes():
    with distribution.start(options(distribution=False, process_id=None)) as rank:
        assert rank == distribution.ALONE and rank.writes


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ValueError, match="KERAS_BACKEND=jax"), distribution.start(options()):
        pass


def test_the_environment_is_enough(monkeypatch):
    """Un exercice n'a pas d'options de distribution : `cluster.launch` lui donne sa place."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setenv(distribution.PROCESS_ID, "0")
    with pytest.raises(ValueError, match="--coordinator, --num-processes\\."):
        with distribution.start(SimpleNamespace()):
            pass
    monkeypatch.setenv(distribution.ADDRESSES, "127.0.0.1:1")
    monkeypatch.setenv(distribution.NUM_PROCESSES, "0")
    with pytest.raises(ValueError, match="--num-processes 0"):
        with distribution.start(SimpleNamespace()):
            pass
    monkeypatch.delenv(distribution.PROCESS_ID)
    with distribution.start(SimpleNamespace()) as rank:
        assert rank == distribution.ALONE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coordinator": None}, "--coordinator"),
        ({"num_processes": None, "process_id": None}, "--num-processes, --process-id"),
        ({"process_id": 2}, "de 0 à 1"),
        ({"process_id": -1}, "--process-id -1 : un numéro de 0 à 1"),
        ({"process_id": "a"}, "--process-id a : un numéro de 0 à 1"),  # de l'environnement
        ({"num_processes": 0}, "--num-processes 0 : un nombre d'au moins 1"),
        ({"coordinator": "10.0.0.1"}, "--coordinator 10.0.0.1 : IP:PORT"),
        # Un numéro suffit à dire qu'on est plusieurs : sans --distribution, chacun apprenait seul.
        ({"distribution": False, "process_id": 2}, "de 0 à 1"),
    ],
)
def test_missing_addresses(monkeypatch, changes, message):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=message), distribution.start(options(**changes)):
        pass


def test_weights_digest_sees_one_bit():
    class Model:
        weights = [np.ones((2, 3), np.float32), np.zeros(4, np.float32)]

        def get_weights(self):
            return self.weights

    model = Model()
    before = distribution.weights_digest(model)
    assert before == distribution.weights_digest(model)
    model.weights[1][2] = np.nextafter(np.float32(0), np.float32(1))
    assert distribution.weights_digest(model) != before
