"""`./predict` quand le modèle est une tête posée sur une base préparée à part."""

import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import Report
from convnets.datasets import pretrained
from convnets.serving.classifier import Classifier
from convnets.serving.engine import BASE_BATCH_SIZE
from convnets.training import export, export_base, saving

SLUG = "ex99_tete"
pytestmark = pytest.mark.ci
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
    entry = {"input_px": SIDE_PX, "layer": "mixed10", "sha256": "ab" * 32}
    cache = folder / "keras" / "models"
    cache.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_base, "inception_v3", lambda **_: (base, None))
        path = export_base.prepare_base(entry, cache_dir=cache)
    inputs = keras.Input((3,))
    head = keras.Model(inputs, layers.Dense(3, activation="softmax")(inputs), name=SLUG)
    head.set_weights([4 * np.eye(3, dtype="float32"), np.zeros(3, "float32")])
    report = Report(
        command="essai",
        metrics={},
        score=1.0,
        base=entry,
        input_shape=[SIDE_PX, SIDE_PX, 3],
        framing="squash",
        classes_fr=CLASSES_FR,
    )
    light = export.export_litert(head), "float32"
    saving.save_model(head, SLUG, report, export=light, models_dir=folder / "models")
    return folder, path, keras.Model(features.input, head(features.output))


@pytest.fixture
def folder(built, monkeypatch):
    """Le dossier des modèles ; la base est intacte après le test."""
    folder, path, _ = built
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    content = path.read_bytes()
    yield folder / "models"
    path.write_bytes(content)


def test_two_engines_agree_with_keras(built, folder):
    classifier = Classifier(SLUG, models_dir=folder)
    assert classifier.input_shape == (SIDE_PX, SIDE_PX, 3)
    got = classifier.predict(IMAGES)
    assert got.shape == (len(IMAGES), 3) and got.dtype == np.float32
    np.testing.assert_allclose(got, np.asarray(built[2](IMAGES)), atol=1e-5)
    np.testing.assert_allclose(classifier.predict(IMAGES[3:4]), got[3:4], atol=1e-6)


def test_whole_picture_is_squashed_into_the_square(folder, tmp_path):
    picture = Image.new("RGB", (90, 30), (20, 20, 200))
    picture.paste((20, 200, 20), (30, 0, 60, 30))  # le carré central est vert, le reste bleu
    picture.save(tmp_path / "large.png")
    classifier = Classifier(SLUG, models_dir=folder)
    (result,) = classifier.classify([str(tmp_path / "large.png")])
    assert CLASSES_FR[result.best] == "Bleu"


@pytest.mark.parametrize("damage", [None, b"", b"abime"])
def test_a_missing_or_broken_base_names_the_command(built, folder, damage):
    built[1].unlink() if damage is None else built[1].write_bytes(damage)
    with pytest.raises(FileNotFoundError, match=REMEDY):
        Classifier(SLUG, models_dir=folder)
