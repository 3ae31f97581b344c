import functools
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convnets.datasets import pretrained

RNG = np.random.default_rng(0)
LAYERS = {"content_layers": ("second",), "style_layers": ("first", "second")}


@pytest.fixture(scope="module")
def ex14():
    from exercises import ex14_style

    return ex14_style


@pytest.fixture(scope="module")
def base():
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    images = keras.Input((12, 12, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Conv2D(5, 3, activation="relu", name="first")(x)
    x = layers.Conv2D(7, 3, activation="relu", name="second")(x)
    return keras.Model(images, x, name="essai")


def options(*, steps=40, seed=0, content=1.0, style=1.0, tv=0.0):
    return SimpleNamespace(
        steps=steps, seed=seed, content_weight=content, style_weight=style, tv_weight=tv
    )


def photo(height=18, width=25, phase=0.0):
    """Une image non carrée, douce et colorée, float32 `(h, w, 3)`."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 3 + phase), np.cos(columns / 4), np.sin((rows + columns) / 5 + phase)]
    return (127 + 70 * np.stack(waves, axis=-1)).astype(np.float32)


def maps_of(base, image):
    from convnets.explaining import dreams

    return dreams.extractor(base, LAYERS["style_layers"])(image[None])


# --- Les pertes ---------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 7, 1), (3, 2, 3), (5, 6, 11)])
def test_gram_matrix_is_the_one_of_a_double_loop(ex14, shape):
    height, width, channels = shape
    maps = RNG.normal(size=(1, *shape)).astype(np.float32)
    expected = np.zeros((channels, channels))
    for a in range(channels):
        for b in range(channels):
            expected[a, b] = (maps[0, ..., a] * maps[0, ..., b]).sum() / (height * width)
    found = ex14.gram_matrix(maps)
    assert found.shape == (channels, channels)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_gram_matrix_forgets_where_and_how_big(ex14):
    maps = RNG.normal(size=(1, 4, 6, 5)).astype(np.float32)
    shuffled = RNG.permutation(maps.reshape(24, 5)).reshape(1, 8, 3, 5)
    for other in (shuffled, np.tile(maps, (1, 2, 3, 1))):
        np.testing.assert_allclose(ex14.gram_matrix(other), ex14.gram_matrix(maps), atol=1e-5)


def test_content_loss_is_relative_and_zero_at_the_content(ex14):
    maps = {"a": RNG.normal(size=(1, 3, 4, 2)), "b": RNG.normal(size=(1, 2, 2, 5))}
    assert float(ex14.content_loss(maps, maps)) == 0
    assert float(ex14.content_loss(maps, {"a": maps["a"]})) == 0  # `b` n'est pas demandée
    doubled = {"a": 2 * maps["a"], "b": 3 * maps["b"]}
    assert float(ex14.content_loss(doubled, maps)) == pytest.approx((1 + 4) / 2)


def test_style_loss_is_relative_and_zero_at_the_style(ex14, base):
    image, other = photo(), photo(15, 31, phase=2)
    maps = maps_of(base, image)
    grams = {name: ex14.gram_matrix(each) for name, each in maps.items()}
    assert float(ex14.style_loss(maps, grams)) == 0
    found = maps_of(base, other)
    expected = 0.0
    for name in LAYERS["style_layers"]:
        rows = np.array(found[name]).reshape(-1, found[name].shape[-1])
        gram, wanted = rows.T @ rows / len(rows), np.array(grams[name])
        expected += ((gram - wanted) ** 2).sum() / (wanted**2).sum() / 2
    assert float(ex14.style_loss(found, grams)) == pytest.approx(expected, rel=1e-4)
    assert expected > 0.01


# --- Le transfert -------------------------------------------------------------------


@pytest.mark.ci
def test_the_style_alone_gives_its_gram_matrices(ex14, base):
    """Les deux images ne sont ni carrées ni de la même taille."""
    content, style = photo(), photo(15, 31, phase=2)
    grams = {name: ex14.gram_matrix(each) for name, each in maps_of(base, style).items()}
    styled, curves = ex14.transfer(base, content, style, **LAYERS, options=options(content=0.0))
    assert styled.shape == content.shape and styled.min() >= 0 and styled.max() <= 255
    before = float(ex14.style_loss(maps_of(base, content), grams))
    assert float(ex14.style_loss(maps_of(base, styled), grams)) < 0.2 * before
    assert list(curves) == ["contenu", "style", "variation totale"]
    assert set(curves["contenu"]) == {0.0} and len(curves["style"]) == 40
    np.testing.assert_array_equal(content, photo())  # l'image de départ n'est pas modifiée


def test_the_content_alone_stays_as_it_is(ex14, base, monkeypatch):
    monkeypatch.setattr(ex14, "JITTER_PX", 0)
    style = photo(15, 31, phase=2)
    kept, curves = ex14.transfer(
        base, photo(), style, **LAYERS, options=options(style=0.0, steps=5)
    )
    np.testing.assert_allclose(kept, photo(), atol=0.01)
    np.testing.assert_allclose(curves["contenu"], 0, atol=1e-9)


def test_jitter_moves_what_the_network_sees(ex14, base):
    """Sans bouger, la perte du contenu serait nulle au premier pas."""
    _, curves = ex14.transfer(base, photo(), photo(), **LAYERS, options=options(steps=6))
    assert max(curves["contenu"]) > 1e-3


# --- La commande --------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    for name, shape in (("contenu", (40, 60)), ("style", (70, 50))):
        Image.fromarray(photo(*shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
    return [str(tmp_path / "contenu.png"), str(tmp_path / "style.png")]


@pytest.fixture
def small(ex14, tiny_inception, monkeypatch):
    """Une petite base, et ses couches à la place de celles d'InceptionV3."""
    layers = {"content_layers": ("mixed2",), "style_layers": ("mixed2", "mixed9")}
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    monkeypatch.setattr(ex14, "transfer", functools.partial(ex14.transfer, **layers))


@pytest.mark.ci
@pytest.mark.usefixtures("small")
def test_main_writes_the_picture_and_its_figure(ex14, pictures, tmp_path, capsys):
    arguments = [*pictures, "--size", "90", "--steps", "3", "--style-weight", "2,5"]
    arguments += ["--tv-weight", "0"]  # une courbe nulle, sur une échelle logarithmique
    assert ex14.main([*arguments, "--output", str(tmp_path / "f")]) == 0
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"resultat.png", "comparaison.png"}
    with Image.open(tmp_path / "f" / "resultat.png") as result:
        assert result.size == (90, 60)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()[:3]
    assert captured.err == "" and all("→" in line for line in lines)
    assert [line.split()[0] for line in lines] == ["contenu", "style", "variation"]


@pytest.mark.ci
@pytest.mark.usefixtures("small")
def test_errors_are_french_sentences(ex14, pictures, tmp_path, capsys):
    for arguments, message in (
        (["absente.png"], "absente.png : aucun fichier ici"),
        ([*pictures, "--size", "40"], "Image de 40×27 pixels, trop petite"),
    ):
        assert ex14.main([*arguments, "--output", str(tmp_path / "f")]) == 1
        captured = capsys.readouterr()
        assert message in captured.err and captured.err.count("\n") == 1
    assert not (tmp_path / "f").exists()
