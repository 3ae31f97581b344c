import functools
import json

import keras
import numpy as np
import pytest
from keras import layers

from convnets.explaining import maps as explanations
from convnets.training import saving

QUESTION = "S3 Class Activation Map"
HEIGHT, WIDTH = 16, 28  # ni carrée, ni de la taille de CIFAR-10
RED, BLUE = np.s_[2:6, 18:26], np.s_[10:14, 4:10]


@pytest.fixture(scope="module")
def ex09():
    from exercises.ex09_grad_cam import grad_cam

    return grad_cam


@pytest.fixture(scope="module")
def planted():
    """Classe 0 : du rouge quelque part ; classe 1 : du bleu ; classe 2 : ni l'un ni l'autre."""
    return planted_model()


def planted_model():
    images = keras.Input((HEIGHT, WIDTH, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(2, 1, use_bias=False, activation="relu", name="colors")(x)
    x = layers.AveragePooling2D(2, name="coarse")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(3, activation="softmax", name="scores")(x))
    model.get_layer("colors").set_weights(
        [np.array([[1, -1], [-1, -1], [-1, 1]], np.float32).reshape(1, 1, 3, 2)]
    )
    model.get_layer("scores").set_weights(
        [np.array([[9, 0, -9], [0, 9, -9]], np.float32), np.zeros(3, np.float32)]
    )
    return model


@pytest.fixture
def image():
    """Un fond gris, un rectangle rouge et un bleu."""
    pixels = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    pixels[RED], pixels[BLUE] = (220, 20, 30), (10, 30, 210)
    return pixels


def random_model(seed=0):
    """Un petit réseau quelconque, dont aucune couche n'est linéaire par rapport à l'image."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((HEIGHT, WIDTH, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(6, 3, strides=2, name="conv1", activation="gelu")(x)
    x = layers.Conv2D(5, 3, name="conv2")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Activation("gelu", name="maps")(x)  # (n, 5, 11, 5)
    x = layers.Dense(8, activation="gelu")(layers.Flatten()(x))
    return keras.Model(images, layers.Softmax()(layers.Dense(4)(x)))


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


# --- Les gradients, et les deux formules ---------------------------------------------


@pytest.mark.question(QUESTION)
def test_gradients_are_finite_differences(ex09):
    """Oracle : on ajoute un rien à une case des cartes, et on relit le score."""
    model, image = random_model(), noise()
    maps, gradients = ex09.maps_and_gradients(model, image, 2, layer_name="maps")
    assert maps.shape == gradients.shape == (5, 11, 5)
    tail = keras.Model(model.get_layer("maps").output, model.layers[-1].input)
    rng, step = np.random.default_rng(1), 0.05
    for row, column, channel in rng.integers(0, (5, 11, 5), (20, 3)):
        up, down = maps.copy(), maps.copy()
        up[row, column, channel] += step
        down[row, column, channel] -= step
        scores = np.asarray(tail(np.stack([up, down])))[:, 2]
        found = (scores[0] - scores[1]) / (2 * step)
        assert gradients[row, column, channel] == pytest.approx(found, abs=2e-4)


@pytest.mark.question(QUESTION)
def test_grad_cam_is_the_published_formula(ex09):
    rng = np.random.default_rng(0)
    maps, gradients = rng.normal(size=(2, 4, 6, 3)).astype(np.float32)
    expected = np.zeros((4, 6))
    for k in range(3):
        weight = sum(gradients[i, j, k] for i in range(4) for j in range(6)) / 24
        expected += weight * maps[..., k]
    np.testing.assert_allclose(ex09.grad_cam_map(maps, gradients), expected, atol=1e-5)


@pytest.mark.question(QUESTION)
def test_grad_cam_plus_plus_is_the_published_formula(ex09):
    """La forme de l'article, avec ses carrés et ses cubes, case par case."""
    rng = np.random.default_rng(0)
    maps = rng.random((4, 6, 3)).astype(np.float32)
    gradients = rng.normal(size=(4, 6, 3)).astype(np.float32)
    expected = np.zeros((4, 6))
    for k in range(3):
        weight, total = 0.0, float(maps[..., k].sum())
        for g in gradients[..., k].reshape(-1).tolist():
            alpha = g**2 / (2 * g**2 + total * g**3)
            weight += alpha * max(g, 0)
        expected += weight * maps[..., k]
    np.testing.assert_allclose(ex09.grad_cam_plus_plus_map(maps, gradients), expected, rtol=1e-4)


def test_plus_plus_survives_negative_maps(ex09):
    """GELU rend des cartes un peu négatives, où la formule de l'article divise par zéro."""
    maps, gradients = np.full((2, 2, 1), -0.5), np.ones((2, 2, 1))
    assert np.isfinite(ex09.grad_cam_plus_plus_map(maps, gradients)).all()


# --- La couche regardée --------------------------------------------------------------


def test_the_layer_is_the_last_of_the_maps(ex09, planted, image):
    by_default, _ = ex09.maps_and_gradients(planted, image, 0)
    assert by_default.shape == (HEIGHT // 2, WIDTH // 2, 2)  # celles de « coarse »
    finer, _ = ex09.maps_and_gradients(planted, image, 0, layer_name="colors")
    assert finer.shape == (HEIGHT, WIDTH, 2)


@pytest.mark.parametrize("method", ["grad_cam", "grad_cam_plus_plus"])
def test_an_unknown_layer_is_refused(ex09, planted, image, method):
    with pytest.raises(ValueError, match="'conv9' inconnue .* colors, coarse"):
        getattr(ex09, method)(planted, image, 0, layer_name="conv9")


# --- Preuves -------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("method", ["grad_cam", "grad_cam_plus_plus"])
@pytest.mark.parametrize(("class_index", "patch"), [(0, RED), (1, BLUE)])
@pytest.mark.parametrize("layer_name", ["colors", "coarse"])
def test_the_planted_patch_is_found(ex09, planted, image, method, class_index, patch, layer_name):
    """Chaque classe allume son rectangle, et lui seul, sur une image qui n'est pas carrée."""
    heatmap = getattr(ex09, method)(planted, image, class_index, layer_name=layer_name)
    assert heatmap.shape == (HEIGHT, WIDTH) and heatmap.dtype == np.float32
    assert heatmap.min() == 0 and heatmap.max() == 1
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[patch] = True
    assert heatmap[inside].mean() > 0.75
    # L'interpolation d'une carte deux fois plus petite déborde d'un pixel.
    near = np.zeros((HEIGHT, WIDTH), bool)
    near[patch[0].start - 1 : patch[0].stop + 1, patch[1].start - 1 : patch[1].stop + 1] = True
    np.testing.assert_array_equal(heatmap[~near], 0)
    if layer_name == "colors":
        np.testing.assert_array_equal(heatmap > 0, inside)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("method", ["grad_cam", "grad_cam_plus_plus"])
def test_the_final_relu_is_there(ex09, planted, image, method):
    """La classe 2 ne perd qu'à chaque tache de couleur : rien ne plaide pour elle."""
    found = ex09.maps_and_gradients(planted, image, 2)
    assert ex09.grad_cam_map(*found).min() < 0
    np.testing.assert_array_equal(getattr(ex09, method)(planted, image, 2), 0)


@pytest.mark.question(QUESTION)
def test_the_relu_comes_before_the_enlargement(ex09):
    heatmap = ex09.enlarge(np.array([[1, -9]]), np.zeros((2, 8, 3)))
    assert (heatmap[:, :4] > 0).all()  # une interpolation du négatif aurait mordu sur ces pixels


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["grad_cam", "grad_cam_plus_plus"])
@pytest.mark.parametrize("cut", [False, True])
def test_a_null_gradient_gives_zeros(ex09, image, method, cut):
    """Des poids nuls ; ou des scores qui ne passent pas par la couche regardée."""
    model = planted_model()
    if cut:
        images = model.inputs[0]
        other = layers.GlobalMaxPooling2D()(layers.Rescaling(1.0, dtype="float32")(images))
        side = model.get_layer("coarse").output
        zeros = layers.GlobalAveragePooling2D()(layers.Rescaling(0.0)(side))
        scores = layers.Dense(3)(layers.Concatenate()([other, zeros]))
        model = keras.Model(images, layers.Softmax()(scores))
    else:
        model.get_layer("scores").set_weights([np.zeros((2, 3)), np.ones(3)])
    heatmap = getattr(ex09, method)(model, image, 0, layer_name="coarse")
    np.testing.assert_array_equal(heatmap, np.zeros((HEIGHT, WIDTH), np.float32))


@pytest.mark.question(QUESTION)
def test_the_model_is_left_as_it_was(ex09):
    model = random_model()
    model.get_layer("conv1").trainable = False
    optimizer = keras.optimizers.SGD(0.1)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    before = [np.copy(weights) for weights in model.get_weights()]
    flags = [layer.trainable for layer in model.layers]
    config = json.dumps(model.get_config(), default=str)
    for method in (ex09.grad_cam, ex09.grad_cam_plus_plus):
        method(model, noise(), 1)
    for expected, got in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert [layer.trainable for layer in model.layers] == flags
    assert model.optimizer is optimizer and model.loss == "sparse_categorical_crossentropy"
    assert json.dumps(model.get_config(), default=str) == config


@pytest.fixture(scope="module")
def shipped():
    return saving.load_model("thumbnails_light")


@pytest.fixture
def copied_once(monkeypatch):
    """Chaque réseau n'est recopié qu'une fois pour être dérivé, et non à chaque image."""
    monkeypatch.setattr(explanations, "float_model", functools.cache(explanations.float_model))


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("copied_once")
def test_the_map_depends_on_the_weights(ex09, shipped, extract):
    """Adebayo et al., arXiv 1810.03292 : le modèle livré, et le même qui n'a rien appris."""
    model, x = shipped, extract("cifar10")[0][:6]
    keras.utils.set_random_seed(0)
    unlearned = keras.models.clone_model(model)
    classes = np.asarray(model(x)).argmax(1).tolist()
    correlations = {ex09.grad_cam_map: [], ex09.grad_cam_plus_plus_map: []}
    for image, class_index in zip(x, classes, strict=True):
        found = [ex09.maps_and_gradients(each, image, class_index) for each in (model, unlearned)]
        for method, values in correlations.items():
            maps = [ex09.enlarge(method(*each), image) for each in found]
            assert maps[0].max() == 1
            varied = min(each.std() for each in maps) > 0  # une carte nulle est une autre carte
            values.append(np.corrcoef(*map(np.ravel, maps))[0, 1] if varied else 0.0)
    assert max(np.mean(values) for values in correlations.values()) < 0.5


@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("copied_once")
def test_two_classes_give_two_maps_on_the_shipped_model(ex09, shipped, extract):
    model, x = shipped, extract("cifar10")[0][:3]
    gaps = []
    for image, order in zip(x, np.argsort(-np.asarray(model(x)), axis=1).tolist(), strict=True):
        first, second = (ex09.grad_cam(model, image, each) for each in order[:2])
        gaps.append(abs(first - second).mean())
    assert np.mean(gaps) > 0.1
