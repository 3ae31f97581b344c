import functools

import numpy as np
import pytest
from PIL import Image

from convnets.explaining import maps

QUESTION = "S3, « Carte de saillance »"
SHAPE = (10, 16, 3)
SEEN = np.s_[2:6, 9:14]  # le seul rectangle que regarde `planted`
BASELINES = pytest.mark.parametrize(("baseline", "value"), [("black", 0), ("grey", 128)])
METHODS = pytest.mark.parametrize("name", ["saliency", "smooth_grad", "integrated_gradients"])


@pytest.fixture(scope="module")
def ex08():
    from exercises import ex08_saliency

    return ex08_saliency


@pytest.fixture(scope="module")
def image():
    """Sans pixel noir : égal à la référence, il ne recevrait rien."""
    return np.random.default_rng(0).integers(1, 256, SHAPE, np.uint8)


def build(kind):
    """Un réseau à deux classes : linéaire, qui ne voit que `SEEN`, ou un vrai petit réseau."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    if kind == "planted":
        x = layers.Cropping2D(((2, 4), (9, 2)))(x)  # (n, 4, 5, 3), le rectangle `SEEN`
    if kind == "curved":
        x = layers.MaxPooling2D()(layers.Conv2D(8, 3, activation="gelu")(x))
        x = layers.Conv2D(8, 3, activation="relu")(x)
    x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(2, activation="softmax")(x), name=kind)


def with_kernel(model, kernel):
    model.layers[-1].set_weights([kernel.reshape(-1, 2), np.zeros(2)])
    return model


def score(model, image, class_index):
    """Le score d'avant le softmax, par les couches du modèle lui-même."""
    import keras

    kernel, bias = model.layers[-1].get_weights()
    inner = keras.Model(model.input, model.layers[-1].input)
    return (np.asarray(inner(image[np.newaxis]), float) @ kernel + bias)[0, class_index]


@pytest.mark.question(QUESTION)
def test_on_a_linear_model_saliency_is_the_weights(ex08, image):
    linear = build("linear")
    weights = abs(linear.layers[-1].get_weights()[0][:, 1].reshape(SHAPE)).max(axis=2)
    found = ex08.sensitivity(linear, image, 1)
    np.testing.assert_allclose(found, weights / 255, rtol=1e-4, atol=1e-7)
    expected = weights / weights.max()
    np.testing.assert_allclose(ex08.saliency(linear, image, 1), expected, atol=1e-6)
    smooth = ex08.smooth_grad(linear, image, 1, num_samples=5)  # le bruit n'y change rien
    np.testing.assert_allclose(smooth, expected, atol=1e-6)


@BASELINES
def test_on_a_linear_model_attributions_are_exact(ex08, image, baseline, value):
    linear = build("linear")
    weights = linear.layers[-1].get_weights()[0][:, 1].reshape(SHAPE)
    found = ex08.attributions(linear, image, 1, steps=1, baseline=baseline)
    assert found.shape == SHAPE and found.dtype == np.float32
    np.testing.assert_allclose(found, weights * (image - float(value)) / 255, atol=1e-5)


@pytest.mark.question(QUESTION)
@BASELINES
def test_attributions_share_the_whole_score(ex08, image, baseline, value):
    curved, reference = build("curved"), np.full(SHAPE, value, np.uint8)
    gain = score(curved, image, 1) - score(curved, reference, 1)
    found = ex08.attributions(curved, image, 1, steps=200, baseline=baseline)
    assert found.sum() == pytest.approx(gain, abs=1e-3 * float(abs(found).sum()))


@pytest.mark.question(QUESTION)
@METHODS
def test_a_planted_rectangle_is_found(ex08, image, name):
    kernel = np.repeat([[2.0, 1.0]], 60, axis=0)  # la classe 0 y gagne plus
    planted = with_kernel(build("planted"), kernel)
    found = getattr(ex08, name)(planted, image, 0)
    mask = np.zeros(SHAPE[:2], bool)
    mask[SEEN] = True
    assert found.shape == SHAPE[:2] and found.dtype == np.float32 and found.max() == 1
    np.testing.assert_array_equal(found > 0, mask)
    against = with_kernel(build("planted"), -kernel)
    # Un gradient n'a pas de signe ; une attribution négative, elle, vaut zéro.
    assert getattr(ex08, name)(against, image, 0).max() == (name != "integrated_gradients")


@METHODS
@pytest.mark.filterwarnings("error")
def test_a_null_gradient_gives_zeros(ex08, image, name):
    silent = with_kernel(build("linear"), np.zeros((*SHAPE, 2)))
    assert (getattr(ex08, name)(silent, image, 1) == 0).all()


def test_smooth_grad_is_a_mean_of_gradients(ex08, image, monkeypatch):
    curved, sigma = build("curved"), 0.1 * float(np.ptp(image))
    noise = np.random.default_rng(7).normal(0, sigma, (4, *SHAPE))
    each = [ex08.mean_gradient(curved, 0, [image[np.newaxis] + one]) for one in noise]
    expected = abs(np.mean(each, axis=0)).max(axis=2)
    options = {"num_samples": 4, "noise": 0.1, "seed": 7}
    found = ex08.smooth_sensitivity(curved, image, 0, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    monkeypatch.setattr(ex08, "BATCH_SIZE", 3)  # les mêmes bruits, en deux lots
    cut = ex08.smooth_sensitivity(curved, image, 0, **options)
    np.testing.assert_allclose(cut, found, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("smooth_grad", {"noise": -0.1}, "Bruit de -0.1 reçu"),
        ("smooth_grad", {"noise": float("nan")}, "Bruit de nan reçu"),
        ("smooth_grad", {"seed": -1}, "non-negative"),  # de NumPy
        ("integrated_gradients", {"baseline": "rose"}, "Référence 'rose' reçue ; au choix : black"),
    ],
)
def test_wrong_options(ex08, image, method, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(ex08, method)(build("linear"), image, 0, **options)


# --- Le réseau livré -----------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_random_weights_and_other_classes_change_the_map(ex08, extract, monkeypatch):
    """Le contrôle d'Adebayo et al. (arXiv 1810.03292) : la carte dépend de ce qui est appris."""
    import keras

    from convnets.training import saving

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
def test_main_draws_a_real_picture(ex08, method, tmp_path, capsys):
    arguments = ["samples/cerf.webp", "--method", method, "--output", str(tmp_path)]
    assert ex08.main(arguments) == 0
    path = tmp_path / f"cerf_{method}.png"
    printed = capsys.readouterr().out
    assert str(path) in printed and printed.startswith(ex08.METHODS[method][0])
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.width > 600
