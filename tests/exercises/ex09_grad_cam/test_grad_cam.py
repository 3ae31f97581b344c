"""La méthode sur des réseaux posés à la main ; les formules sont vérifiées par le barème."""

import keras
import numpy as np
import pytest
from keras import layers

from exercises.ex09_grad_cam import grad_cam as ex09

QUESTION = "S3 Class Activation Map"
HEIGHT, WIDTH = 16, 28  # ni carrée, ni de la taille de CIFAR-10
RED, BLUE = np.s_[2:6, 18:26], np.s_[10:14, 4:10]
METHODS = pytest.mark.parametrize("method", [ex09.grad_cam, ex09.grad_cam_plus_plus])


@pytest.fixture(scope="module")
def planted():
    """Classe 0 : du rouge quelque part ; classe 1 : du bleu ; classe 2 : ni l'un ni l'autre."""
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


@pytest.fixture
def image():
    """Un fond gris, un rectangle rouge et un bleu."""
    pixels = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    pixels[RED], pixels[BLUE] = (220, 20, 30), (10, 30, 210)
    return pixels


@pytest.mark.question(QUESTION)
@METHODS
@pytest.mark.parametrize(("class_index", "patch"), [(0, RED), (1, BLUE)])
@pytest.mark.parametrize(("layer_name", "margin"), [("colors", 0), (None, 1)])
def test_the_planted_patch_is_found(planted, image, method, class_index, patch, layer_name, margin):
    """Chaque classe allume son rectangle, et lui seul, sur une image qui n'est pas carrée.

    Les dernières cartes sont deux fois plus petites : agrandies, elles débordent d'un pixel.
    """
    heatmap = method(planted, image, class_index, layer_name=layer_name)
    assert heatmap.shape == (HEIGHT, WIDTH) and heatmap.max() == 1
    assert heatmap[patch].mean() > 0.75
    rows, columns = (slice(each.start - margin, each.stop + margin) for each in patch)
    heatmap[rows, columns] = 0
    assert (heatmap == 0).all()


@pytest.mark.question(QUESTION)
@METHODS
def test_the_final_relu_is_there(planted, image, method):
    """La classe 2 ne perd qu'à chaque tache de couleur : rien ne plaide pour elle."""
    assert (method(planted, image, 2) == 0).all()


def test_maps_a_little_negative_do_not_divide_by_zero():
    """GELU en rend : la formule de l'article y diviserait par zéro."""
    found = ex09.grad_cam_plus_plus_map(np.full((2, 2, 1), -0.5), np.ones((2, 2, 1)))
    assert np.isfinite(found).all()


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_main_writes_a_figure(tmp_path, capsys):
    from exercises.ex09_grad_cam.__main__ import main

    options = ["--method", "grad_cam_plus_plus", "--model", "thumbnails"]
    options += ["--layer", "group3_conv1"]
    assert main(["samples/chat.png", *options, "--output", str(tmp_path)]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Grad-CAM++ (7×7 cases) : Chat, ")
    assert last == str(tmp_path / "chat_grad_cam_plus_plus.png")
    assert main(["--layer", "conv9", "--output", str(tmp_path)]) == 1
    assert "Erreur : Couche 'conv9' inconnue" in capsys.readouterr().err
