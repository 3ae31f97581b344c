"""Ce qu'une couche garde et perd, et la commande ; les calculs sont vérifiés par le barème."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from convnets.datasets import pretrained
from exercises import ex13_reconstruction as ex13
from tests.exercises.pictures import photo


def build(*hidden):
    """Un mélange inversible des couleurs de chaque pixel, puis d'autres couches."""
    images = keras.Input((None, None, 3))
    mix = layers.Conv2D(3, 1, use_bias=False)
    x = mix(layers.Rescaling(1 / 255)(images))
    mix.set_weights([np.array([[[[1, 0.5, 0], [0, -1, 0.3], [0.2, 0, 0.8]]]])])
    for layer in hidden:
        x = layer(x)
    return keras.Model(images, {"mix": x})


def test_the_distance_of_the_maps_is_relative():
    target = np.array([[3.0, 4.0]], np.float32)
    assert float(ex13.feature_distance(0 * target, target)) == 1
    assert float(ex13.feature_distance(target, target)) == 0
    assert float(ex13.feature_distance(1.5 * target, target)) == pytest.approx(0.25)
    assert np.isfinite(float(ex13.feature_distance(target, 0 * target)))


def test_the_numbers_of_the_descent_are_frequencies():
    """Aller et retour ; des nombres de l'ordre de 1 ; une fréquence double pèse deux fois moins."""
    height, width = 24, 41
    basis = ex13.frequencies(height, width)
    image = photo(height, width)[np.newaxis]
    numbers = np.array(basis.encode(image))
    assert numbers.shape == (2, 3, height, width // 2 + 1)
    np.testing.assert_allclose(basis.decode(numbers), image, atol=1e-3)
    noise = np.random.default_rng(0).normal(size=numbers.shape).astype(np.float32)
    assert 0.5 < np.std(basis.decode(noise)) < 2

    planted = np.zeros_like(numbers)  # une couleur, une fréquence : 0, 1, 2 et 4 fois la plus basse
    planted[0, [0, 1, 2, 0], 0, [0, 1, 2, 4]] = 1
    colors = np.array(basis.decode(planted))[0]  # (24, 41, 3)
    waves = np.fft.rfft(colors[0], axis=0)
    heights = np.abs(waves[[0, 1, 2, 4], [0, 1, 2, 0]])
    np.testing.assert_allclose(heights / heights[1], [1, 1, 1 / 2, 1 / 4], rtol=1e-3)


@pytest.mark.usefixtures("eager")
def test_it_starts_from_noise_around_grey():
    """Une couche qui ne voit rien, aucune variation punie : rien ne bouge."""
    blind = build(layers.Rescaling(0.0))
    options = [SimpleNamespace(steps=1, seed=seed, tv_weight=0.0) for seed in (0, 1)]
    first, other = (ex13.reconstruct(blind, photo(40, 60), options=each) for each in options)
    assert first.image.mean() == pytest.approx(127.5, abs=0.5)
    assert first.image.std() == pytest.approx(5, abs=0.3)
    assert np.abs(first.image - other.image).max() > 5
    expected = np.sqrt(np.mean((first.image - photo(40, 60)) ** 2))
    assert first.pixel_error == pytest.approx(expected, rel=1e-5)


def test_both_gaps_are_written_in_french():
    found = ex13.Reconstruction(photo(), 0.1234, 56.78)
    assert ex13.describe(found) == "écart des cartes : 12,3 %, des pixels : 56,8 niveaux"


@pytest.mark.ci
def test_an_invertible_layer_gives_the_image_back():
    options = SimpleNamespace(steps=600, seed=0, tv_weight=0.0)
    found = ex13.reconstruct(build(), photo(), options=options)
    assert found.error < 0.005 and found.pixel_error < 0.5
    np.testing.assert_allclose(found.image, photo(), atol=1)


@pytest.mark.ci
def test_the_error_printed_is_the_distance_of_the_maps():
    """La variation totale, elle, ne pèse guère : une image lisse reste reconnaissable."""
    model, options = build(), SimpleNamespace(steps=60, seed=0, tv_weight=1.0)
    found = ex13.reconstruct(model, photo(), options=options)
    wanted, got = (np.array(model(x[np.newaxis])["mix"]) for x in (photo(), found.image))
    expected = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
    assert found.error == pytest.approx(expected, rel=1e-4)
    assert found.error < 0.25


@pytest.mark.ci
def test_what_a_layer_forgets_does_not_come_back():
    """Une moyenne sur 4×4 oublie le damier que l'on a ajouté : caractéristiques égales, pas lui."""
    smooth = np.full((16, 24, 3), 120, np.float32)
    board = np.indices((16, 24)).sum(0)[..., None] % 2 * 80 - 40
    model, options = build(layers.AveragePooling2D(4)), {"steps": 200, "tv_weight": 0.1}
    found = ex13.reconstruct(model, smooth + board, options=SimpleNamespace(**options, seed=0))
    assert found.error < 0.02
    assert found.pixel_error == pytest.approx(40, abs=2)  # l'écart-type du damier
    np.testing.assert_allclose(found.image, smooth, atol=8)


# --- La commande --------------------------------------------------------------------


@pytest.fixture
def picture(tmp_path, tiny_inception, monkeypatch):
    """Une image non carrée, et une petite base à la place d'InceptionV3."""
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    Image.fromarray(photo(40, 60).astype(np.uint8)).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.mark.ci
def test_main_writes_one_picture_a_layer(picture, tmp_path, capsys):
    arguments = [picture, "--layers", "mixed2, mixed8", "--size", "90", "--steps", "3"]
    assert ex13.main([*arguments, "--output", str(tmp_path / "f")]) == 0
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"mixed2.png", "mixed8.png", "comparaison.png"}
    with Image.open(tmp_path / "f" / "mixed8.png") as found:
        assert found.size == (90, 60)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mixed2       écart des cartes : ")
    assert lines[0].endswith(" niveaux") and lines[1].startswith("mixed8")


@pytest.mark.ci
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "mixed2,mixed4"], "Couche 'mixed4' inconnue de"),
        (["--layers", "mixed2,mixed8", "--size", "40"], "Image de 40×27 pixels, trop petite"),
    ],
)
def test_errors_come_before_any_picture(picture, arguments, message, tmp_path, capsys):
    assert ex13.main([picture, *arguments, "--output", str(tmp_path / "f")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "f").exists()
