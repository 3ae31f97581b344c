import keras
import numpy as np
import pytest
from PIL import Image

from convnets.datasets import sources
from convnets.training import saving
from exercises.ex06_feature_maps import lenet

QUESTION = "TD, §1.2 et question 1"
pytestmark = [pytest.mark.ci, pytest.mark.question(QUESTION)]


@pytest.mark.parametrize(("layer_name", "step", "side"), [("C1", 1, 5), ("C3", 2, 14)])
def test_favourites_are_what_the_map_saw(extract, layer_name, step, side):
    """Un morceau, seul sur du gris, donne à la carte la plus forte réponse de tout le chiffre."""
    x, model = extract("mnist")[0][:20], saving.load_model("digits")
    network = keras.Model(model.inputs[0], model.get_layer(layer_name).output)
    strongest = np.sort(np.max(network(x), axis=(1, 2)), axis=0)[::-1]  # (20, cartes)
    patches = lenet.favourites(model, x, layer_name)
    pages = np.full((len(patches), 28, 28), 128, np.uint8)
    for k in range(patches.shape[1]):
        pages[:, 6 : 6 + side, 6 : 6 + side] = patches[:, k]
        found = np.asarray(network(pages))[:, 8 // step, 8 // step, k]  # la case qui les voit
        np.testing.assert_allclose(found, strongest[: len(patches), k], atol=0.05)


def test_main_draws_a_picture_of_the_user(extract, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_mnist", None)  # une image est donnée : MNIST ne sert pas
    Image.fromarray(255 - extract("mnist")[0][0]).resize((90, 90)).save(tmp_path / "photo.png")
    assert lenet.main([str(tmp_path / "photo.png"), "--output", str(tmp_path / "f")]) == 0
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"filtres.png", "cartes.png"}
    assert str(tmp_path / "f") in capsys.readouterr().out


def test_main_without_a_picture_uses_mnist(small_data, tmp_path):
    small_data("mnist")
    assert lenet.main(["--output", str(tmp_path)]) == 0
    assert (tmp_path / "morceaux.png").stat().st_size > 5000
