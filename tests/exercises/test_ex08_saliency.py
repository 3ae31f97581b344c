import functools
import warnings

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from convnets.explaining import maps
from convnets.training import saving

QUESTION = "S3, « Carte de saillance »"
SHAPE = (10, 16, 3)
SEEN = np.s_[2:6, 9:14]  # le seul rectangle que regarde `planted`


@pytest.fixture(scope="module")
def ex08():
    from exercises import ex08_saliency

    return ex08_saliency


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)


@pytest.fixture(scope="module")
def methods(ex08):
    return {
        "gradient": ex08.saliency,
        "smooth_grad": ex08.smooth_grad,
        "integrated": ex08.integrated_gradients,
    }


def finish(images, x):
    keras.utils.set_random_seed(3)
    x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(2, activation="softmax")(x), name="essai")


@pytest.fixture(scope="module")
def linear():
    images = keras.Input(SHAPE, dtype="uint8")
    return finish(images, layers.Rescaling(1.0, dtype="float32")(images))


@pytest.fixture(scope="module")
def planted():
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Cropping2D(((2, 4), (9, 2)))(x)  # (n, 4, 5, 3), le rectangle `SEEN`
    model = finish(images, x)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([np.sort(abs(kernel), axis=1)[:, ::-1], bias])  # classe 0 : plus
    return model


