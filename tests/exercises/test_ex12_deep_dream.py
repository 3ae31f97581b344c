"""Le guide, la couche éteinte et la commande ; la montée et les octaves sont au barème."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

from convnets.datasets import pretrained
from exercises import ex12_deep_dream as ex12
from tests.exercises.pictures import photo


def network(name, layer):
    """Un réseau d'une couche, pour des images de toute taille."""
    images = keras.Input((None, None, 3))
    return keras.Model(images, {name: layer(images)})


def test_a_guide_keeps_places_spread_over_its_maps(monkeypatch):
    image, model = photo(5, 8), network("pixels", keras.layers.Activation("linear"))
    np.testing.assert_array_equal(ex12.read_guide(model, image)["pixels"], image.reshape(40, 3))
    monkeypatch.setattr(ex12, "GUIDE_PLACES", 9)
    found = ex12.read_guide(model, image)["pixels"]
    np.testing.assert_array_equal(found, image.reshape(40, 3)[::5])


def test_guide_chooses_what_is_dreamt():
    """Un réseau qui rend les pixels eux-mêmes, un guide rouge : seul le rouge monte."""
    model = network("pixels", keras.layers.Activation("linear"))
    red = np.full((4, 4, 3), (255, 0, 0), np.float32)
    guide = ex12.read_guide(model, red)
    options = SimpleNamespace(octaves=1, steps=3, seed=0)
    dreamt, _ = ex12.dream(model, photo(), [1], guide=guide, options=options)
    change = dreamt - photo()
    assert (change[..., 0] > 0).all() and (change[..., 1:] == 0).all()
    np.testing.assert_allclose(change.mean(), ex12.RATE * 3, rtol=1e-3)  # le pas annoncé


def test_a_dead_layer_gives_the_image_back():
    model, options = network("nul", keras.layers.Rescaling(0.0)), {"octaves": 2, "steps": 4}
    dreamt, curves = ex12.dream(model, photo(), [1], options=SimpleNamespace(**options, seed=0))
    np.testing.assert_array_equal(dreamt, photo())  # l'octave d'avant n'y ajoute rien non plus
    assert curves == [[0] * 4] * 2


def test_the_witness_moves_each_pixel_as_much_as_the_dream():
    image = photo()
    changed = ex12.change_at_random(image, image + 7, seed=0)
    np.testing.assert_allclose(np.abs(changed - image), 7, atol=1e-4)
    assert 0.4 < np.mean(changed > image) < 0.6


# --- La commande --------------------------------------------------------------------


@pytest.fixture
def picture(tmp_path, tiny_inception, monkeypatch):
    """Une image non carrée, et une petite base à la place d'InceptionV3."""
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    Image.fromarray(photo(44, 66).astype(np.uint8)).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.mark.ci
def test_main_writes_the_dream_and_its_figure(picture, tmp_path, capsys):
    folder = tmp_path / "f"
    arguments = f"--layers mixed2,mixed8 --size 150 --steps 2 --octaves 2 --output {folder}"
    assert ex12.main([picture, "--guide", picture, *arguments.split()]) == 0
    assert {path.name for path in folder.iterdir()} == {"reve.png", "comparaison.png"}
    with Image.open(folder / "reve.png") as dreamt:
        assert dreamt.size == (150, 100)
    captured = capsys.readouterr()
    assert "mixed2, mixed8 : réponse multipliée par" in captured.out and captured.err == ""
    assert "changés d'autant mais au hasard : par" in captured.out


@pytest.mark.ci
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "mixed3"], "Couche 'mixed3' inconnue de"),
        (["--layers", "mixed2", "--size", "150", "--octaves", "99"], "ou baissez --octaves."),
        (["--layers", "mixed2", "--guide", "{ruban}"], "Changez de guide."),
    ],
)
def test_errors_are_french_sentences(picture, arguments, message, tmp_path, capsys):
    Image.new("RGB", (400, 2)).save(tmp_path / "ruban.png")
    arguments = [each.format(ruban=tmp_path / "ruban.png") for each in arguments]
    assert ex12.main([picture, *arguments, "--output", str(tmp_path / "f")]) == 1
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1
    assert not (tmp_path / "f").exists()
