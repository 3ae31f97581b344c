import numpy as np
import pytest

QUESTION = "S3 Class Activation Map"
HEIGHT, WIDTH = 16, 28  # ni carrée, ni de la taille de CIFAR-10
RED, BLUE = np.s_[2:6, 18:26], np.s_[10:14, 4:10]
METHODS = pytest.mark.parametrize("method", ["grad_cam", "grad_cam_plus_plus"])


@pytest.fixture(scope="module")
def ex09():
    from exercises.ex09_grad_cam import grad_cam

    return grad_cam


def planted_model():
    """Classe 0 : du rouge quelque part ; classe 1 : du bleu ; classe 2 : ni l'un ni l'autre."""
    import keras
    from keras import layers

    images = keras.Input((HEIGHT, WIDTH, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(2, 1, use_bias=False, activation="relu", name="colors")(x)
    x = layers.AveragePooling2D(2, name="coarse")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(3, activation="softmax", name="scores")(x))
    kernel = np.array([[1, -1], [-1, -1], [-1, 1]], np.float32)
    model.get_layer("colors").set_weights([kernel.reshape(1, 1, 3, 2)])
    model.get_layer("scores").set_weights([np.array([[9, 0, -9], [0, 9, -9]]), np.zeros(3)])
    return model


@pytest.fixture(scope="module")
def planted():
    return planted_model()


@pytest.fixture
def image():
    """Un fond gris, un rectangle rouge et un bleu."""
    pixels = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    pixels[RED], pixels[BLUE] = (220, 20, 30), (10, 30, 210)
    return pixels


def random_model(seed=0):
    """Un petit réseau quelconque, dont aucune couche n'est linéaire par rapport à l'image."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    images = keras.Input((HEIGHT, WIDTH, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(6, 3, strides=2, name="conv1", activation="gelu")(x)
    x = layers.Conv2D(5, 3, activation="gelu", name="maps")(x)  # (n, 5, 11, 5)
    x = layers.Dense(8, activation="gelu")(layers.Flatten()(x))
    return keras.Model(images, layers.Softmax()(layers.Dense(4)(x)))


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


# --- Les gradients, et les deux formules ---------------------------------------------


@pytest.mark.question(QUESTION)
def test_gradients_are_finite_differences(ex09):
    """Oracle : on ajoute un rien à une case des cartes, et on relit le score."""
    import keras

    model, image = random_model(), noise()
    maps, gradients = ex09.maps_and_gradients(model, image, 2, layer_name="maps")
    assert maps.shape == gradients.shape == (5, 11, 5)
    tail = keras.Model(model.get_layer("maps").output, model.layers[-1].input)
    rng, step = np.random.default_rng(1), 0.05
    for place in map(tuple, rng.integers(0, (5, 11, 5), (20, 3))):
        both = np.stack([maps, maps])
        both[(0, *place)] += step
        both[(1, *place)] -= step
        after, before = np.asarray(tail(both))[:, 2]
        assert gradients[place] == pytest.approx((after - before) / (2 * step), abs=2e-4)


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
            weight += g**2 / (2 * g**2 + total * g**3) * max(g, 0)
        expected += weight * maps[..., k]
    np.testing.assert_allclose(ex09.grad_cam_plus_plus_map(maps, gradients), expected, rtol=1e-4)
    # GELU rend des cartes un peu négatives, où la formule de l'article divise par zéro.
    negative = ex09.grad_cam_plus_plus_map(np.full((2, 2, 1), -0.5), np.ones((2, 2, 1)))
    assert np.isfinite(negative).all()


# --- Preuves -------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
@METHODS
@pytest.mark.parametrize(("class_index", "patch"), [(0, RED), (1, BLUE)])
@pytest.mark.parametrize("layer_name", ["colors", None])
def test_the_planted_patch_is_found(ex09, planted, image, method, class_index, patch, layer_name):
    """Chaque classe allume son rectangle, et lui seul, sur une image qui n'est pas carrée."""
    heatmap = getattr(ex09, method)(planted, image, class_index, layer_name=layer_name)
    assert heatmap.shape == (HEIGHT, WIDTH) and heatmap.dtype == np.float32
    assert heatmap.min() == 0 and heatmap.max() == 1
    inside, near = np.zeros((2, HEIGHT, WIDTH), bool)
    inside[patch] = True
    assert heatmap[inside].mean() > 0.75
    # L'interpolation d'une carte deux fois plus petite déborde d'un pixel.
    margin = 0 if layer_name else 1
    rows, columns = (slice(each.start - margin, each.stop + margin) for each in patch)
    near[rows, columns] = True
    np.testing.assert_array_equal(heatmap[~near], 0)


@pytest.mark.question(QUESTION)
@METHODS
def test_the_final_relu_is_there(ex09, planted, image, method):
    """La classe 2 ne perd qu'à chaque tache de couleur : rien ne plaide pour elle."""
    assert ex09.grad_cam_map(*ex09.maps_and_gradients(planted, image, 2)).min() < 0
    np.testing.assert_array_equal(getattr(ex09, method)(planted, image, 2), 0)


@pytest.mark.question(QUESTION)
def test_the_relu_comes_before_the_enlargement(ex09):
    heatmap = ex09.enlarge(np.array([[1, -9]]), np.zeros((2, 8, 3)))
    assert (heatmap[:, :4] > 0).all()  # une interpolation du négatif aurait mordu sur ces pixels


# --- La commande ---------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_main_writes_a_figure(tmp_path, capsys):
    from exercises.ex09_grad_cam.__main__ import main

    options = ["--method", "grad_cam_plus_plus", "--layer", "group3_conv1"]
    assert main(["samples/chat.png", *options, "--output", str(tmp_path / "f")]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Grad-CAM++, couche group3_conv1 (7×7 cases) : Chat, ")
    assert last == str(tmp_path / "f" / "chat_grad_cam_plus_plus.png")
    assert (tmp_path / "f" / "chat_grad_cam_plus_plus.png").stat().st_size > 5000
    assert main(["--layer", "conv9", "--output", str(tmp_path)]) == 1
    assert "Erreur : Couche 'conv9' inconnue" in capsys.readouterr().err
