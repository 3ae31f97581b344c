import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convnets.explaining import maps
from convnets.training import saving

QUESTION = "S3, « Occlusion »"
HEIGHT, WIDTH = 11, 17
SEEN = np.s_[2:6, 9:14]  # le seul rectangle que regarde le modèle posé à la main


@pytest.fixture(scope="module")
def ex07():
    from exercises import ex07_occlusion

    return ex07_occlusion


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
def test_drops_agree_with_a_loop_over_the_pixels(ex07, planted, image, patch_px, stride_px, fill):
    """Pixel par pixel, et sans rien de la fonction : on cherche quels carrés le couvrent."""
    starts = []
    for side in (HEIGHT, WIDTH):
        each = list(range(0, side - patch_px + 1, stride_px))
        starts.append(each if each[-1] == side - patch_px else [*each, side - patch_px])
    color = {"mean": np.rint(image.reshape(-1, 3).mean(0)), "black": 0, "grey": 128}[fill]
    expected = np.zeros((HEIGHT, WIDTH))
    whole = (image[SEEN] / 255).mean()
    for row in range(HEIGHT):
        for column in range(WIDTH):
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
    highest = max(expected.max(), 1e-9)
    np.testing.assert_allclose(heatmap, np.maximum(expected, 0) / highest, atol=1e-5)


@pytest.mark.question(QUESTION)
def test_a_planted_rectangle_is_found(ex07, planted, image):
    exact = ex07.occlusion(planted, image, 0, patch_px=1, stride_px=1, fill="black")
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[SEEN] = True
    np.testing.assert_array_equal(exact > 0, mask)
    wide = ex07.occlusion(planted, image, 0, patch_px=4, stride_px=2, fill="black")
    assert mask[np.unravel_index(wide.argmax(), wide.shape)] and wide.max() == 1
    assert (wide[:, :5] == 0).all()  # plus loin qu'un carré : rien
    opposite = ex07.occlusion(planted, image, 1, patch_px=4, stride_px=2, fill="black")
    assert (opposite == 0).all()  # cacher aide l'autre classe : rien n'est positif


def test_few_calls_and_an_untouched_image(ex07, planted, image):
    before = image.copy()
    ex07.drops(planted, image, 0, patch_px=3, stride_px=1)
    assert planted.calls == [1, 9 * 15]
    np.testing.assert_array_equal(image, before)


def test_long_batches_are_cut(ex07, planted, image, monkeypatch):
    options = {"patch_px": 3, "stride_px": 1}
    whole = ex07.drops(planted, image, 0, **options)
    monkeypatch.setattr(ex07, "BATCH_SIZE", 50)
    np.testing.assert_allclose(ex07.drops(planted, image, 0, **options), whole, atol=1e-7)
    assert planted.calls[2:] == [1, 50, 50, 35]


def test_the_square_grows_with_the_image(ex07, planted):
    small, large = (np.full((side, side + 9, 3), 50, np.uint8) for side in (32, 192))
    assert ex07.default_square(small) == (8, 2) and ex07.default_square(large) == (48, 12)
    found = ex07.drops(planted, large, 0, fill="black")
    np.testing.assert_array_equal(
        found, ex07.drops(planted, large, 0, patch_px=48, stride_px=12, fill="black")
    )
    assert sum(planted.calls) == 2 * (1 + 13 * 14)  # et non 8 649 carrés


@pytest.mark.parametrize(
    ("length_px", "patch_px", "stride_px", "expected"),
    [(32, 8, 8, [0, 8, 16, 24]), (10, 4, 4, [0, 4, 6]), (5, 5, 2, [0]), (3, 1, 1, [0, 1, 2])],
)
def test_positions_reach_both_borders(ex07, length_px, patch_px, stride_px, expected):
    assert ex07.positions(length_px, patch_px, stride_px) == expected


