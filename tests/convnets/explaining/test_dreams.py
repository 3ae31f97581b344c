import numpy as np
import pytest
from PIL import Image

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def dreams():
    from convnets.explaining import dreams

    return dreams


def build_base(*, dtype="uint8", shape=(20, 14, 3)):
    """Deux convolutions sans bordure et un max-pooling : il faut 8 pixels de côté."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    images = x = keras.Input(shape, dtype=dtype)
    if dtype == "uint8":
        x = layers.Rescaling(1 / 255, dtype="float32", name="scale")(images)
    x = layers.Conv2D(4, 3, activation="relu", name="first")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(6, 3, activation="relu", name="second")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(2, activation="softmax")(x), name="essai")


# --- Images -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"), [((90, 60), (40, 60)), ((30, 45), (60, 40)), ((600, 3), (1, 60))]
)
def test_read_picture_keeps_the_shape(dreams, tmp_path, size, expected):
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.png")
    image = dreams.read_picture(tmp_path / "a.png", 60)
    assert image.shape == (*expected, 3) and image.dtype == np.float32
    np.testing.assert_allclose(image, np.broadcast_to([10, 200, 30], image.shape), atol=1)


def test_picture_of_the_right_size_comes_back_to_the_bit(dreams, tmp_path):
    pixels = RNG.integers(0, 256, (21, 33, 3), np.uint8)
    path = tmp_path / "new" / "folder" / "a.png"
    for offset in (100, 0.3):  # la seconde image remplace la première
        dreams.save_picture(pixels.astype(np.float32) + offset, path)
    np.testing.assert_array_equal(dreams.read_picture(path, 33), pixels)
    assert [each.name for each in path.parent.iterdir()] == ["a.png"]
    assert dreams.to_picture(np.array([-7.0, 254.6, 300.0])).tolist() == [0, 255, 255]


def test_resize(dreams):
    flat = np.full((9, 12, 3), -7.5, np.float32)  # un changement d'image, donc signé
    np.testing.assert_allclose(dreams.resize(flat, 20, 31), np.full((20, 31, 3), -7.5), rtol=1e-5)
    image = RNG.uniform(0, 255, (9, 12, 3)).astype(np.float32)
    assert dreams.resize(image, 5, 7).shape == (5, 7, 3)
    np.testing.assert_allclose(dreams.resize(image, 9, 12), image, atol=1e-2)
    stripes = np.zeros((32, 32, 3), np.float32)
    stripes[::4] = 100  # réduite quatre fois, chaque case en voit une, et trois de noir
    np.testing.assert_allclose(dreams.resize(stripes, 8, 8)[2:-2], 25, atol=5)


def test_octaves_grow_up_to_the_image(dreams):
    sizes = dreams.octave_sizes(196, 280, 3, scale=1.4)
    assert sizes == [(100, 143), (140, 200), (196, 280)]
    assert dreams.octave_sizes(5, 300, 9, scale=1.4)[0] == (1, 20)
    assert dreams.octave_sizes(300, 5, 9, scale=1.4)[0] == (20, 1)
    assert dreams.octave_sizes(33, 21, 1, scale=1.4) == [(33, 21)]


@pytest.mark.parametrize("shape", [(1, 5, 7, 3), (2, 6, 4, 1)])
def test_total_variation_is_the_one_of_a_loop(dreams, shape):
    images, total = RNG.normal(size=shape), 0.0
    for n, i, j, c in np.ndindex(shape):
        if i + 1 < shape[1]:
            total += (images[n, i + 1, j, c] - images[n, i, j, c]) ** 2
        if j + 1 < shape[2]:
            total += (images[n, i, j + 1, c] - images[n, i, j, c]) ** 2
    assert float(dreams.total_variation(images)) == pytest.approx(total / images.size, rel=1e-5)
    assert float(dreams.total_variation(np.ones(shape))) == 0


# --- Le réseau qui regarde ----------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_extractor_is_the_base_at_any_size(dreams, dtype):
    import keras

    base = build_base(dtype=dtype)
    before = base.get_weights()
    model = dreams.extractor(base, ["second", "first"])
    image = RNG.integers(0, 256, (1, 20, 14, 3)).astype(np.uint8)
    found = model(image.astype(np.float32))
    assert list(found) == ["second", "first"] and not model.trainable_weights
    seen = image if dtype == "uint8" else image / np.float32(127.5) - 1
    for name in found:
        expected = keras.Model(base.input, base.get_layer(name).output)(seen)
        np.testing.assert_allclose(found[name], expected, atol=1e-5)
    assert model(np.zeros((1, 9, 31, 3), np.float32))["second"].shape == (1, 1, 12, 6)
    assert base.trainable and all(layer.trainable for layer in base.layers)
    for array, kept in zip(base.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_unknown_layer_lists_those_there_are(dreams, tiny_inception):
    with pytest.raises(ValueError) as caught:
        dreams.extractor(build_base(), ["first", "third"])
    message = str(caught.value)
    assert "'third' inconnue de essai" in message and "scale, first, pool, second" in message
    with pytest.raises(ValueError, match="celles-ci : mixed2, mixed8.$"):
        dreams.extractor(tiny_inception()[0], ["mixed3"])


@pytest.mark.parametrize("name", ["pool", "second"])
def test_each_map_has_one_cell_at_least(dreams, name):
    model, needed = dreams.extractor(build_base(), [name]), {"pool": 4, "second": 8}[name]
    dreams.check_size(model, needed, 100)
    with pytest.raises(ValueError, match=f"100×{needed - 1} pixels, trop petite"):
        dreams.check_size(model, needed - 1, 100)


def test_inception_layers_keep_their_names(dreams):
    """Keras les numérote à la suite de tout ce qu'il a déjà construit."""
    import keras
    from keras import layers

    def build(*names):
        images = x = keras.Input((8, 8, 3), name="images")
        for name in names:
            x = layers.Conv2D(2, 1, name=name)(x)
        x = layers.MaxPooling2D(name=f"max_pooling2d_{len(names) + 40}")(x)
        return keras.Model(images, x)

    base = dreams._number_again(build("conv2d_98", "mixed9_0", "conv2d_100", "conv2d_99"))
    assert [layer.name for layer in base.layers] == [
        "images",
        "conv2d",
        "mixed9_0",
        "conv2d_2",
        "conv2d_1",
        "max_pooling2d",
    ]
    assert list(dreams.extractor(base, ["conv2d_1"])(np.zeros((1, 5, 5, 3)))) == ["conv2d_1"]
    base = dreams._number_again(build("conv2d_1", "conv2d"))  # celle sans numéro passe avant
    assert [layer.name for layer in base.layers[1:3]] == ["conv2d_1", "conv2d"]


