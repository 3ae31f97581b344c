"""Appris sans TensorFlow, exporté ensuite : le même modèle, et le même compte rendu."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.training import export, saving, study
from recipes import digits, photos
from recipes import export as command

SLUG = "digits"
OPTIONS = "--epochs 1 --seeds 2 --batch-size 50 --precision float32".split()


@pytest.fixture
def learn(small, monkeypatch, tmp_path):
    """learn() : LeNet appris en miniature, là où TensorFlow n'est pas ; rend son dossier."""

    def without_tensorflow():
        with monkeypatch.context() as patch:
            patch.setattr(export, "can_export", lambda: False)
            patch.setattr(export, "choose_export", lambda *_: pytest.fail("pas sans TensorFlow"))
            folders = ["--models-dir", str(tmp_path / "there"), "--output", str(tmp_path / "f")]
            assert digits.main([*OPTIONS, *folders]) == 0
        return paths.runs_dir(SLUG, models_dir=tmp_path / "there") / "weights"

    return without_tensorflow


def weights(folder):
    model = keras.saving.load_model(folder / f"{SLUG}.keras", compile=False)
    return [np.asarray(each) for each in model.weights]


def test_learnt_here_exported_there(learn, tmp_path, monkeypatch, capsys):
    folder, here = learn(), tmp_path / "here"
    said = capsys.readouterr().out
    assert "TensorFlow n'est pas installé" in said and f"python -m recipes.export {folder}" in said
    assert {path.name for path in folder.iterdir()} == {f"{SLUG}.keras", f"{SLUG}.json"}
    assert not (tmp_path / "there" / f"{SLUG}.json").exists()
    path = folder / f"{SLUG}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["environment"]["hardware"] = "une carte"  # celle où le modèle a été appris
    path.write_text(json.dumps(content), encoding="utf-8")
    seen = []
    monkeypatch.setattr(
        export, "choose_export", lambda _, *given: seen.append(given) or (b"essai", "int8")
    )
    monkeypatch.setattr(export, "export_accuracy", lambda *given: seen.append(given[1:]) or 0.75)
    assert command.main([str(folder), "--models-dir", str(here)]) == 0
    splits = study.split(command.sources.load_mnist(), limit=None, num_val=digits.NUM_VAL)
    for given, expected in zip(seen, (splits[2:4], splits[4:]), strict=True):
        for array, wanted in zip(given, expected, strict=True):
            np.testing.assert_array_equal(array, wanted)
    before, after = reports.load_report(path), reports.read_report(SLUG, models_dir=here)
    assert after.environment.hardware == "une carte"
    assert (after.export, after.size_bytes, after.export_accuracy) == ("int8", 5, 0.75)
    changed = {"export": "", "size_bytes": None, "export_accuracy": None, "files": before.files}
    assert dataclasses.replace(after, **changed) == before
    for a, b in zip(weights(folder), weights(here), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_save_that_is_cut_leaves_what_was_there(learn, tmp_path, monkeypatch):
    folder = learn()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report, model = reports.load_report(folder / f"{SLUG}.json"), digits.build_model()

    def cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(saving, "save_report", cut)  # le .keras est déjà écrit à côté
    with pytest.raises(KeyboardInterrupt):
        saving.save_weights(model, SLUG, report, models_dir=tmp_path / "there")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_better_model_in_place_stays(learn, tmp_path, capsys):
    folder, here = learn(), tmp_path / "here"
    options = [str(folder), "--models-dir", str(here)]
    assert command.main(options) == 0
    capsys.readouterr()
    assert command.main(options) == 0
    assert "rien n'est remplacé sans --force" in capsys.readouterr().out
    assert (here / "runs" / SLUG / f"{SLUG}.tflite").exists()


def test_images_that_nothing_gives_back(learn, capsys):
    folder = learn()
    path = folder / f"{SLUG}.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"data_sha256": "0" * 64}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert command.main([str(folder)]) == 1
    assert "d'autres images que CIFAR-10" in capsys.readouterr().err


def test_a_folder_without_a_model(tmp_path, capsys):
    assert command.main([str(tmp_path)]) == 1
    assert "devrait contenir un modèle" in capsys.readouterr().err


def test_a_model_made_of_two_is_refused_before_learning(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(export, "can_export", lambda: False)
    monkeypatch.setattr(photos.pretrained, "inception_v3", lambda **_: pytest.fail("trop tard"))
    assert photos.main(["--models-dir", str(tmp_path), "--output", str(tmp_path / "f")]) == 1
    assert "que là où il est appris" in capsys.readouterr().err


def test_an_export_without_tensorflow_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(export, "can_export", lambda: False)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ChildProcessError, match="pip install -r requirements.txt"):
        export.export_litert(None)
