"""Un point de reprise abîmé, ou laissé par un processus tué."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from convnets.training import study


def build(units=3):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)], name="petit")
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def batches():
    x = np.ones((6, 4), np.uint8)
    return study.Batches(x, np.zeros(6), batch_size=6, seed=0, augment=None)


@pytest.fixture(scope="module")
def written(batches, tmp_path_factory):
    """Le contenu d'un vrai point de reprise, après une époque sur deux."""
    path = tmp_path_factory.mktemp("reprise") / "seed0.npz"
    study.fit(build(), batches, epochs=2, checkpoint=path)
    with np.load(path) as file:
        return dict(file), path.read_bytes()


def resume(path, batches, **model):
    return study.fit(build(**model), batches, epochs=2, checkpoint=path, resume=True)


def refused(path, batches, **model):
    with pytest.raises(ValueError) as caught:
        resume(path, batches, **model)
    assert str(caught.value) == (
        f"Le point de reprise {path} est abîmé. Effacez-le et relancez avec --resume : seul "
        "l'entraînement qu'il gardait repart du début."
    )


def test_damaged_bytes_are_refused_in_one_sentence(written, batches, tmp_path):
    path, content = tmp_path / "seed0.npz", written[1]
    middle = len(content) // 2
    for damaged in (
        b"",
        b"PK",
        b"texte",
        content[:middle],
        content[:-30],
        content[:middle] + b"\xff" * 40 + content[middle + 40 :],
        bytes(len(content)),
    ):
        path.write_bytes(damaged)
        refused(path, batches)


def test_wrong_contents_are_refused_in_one_sentence(written, batches, tmp_path):
    path, arrays = tmp_path / "seed0.npz", written[0]
    state = json.loads(str(arrays["state"]))
    states = ["", "{", "[]", "null", "3"]
    for key in state:
        states.append(json.dumps({name: each for name, each in state.items() if name != key}))
    states += [json.dumps(state | {"epoch": "x"}), json.dumps(state | {"history": {"loss": 3}})]
    states.append(json.dumps(state | {"history": [1]}))
    for text in states:
        np.savez(path, **arrays | {"state": text})
        refused(path, batches)
    np.savez(path, **{name: each for name, each in arrays.items() if name != "v0000"})
    refused(path, batches)
    np.savez(path, **arrays)
    refused(path, batches, units=2)  # les mêmes options, un autre réseau
    assert len(resume(path, batches)["loss"]) == 2  # et tel quel, il est repris


def test_what_a_killed_training_left_is_removed_by_the_next(batches, tmp_path):
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait()
    (tmp_path / f"seed3.npz.{child.pid}.tmp").write_bytes(b"debut")
    study.fit(build(), batches, epochs=1, checkpoint=tmp_path / "seed0.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["seed0.npz"]
