import keras
import numpy as np
import pytest
from keras import layers

from exercises import ex04_views


@pytest.fixture
def brightest():
    """Un « modèle » dont la classe est la colonne, modulo dix, du point clair de l'image."""
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.GlobalMaxPooling1D()(layers.Permute((1, 2))(x))  # (n, 28) : le maximum des lignes
    dense = layers.Dense(10, use_bias=False, activation="softmax")
    model = keras.Model(images, dense(x))
    dense.set_weights([20 * np.eye(10, dtype=np.float32)[np.arange(28) % 10]])
    return model


def dots(*columns):
    x = np.zeros((len(columns), 28, 28), np.uint8)
    x[np.arange(len(columns)), 14, columns] = 255
    return x


def test_seven_views(brightest):
    views = ex04_views.predict_views(brightest, dots(14, 12))
    assert views.shape == (ex04_views.NUM_VIEWS, 2, 10) == (7, 2, 10)
    np.testing.assert_allclose(views.sum(2), 1, atol=1e-5)
    # L'image, un pixel en bas, en haut, à droite, à gauche : seuls les deux derniers changent tout.
    assert views[:5].argmax(2).tolist() == [[4, 2], [4, 2], [4, 2], [5, 3], [3, 1]]


def test_one_pass_and_the_mean_of_the_views_are_both_told(brightest, monkeypatch):
    x = dots(14, 14, 12, 12)
    result = ex04_views.evaluate(brightest, x, np.array([4, 0, 2, 2]))
    assert (result["accuracy"], result["error"]) == (0.75, 0.25)
    np.testing.assert_allclose(result["probabilities"], brightest.predict(x, verbose=0), atol=1e-6)
    # Des vues qui, en moyenne, contredisent la première : seule la mesure moyennée le voit.
    views = np.zeros((7, 2, 10))
    views[0, :, 3] = views[1:, :, 8] = 1
    monkeypatch.setattr(ex04_views, "predict_views", lambda model, x: views)
    result = ex04_views.evaluate(brightest, x[:2], np.array([3, 3]))
    assert (result["accuracy"], result["accuracy_tta"]) == (1.0, 0.0)
    assert (result["error"], result["error_tta"]) == (0.0, 1.0)
