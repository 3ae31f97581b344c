import keras
import numpy as np
import pytest
from keras import layers

from convnets.training import saving
from exercises.ex09_grad_cam import cam as ex09
from exercises.ex09_grad_cam import grad_cam

QUESTION = "S3 Class Activation Map"
HEIGHT, WIDTH = 14, 22  # ni carrée, ni de la taille de CIFAR-10


def base_model(height=HEIGHT, width=WIDTH):
    """Un petit réseau qui ne finit pas comme CAM le demande : maximum, puis couche dense."""
    keras.utils.set_random_seed(0)
    images = keras.Input((height, width, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Conv2D(6, 3, strides=2, activation="gelu", name="conv1")(x)
    x = layers.Conv2D(8, 3, activation="gelu", name="conv2")(x)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="petit")


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.question(QUESTION)
def test_the_network_ends_as_cam_asks(image):
    """Sa moyenne est le score de la classe : les probabilités s'en déduisent."""
    base = base_model()
    model = ex09.build_model(base)
    assert model.layers[-3] is base.get_layer("conv2")
    bias = model.layers[-1].get_weights()[1]
    scores = np.array([ex09.cam_map(model, image, k).mean() for k in range(10)]) + bias
    probabilities = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(model(image[None])[0], probabilities, atol=1e-6)


@pytest.mark.question("N24")
@pytest.mark.parametrize("separate_softmax", [False, True])
def test_grad_cam_times_the_area_is_cam(image, separate_softmax):
    """Sur un même réseau, avant le ReLU et la mise à l'échelle."""
    model = ex09.build_model(base_model())
    if separate_softmax:
        scores = layers.Dense(10)(model.layers[-2].output)
        model = keras.Model(model.inputs[0], layers.Softmax()(scores))
    expected = ex09.cam_map(model, image, 4)
    found = grad_cam.grad_cam_map(*grad_cam.maps_and_gradients(model, image, 4))
    np.testing.assert_allclose(found * expected.size, expected, atol=1e-5)
    heatmap = ex09.cam(model, image, 4)
    np.testing.assert_allclose(grad_cam.grad_cam(model, image, 4), heatmap, atol=1e-4)


def test_another_form_is_refused(image):
    with pytest.raises(ValueError, match="CAM demande une GlobalAveragePooling2D puis une Dense"):
        ex09.cam(base_model(), image, 0)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_main_trains_and_saves_the_last_layer_only(
    small_data, tmp_path, monkeypatch, capfd, short_runs
):
    dataset, base = small_data("cifar10"), base_model(32, 32)
    monkeypatch.setattr(saving, "load_model", lambda name: base)
    short_runs(tmp_path / "m")
    assert ex09.main(["--epochs", "2", "--output", str(tmp_path / "f")]) == 0
    assert f"./predict --model {tmp_path}/m/ex09_cam" in capfd.readouterr().out
    assert {p.name for p in (tmp_path / "f").iterdir()} == {"courbes.png", "confusion.png"}
    model = keras.saving.load_model(tmp_path / "m" / "ex09_cam.keras")
    for name in ("conv1", "conv2"):
        expected = base.get_layer(name).get_weights()[0]
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], expected)
    found = ex09.run(0, epochs=2)  # les mêmes poids, d'une même graine
    assert ex09.evaluate(model, *dataset[1]) == found.metrics["accuracy"]


@pytest.mark.ci
def test_the_shipped_model_explains(extract, tmp_path, capfd):
    x, y = (each[:200] for each in extract("cifar10"))
    assert ex09.evaluate(saving.load_model("ex09_cam"), x, y) > 0.88
    arguments = ["samples/chien.webp", "--class", "Chien", "--output", str(tmp_path)]
    assert ex09.main(arguments) == 0
    assert capfd.readouterr().out.splitlines()[-1] == str(tmp_path / "chien_cam.png")
