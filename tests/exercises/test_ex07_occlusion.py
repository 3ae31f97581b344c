from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from exercises import ex07_occlusion as ex07

QUESTION = "S3, « Occlusion »"
HEIGHT, WIDTH = 11, 17
SEEN = np.s_[2:6, 9:14]  # le seul rectangle que regarde le modèle posé à la main


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(60, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def planted():
    """Deux classes : la clarté du rectangle vu, et son complément à un."""
    calls = []

    def predict(x, verbose=0):
        assert x.dtype == np.uint8
        calls.append(len(x))
        clear = (x[(slice(None), *SEEN)] / 255).mean(axis=(1, 2, 3))
        return np.stack([clear, 1 - clear], axis=1)

    return SimpleNamespace(predict=predict, calls=calls)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    ("patch_px", "stride_px", "fill"),
    [(3, 2, "mean"), (4, 3, "black"), (1, 1, "grey"), (11, 5, "black")],
)
def test_drops_agree_with_a_loop_over_the_pixels(planted, image, patch_px, stride_px, fill):
    """Pixel par pixel, et sans rien de la fonction : on cherche quels carrés le couvrent."""
    starts = []
    for side in (HEIGHT, WIDTH):
        each = list(range(0, side - patch_px + 1, stride_px))
        starts.append(each if each[-1] == side - patch_px else [*each, side - patch_px])
    color = {"mean": np.rint(image.reshape(-1, 3).mean(0)), "black": 0, "grey": 128}[fill]
    expected = np.zeros((HEIGHT, WIDTH))
    whole = (image[SEEN] / 255).mean()
    for row, column in np.ndindex(HEIGHT, WIDTH):
        found = []
        for top in starts[0]:
            for left in starts[1]:
                if 0 <= row - top < patch_px and 0 <= column - left < patch_px:
                    hidden = image.copy()
                    hidden[top : top + patch_px, left : left + patch_px] = color
                    found.append(whole - (hidden[SEEN] / 255).mean())
        expected[row, column] = np.mean(found)
    options = {"patch_px": patch_px, "stride_px": stride_px, "fill": fill}
    found = ex07.drops(planted, image, 0, **options)
    assert found.shape == (HEIGHT, WIDTH) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(ex07.drops(planted, image, 1, **options), -expected, atol=1e-6)
    heatmap = ex07.occlusion(planted, image, 0, **options)
    np.testing.assert_allclose(heatmap, np.maximum(expected, 0) / expected.max(), atol=1e-5)


@pytest.mark.question(QUESTION)
def test_a_planted_rectangle_is_found(planted, image):
    exact = ex07.occlusion(planted, image, 0, patch_px=1, stride_px=1, fill="black")
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[SEEN] = True
    np.testing.assert_array_equal(exact > 0, mask)
    opposite = ex07.occlusion(planted, image, 1, patch_px=4, stride_px=2, fill="black")
    assert (opposite == 0).all()  # cacher aide l'autre classe : rien n'est positif


def test_few_calls_of_the_network(planted, image, monkeypatch):
    options = {"patch_px": 3, "stride_px": 1}
    whole = ex07.drops(planted, image, 0, **options)
    monkeypatch.setattr(ex07, "BATCH_SIZE", 50)
    np.testing.assert_allclose(ex07.drops(planted, image, 0, **options), whole, atol=1e-7)
    assert planted.calls == [1, 135, 1, 50, 50, 35]  # 9 × 15 carrés
    small, large = (np.full((side, side + 9, 3), 50, np.uint8) for side in (32, 192))
    assert ex07.default_square(small) == (8, 2) and ex07.default_square(large) == (48, 12)


@pytest.mark.parametrize(
    ("length_px", "patch_px", "stride_px", "expected"),
    [(32, 8, 8, [0, 8, 16, 24]), (10, 4, 4, [0, 4, 6]), (5, 5, 2, [0]), (3, 1, 1, [0, 1, 2])],
)
def test_positions_reach_both_borders(length_px, patch_px, stride_px, expected):
    assert ex07.positions(length_px, patch_px, stride_px) == expected


def test_fill_is_in_the_scale_of_the_image(image):
    image[...] = (10, 21, 200)
    image[0, 0] = (255, 255, 255)
    colors = {fill: ex07.fill_color(image, fill).tolist() for fill in ex07.FILLS}
    assert colors == {"mean": [11, 22, 200], "black": [0] * 3, "grey": [128] * 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_px": 12}, "Carré de 12 pixels reçu, pour une image de 11×17 : un côté de 1 à 11"),
        ({"patch_px": 3, "stride_px": 4}, "Pas de 4 pixels reçu : de 1 à 3"),
        ({"fill": "rose"}, "Remplissage 'rose' reçu ; au choix : mean, black, grey"),
    ],
)
def test_wrong_options(planted, image, options, message):
    with pytest.raises(ValueError, match=message):
        ex07.occlusion(planted, image, 0, **options)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_main_draws_a_real_picture(tmp_path, capsys):
    arguments = ["samples/chien.webp", "--class", "Chien", "--output", str(tmp_path)]
    assert ex07.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Occlusion par carrés de 8 pixels : Chien, probabilité 9")
    assert "de probabilité ; " in printed and "points à « Chien »" in printed
    with Image.open(tmp_path / "chien_occlusion.png") as picture:
        assert picture.format == "PNG" and picture.width > 600
    assert ex07.main(["rien.png", "--output", str(tmp_path)]) == 1
    assert "rien.png : aucun fichier ici" in capsys.readouterr().err
