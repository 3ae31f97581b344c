import numpy as np

from exercises import ex03_views


def test_tta_is_the_average_of_six_views(extract):
    class Model:
        """Rend, pour chaque image, quelques pixels : de quoi reconnaître la vue."""

        def predict(self, x, **_):
            return x.reshape(len(x), -1)[:, ::97].astype(np.float64)

    x, model = extract("cifar10")[0][:5], Model()
    expected = 0
    for image in (x, x[:, :, ::-1]):
        expected = expected + 0.25 * model.predict(image)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    for moved in (padded[:, 0:32, 0:32], padded[:, 2:34, 2:34]):
        for image in (moved, moved[:, :, ::-1]):
            expected = expected + 0.125 * model.predict(image)
    np.testing.assert_allclose(ex03_views.predict_tta(ex03_views.predict_views(model, x)), expected)


def test_evaluate_tells_one_pass_from_the_average(extract):
    class Model:
        """Sûr de la classe 1 devant une image entière, de la classe 0 dès qu'elle bouge."""

        def __init__(self, x):
            self.x = x

        def predict(self, x, **_):
            same = (x == self.x).all(axis=(1, 2, 3))
            return np.where(same[:, None], [0.4, 0.6], [0.9, 0.1])

    x = extract("cifar10")[0][:6]
    found = ex03_views.evaluate(Model(x), x, np.ones((6, 1), int))
    assert (found["accuracy"], found["accuracy_tta"]) == (1, 0)
    np.testing.assert_allclose(found["probabilities"], [[0.4, 0.6]] * 6)


def test_views_of_predict_are_ones_that_predict_knows():
    from PIL import Image

    from convnets.core.images import crop_resize

    image = Image.new("RGB", (90, 60))
    for mode, zoom in ex03_views.VIEWS:
        assert crop_resize(image, 32, mode=mode, zoom=zoom).shape == (32, 32, 3)
    assert ex03_views.VIEWS[0] == ["crop", 1.0]  # la seule d'une petite image
