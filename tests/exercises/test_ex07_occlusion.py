"""Un réseau qui ne regarde qu'un rectangle ; le reste des calculs est vérifié par le barème."""

from types import SimpleNamespace

import numpy as np
import pytest

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
        calls.append(len(x))
        clear = (x[(slice(None), *SEEN)] / 255).mean(axis=(1, 2, 3))
        return np.stack([clear, 1 - clear], axis=1)

    return SimpleNamespace(predict=predict, calls=calls)


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


@pytest.mark.parametrize(("side", "square"), [(32, (8, 2)), (192, (48, 12))])
def test_the_square_grows_with_the_image(side, square):
    assert ex07.default_square(np.zeros((side, side + 9, 3))) == square


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
    assert "points à « Chien »" in printed
    assert (tmp_path / "chien_occlusion.png").stat().st_size > 5000
    assert ex07.main(["rien.png", "--output", str(tmp_path)]) == 1
    assert "rien.png : aucun fichier ici" in capsys.readouterr().err
