"""`./predict` quand le modèle est une tête posée sur une base préparée à part."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import Report
from convnets.datasets import pretrained
from convnets.serving.classifier import Classifier
from convnets.serving.engine import BASE_BATCH_SIZE, PASS_SIZE, Engine
from convnets.training import export_base, saving

SLUG = "ex99_tete"
CLASSES_FR = ["Rouge", "Vert", "Bleu"]
SIDE_PX = 12
REMEDY = f"python -m exercises.{SLUG} --prepare"
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2 * BASE_BATCH_SIZE + 5, SIDE_PX, SIDE_PX, 3), np.uint8)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Une base de deux couches dans un cache, sa tête dans `models/`, et leur composée Keras.

    La base moyenne chaque couleur, la tête la plus forte l'emporte : la réponse est connue.
    """
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("tete")
    inputs = keras.Input((SIDE_PX, SIDE_PX, 3))
    maps = layers.Conv2D(3, 1, use_bias=False, name="mixed10")(inputs)
    base = keras.Model(inputs, maps)
    base.set_weights([np.eye(3, dtype="float32").reshape(1, 1, 3, 3)])
    features = pretrained.features_model(base)
    provenance = pretrained.Provenance("essai", "ab" * 32, "")
    path = export_base.export_features(
        features, provenance, layer_name="mixed10", cache_dir=folder / "keras" / "models"
    )
    inputs = keras.Input((3,))
    head = keras.Model(inputs, layers.Dense(3, activation="softmax")(inputs), name=SLUG)
    head.set_weights([4 * np.eye(3, dtype="float32"), np.zeros(3, "float32")])
    entry = {
        "name": "InceptionV3",
        "input_px": SIDE_PX,
        "layer": "mixed10",
        "sha256": provenance.sha256,
        "source": provenance.source,
    }
    report = Report(
        command="essai",
        metrics={},
        score=1.0,
        base=entry,
        input_shape=[SIDE_PX, SIDE_PX, 3],
        framing="squash",
        classes_fr=CLASSES_FR,
    )
    saving.save_model(head, SLUG, report, models_dir=folder / "models")
    return folder, path, keras.Model(features.input, head(features.output))


@pytest.fixture
def folder(built, monkeypatch):
    """Le dossier des modèles ; la base est intacte après le test."""
    folder, path, _ = built
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    content = path.read_bytes()
    yield folder / "models"
    path.write_bytes(content)


def test_two_engines_agree_with_keras(built, folder, monkeypatch):
    seen = []
    answer = Engine.answer

    def spy(self, x):
        seen.append(x.shape)
        return answer(self, x)

    monkeypatch.setattr(Engine, "answer", spy)
    classifier = Classifier(SLUG, models_dir=folder)
    assert classifier.input_shape == (SIDE_PX, SIDE_PX, 3)
    got = classifier.predict(IMAGES)
    assert got.shape == (len(IMAGES), 3) and got.dtype == np.float32
    np.testing.assert_allclose(got, np.asarray(built[2](IMAGES)), atol=1e-5)
    sizes = [shape[0] for shape in seen]  # la base, puis la tête, par petits lots
    assert sizes == [BASE_BATCH_SIZE, BASE_BATCH_SIZE, 5, *[PASS_SIZE] * 4, 5]
    np.testing.assert_allclose(classifier.predict(IMAGES[3:4]), got[3:4], atol=1e-6)


def test_whole_picture_is_squashed_into_the_square(folder, tmp_path):
    picture = Image.new("RGB", (90, 30), (20, 20, 200))
    picture.paste((20, 200, 20), (30, 0, 60, 30))  # le carré central est vert, le reste bleu
    picture.save(tmp_path / "large.png")
    classifier = Classifier(SLUG, models_dir=folder)
    (result,) = classifier.classify([str(tmp_path / "large.png")])
    assert CLASSES_FR[result.best] == "Bleu"


def test_missing_base_names_the_command(built, folder):
    built[1].unlink()
    with pytest.raises(FileNotFoundError, match=REMEDY):
        Classifier(SLUG, models_dir=folder)


@pytest.mark.parametrize("length", [0, 8, 500, -300])
def test_broken_base_names_the_command(built, folder, length):
    built[1].write_bytes(built[1].read_bytes()[:length])
    with pytest.raises(ValueError, match=REMEDY):
        Classifier(SLUG, models_dir=folder)


def test_base_of_another_width(built, folder, repo):
    shutil.copy(repo / "models" / "thumbnails.tflite", built[1])  # lisible, mais dix sorties
    with pytest.raises(ValueError, match=REMEDY):
        Classifier(SLUG, models_dir=folder)


@pytest.mark.parametrize("entry", [None, {}, {"name": "InceptionV3"}, "InceptionV3"])
def test_sidecar_with_a_broken_entry(folder, tmp_path, entry):
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    report = json.loads((tmp_path / f"{SLUG}.json").read_text())
    (tmp_path / f"{SLUG}.json").write_text(json.dumps({**report, "base": entry}))
    with pytest.raises(ValueError, match="Base décrite par"):
        Classifier(SLUG, models_dir=tmp_path)


@pytest.fixture
def another_repo(repo, folder, tmp_path):
    """Une copie du dépôt dont `models/` ne contient que la tête."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo / "convnets", tmp_path / "convnets", ignore=ignore)
    shutil.copy(repo / "predict", tmp_path)
    shutil.copytree(folder, tmp_path / "models")
    return tmp_path


def test_predict_from_a_terminal(built, another_repo, run_predict):
    pictures = another_repo / "images"
    pictures.mkdir()
    for i, colour in enumerate([(200, 20, 20), (20, 200, 20), (20, 20, 200)] * 7):
        Image.new("RGB", (40, 30), colour).save(pictures / f"{i:02}.png")
    options = {"program": another_repo / "predict"}
    result = run_predict("--model", SLUG, pictures, **options)
    assert (result.returncode, result.stderr) == (0, b"")
    got = [line.rsplit(": ", 1)[1] for line in result.stdout.decode().splitlines()]
    assert got == CLASSES_FR * 7
    for wanted in (SLUG, built[0] / "models"):  # par son nom, ou par son dossier
        result = run_predict("--model", wanted, pictures / "01.png", **options)
        assert result.stdout.decode() == "Prédiction: Vert\n"

    built[1].unlink()
    result = run_predict("--model", SLUG, pictures, **options)
    message = result.stderr.decode()
    assert result.returncode == 1 and result.stdout == b""
    assert message.count("\n") == 1 and REMEDY in message and "Traceback" not in message


def test_no_framework_on_this_path(folder, another_repo, tmp_path):
    Image.new("RGB", (40, 30), (20, 20, 200)).save(tmp_path / "bleu.png")
    code = (
        "import sys; from convnets.serving import command;"
        f"command.main(['--model', {SLUG!r}, 'bleu.png']);"
        "print({'tensorflow', 'keras', 'matplotlib', 'filelock'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=another_repo, capture_output=True, encoding="utf-8"
    )
    assert result.stdout.splitlines() == ["Prédiction: Bleu", "set()"], result.stderr
