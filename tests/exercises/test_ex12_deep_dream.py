from argparse import ArgumentTypeError
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


def test_guide_is_every_place_of_its_maps(ex12, model):
    image = photo(9, 12)
    guide, maps = ex12.read_guide(model, image), model(image[None])
    assert guide["second"].shape == (5 * 8, 4)
    np.testing.assert_array_equal(guide["first"][10 + 3], maps["first"][0, 1, 3])


def test_a_large_guide_keeps_places_spread_over_it(ex12, model, monkeypatch):
    monkeypatch.setattr(ex12, "GUIDE_PLACES", 9)
    image = photo(9, 12)
    guide, maps = ex12.read_guide(model, image), model(image[None])["second"]
    assert guide["second"].shape == (8, 4)  # une case sur 5, de 40
    np.testing.assert_array_equal(guide["second"][2], maps[0, 1, 2])


# --- Le décalage ------------------------------------------------------------


def test_shift_is_undone_exactly(ex12):
    image = RNG.uniform(0, 255, (7, 11, 3)).astype(np.float32)
    for offset in ((3, -5), (-32, 32), (0, 1)):
        moved = ex12.shift(image, np.array(offset))
        assert (moved != image).any() and moved[3 % 7, 0, 0] in image
        np.testing.assert_array_equal(ex12.shift(moved, -np.array(offset)), image)
    assert ex12.shift(image, np.array((1, 2)))[1, 2, 0] == image[0, 0, 0]


@pytest.mark.ci
def test_jitter_changes_nothing_for_a_network_that_looks_at_one_pixel(ex12, monkeypatch):
    """Chaque pixel y a son gradient à lui : s'il revenait ailleurs, le rêve serait autre."""
    model = build(kernel_px=1)
    moved, _ = ex12.dream(model, photo(), [1, 1], options=OPTIONS)
    monkeypatch.setattr(ex12, "JITTER_PX", 0)
    still, _ = ex12.dream(model, photo(), [1, 1], options=OPTIONS)
    np.testing.assert_allclose(moved, still, atol=1e-2)
    assert abs(still - photo()).max() > 2


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


def test_weight_zero_is_a_layer_that_does_not_count(ex12, model):
    import keras

    alone = keras.Model(model.input, {"first": model.output["first"]})
    both, _ = ex12.dream(model, photo(), [3, 0], options=OPTIONS)
    first, _ = ex12.dream(alone, photo(), [1], options=OPTIONS)
    np.testing.assert_allclose(both, first, atol=1e-2)
    reversed_model = keras.Model(model.input, {name: model.output[name] for name in LAYERS[::-1]})
    other, _ = ex12.dream(reversed_model, photo(), [3, 0], options=OPTIONS)  # la seconde, donc
    assert abs(other - both).max() > 1


def test_a_dead_layer_gives_the_image_back(ex12):
    import keras

    images = keras.Input((None, None, 3))
    model = keras.Model(images, {"nul": keras.layers.Rescaling(0.0)(images)})
    dreamt, curves = ex12.dream(model, photo(), [1], options=OPTIONS)
    np.testing.assert_array_equal(dreamt, photo())  # l'octave d'avant n'y ajoute rien non plus
    assert curves == [[0] * 4] * 2


def test_same_seed_same_dream(ex12, model):
    seeds = (5, 5, 6)
    first, second, other = (
        ex12.dream(model, photo(), [1, 1], options=SimpleNamespace(octaves=2, steps=3, seed=seed))[
            0
        ]
        for seed in seeds
    )
    assert first.tobytes() == second.tobytes() != other.tobytes()


# --- La commande --------------------------------------------------------------------


def test_weights_of_the_layers(ex12):
    assert ex12.read_weights("mixed3, mixed5:0.5") == {"mixed3": 1, "mixed5": 0.5}
    assert ex12.read_weights("mixed3:0,5,mixed5:10,25") == {"mixed3": 0.5, "mixed5": 10.25}
    assert ex12.read_weights("mixed3:2,mixed5") == {"mixed3": 2, "mixed5": 1}
    for text, message in (("a:x", "reçu 'x'"), ("a:-1", "reçu '-1'"), ("a:0,b:0", "un poids")):
        with pytest.raises(ArgumentTypeError, match=message):
            ex12.read_weights(text)


@pytest.fixture
def pictures(tmp_path):
    """Une image et un guide, non carrés."""
    for name, shape in (("photo", (44, 66)), ("guide", (60, 40))):
        Image.fromarray(photo(*shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.ci
def test_main_writes_the_dream_and_its_figure(ex12, pictures, tiny_inception, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    results = []
    for name in ("a", "b"):
        assert (
            ex12.main(
                [
                    str(pictures / "photo.png"),
                    "--guide",
                    str(pictures / "guide.png"),
                    "--layers",
                    "mixed2:2,mixed9",
                    "--size",
                    "150",
                    "--steps",
                    "2",
                    "--octaves",
                    "2",
                    "--seed",
                    "7",
                    "--output",
                    str(pictures / name),
                ]
            )
            == 0
        )
        assert {path.name for path in (pictures / name).iterdir()} == {
            "reve.png",
            "comparaison.png",
        }
        results.append((pictures / name / "reve.png").read_bytes())
        with Image.open(pictures / name / "reve.png") as dreamt:
            assert dreamt.size == (150, 100)
    assert results[0] == results[1]
    captured = capsys.readouterr()
    assert "mixed2, mixed9 : réponse multipliée par" in captured.out and captured.err == ""


def test_main_with_our_own_model(ex12, pictures):
    arguments = ["--model", "thumbnails_light", "--size", "48", "--steps", "1", "--octaves", "1"]
    arguments += ["--output", str(pictures / "f")]
    assert ex12.main([str(pictures / "photo.png"), *arguments]) == 0
    with Image.open(pictures / "f" / "reve.png") as dreamt:
        assert dreamt.size == (48, 32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absente.png"], "absente.png : aucun fichier ici"),
        (["--layers", "mixed3"], "Couche 'mixed3' inconnue de"),
        (["--size", "40", "--octaves", "2"], "Image de 29×19 pixels, trop petite : chaque côté"),
        (["--size", "150", "--octaves", "99"], "ou baissez --octaves."),
        (["--model", "rien"], "Pas de modèle rien"),
    ],
)
def test_errors_are_french_sentences(
    ex12, pictures, tiny_inception, monkeypatch, capsys, arguments, message
):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    given = [] if arguments[0].endswith("png") else [str(pictures / "photo.png")]
    arguments = [*given, *arguments, "--output", str(pictures / "f"), "--models-dir", str(pictures)]
    assert ex12.main(arguments) == 1
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1
    assert not (pictures / "f").exists()


def test_a_guide_too_small_for_the_layers(ex12, pictures, tiny_inception, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    Image.new("RGB", (400, 2)).save(pictures / "ruban.png")
    arguments = ["--guide", str(pictures / "ruban.png"), "--size", "150", "--octaves", "1"]
    arguments += ["--output", str(pictures / "f")]
    assert ex12.main([str(pictures / "photo.png"), *arguments]) == 1
    error = capsys.readouterr().err
    assert "trop petite" in error and "Changez de guide" in error and error.count("\n") == 1


def test_usage_error(ex12, capsys):
    with pytest.raises(SystemExit) as caught:
        ex12.main(["--layers", "mixed3:beaucoup"])
    assert caught.value.code == 2
    assert "nombre positif ou nul attendu, reçu 'beaucoup'" in capsys.readouterr().err
