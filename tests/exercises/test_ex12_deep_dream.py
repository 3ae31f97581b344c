from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convnets.datasets import pretrained

RNG = np.random.default_rng(0)
LAYERS = ["first", "second"]
OPTIONS = SimpleNamespace(octaves=2, steps=4, seed=0)


@pytest.fixture(scope="module")
def ex12():
    from exercises import ex12_deep_dream

    return ex12_deep_dream


def build(*, kernel_px=3):
    """Deux convolutions, pour des images de toute taille, de 0 à 255."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    images = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(images)
    first = layers.Conv2D(5, kernel_px, activation="relu", name="first")(x)
    second = layers.Conv2D(4, kernel_px, activation="relu", name="second")(first)
    return keras.Model(images, {"first": first, "second": second})


@pytest.fixture(scope="module")
def model():
    return build()


def photo(height=24, width=37):
    """Une image douce, non carrée, float32 `(h, w, 3)`."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 5), np.cos(columns / 7), np.sin((rows + columns) / 6)]
    return (127 + 60 * np.stack(waves, axis=-1)).astype(np.float32)


# --- La réponse d'une couche --------------------------------------------------------


def test_response_without_guide_is_the_mean_square(ex12):
    maps = RNG.normal(size=(1, 4, 6, 3)).astype(np.float32)
    assert float(ex12.response(maps)) == pytest.approx((maps**2).mean(), rel=1e-5)


def test_response_to_a_guide_is_the_one_of_a_loop(ex12):
    maps = RNG.normal(size=(1, 4, 6, 3)).astype(np.float32)
    guide = RNG.normal(size=(11, 3)).astype(np.float32)
    best = []
    for i, j in np.ndindex(4, 6):
        best.append(max(sum(maps[0, i, j, c] * place[c] for c in range(3)) for place in guide))
    assert float(ex12.response(maps, guide)) == pytest.approx(np.mean(best), rel=1e-5)


def test_a_guide_keeps_places_spread_over_its_maps(ex12, model, monkeypatch):
    image = photo(9, 12)
    guide, maps = ex12.read_guide(model, image), model(image[None])
    assert guide["second"].shape == (5 * 8, 4)
    np.testing.assert_array_equal(guide["first"][10 + 3], maps["first"][0, 1, 3])
    monkeypatch.setattr(ex12, "GUIDE_PLACES", 9)
    guide = ex12.read_guide(model, image)
    assert guide["second"].shape == (8, 4)  # une case sur 5, de 40
    np.testing.assert_array_equal(guide["second"][2], maps["second"][0, 1, 2])


# --- Le décalage ------------------------------------------------------------


def test_shift_is_undone_exactly(ex12):
    image = RNG.uniform(0, 255, (7, 11, 3)).astype(np.float32)
    for offset in ((3, -5), (-32, 32), (0, 1)):
        moved = ex12.shift(image, np.array(offset))
        assert (moved != image).any() and moved[3 % 7, 0, 0] in image
        np.testing.assert_array_equal(ex12.shift(moved, -np.array(offset)), image)
    assert ex12.shift(image, np.array((1, 2)))[1, 2, 0] == image[0, 0, 0]


# --- Le rêve ------------------------------------------------------------------------


@pytest.mark.parametrize("guided", [False, True])
def test_dream_raises_its_objective(ex12, model, guided):
    image, guide = photo(), None
    if guided:
        guide = ex12.read_guide(model, RNG.uniform(0, 255, (15, 9, 3)).astype(np.float32))
    dreamt, curves = ex12.dream(model, image, [1, 2], guide=guide, options=OPTIONS)
    assert dreamt.shape == image.shape and dreamt.dtype == np.float32
    assert dreamt.min() >= 0 and dreamt.max() <= 255
    before, after = (np.array(ex12.responses(model, each, guide)) for each in (image, dreamt))
    assert (after > 1.05 * before).all()
    assert [len(curve) for curve in curves] == [4, 4]
    np.testing.assert_array_equal(image, photo())  # l'image de départ n'est pas modifiée


def test_guide_chooses_what_is_dreamt(ex12):
    """Un réseau qui rend les pixels eux-mêmes, un guide rouge : seul le rouge monte."""
    import keras

    images = keras.Input((None, None, 3))
    model = keras.Model(images, {"pixels": keras.layers.Activation("linear")(images)})
    red = np.zeros((4, 4, 3), np.float32) + [255, 0, 0]
    guide = ex12.read_guide(model, red.astype(np.float32))
    options = SimpleNamespace(octaves=1, steps=3, seed=0)
    dreamt, _ = ex12.dream(model, photo(), [1], guide=guide, options=options)
    change = dreamt - photo()
    assert (change[..., 0] > 0).all() and (change[..., 1:] == 0).all()
    np.testing.assert_allclose(change.mean(), ex12.RATE * 3, rtol=1e-3)  # le pas annoncé


def test_a_dead_layer_gives_the_image_back(ex12):
    import keras

    images = keras.Input((None, None, 3))
    model = keras.Model(images, {"nul": keras.layers.Rescaling(0.0)(images)})
    dreamt, curves = ex12.dream(model, photo(), [1], options=OPTIONS)
    np.testing.assert_array_equal(dreamt, photo())  # l'octave d'avant n'y ajoute rien non plus
    assert curves == [[0] * 4] * 2


# --- La commande --------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    """Une image et un guide, non carrés."""
    for name, shape in (("photo", (44, 66)), ("guide", (60, 40))):
        Image.fromarray(photo(*shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.ci
def test_main_writes_the_dream_and_its_figure(ex12, pictures, tiny_inception, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    folder = pictures / "f"
    arguments = f"--layers mixed2,mixed9 --size 150 --steps 2 --octaves 2 --output {folder}"
    guide = ["--guide", str(pictures / "guide.png")]
    assert ex12.main([str(pictures / "photo.png"), *guide, *arguments.split()]) == 0
    assert {path.name for path in folder.iterdir()} == {"reve.png", "comparaison.png"}
    with Image.open(folder / "reve.png") as dreamt:
        assert dreamt.size == (150, 100)
    captured = capsys.readouterr()
    assert "mixed2, mixed9 : réponse multipliée par" in captured.out and captured.err == ""


@pytest.mark.ci
def test_errors_are_french_sentences(ex12, pictures, tiny_inception, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    Image.new("RGB", (400, 2)).save(pictures / "ruban.png")
    photo, ruban = str(pictures / "photo.png"), str(pictures / "ruban.png")
    layers = ["--layers", "mixed2"]
    for arguments, message in (
        (["absente.png"], "absente.png : aucun fichier ici"),
        ([photo, "--layers", "mixed3"], "Couche 'mixed3' inconnue de"),
        ([photo, *layers, "--size", "150", "--octaves", "99"], "ou baissez --octaves."),
        ([photo, *layers, "--size", "150", "--guide", ruban], "Changez de guide."),
    ):
        assert ex12.main([*arguments, "--output", str(pictures / "f")]) == 1
        captured = capsys.readouterr()
        assert message in captured.err and captured.err.count("\n") == 1
    assert not (pictures / "f").exists()
