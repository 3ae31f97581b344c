from types import SimpleNamespace

import numpy as np

from recipes.training import views


class Pixels:
    """Un « modèle » qui rend quelques pixels de chaque image : de quoi reconnaître la vue."""

    def predict(self, x, *, verbose, **_):
        assert not verbose  # aucune barre de Keras
        return x.reshape(len(x), -1)[:, ::97].astype(np.float64)


class Sure:
    """Sûr de la classe 1 devant une image entière, de la classe 0 dès qu'elle bouge."""

    def __init__(self, x):
        self.x = x

    def predict(self, x, *, verbose, **_):
        assert not verbose
        same = (x == self.x).all(axis=tuple(range(1, x.ndim)))
        return np.where(same[:, None], [0.4, 0.6], [0.9, 0.1])


def test_six_views_of_a_thumbnail(extract):
    x, model = extract("cifar10")[0][:5], Pixels()
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    moved = padded[:, :32, :32], padded[:, 2:34, 2:34]
    expected = [model.predict(v[:, :, ::step], verbose=0) for v in (x, *moved) for step in (1, -1)]
    np.testing.assert_array_equal(views.predict_thumbnails(model, x), expected)
    assert sum(views.VIEW_WEIGHTS) == 1 and sum(views.VIEW_WEIGHTS[:2]) == 1 / 2


def test_one_pass_and_the_average_of_views_are_both_told(extract):
    x, truth = extract("cifar10")[0][:6], np.ones((6, 1), int)
    found = views.evaluate_thumbnails(Sure(x), x, truth)
    assert (found["accuracy"], found["accuracy_tta"]) == (1, 0)
    np.testing.assert_allclose(found["probabilities"], [[0.4, 0.6]] * 6)
    alone = views.evaluate_one_pass(Sure(x), x, truth)
    assert alone["accuracy"] == 1 and set(alone) == {"accuracy", "probabilities"}

    x = extract("mnist")[0][:6]
    found = views.evaluate_digits(Sure(x), x, np.ones(6, int))
    assert (found["accuracy"], found["error"], found["error_tta"]) == (1, 0, 1)


def test_where_the_views_of_a_digit_move_it():
    """Un point clair au-dessus du centre : chaque translation, puis chaque rotation, le déplace."""
    pixels = SimpleNamespace(predict=lambda x, **_: x.reshape(len(x), -1))
    x = np.zeros((1, 28, 28), np.uint8)
    x[0, 4, 14] = 255
    down, right = np.divmod(views.predict_digits(pixels, x)[:, 0].argmax(1), 28)
    assert down[:5].tolist() == [4, 5, 3, 4, 4] and right[:5].tolist() == [14, 14, 14, 15, 13]
    assert right[5] < 14 < right[6]  # vers la gauche, puis dans le sens des aiguilles
