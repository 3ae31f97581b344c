import warnings
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from convnets.core import reports
from convnets.explaining import maps as explanations
from convnets.training import saving

SHAPE = (12, 20, 3)


def build(ending, *, use_bias=True):
    """Un petit réseau sur des images non carrées, terminé d'une façon ou de l'autre."""
    keras.utils.set_random_seed(0)
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32", name="scale")(images)
    x = layers.Conv2D(4, 3, activation="gelu", name="conv")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True, name="one")(x)  # (n, 1, 1, 4)
    x = layers.Flatten()(x)
    if ending == "dense":
        outputs = layers.Dense(3, activation="softmax", use_bias=use_bias)(x)
    elif ending == "activation":
        x = layers.Dense(3, use_bias=use_bias)(x)
        outputs = layers.Activation("softmax")(x)
    else:
        outputs = layers.Softmax()(layers.Dense(3, use_bias=use_bias)(x))
    model = keras.Model(images, outputs, name="essai")
    for variable in model.variables:  # des biais et des normalisations qui comptent
        variable.assign(variable + keras.random.uniform(variable.shape, 0.1, 0.5, seed=1))
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, *SHAPE), np.uint8)


def call(model, images):
    """Rend la sortie d'un modèle sans construire de graphe : c'est plus court."""
    return np.asarray(model(keras.ops.convert_to_tensor(images), training=False))


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("ending", ["dense", "layer", "activation"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_float_model_is_the_same_network(ending, use_bias, images):
    model = build(ending, use_bias=use_bias)
    network = explanations.float_model(model, layer_name="conv")
    assert network.inputs[0].dtype == "float32"
    x = keras.ops.convert_to_tensor(images, "float32")
    maps, scores = (np.asarray(each) for each in network(x))
    np.testing.assert_allclose(softmax(scores), call(model, images), atol=1e-6)
    assert abs(scores.sum(axis=1) - 1).min() > 1e-3  # des scores, pas encore des probabilités
    expected = call(keras.Model(model.input, model.get_layer("conv").output), images)
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_float_model_of_a_model_made_from_a_list(images):
    model = build("dense")
    again = keras.Model(model.inputs, model.output, name="liste")
    scores = explanations.float_model(again)(keras.ops.convert_to_tensor(images, "float32"))[1]
    np.testing.assert_allclose(softmax(np.asarray(scores)), call(model, images), atol=1e-6)


def test_float_model_of_the_shipped_network(extract):
    model, x = saving.load_model("thumbnails_light"), extract("cifar10")[0][:8]
    maps, scores = explanations.float_model(model)(keras.ops.convert_to_tensor(x, "float32"))
    np.testing.assert_allclose(softmax(np.asarray(scores)), call(model, x), atol=1e-5)
    assert len(maps.shape) == 4 and maps.shape[0] == 8


@pytest.mark.parametrize("ending", ["dense", "layer"])
def test_float_model_takes_the_last_maps_by_default_and_leaves_the_model_alone(ending, images):
    model = build(ending)
    model.get_layer("norm").trainable = False
    model.compile("sgd", "categorical_crossentropy")
    before, weights = call(model, images), model.get_weights()
    network = explanations.float_model(model)
    assert network.output_shape[0] == model.get_layer("norm").output.shape == (None, 5, 9, 4)
    network.set_weights([0 * each for each in network.get_weights()])  # une copie, à part
    assert model.compiled and model.inputs[0].dtype == "uint8"
    assert [layer.name for layer in model.layers if not layer.trainable] == ["norm"]
    for found, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(call(model, images), before)


def test_float_model_refuses_in_french():
    model = build("dense")
    with pytest.raises(ValueError, match="Couche 'convv' inconnue de essai : scale, conv, pool"):
        explanations.float_model(model, layer_name="convv")
    without = keras.Model(model.inputs, model.layers[-2].output, name="tronc")
    with pytest.raises(ValueError, match="tronc ne finit pas par un softmax : flatten"):
        explanations.float_model(without)
    images = keras.Input(SHAPE, dtype="uint8")
    flat = layers.Dense(2, activation="softmax")(layers.Flatten()(images))
    with pytest.raises(ValueError, match="plat n'a aucune carte"):
        explanations.float_model(keras.Model(images, flat, name="plat"))


def test_map_layers_in_order_without_single_cells():
    assert explanations.map_layers(build("dense")) == ["scale", "conv", "pool", "norm"]


@pytest.mark.parametrize(
    ("heatmap", "expected"),
    [
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
        ([[-1, -3], [-2, -5]], [[0, 0], [0, 0]]),
        ([[-4, 1], [2, 4]], [[0, 0.25], [0.5, 1]]),
        ([[1e-30, 0], [0, 2e-30]], [[0.5, 0], [0, 1]]),
        ([[np.nan, 1], [0, 1]], [[0, 0], [0, 0]]),
        ([[np.inf, 1], [0, 1]], [[0, 0], [0, 0]]),
        ([[-np.inf, 1], [0, 2]], [[0, 0.5], [0, 1]]),
        (np.zeros((0, 0)), np.zeros((0, 0))),
    ],
)
def test_normalise(heatmap, expected):
    heatmap = np.array(heatmap, float)
    before = heatmap.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = explanations.normalise(heatmap)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(heatmap, before)


def test_resize_map_is_bilinear():
    found = explanations.resize_map(np.array([[0.0, 1.0]]), 3, 4)
    np.testing.assert_allclose(found, [[0, 0.25, 0.75, 1]] * 3, atol=1e-6)  # centres des pixels
    found = explanations.resize_map(np.full((3, 2), 0.7), 11, 5)
    assert found.shape == (11, 5) and found.dtype == np.float32
    np.testing.assert_allclose(found, 0.7, atol=1e-6)
    same = np.random.default_rng(0).random((4, 6))
    np.testing.assert_allclose(explanations.resize_map(same, 4, 6), same, atol=1e-6)


# --- Le sujet, lu et dessiné ---------------------------------------------------------


def parse(*arguments):
    return explanations.explanation_parser("ex07_occlusion", "Essai.").parse_args(arguments)


def test_load_subject_sees_what_predict_sees():
    from convnets.serving.classifier import Classifier

    options = parse("samples/oiseau.jpg")
    subject = explanations.load_subject(options)
    classifier = Classifier(explanations.STUDY_MODEL)
    np.testing.assert_array_equal(subject.image, classifier.prepare("samples/oiseau.jpg"))
    probabilities = classifier.predict(subject.image[np.newaxis])[0]
    assert subject.class_index == probabilities.argmax()
    assert subject.class_fr == classifier.classes[subject.class_index]
    # L'export arrondit à huit bits ; sans étalonnage, l'écart serait de plusieurs dixièmes.
    assert subject.probability == pytest.approx(probabilities.max(), abs=0.03)
    assert classifier.temperature != 1


def test_load_subject_explains_the_class_asked_for():
    asked = explanations.load_subject(parse("--class", "cHIEN"))
    assert (asked.class_fr, asked.class_index) == ("Chien", 5)
    report = reports.read_report(explanations.STUDY_MODEL)
    whole = call(asked.model, asked.image[np.newaxis])[0] ** (1 / report.calibration["temperature"])
    assert asked.probability == pytest.approx(whole[5] / whole.sum(), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["samples/absente.png"], FileNotFoundError, "absente.png : aucun fichier ici"),
        (["README.md"], ValueError, "README.md n'est d'aucun format d'image connu"),
        (["--class", "Girafe"], ValueError, "Classe 'Girafe' inconnue : Avion, Voiture"),
        (["--model", "garments"], ValueError, r"lit des images \(28, 28\)"),
        (["--model", "ex17_detection"], ValueError, "ex17_detection ne répond pas par une classe"),
        (["--model", "ex24_autoencoder"], ValueError, "ne répond pas par une classe"),
        (["--model", "ex26_cifar10"], ValueError, "ne répond pas par une classe"),
        (["--model", "ex99"], FileNotFoundError, "Pas de modèle ex99"),
    ],
)
def test_load_subject_refuses_in_french(arguments, error, message):
    with pytest.raises(error, match=message):
        explanations.load_subject(parse(*arguments))


@pytest.mark.parametrize("heatmap", [np.zeros(SHAPE[:2]), np.eye(*SHAPE[:2])])
def test_save_explanation_writes_a_picture(heatmap, images, tmp_path):
    subject = explanations.Subject(SimpleNamespace(), images[0], 1, "Chat", 0.123)
    path = tmp_path / "nouveau" / "carte.png"
    explanation = explanations.Explanation(heatmap, "essai", 0.3)
    explanations.save_explanation(subject, explanation, path, method="Essai")
    with Image.open(path) as picture:
        assert picture.format == "PNG" and min(picture.size) > 200
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50
