"""Les dix classes de CIFAR-10 sur une petite base, et le réseau livré."""

import keras
import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.images import crop_resize
from convnets.datasets import pretrained, sources
from convnets.serving.classifier import Classifier
from convnets.training import saving
from recipes import photos

SLUG = "photos"


@pytest.fixture
def base(tmp_path, monkeypatch, tiny_inception, as_dataset):
    """La petite base à la place d'InceptionV3, un extrait de CIFAR-10, un cache à part."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    monkeypatch.setattr(pretrained, "join", join)
    monkeypatch.setattr(photos, "LAYER", "mixed9")  # la petite base n'a pas mixed8
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    return tiny_inception(input_px=photos.IMAGE_PX)


def join(base, head, *, layer_name):
    """`pretrained.join`, qui suppose InceptionV3, pour la petite base."""
    features = pretrained.features_model(base, layer_name=layer_name)
    return keras.Model(features.input, head(features.output), name=head.name)


def run_main(folder, *more):
    return photos.main(
        [
            "--seeds",
            "2",
            "--epochs",
            "6",
            "--batch-size",
            "30",
            "--models-dir",
            str(folder),
            "--output",
            str(folder / "f"),
            *more,
        ]
    )


@pytest.mark.slow
def test_main_trains_saves_and_predicts_files(base, tmp_path, monkeypatch, as_dataset, capfd):
    monkeypatch.setattr(photos, "LEARNING_RATE", 0.03)
    models = tmp_path / "m"
    assert run_main(models) == 0
    assert capfd.readouterr().out.count("calculées en") == 2
    report = reports.read_report(SLUG, models_dir=models)
    network, provenance = base
    assert report.command.startswith("python -m recipes.photos --seeds 2 --epochs 6")
    assert report.details["derived_from"]["sha256"] == provenance.sha256
    assert report.details["derived_from"]["input_px"] == 192 and report.base == {}
    assert report.input_shape == [192, 192, 3] and report.precision == "float32"
    assert report.metrics["accuracy"].n == 2 and len(report.history["loss"]) == 6
    assert report.data_sha256 == sources.dataset_sha256(as_dataset("cifar10"))
    assert report.history["loss"][-1] < report.history["loss"][0]
    assert abs(report.export_accuracy - report.shipped["accuracy"]) <= 0.03

    # Une vignette lue dans un fichier a la réponse de la base et de la tête qui l'ont mesurée.
    x, _ = as_dataset("cifar10")[1]
    paths = []
    for number, image in enumerate(x[:5]):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(image).save(paths[-1])
    classifier = Classifier(SLUG, models_dir=models)
    assert [
        *map(list, classifier.views)
    ] == photos.VIEWS and classifier.classes == sources.CIFAR10_CLASSES_FR
    found = np.stack([result.probabilities for result in classifier.classify(paths)])
    whole = saving.load_model(SLUG, models_dir=models)
    assert report.num_parameters == whole.count_params()
    large = np.stack([crop_resize(Image.fromarray(image), 192) for image in x[:5]])
    expected = whole.predict(large, verbose=0)
    powers = expected ** (1 / report.calibration["temperature"])
    np.testing.assert_allclose(found, powers / powers.sum(1, keepdims=True), atol=2e-3)
    # Le réseau livré commence par la base, aux poids arrondis à 16 bits près.
    extractor = pretrained.features_model(network, layer_name=photos.LAYER)
    features = keras.Model(whole.input, whole.layers[-2].output).predict(large, verbose=0)
    np.testing.assert_allclose(features, extractor.predict(large, verbose=0), atol=5e-3)

    # Une deuxième fois, rien n'est recalculé.
    assert run_main(models) == 0
    assert capfd.readouterr().out.count("relues du cache") == 2
    again = reports.read_report(SLUG, models_dir=models)
    assert again.metrics == report.metrics


def test_batches_are_enlarged_as_predict_does(extract):
    x = extract("cifar10")[0][:7]
    batches = photos.Enlarged(x, 75, batch_size=3)
    assert len(batches) == 3
    found = [batches[number] for number in range(3)]
    assert [len(batch) for batch in found] == [3, 3, 1]
    for image, large in zip(x, np.concatenate(found), strict=True):
        np.testing.assert_array_equal(large, crop_resize(Image.fromarray(image), 75))


def test_head_starts_undecided_and_ignores_scale():
    rng = np.random.default_rng(0)
    x = rng.normal(5, 3, (60, 4)).astype(np.float32)
    head = photos.build_head(x)
    np.testing.assert_allclose(head.predict(x, verbose=0), 0.1, atol=1e-6)
    layer = head.layers[1]
    np.testing.assert_allclose(np.asarray(layer(x)).mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(np.asarray(layer(x)).std(0), 1, atol=1e-3)


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
    powers = saving.load_model(SLUG).predict(large[:20], verbose=0)
    powers **= 1 / report.calibration["temperature"]
    exact = powers / powers.sum(1, keepdims=True)
    assert np.abs(probabilities[:20] - exact).max() < 0.2
    assert np.abs(probabilities[:20] - exact).mean() < 0.02


def test_the_shipped_model_looks_as_its_recipe_says():
    card = Classifier(SLUG).card
    assert card.glance._asdict() == photos.GLANCE
    assert [*map(list, card.views)] == photos.VIEWS
