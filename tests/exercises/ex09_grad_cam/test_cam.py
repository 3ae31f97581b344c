import keras
import numpy as np
import pytest
from keras import layers

from convnets.core import reports
from convnets.datasets import sources
from convnets.explaining import maps as explanations
from convnets.training import saving

QUESTION = "S3 Class Activation Map"
HEIGHT, WIDTH = 14, 22  # ni carrée, ni de la taille de CIFAR-10
PATCH = np.s_[2:6, 12:20]


@pytest.fixture(scope="module")
def ex09():
    from exercises.ex09_grad_cam import cam

    return cam


def base_model(height=HEIGHT, width=WIDTH, seed=0):
    """Un petit réseau qui ne finit pas comme CAM le demande : maximum, puis couche dense."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((height, width, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Conv2D(6, 3, strides=2, name="conv1")(x)
    x = layers.Activation("gelu", name="out1")(x)
    x = layers.Conv2D(8, 3, name="conv2")(x)
    x = layers.Activation("gelu", name="out2")(x)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="petit")


def noise(seed=0, height=HEIGHT, width=WIDTH):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "datasets" / "cours-cnn"


# --- La forme du réseau --------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_network_ends_as_cam_asks(ex09):
    base = base_model()
    model = ex09.build_model(base)
    assert [type(layer).__name__ for layer in model.layers[-2:]] == [
        "GlobalAveragePooling2D",
        "Dense",
    ]
    assert model.input_shape == (None, HEIGHT, WIDTH, 3) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8" and model.layers[-3] is base.get_layer("out2")
    assert model.count_params() == (27 + 1) * 6 + (54 + 1) * 8 + (8 + 1) * 10
    cut = ex09.build_model(base, layer_name="out1")
    assert cut.count_params() == (27 + 1) * 6 + (6 + 1) * 10
    with pytest.raises(ValueError, match="'out3' inconnue de petit : .*out1, conv2, out2"):
        ex09.build_model(base, layer_name="out3")


@pytest.mark.ci
def test_mean_maps_are_computed_once(ex09, own_cache):
    base, x = base_model(), np.stack([noise(k) for k in range(5)])
    model = ex09.build_model(base)
    found = ex09.mean_maps(model, x)
    maps = np.asarray(keras.Model(base.inputs[0], base.get_layer("out2").output)(x))
    np.testing.assert_allclose(found, maps.mean((1, 2)), atol=1e-6)
    assert len(list(own_cache.iterdir())) == 1
    np.testing.assert_array_equal(ex09.mean_maps(model, x), found)
    assert len(list(own_cache.iterdir())) == 1
    # Une autre couche sans poids, d'autres images ou d'autres poids : rien n'est confondu.
    ex09.mean_maps(ex09.build_model(base, layer_name="conv2"), x)
    ex09.mean_maps(model, x[::-1])
    ex09.mean_maps(ex09.build_model(base_model(seed=1)), x)
    assert len(list(own_cache.iterdir())) == 4


# --- La carte ------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_cam_is_the_published_sum(ex09):
    model, image = ex09.build_model(base_model()), noise()
    maps = np.asarray(keras.Model(model.inputs[0], model.layers[-3].output)(image[None]))[0]
    weights, bias = model.layers[-1].get_weights()
    expected = np.zeros(maps.shape[:2])
    for k in range(maps.shape[2]):
        expected += weights[k, 7] * maps[..., k]
    found = ex09.cam_map(model, image, 7)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # Sa moyenne est le score : les probabilités s'en déduisent.
    scores = np.array([ex09.cam_map(model, image, k).mean() for k in range(10)]) + bias
    probabilities = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(model.predict(image[None], verbose=0)[0], probabilities, atol=1e-6)


@pytest.mark.ci
@pytest.mark.question("N24")
@pytest.mark.parametrize("separate_softmax", [False, True])
def test_grad_cam_times_the_area_is_cam(ex09, separate_softmax):
    """Sur un même réseau, avant le ReLU et la mise à l'échelle."""
    from exercises.ex09_grad_cam import grad_cam

    model, image = ex09.build_model(base_model(seed=3)), noise(1)
    if separate_softmax:
        dense = layers.Dense(10)
        model = keras.Model(model.inputs[0], layers.Softmax()(dense(model.layers[-2].output)))
    for class_index in (0, 4, 9):
        expected = ex09.cam_map(model, image, class_index)
        maps, gradients = grad_cam.maps_and_gradients(model, image, class_index)
        height, width = expected.shape
        found = grad_cam.grad_cam_map(maps, gradients) * (height * width)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.ci
@pytest.mark.question("N24")
def test_grad_cam_times_the_area_is_cam_on_the_shipped_maps(ex09, extract):
    from exercises.ex09_grad_cam import grad_cam

    keras.utils.set_random_seed(0)
    model = ex09.build_model(saving.load_model("thumbnails_light"))
    image = extract("cifar10")[0][0]
    expected = ex09.cam_map(model, image, 3)
    found = grad_cam.grad_cam_map(*grad_cam.maps_and_gradients(model, image, 3))
    np.testing.assert_allclose(found * expected.size, expected, atol=1e-5)
    np.testing.assert_allclose(
        grad_cam.grad_cam(model, image, 3), ex09.cam(model, image, 3), atol=1e-5
    )


# --- Preuves -------------------------------------------------------------------------