def test_fill_is_in_the_scale_of_the_image(ex07, image):
    image[...] = (10, 21, 200)
    image[0, 0] = (255, 255, 255)
    assert ex07.fill_color(image, "black").tolist() == [0, 0, 0]
    assert ex07.fill_color(image, "grey").tolist() == [128, 128, 128]
    assert ex07.fill_color(image, "mean").tolist() == [11, 22, 200]
    assert ex07.fill_color(image, "mean").dtype == np.uint8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_px": 12}, "Carré de 12 pixels reçu, pour une image de 11×17 : un côté de 1 à 11"),
        ({"patch_px": 0}, "Carré de 0 pixels reçu"),
        ({"patch_px": 3, "stride_px": 4}, "Pas de 4 pixels reçu : de 1 à 3"),
        ({"stride_px": 0}, "Pas de 0 pixels reçu"),
        ({"fill": "rose"}, "Remplissage 'rose' reçu ; au choix : mean, black, grey"),
    ],
)
def test_wrong_options(ex07, planted, image, options, message):
    with pytest.raises(ValueError, match=message):
        ex07.occlusion(planted, image, 0, **options)


@pytest.fixture(scope="module")
def shipped():
    return saving.load_model("thumbnails_light")


def test_a_constant_model_lights_nothing(ex07, image):
    constant = SimpleNamespace(predict=lambda x, **options: np.full((len(x), 2), 0.5, np.float32))
    assert (ex07.occlusion(constant, image, 0, patch_px=4) == 0).all()


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("eager")
def test_shipped_network_two_classes_and_random_weights(ex07, shipped, extract):
    import keras

    image = extract("cifar10")[0][0]
    weights = shipped.get_weights()
    first, second = (ex07.occlusion(shipped, image, k, stride_px=6) for k in (3, 5))
    assert first.shape == (32, 32) and first.max() == second.max() == 1
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.9
    keras.utils.set_random_seed(0)
    other = ex07.drops(keras.models.clone_model(shipped), image, 3, stride_px=6)
    found = ex07.drops(shipped, image, 3, stride_px=6)
    assert abs(np.corrcoef(found.ravel(), other.ravel())[0, 1]) < 0.6
    for now, before in zip(shipped.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_main_draws_a_real_picture(ex07, tmp_path, capsys):
    arguments = ["samples/chien.webp", "--class", "Chien", "--stride", "4", "--fill", "grey"]
    assert ex07.main([*arguments, "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "points à « Chien »" in printed and "chien_occlusion.png" in printed
    with Image.open(tmp_path / "chien_occlusion.png") as picture:
        assert picture.format == "PNG" and picture.width > 600


@pytest.mark.ci
def test_importing_loads_no_heavy_library(repo):
    code = (
        "import sys, exercises.ex07_occlusion;"
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_errors_are_french_sentences(ex07, tmp_path, capsys):
    assert ex07.main(["--patch", "40", "--output", str(tmp_path)]) == 1
    assert "Erreur : Carré de 40 pixels reçu" in capsys.readouterr().err
    assert ex07.main(["rien.png", "--output", str(tmp_path)]) == 1
    assert "rien.png : aucun fichier ici" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        ex07.main(["--fill", "rose"])
    assert caught.value.code == 2 and "choix impossible" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_map_reaches_the_figure(ex07, monkeypatch):
    kept = {}

    def keep(subject, explanation, path, *, method):
        kept.update(explanation=explanation, method=method, subject=subject)

    monkeypatch.setattr(maps, "save_explanation", keep)
    assert ex07.main(["samples/chat.png", "--patch", "6", "--stride", "6"]) == 0
    subject = kept["subject"]
    expected = ex07.drops(
        subject.model, subject.image, subject.class_index, patch_px=6, stride_px=6
    )
    np.testing.assert_allclose(kept["explanation"].values, expected, atol=1e-6)
    assert kept["explanation"].unit == "points de probabilité"
    assert kept["method"] == "Occlusion par carrés de 6 pixels"