# --- Options, descente --------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "nombre entier d'au moins 1 attendu"),
        (["--seed", "-1"], "nombre entier d'au moins 0 attendu, reçu '-1'"),
        (["--w", "nan"], "nombre positif ou nul attendu, reçu 'nan'"),
        (["--w", "-0,5"], "nombre positif ou nul attendu, reçu '-0,5'"),
    ],
)
def test_usage_errors(dreams, capsys, arguments, message):
    parser = dreams.dream_parser("ex12_deep_dream", "essai", size_px=60, steps=3)
    parser.add_argument("--w", type=dreams.weight)
    assert parser.parse_args(["--w", "0,5"]).w == 0.5
    assert vars(parser.parse_args([])).items() >= {"size": 60, "steps": 3, "seed": 0}.items()
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_the_rate_of_descent_ends_at_zero(dreams):
    """Une pente constante : Adam avance chaque fois du taux, 5,5 en dix pas d'un cosinus."""
    from keras import ops

    start = np.full((2, 1, 3), 128, np.float32)
    image, _ = dreams.descend(
        lambda pixels: {"a": ops.sum(pixels)}, start, steps=10, rate=1.0, title=""
    )
    np.testing.assert_allclose(image, start - 5.5, atol=1e-3)


def test_descend_finds_the_lowest_point_inside_the_scale(dreams):
    from keras import ops

    target = np.array([[[-40.0, 100.0, 300.0]]] * 2, np.float32)  # (2, 1, 3)
    start = np.full((2, 1, 3), 128, np.float32)
    image, curves = dreams.descend(
        lambda pixels: {"a": ops.sum(ops.square(pixels - target))},
        start,
        steps=100,
        rate=10,
        title="",
    )
    np.testing.assert_allclose(image, [[[0, 100, 255]]] * 2, atol=0.5)
    lowest = 2 * (40**2 + (300 - 255) ** 2)  # la perte n'a jamais vu de pixel hors de l'échelle
    assert min(curves["a"]) > lowest - 1
    assert len(curves["a"]) == 100 and curves["a"][-1] < curves["a"][0] / 3
    assert start.max() == 128  # le départ n'est pas modifié
