import numpy as np
import pytest
from PIL import Image

from convnets.datasets import sources

QUESTION = "TD, §1.2 et question 1"


@pytest.fixture(scope="module")
def lenet():
    from exercises.ex06_feature_maps import lenet as ex06_lenet

    return ex06_lenet


@pytest.fixture(scope="module")
def model():
    """Les couches de LeNet, poids au hasard."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(6, 5, padding="same", activation="relu", name="C1")(x)
    x = layers.MaxPooling2D(name="S2")(x)
    x = layers.Conv2D(16, 5, activation="relu", name="C3")(x)
    x = layers.Flatten()(layers.MaxPooling2D(name="S4")(x))
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="digits")


def first_kernels(model):
    return model.get_layer("C1").get_weights()[0][:, :, 0].transpose(2, 0, 1)  # (6, 5, 5)


@pytest.mark.question(QUESTION)
def test_maps_agree_with_a_convolution_by_hand(lenet, model, extract):
    x = extract("mnist")[0][:2]
    found = lenet.maps(model, x)
    assert {name: each.shape[1:] for name, each in found.items()} == {
        "C1": (28, 28, 6),
        "S2": (14, 14, 6),
        "C3": (10, 10, 16),
        "S4": (5, 5, 16),
    }
    padded = np.pad(x[0] / 127.5 - 1, 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))  # (28, 28, 5, 5)
    by_hand = np.einsum("ijab,kab->ijk", windows, first_kernels(model))
    np.testing.assert_allclose(found["C1"][0], np.maximum(by_hand, 0), atol=1e-5)
    pooled = found["C1"][0].reshape(14, 2, 14, 2, 6).max(axis=(1, 3))
    np.testing.assert_array_equal(found["S2"][0], pooled)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("layer_name", ["C1", "C3"])
def test_favourites_are_exactly_what_the_map_saw(lenet, model, extract, monkeypatch, layer_name):
    """Changer un pixel hors du morceau ne change pas la réponse ; dedans, si."""
    monkeypatch.setattr(lenet, "NUM_PATCHES", 1)
    x = extract("mnist")[0][:1]
    patches = lenet.favourites(model, x, layer_name)
    responses = lenet.maps(model, x)[layer_name][0]
    changed = np.repeat(x, 784, axis=0)
    changed.reshape(784, 784)[np.arange(784), np.arange(784)] ^= 255
    after = lenet.maps(model, changed)[layer_name]  # (784, h, w, cartes), un pixel changé à la fois
    for k, patch in enumerate(patches[:, 0]):
        row, column = np.unravel_index(responses[..., k].argmax(), responses.shape[:2])
        if responses[row, column, k] == 0:
            continue  # une carte éteinte ne dit rien
        change = abs(after[:, row, column, k] - responses[row, column, k])
        seen = (change > 1e-5).reshape(28, 28)
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        step, side = lenet.FIELDS_PX[layer_name]
        top, left = step * row - 2, step * column - 2
        assert top <= rows[0] and rows[-1] < top + side
        assert left <= columns[0] and columns[-1] < left + side
        padded = np.pad(x[0], 2, constant_values=128)  # le zéro des pixels centrés
        np.testing.assert_array_equal(patch, padded[top + 2 :, left + 2 :][:side, :side])


@pytest.fixture
def loaded(lenet, model, monkeypatch):
    """Le réseau au hasard, à la place de celui qui est livré."""
    monkeypatch.setattr(lenet.saving, "load_model", lambda slug: model)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_main_draws_a_picture_of_the_user(lenet, loaded, extract, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_mnist", None)  # une image est donnée : MNIST ne sert pas
    page = Image.new("L", (300, 200), 240)
    page.paste(Image.fromarray(255 - extract("mnist")[0][0]).resize((90, 90)), (150, 60))
    page.save(tmp_path / "photo.png")
    assert lenet.main([str(tmp_path / "photo.png"), "--output", str(tmp_path / "f")]) == 0
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"filtres.png", "cartes.png"}
    assert str(tmp_path / "f") in capsys.readouterr().out
    Image.new("RGB", (60, 40), "white").save(tmp_path / "vide.png")
    assert lenet.main([str(tmp_path / "vide.png"), "--output", str(tmp_path)]) == 1
    assert "vide.png : aucun chiffre visible" in capsys.readouterr().err


@pytest.mark.ci
def test_main_without_a_picture_uses_mnist(lenet, loaded, as_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "load_mnist", lambda: as_dataset("mnist"))
    assert lenet.main(["--output", str(tmp_path)]) == 0
    assert (tmp_path / "morceaux.png").stat().st_size > 5000
