"""Ce que partagent les méthodes : un réseau que l'on peut dériver, une carte, un sujet."""

import warnings

import numpy as np
import pytest

from convnets.explaining import maps

SHAPE = (12, 20, 3)


def build(ending="dense"):
    """Un petit réseau sur des images non carrées, terminé d'une façon ou de l'autre."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32", name="scale")(images)
    x = layers.Conv2D(4, 3, activation="gelu", name="conv")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True, name="one")(x)  # (n, 1, 1, 4)
    x = layers.Flatten()(x)
    if ending == "dense":
        outputs = layers.Dense(3, activation="softmax")(x)
    elif ending == "activation":
        outputs = layers.Activation("softmax")(layers.Dense(3)(x))
    else:
        outputs = layers.Softmax()(layers.Dense(3, use_bias=False)(x))
    model = keras.Model(images, outputs, name="essai")
    for variable in model.variables:  # des biais et des normalisations qui comptent
        variable.assign(variable + keras.random.uniform(variable.shape, 0.1, 0.5, seed=1))
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, *SHAPE), np.uint8)


def call(model, images, dtype=None):
    """Rend les sorties d'un modèle sans construire de graphe : c'est plus court."""
    import keras

    return model(keras.ops.convert_to_tensor(images, dtype), training=False)


def softmax(scores):
    powers = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("ending", ["dense", "layer", "activation", "list"])
def test_float_model_is_the_same_network(ending, images):
    import keras

    model = build(ending.replace("list", "dense"))
    if ending == "list":  # fait d'une liste d'une seule entrée
        model = keras.Model(model.inputs, model.output, name="liste")
    maps_found, scores = map(np.asarray, call(maps.float_model(model, layer_name="conv"), images))
    np.testing.assert_allclose(softmax(scores), call(model, images), atol=1e-6)
    assert abs(scores.sum(axis=1) - 1).min() > 1e-3  # des scores, pas encore des probabilités
    expected = call(keras.Model(model.input, model.get_layer("conv").output), images)
    np.testing.assert_allclose(maps_found, expected, atol=1e-6)


def test_float_model_takes_the_last_maps_by_default_and_leaves_the_model_alone(images):
    model = build()
    model.get_layer("norm").trainable = False
    model.compile("sgd", "categorical_crossentropy")
    before, weights = np.asarray(call(model, images)), model.get_weights()
    network = maps.float_model(model)
    assert network.inputs[0].dtype == "float32"
    assert network.output_shape[0] == model.get_layer("norm").output.shape == (None, 5, 9, 4)
    network.set_weights([0 * each for each in network.get_weights()])  # une copie, à part
    assert model.compiled and model.inputs[0].dtype == "uint8"
    assert [layer.name for layer in model.layers if not layer.trainable] == ["norm"]
    for found, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(call(model, images), before)


def test_float_model_refuses_in_french():
    import keras
    from keras import layers

    model = build()
    with pytest.raises(ValueError, match="Couche 'convv' inconnue de essai : scale, conv, pool"):
        maps.float_model(model, layer_name="convv")
    without = keras.Model(model.inputs, model.layers[-2].output, name="tronc")
    with pytest.raises(ValueError, match="tronc ne finit pas par un softmax : flatten"):
        maps.float_model(without)
    images = keras.Input(SHAPE, dtype="uint8")
    flat = layers.Dense(2, activation="softmax")(layers.Flatten()(images))
    with pytest.raises(ValueError, match="plat n'a aucune carte"):
        maps.float_model(keras.Model(images, flat, name="plat"))


@pytest.mark.parametrize(
    ("heatmap", "expected"),
    [
        ([[-1, -3], [-2, -5]], [[0, 0], [0, 0]]),
        ([[-4, 1], [2, 4]], [[0, 0.25], [0.5, 1]]),
        ([[0.1, 0], [0.05, -1]], [[1, 0], [0.5, 0]]),
        ([[np.nan, 1], [0, 1]], [[0, 0], [0, 0]]),
        ([[np.inf, 1], [0, 1]], [[0, 0], [0, 0]]),
    ],
)
def test_normalise(heatmap, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = maps.normalise(heatmap)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_resize_map_is_bilinear():
    found = maps.resize_map(np.array([[0.0, 1.0]]), 3, 4)
    np.testing.assert_allclose(found, [[0, 0.25, 0.75, 1]] * 3, atol=1e-6)  # centres des pixels
    found = maps.resize_map(np.full((3, 2), 0.7), 11, 5)
    assert found.shape == (11, 5) and found.dtype == np.float32
    np.testing.assert_allclose(found, 0.7, atol=1e-6)


# --- Le sujet ------------------------------------------------------------------------


def load(*arguments, light=True):
    parser = maps.explanation_parser("ex07_occlusion", "Essai.")
    return maps.load_subject(parser.parse_args(arguments), light=light)


def test_load_subject_explains_the_class_asked_for():
    from convnets.serving.classifier import Classifier

    likeliest, asked = load("samples/oiseau.jpg"), load("samples/oiseau.jpg", "--class", "cHIEN")
    classifier = Classifier(maps.STUDY_MODEL)
    probabilities = classifier.predict(likeliest.image[np.newaxis])[0]
    assert likeliest.class_index == probabilities.argmax()
    assert likeliest.class_fr == classifier.classes[likeliest.class_index]
    assert (asked.class_fr, asked.class_index) == ("Chien", 5)
    assert asked.probability == pytest.approx(probabilities[5])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["samples/absente.png"], FileNotFoundError, "absente.png : aucun fichier ici"),
        (["README.md"], ValueError, "README.md n'est d'aucun format d'image connu"),
        (["--class", "Girafe"], ValueError, "Classe 'Girafe' inconnue : Avion, Voiture"),
        (["--model", "garments"], ValueError, "garments ne s'explique pas"),
        (["--model", "ex99"], FileNotFoundError, "Pas de modèle ex99"),
    ],
)
def test_load_subject_refuses_in_french(arguments, error, message):
    with pytest.raises(error, match=message):
        load(*arguments)


@pytest.mark.ci
def test_load_network_answers_as_the_light_model(extract, capsys):
    from convnets.serving.classifier import Classifier

    classifier, x = Classifier(maps.STUDY_MODEL), extract("cifar10")[0][:8]
    subject, light = load("samples/oiseau.jpg", light=False), load("samples/oiseau.jpg")
    assert subject[2:4] == light[2:4] and subject.temperature == classifier.temperature
    assert subject.probability == pytest.approx(light.probability, abs=0.03)
    assert not capsys.readouterr().out  # aucune barre de Keras
    model = subject.model
    maps_found, scores = map(np.asarray, call(maps.float_model(model), x, "float32"))
    np.testing.assert_allclose(softmax(scores), call(model, x), atol=1e-5)
    assert maps_found.ndim == 4
    calibrated = softmax(scores / classifier.temperature)
    np.testing.assert_allclose(calibrated, classifier.predict(x), atol=0.03)  # export à huit bits