@pytest.fixture(scope="module")
def curved():
    """Un vrai petit réseau, non linéaire."""
    keras.utils.set_random_seed(0)
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Conv2D(8, 3, activation="gelu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(8, 3, activation="relu")(x)
    return finish(images, x)


def score(model, image, class_index):
    """Le score d'avant le softmax, par les couches du modèle lui-même."""
    last = model.layers[-1]
    inner = keras.Model(model.input, last.input)(keras.ops.convert_to_tensor(image[np.newaxis]))
    inner = np.asarray(inner, float)
    if not last.get_weights():  # une couche Softmax : son entrée est déjà le score
        return inner[0, class_index]
    kernel, bias = last.get_weights()
    return (inner @ kernel + bias)[0, class_index]


@pytest.mark.question(QUESTION)
def test_on_a_linear_model_saliency_is_the_weights(ex08, linear, image):
    for k in (0, 1):
        weights = abs(linear.layers[-1].get_weights()[0][:, k].reshape(SHAPE)).max(axis=2)
        expected = weights / weights.max()
        np.testing.assert_allclose(ex08.saliency(linear, image, k), expected, atol=1e-6)
        smooth = ex08.smooth_grad(linear, image, k, num_samples=5)  # le bruit n'y change rien
        np.testing.assert_allclose(smooth, expected, atol=1e-6)


@pytest.mark.parametrize(("baseline", "value"), [("black", 0), ("grey", 128)])
def test_on_a_linear_model_attributions_are_exact(ex08, linear, image, baseline, value):
    weights = linear.layers[-1].get_weights()[0][:, 1].reshape(SHAPE)
    found = ex08.attributions(linear, image, 1, steps=1, baseline=baseline)
    assert found.shape == SHAPE and found.dtype == np.float32
    np.testing.assert_allclose(found, weights * (image - float(value)), rtol=1e-4, atol=1e-4)
    reference = np.full(SHAPE, value, np.uint8)
    gain = score(linear, image, 1) - score(linear, reference, 1)
    assert found.sum() == pytest.approx(gain, rel=1e-4)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(("baseline", "value"), [("black", 0), ("grey", 128)])
def test_attributions_share_the_whole_score(ex08, curved, image, baseline, value):
    reference = np.full(SHAPE, value, np.uint8)
    for k in (0, 1):
        gain = score(curved, image, k) - score(curved, reference, k)
        found = ex08.attributions(curved, image, k, steps=200, baseline=baseline).sum()
        assert found == pytest.approx(gain, rel=0.01)


def test_attributions_of_the_shipped_network(ex08, shipped, extract):
    image = extract("cifar10")[0][1]
    gain = score(shipped, image, 8) - score(shipped, np.zeros_like(image), 8)
    found = ex08.attributions(shipped, image, 8, steps=64).sum()
    assert found == pytest.approx(gain, rel=0.02)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("name", ["gradient", "smooth_grad", "integrated"])
def test_a_planted_rectangle_is_found(methods, planted, image, name):
    image = np.maximum(image, 1)  # un pixel noir, égal à la référence, ne recevrait rien
    found = methods[name](planted, image, 0)
    mask = np.zeros(SHAPE[:2], bool)
    mask[SEEN] = True
    assert found.shape == SHAPE[:2] and found.dtype == np.float32 and found.max() == 1
    np.testing.assert_array_equal(found > 0, mask)


@pytest.mark.parametrize("name", ["gradient", "smooth_grad", "integrated"])
def test_two_classes_light_two_places(methods, linear, image, name):
    """La classe 0 ne regarde que le haut, la classe 1 que la gauche du bas."""
    kernel = np.zeros((*SHAPE, 2), np.float32)
    kernel[:4, :, :, 0] = kernel[4:, :7, :, 1] = 1
    halves = keras.models.clone_model(linear)
    halves.set_weights([kernel.reshape(-1, 2), np.zeros(2, np.float32)])
    for k in (0, 1):
        found = methods[name](halves, np.maximum(image, 1), k)
        np.testing.assert_array_equal(found > 0, kernel[:, :, 0, k] > 0)


@pytest.mark.parametrize("name", ["gradient", "smooth_grad", "integrated"])
@pytest.mark.parametrize("kind", ["weights", "input"])
def test_a_null_gradient_gives_zeros(methods, image, name, kind):
    images = keras.Input(SHAPE, dtype="uint8")
    model = finish(images, layers.Rescaling(float(kind == "weights"), 1.0, dtype="float32")(images))
    if kind == "weights":
        kernel, bias = model.layers[-1].get_weights()
        model.layers[-1].set_weights([0 * kernel, bias])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = methods[name](model, image, 1)
    assert found.dtype == np.float32 and (found == 0).all()


def test_what_pleads_against_the_class_is_zero(ex08, planted, image):
    kernel, bias = planted.layers[-1].get_weights()
    against = keras.models.clone_model(planted)
    against.set_weights([-kernel, bias])
    assert (ex08.integrated_gradients(against, image, 0) == 0).all()
    assert ex08.saliency(against, image, 0).max() == 1  # le gradient, lui, n'a pas de signe


def test_a_black_image_is_its_own_reference(ex08, curved):
    black = np.zeros(SHAPE, np.uint8)
    assert (ex08.integrated_gradients(curved, black, 0) == 0).all()
    assert ex08.integrated_gradients(curved, black, 0, baseline="grey").max() == 1
    # Une image unie n'a pas d'étendue, donc pas de bruit : SmoothGrad y est le gradient.
    smooth, plain = ex08.smooth_grad(curved, black, 0), ex08.saliency(curved, black, 0)
    np.testing.assert_allclose(smooth, plain, atol=1e-5)


@pytest.fixture
def copied_once(monkeypatch):
    """Chaque réseau n'est recopié qu'une fois pour être dérivé, et non à chaque appel."""
    monkeypatch.setattr(maps, "float_model", functools.cache(maps.float_model))


@pytest.mark.usefixtures("copied_once")
def test_smooth_grad_is_the_same_to_the_bit(ex08, shipped, extract, monkeypatch):
    image = extract("cifar10")[0][2]
    first, again, other = (
        ex08.smooth_grad(shipped, image, 8, num_samples=6, seed=seed) for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes() != other.tobytes()
    monkeypatch.setattr(ex08, "BATCH_SIZE", 4)  # les mêmes bruits, en deux lots
    cut = ex08.smooth_grad(shipped, image, 8, num_samples=6, seed=1)
    np.testing.assert_allclose(cut, first, atol=1e-4)


def test_smooth_grad_is_a_mean_of_gradients(ex08, curved, image):
    sigma = 0.1 * (int(image.max()) - int(image.min()))
    noise = np.random.default_rng(7).normal(0, sigma, (4, *SHAPE))
    each = [ex08.mean_gradient(curved, 0, [image[np.newaxis] + one]) for one in noise]
    expected = abs(np.mean(each, axis=0)).max(axis=2)
    found = ex08.smooth_grad(curved, image, 0, num_samples=4, noise=0.1, seed=7)
    np.testing.assert_allclose(found, expected / expected.max(), atol=1e-5)


def test_gradient_agrees_with_finite_differences(ex08, curved, image):
    from convnets.explaining.maps import float_model

    network, gradient = float_model(curved), ex08.mean_gradient(curved, 1, [image[np.newaxis]])
    rng = np.random.default_rng(0)
    for direction in rng.normal(0, 1, (5, *SHAPE)):
        ends = np.stack([image + 0.05 * direction, image - 0.05 * direction]).astype(np.float32)
        after, before = np.asarray(network(keras.ops.convert_to_tensor(ends))[1])[:, 1]
        slope = (after - before) / 0.1
        assert slope == pytest.approx((gradient * direction).sum(), rel=0.05, abs=2e-3)


@pytest.fixture(scope="module")
def shipped():
    return saving.load_model("thumbnails_light")


@pytest.fixture
def loaded(shipped, monkeypatch):
    """Le réseau livré, lu une seule fois pour tout le fichier."""
    monkeypatch.setattr(saving, "load_model", lambda slug, **options: shipped)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("copied_once")
@pytest.mark.parametrize("name", ["gradient", "smooth_grad", "integrated"])
def test_random_weights_and_other_classes_change_the_map(methods, shipped, extract, name):
    """Le contrôle d'Adebayo et al. (arXiv 1810.03292) : la carte dépend de ce qui est appris."""
    method, image = methods[name], extract("cifar10")[0][0]
    options = {"smooth_grad": {"num_samples": 8}, "integrated": {"steps": 16}}.get(name, {})
    weights = shipped.get_weights()
    found, other_class = (method(shipped, image, k, **options) for k in (3, 5))
    for now, before in zip(shipped.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)
    keras.utils.set_random_seed(0)
    random = method(keras.models.clone_model(shipped), image, 3, **options)
    correlations = np.corrcoef([each.ravel() for each in (found, random, other_class)])
    assert abs(correlations[0, 1]) < 0.6
    assert correlations[0, 2] < 0.99


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ex, *first: ex.smooth_grad(*first, noise=-0.1), "Bruit de -0.1 reçu"),
        (lambda ex, *first: ex.smooth_grad(*first, noise=float("nan")), "Bruit de nan reçu"),
        (lambda ex, *first: ex.smooth_grad(*first, seed=-1), "Graine -1 reçue"),
        (
            lambda ex, *first: ex.integrated_gradients(*first, baseline="rose"),
            "Référence 'rose' reçue ; au choix : black, grey",
        ),
    ],
)
def test_wrong_options(ex08, linear, image, call, message):
    with pytest.raises(ValueError, match=message):
        call(ex08, linear, image, 0)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    "arguments",
    [
        ["--method", "gradient"],
        ["--method", "smooth_grad", "--samples", "3", "--seed", "4", "--noise", "0.2"],
        ["--method", "integrated", "--steps", "4", "--baseline", "grey", "--class", "chien"],
    ],
)
def test_main_draws_a_real_picture(ex08, loaded, arguments, tmp_path, capsys):
    assert ex08.main(["samples/cerf.webp", *arguments, "--output", str(tmp_path)]) == 0
    path = tmp_path / f"cerf_{arguments[1]}.png"
    assert str(path) in capsys.readouterr().out
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.width > 600


def test_errors_are_french_sentences(ex08, loaded, tmp_path, capsys):
    folder = ["--output", str(tmp_path)]
    assert ex08.main(["--method", "smooth_grad", "--noise", "2", *folder]) == 1
    assert "Erreur : Bruit de 2.0 reçu" in capsys.readouterr().err
    assert ex08.main(["--class", "Girafe", *folder]) == 1
    assert "Classe 'Girafe' inconnue" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        ex08.main(["--samples", "0"])
    assert caught.value.code == 2
    assert "nombre entier d'au moins 1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
