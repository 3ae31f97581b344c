from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convnets.datasets import pretrained

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def ex13():
    from exercises import ex13_reconstruction

    return ex13_reconstruction


def options(steps, *, seed=0, tv_weight=0.0):
    return SimpleNamespace(steps=steps, seed=seed, tv_weight=tv_weight)


def build(*hidden):
    """Un mélange inversible des couleurs de chaque pixel, puis d'autres couches."""
    import keras
    from keras import layers

    images = keras.Input((None, None, 3))
    mix = layers.Conv2D(3, 1, use_bias=False)
    x = mix(layers.Rescaling(1 / 255)(images))
    mix.set_weights([np.array([[[[1, 0.5, 0], [0, -1, 0.3], [0.2, 0, 0.8]]]])])
    for layer in hidden:
        x = layer(x)
    return keras.Model(images, {"mix": x})


def photo(height=16, width=23):
    """Une image non carrée, douce et colorée, float32 `(h, w, 3)`."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 3), np.cos(columns / 4), np.sin((rows + columns) / 5)]
    return (127 + 70 * np.stack(waves, axis=-1)).astype(np.float32)


def test_feature_distance(ex13):
    target = RNG.normal(size=(1, 3, 4, 2)).astype(np.float32)
    other = RNG.normal(size=target.shape).astype(np.float32)
    expected = ((other - target) ** 2).sum() / (target**2).sum()
    assert float(ex13.feature_distance(other, target)) == pytest.approx(expected, rel=1e-5)
    assert float(ex13.feature_distance(target, target)) == 0
    assert float(ex13.feature_distance(0 * target, target)) == pytest.approx(1)
    assert float(ex13.feature_distance(0 * target, 0 * target)) == 0  # éteinte : ni NaN ni infini


@pytest.mark.parametrize("shape", [(8, 6), (7, 11), (1, 5), (6, 1)])
def test_frequencies_give_the_image_back(ex13, shape):
    basis, image = ex13.frequencies(*shape), RNG.uniform(0, 255, (1, *shape, 3))
    numbers = np.array(basis.encode(image.astype(np.float32)))
    assert numbers.shape == (2, 3, shape[0], shape[1] // 2 + 1)
    np.testing.assert_allclose(basis.decode(numbers), image, atol=1e-2)


def test_frequencies_are_waves_and_low_ones_are_strong(ex13):
    """Un seul nombre à 1 : la même onde qu'avec une somme de cosinus, faite à la main."""
    height, width = 12, 16
    basis = ex13.frequencies(height, width)
    strengths = []
    for row, column in ((0, 1), (2, 0), (1, 3), (4, 5)):
        numbers = np.zeros((2, 3, height, width // 2 + 1), np.float32)
        numbers[0, 1, row, column] = 1
        image = np.array(basis.decode(numbers))[0]
        assert abs(image[..., [0, 2]]).max() < 1e-6  # un seul canal
        rows, columns = np.mgrid[:height, :width]
        wave = np.cos(2 * np.pi * (row * rows / height + column * columns / width))
        strength = (image[..., 1] * wave).sum() / (wave**2).sum()
        np.testing.assert_allclose(image[..., 1], strength * wave, atol=1e-5)
        strengths.append(strength * np.hypot(row / height, column / width))
    # Une case hors de la première colonne compte aussi pour son opposée : deux fois plus forte.
    expected = np.array([2, 1, 2, 2]) * strengths[1]
    np.testing.assert_allclose(strengths, expected, rtol=1e-4)


@pytest.mark.ci
def test_an_invertible_layer_gives_the_image_back(ex13):
    found = ex13.reconstruct(build(), photo(), options=options(600))
    assert found.image.shape == (16, 23, 3) and found.image.dtype == np.float32
    assert found.error < 0.005 and found.pixel_error < 0.5
    np.testing.assert_allclose(found.image, photo(), atol=1)


def test_errors_are_those_of_the_image_found(ex13):
    model = build()
    found = ex13.reconstruct(model, photo(), options=options(3))
    wanted, got = (np.array(model(each[None])["mix"]) for each in (photo(), found.image))
    expected = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
    assert found.error == pytest.approx(expected, rel=1e-4) and found.error > 0.05
    expected = np.sqrt(((found.image - photo()) ** 2).mean())
    assert found.pixel_error == pytest.approx(expected, rel=1e-4)


def test_what_a_layer_forgets_does_not_come_back(ex13):
    """Une moyenne sur 4×4 oublie le damier que l'on a ajouté : caractéristiques égales, pas lui."""
    import keras

    smooth = np.full((16, 24, 3), 120, np.float32)
    board = np.indices((16, 24)).sum(0)[..., None] % 2 * 80 - 40
    model = build(keras.layers.AveragePooling2D(4))
    found = ex13.reconstruct(model, smooth + board, options=options(200, tv_weight=0.1))
    assert found.error < 0.02
    assert found.pixel_error == pytest.approx(40, abs=2)  # l'écart-type du damier
    np.testing.assert_allclose(found.image, smooth, atol=8)


# --- La commande --------------------------------------------------------------------


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(photo(40, 60).astype(np.uint8)).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.mark.ci
def test_main_writes_one_picture_a_layer(
    ex13, picture, tmp_path, tiny_inception, monkeypatch, capsys
):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    arguments = [picture, "--layers", "mixed2, mixed9", "--size", "90", "--steps", "3"]
    assert ex13.main([*arguments, "--output", str(tmp_path / "f")]) == 0
    assert {path.name for path in (tmp_path / "f").iterdir()} == {
        "mixed2.png",
        "mixed9.png",
        "comparaison.png",
    }
    with Image.open(tmp_path / "f" / "mixed9.png") as found:
        assert found.size == (90, 60)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mixed2       écart des cartes : ") and "%" in lines[0]
    assert lines[0].endswith(" niveaux") and lines[1].startswith("mixed9")


@pytest.mark.ci
def test_errors_come_before_any_picture(
    ex13, picture, tmp_path, tiny_inception, monkeypatch, capsys
):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    for arguments, message in (
        (["--layers", "mixed2,mixed4"], "Couche 'mixed4' inconnue de"),
        (["--layers", "mixed2,mixed9", "--size", "40"], "Image de 40×27 pixels, trop petite"),
    ):
        assert ex13.main([picture, *arguments, "--output", str(tmp_path / "f")]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "f").exists()