def planted_model():
    """Classe 0 : du rouge ; classe 1 : ce qui n'en est pas, et que rien ne montre."""
    images = keras.Input((HEIGHT, WIDTH, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(1, 1, activation="relu", name="red")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(2, activation="softmax", name="scores")(x))
    kernel = np.array([1, -1, -1], np.float32).reshape(1, 1, 3, 1)
    model.get_layer("red").set_weights([kernel, np.zeros(1)])
    model.get_layer("scores").set_weights([np.array([[5, -5]]), np.zeros(2)])
    return model


@pytest.mark.question(QUESTION)
def test_the_planted_patch_is_found(ex09):
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[PATCH] = (220, 10, 20)
    heatmap = ex09.cam(planted_model(), image, 0)
    expected = np.zeros((HEIGHT, WIDTH), np.float32)
    expected[PATCH] = 1
    assert heatmap.dtype == np.float32
    np.testing.assert_allclose(heatmap, expected, atol=1e-6)
    np.testing.assert_array_equal(ex09.cam(planted_model(), image, 1), 0)  # le ReLU
    assert ex09.cam_map(planted_model(), image, 1).min() < 0


@pytest.mark.filterwarnings("error")
def test_null_weights_give_zeros(ex09):
    model = ex09.build_model(base_model())
    model.layers[-1].set_weights([np.zeros((8, 10)), np.ones(10)])
    np.testing.assert_array_equal(ex09.cam(model, noise(), 2), np.zeros((HEIGHT, WIDTH)))


@pytest.mark.question(QUESTION)
def test_another_form_is_refused(ex09):
    with pytest.raises(ValueError, match="CAM demande une GlobalAveragePooling2D puis une Dense"):
        ex09.cam(base_model(), noise(), 0)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_maps_depend_on_the_class_and_on_the_weights(ex09):
    image = noise(2)
    learned, other = (ex09.build_model(base_model(seed=seed)) for seed in (0, 1))
    maps = ex09.cam(learned, image, 0), ex09.cam(learned, image, 1), ex09.cam(other, image, 0)
    assert abs(maps[0] - maps[1]).mean() > 0.1 and abs(maps[0] - maps[2]).mean() > 0.1


# --- La boucle entière ---------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("eager")
def test_main_trains_saves_and_explains(
    ex09, as_dataset, own_cache, tmp_path, monkeypatch, repo, capfd, write_model, unrendered
):
    dataset = as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    folder = tmp_path / "m"
    folder.mkdir()
    base = base_model(32, 32)
    write_model(base, folder, "thumbnails_light")
    arguments = ["--models-dir", str(folder), "--output", str(tmp_path / "f")]
    training = ["--epochs", "3", "--seeds", "1", "--batch-size", "90", "--layer", "out2"]
    with unrendered():  # test_ex02_fashion.py dessine ces figures
        assert ex09.main([*training, *arguments]) == 0
    report = reports.read_report("ex09_cam", models_dir=folder)
    assert report.command == (
        "python -m exercises.ex09_grad_cam.cam --layer out2 --seeds 1 --epochs 3 --batch-size 90"
        " --precision float32"
    )
    assert report.num_images == {"train": 270, "val": 30, "test": 100}
    assert report.details["cut"] == {"model": "thumbnails_light", "layer": "out2"}
    assert report.history["loss"][-1] < report.history["loss"][0]
    assert {p.name for p in (tmp_path / "f").iterdir()} == {"courbes.png", "confusion.png"}

    # Un seul fichier, sans rien de nous : les convolutions sont intactes, la fin est apprise.
    model = keras.saving.load_model(folder / "ex09_cam.keras")
    for name in ("conv1", "conv2"):
        for got, expected in zip(
            model.get_layer(name).get_weights(), base.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(got, expected)
    result = ex09.evaluate(model, *dataset[1])
    assert result["accuracy"] == pytest.approx(report.shipped["accuracy"])

    capfd.readouterr()
    assert ex09.main([str(repo / "samples" / "chien.webp"), "--class", "Chien", *arguments]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == str(tmp_path / "f" / "chien_cam.png")
    assert (tmp_path / "f" / "chien_cam.png").stat().st_size > 5000


def test_main_says_what_is_wrong(ex09, tmp_path, repo, capsys):
    assert ex09.main([str(repo / "samples" / "chat.png"), "--models-dir", str(tmp_path)]) == 1
    assert "python -m exercises.ex09_grad_cam.cam" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--class", "chien"], "--class va avec une image"),
        (["chat.png", "--layer", "group3_conv1"], "--layer va sans image"),
    ],
)
def test_options_that_would_be_ignored_are_refused(ex09, arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        ex09.main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.ci
def test_a_base_for_other_images_is_refused(
    ex09, as_dataset, tmp_path, monkeypatch, capsys, write_model
):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    write_model(base_model(), tmp_path, "autre")
    assert ex09.main(["--base", "autre", "--models-dir", str(tmp_path)]) == 1
    assert "autre lit des images (14, 22, 3)" in capsys.readouterr().err


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shipped_model(ex09, extract):
    model, report = saving.load_model("ex09_cam"), reports.read_report("ex09_cam")
    x, y = (each[:200] for each in extract("cifar10"))
    assert ex09.evaluate(model, x, y)["accuracy"] > 0.88
    assert report.metrics["accuracy"].mean > 0.88
    assert explanations.map_layers(model)[-1] == report.details["cut"]["layer"]
