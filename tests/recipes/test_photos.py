"""Les dix classes de CIFAR-10 sur une petite base, et le réseau livré."""

import keras
import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.images import crop_resize
from convnets.datasets import pretrained, sources
from convnets.serving import calibration
from convnets.serving.classifier import Classifier
from convnets.training import saving
from recipes import photos

SLUG = "photos"


@pytest.fixture
def base(tmp_path, monkeypatch, tiny_inception, small_data):
    """La petite base à la place d'InceptionV3, un extrait de CIFAR-10, un cache à part."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    monkeypatch.setattr(pretrained, "join", join)
    small_data("cifar10")
    return tiny_inception(input_px=photos.IMAGE_PX)


def join(base, head, *, layer_name):
    """`pretrained.join`, qui suppose InceptionV3, pour la petite base."""
    features = pretrained.features_model(base, layer_name=layer_name)
    return keras.Model(features.input, head(features.output), name=head.name)


@pytest.mark.slow
def test_main_trains_saves_and_predicts_files(base, tmp_path, monkeypatch, as_dataset, capfd):
    monkeypatch.setattr(photos, "LEARNING_RATE", 0.03)
    arguments = ["--seeds", "2", "--epochs", "6", "--batch-size", "30"]
    arguments += ["--models-dir", str(tmp_path), "--output", str(tmp_path / "f")]
    assert photos.main(arguments) == 0
    assert capfd.readouterr().out.count("calculées en") == 2
    report = reports.read_report(SLUG, models_dir=tmp_path)
    _, provenance = base
    assert report.details["derived_from"]["sha256"] == provenance.sha256
    assert report.input_shape == [192, 192, 3] and report.metrics["accuracy"].n == 2
    assert report.data_sha256 == sources.dataset_sha256(as_dataset("cifar10"))
    assert report.history["loss"][-1] < report.history["loss"][0]
    assert abs(report.export_accuracy - report.shipped["accuracy"]) <= 0.03

    # Une vignette lue dans un fichier a la réponse du réseau entier à cette vignette agrandie.
    image = as_dataset("cifar10")[1][0][0]
    Image.fromarray(image).save(tmp_path / "a.png")
    (found,) = Classifier(SLUG, models_dir=tmp_path).classify([str(tmp_path / "a.png")])
    whole = saving.load_model(SLUG, models_dir=tmp_path)
    assert report.num_parameters == whole.count_params()
    expected = whole.predict(photos.enlarge(image[np.newaxis], 192), verbose=0)
    expected = calibration.soften(expected, report.calibration["temperature"])
    np.testing.assert_allclose([found.probabilities], expected, atol=2e-3)

    assert photos.main(arguments) == 0  # une deuxième fois, rien n'est recalculé
    assert capfd.readouterr().out.count("relues du cache") == 2
    assert reports.read_report(SLUG, models_dir=tmp_path).metrics == report.metrics


def test_thumbnails_are_enlarged_as_predict_does(extract):
    x = extract("cifar10")[0][:7]
    for image, large in zip(x, photos.enlarge(x, 75), strict=True):
        np.testing.assert_array_equal(large, crop_resize(Image.fromarray(image), 75))


def test_head_starts_undecided_and_ignores_scale():
    x = np.random.default_rng(0).normal(5, 3, (60, 4)).astype(np.float32)
    head = photos.build_head(x)
    np.testing.assert_allclose(head.predict(x, verbose=0), 0.1, atol=1e-6)
    scaled = np.asarray(head.layers[1](x))
    np.testing.assert_allclose([scaled.mean(0), scaled.std(0)], [[0] * 4, [1] * 4], atol=1e-3)


@pytest.mark.slow
def test_shipped_network_on_enlarged_thumbnails(extract):
    x, y = (each[:200] for each in extract("cifar10"))
    report = reports.read_report(SLUG)
    large = photos.enlarge(x, photos.IMAGE_PX)
    probabilities = Classifier(SLUG).predict(large)
    right = probabilities.argmax(1) == y.reshape(-1)
    error = (report.shipped["accuracy"] * (1 - report.shipped["accuracy"]) / len(x)) ** 0.5
    assert abs(right.mean() - report.shipped["accuracy"]) < 3 * error
    # L'export en int8 et le fichier de Keras sont le même réseau.
    exact = saving.load_model(SLUG).predict(large[:20], verbose=0)
    exact = calibration.soften(exact, report.calibration["temperature"])
    assert np.abs(probabilities[:20] - exact).mean() < 0.02


def test_the_shipped_model_looks_as_its_recipe_says():
    card = Classifier(SLUG).card
    assert card.glance._asdict() == photos.GLANCE
    assert [*map(list, card.views)] == photos.VIEWS
