"""Un réseau qui ne regarde qu'un rectangle ; le reste des calculs est vérifié par le barème."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

from convnets.explaining import maps
from convnets.training import saving
from exercises import ex08_saliency as ex08

QUESTION = "S3, « Carte de saillance »"
SHAPE = (10, 16, 3)
SEEN = np.s_[2:6, 9:14]  # le seul rectangle que regarde le modèle posé à la main
METHODS = pytest.mark.parametrize("name", ["saliency", "smooth_grad", "integrated_gradients"])


@pytest.fixture(scope="module")
def image():
    """Sans pixel noir : égal à la référence, il ne recevrait rien."""
    return np.random.default_rng(0).integers(1, 256, SHAPE, np.uint8)


def planted(kernel):
    """Un réseau linéaire à deux classes, qui ne voit que `SEEN`."""
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Flatten()(layers.Cropping2D(((2, 4), (9, 2)))(x))  # (n, 4, 5, 3), puis (n, 60)
    model = keras.Model(images, layers.Dense(2, activation="softmax")(x), name="essai")
    model.layers[-1].set_weights([np.full((60, 2), kernel, float), np.zeros(2)])
    return model


@pytest.mark.question(QUESTION)
@METHODS
@pytest.mark.filterwarnings("error:invalid value", "error:divide by zero")
def test_a_planted_rectangle_is_found(image, name):
    method, mask = getattr(ex08, name), np.zeros(SHAPE[:2], bool)
    mask[SEEN] = True
    np.testing.assert_array_equal(method(planted([2, 1]), image, 0) > 0, mask)
    # Un gradient n'a pas de signe ; une attribution négative, elle, vaut zéro.
    against = method(planted([-2, -1]), image, 0)
    assert against.max() == (name != "integrated_gradients")
    assert (method(planted([0, 0]), image, 0) == 0).all()


@pytest.mark.ci
def test_the_noise_is_the_same_whatever_the_batch(image, monkeypatch):
    shipped = saving.load_model(maps.STUDY_MODEL)
    picture = np.resize(image, shipped.input_shape[1:])
    whole = ex08.smooth_sensitivity(shipped, picture, 0, num_samples=4)
    monkeypatch.setattr(ex08, "BATCH_SIZE", 3)
    cut = ex08.smooth_sensitivity(shipped, picture, 0, num_samples=4)
    np.testing.assert_allclose(cut, whole, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("smooth_grad", {"noise": -0.1}, "Bruit de -0.1 reçu"),
        ("integrated_gradients", {"baseline": "rose"}, "Référence 'rose' reçue ; au choix : black"),
    ],
)
def test_wrong_options(image, method, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(ex08, method)(planted([1, 1]), image, 0, **options)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_random_weights_and_other_classes_change_the_map(extract, monkeypatch):
    """Le contrôle d'Adebayo et al. (arXiv 1810.03292) : la carte dépend de ce qui est appris."""
    monkeypatch.setattr(maps, "float_model", functools.cache(maps.float_model))
    shipped, image = saving.load_model(maps.STUDY_MODEL), extract("cifar10")[0][0]
    keras.utils.set_random_seed(0)
    unlearned = keras.models.clone_model(shipped)
    for method, options in [
        (ex08.saliency, {}),
        (ex08.smooth_grad, {"num_samples": 8}),
        (ex08.integrated_gradients, {"steps": 16}),
    ]:
        cases = [(shipped, 3), (unlearned, 3), (shipped, 5)]
        found = [method(model, image, k, **options).ravel() for model, k in cases]
        _, of_weights, of_class = np.corrcoef(found)[0]
        assert abs(of_weights) < 0.6 and of_class < 0.99, method


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("method", ["gradient", "smooth_grad", "integrated"])
def test_main_draws_a_real_picture(method, tmp_path, capsys):
    arguments = ["samples/cerf.webp", "--method", method, "--output", str(tmp_path)]
    assert ex08.main(arguments) == 0
    path, printed = tmp_path / f"cerf_{method}.png", capsys.readouterr().out
    assert str(path) in printed and printed.startswith(ex08.METHODS[method][0])
    assert path.stat().st_size > 5000
