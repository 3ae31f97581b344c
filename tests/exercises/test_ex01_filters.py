"""Les filtres contre SciPy, contre des images dont on connaît les contours, et de bout en bout."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, signal

from exercises import ex01_filters as ex01
from exercises.ex01_filters import BOX, PREWITT, SOBEL, as_filters, convolve

FILES = {
    f"{name}.png"
    for name in (
        *(
            f"{operator}_{kind}"
            for operator in ("sobel", "prewitt")
            for kind in ("horizontal", "vertical", "norme")
        ),
        "moyenne",
        "comparaison",
    )
}


@pytest.fixture
def picture():
    """Image quelconque, non carrée, uint8 (23, 31, 3)."""
    return np.random.default_rng(0).integers(0, 256, (23, 31, 3), np.uint8)


def one_channel(image, kernel, **options):
    """Filtre une image `(h, w)` par un noyau `(kh, kw)`."""
    return convolve(np.asarray(image)[..., None], as_filters([kernel], 1), **options)[..., 0]


def stripes(height, width, period):
    """Bandes horizontales claires et sombres, `(height, width, 3)`."""
    rows = np.arange(height) // period % 2 * 200
    return np.broadcast_to(rows[:, None, None], (height, width, 3)).astype(np.uint8)


def energy(response):
    return float(np.square(response.astype(np.float64)).sum())


# --- L'opération, contre SciPy ---------------------------------------------------------

KERNELS = {
    "sobel": SOBEL,
    "sobel_t": SOBEL.T,
    "prewitt": PREWITT,
    "prewitt_t": PREWITT.T,
    "box": BOX,
    "asymmetric": np.arange(15).reshape(3, 5) - 4,
}


@pytest.mark.question("S1, exercice 01")
@pytest.mark.parametrize("border", ["valid", "same"])
@pytest.mark.parametrize("name", KERNELS)
def test_equals_scipy_correlation(picture, name, border):
    expected = sum(
        signal.correlate2d(picture[..., c].astype(float), KERNELS[name], mode=border)
        for c in range(3)
    )
    response = convolve(picture, as_filters([KERNELS[name]], 3), border=border)
    assert response.dtype == np.float32
    np.testing.assert_allclose(response[..., 0], expected, atol=2e-3)


@pytest.mark.question("S1, exercice 01")
@pytest.mark.parametrize("name", KERNELS)
def test_reflection_equals_scipy(picture, name):
    expected = sum(
        ndimage.correlate(picture[..., c].astype(float), KERNELS[name], mode="mirror")
        for c in range(3)
    )
    response = convolve(picture, as_filters([KERNELS[name]], 3))
    np.testing.assert_allclose(response[..., 0], expected, atol=2e-3)


@pytest.mark.question("S1, formule de la convolution")
@pytest.mark.parametrize("kernel", [SOBEL, SOBEL.T, PREWITT, PREWITT.T])
def test_true_convolution_has_the_opposite_sign(picture, kernel):
    """Les noyaux de contour sont antisymétriques : les retourner change leur signe."""
    grey = picture[..., 0].astype(float)
    convolution = signal.convolve2d(grey, kernel, mode="same")
    assert np.abs(convolution).max() > 100
    np.testing.assert_array_equal(one_channel(grey, kernel, border="same"), -convolution)


@pytest.mark.question("S1, exercice 01")
def test_uint8_image_does_not_wrap_around():
    """200 puis 0 : la réponse est -600, ce qu'aucun uint8 ne sait dire."""
    image = np.zeros((4, 3), np.uint8)
    image[:2] = 200
    assert one_channel(image, PREWITT, border="valid").ravel().tolist() == [-600, -600]


# --- Les bords -------------------------------------------------------------------------

STEP = np.repeat([[0], [200]], 3, axis=0).repeat(6, axis=1)  # (6, 6) : 0 en haut, 200 en bas


@pytest.mark.question("S4, contours horizontaux")
def test_zero_padding_draws_a_false_edge():
    """N21 de FAITS.md : la dernière ligne n'est pas un contour de l'image."""
    edge, none = [400, 600, 600, 600, 600, 400], [0] * 6
    false_edge = [-400, -600, -600, -600, -600, -400]
    expected = [none, none, edge, edge, none, false_edge]
    response = one_channel(STEP, PREWITT, border="same")
    assert response.tolist() == expected
    convolution = signal.convolve2d(STEP, PREWITT, mode="same")
    assert (-convolution).tolist() == expected


@pytest.mark.question("S4, contours horizontaux")
def test_other_borders_draw_none():
    edge, none = [600] * 6, [0] * 6
    assert one_channel(STEP, PREWITT).tolist() == [none, none, edge, edge, none, none]
    valid = one_channel(STEP, PREWITT, border="valid")
    assert valid.tolist() == [[0] * 4, [600] * 4, [600] * 4, [0] * 4]


@pytest.mark.question("S1, exercice 01")
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2)])
def test_tiny_pictures(shape):
    assert one_channel(np.full(shape, 7), BOX) == pytest.approx(7)
    with pytest.raises(ValueError, match="plus petite que le filtre"):
        one_channel(np.full(shape, 7), BOX, border="valid")
    with pytest.raises(ValueError, match="reflect, same, valid"):
        one_channel(STEP, BOX, border="wrap")


# --- La couleur ------------------------------------------------------------------------


@pytest.mark.question("S4, plusieurs canaux")
def test_channels_are_filtered_then_added(picture):
    response = ex01.horizontal_patterns(picture)
    each = [one_channel(picture[..., c], SOBEL) for c in range(3)]
    np.testing.assert_allclose(response, sum(each), atol=2e-3)
    mean = picture.astype(np.float64).mean(-1)
    np.testing.assert_allclose(response, 3 * one_channel(mean, SOBEL), atol=2e-3)


@pytest.mark.question("S4, plusieurs canaux")
def test_edge_between_colours_of_equal_sum_is_invisible():
    image = np.zeros((6, 8, 3), np.uint8)
    image[:, :4, 0] = image[:, 4:, 1] = 180  # rouge, puis vert
    assert not ex01.vertical_patterns(image).any()
    image[:, 4:, 1] = 181
    assert ex01.vertical_patterns(image).max() == 4


@pytest.mark.question("S4, profondeur d'un filtre")
def test_depth_mismatch_is_refused(picture):
    with pytest.raises(ValueError, match="3 canaux, filtres à 1"):
        convolve(picture, as_filters([SOBEL], 1))


# --- Des contours connus ---------------------------------------------------------------


@pytest.mark.question("S1, exercice 01 a")
@pytest.mark.parametrize("kernel", [SOBEL, PREWITT])
def test_horizontal_stripes_light_only_the_horizontal_filter(kernel):
    image = stripes(20, 33, 5)
    assert energy(ex01.horizontal_patterns(image, kernel)) > 1e6
    assert energy(ex01.vertical_patterns(image, kernel)) == 0


@pytest.mark.question("S1, exercice 01 b")
@pytest.mark.parametrize("kernel", [SOBEL, PREWITT])
def test_vertical_stripes_light_only_the_vertical_filter(kernel):
    image = stripes(33, 20, 5).transpose(1, 0, 2)
    assert energy(ex01.vertical_patterns(image, kernel)) > 1e6
    assert energy(ex01.horizontal_patterns(image, kernel)) == 0


@pytest.mark.question("S1, exercice 01")
@pytest.mark.parametrize(("operator", "gain"), [("sobel", 8), ("prewitt", 6)])
def test_gradient_magnitude_of_a_plane(operator, gain):
    """Un plan de pente 3 vers la droite et 4 vers le bas a un gradient de norme 5."""
    y, x = np.mgrid[:9, :12]
    plane = np.repeat((3 * x + 4 * y)[..., None], 3, axis=2)
    responses = {name: map_[1:-1, 1:-1] for name, map_ in ex01.filter_bank(plane).items()}
    assert set(responses[f"{operator}_vertical"].ravel()) == {3 * gain * 3}
    assert set(responses[f"{operator}_horizontal"].ravel()) == {4 * gain * 3}
    np.testing.assert_allclose(responses[f"{operator}_norme"], 5 * gain * 3)
    np.testing.assert_allclose(responses["moyenne"], plane[1:-1, 1:-1, 0], rtol=1e-6)


@pytest.mark.question("S1, exercice 01")
@pytest.mark.parametrize("channels", [1, 3])
def test_the_mean_stays_within_the_picture(channels):
    """Sur du blanc, 255 et non 765 ; ailleurs, la moyenne des neuf voisins et des canaux."""
    image = np.random.default_rng(1).integers(100, 256, (9, 8, channels), np.uint8)
    white = ex01.filter_bank(np.full_like(image, 255))["moyenne"]
    np.testing.assert_allclose(white, 255, rtol=1e-6)
    mean = ex01.filter_bank(image)["moyenne"]
    np.testing.assert_allclose(mean[3, 4], image[2:5, 3:6].mean(), rtol=1e-5)
    assert image.min() <= mean.min() <= mean.max() <= image.max()


@pytest.mark.question("S1, exercice 01 b")
def test_the_pylons_of_the_sample_stand_out():
    """Sur l'image livrée, b) culmine aux bords des deux pylônes, et a) à ceux du tablier."""
    image = np.array(Image.open(ex01.SAMPLE))
    by_column = np.abs(ex01.vertical_patterns(image)).mean(axis=0)
    by_row = np.abs(ex01.horizontal_patterns(image)).mean(axis=1)
    strongest = np.argsort(by_column)[-6:]
    left, right = (np.abs(strongest - center) < 20 for center in (178, 472))  # leurs axes
    assert left.any()
    assert right.any()
    assert (left | right).all()
    assert all(abs(row - 262) < 16 for row in np.argsort(by_row)[-4:])
    assert by_column.max() > 4 * np.median(by_column)
    assert by_row.max() > 4 * np.median(by_row)


# --- Ce qu'on montre -------------------------------------------------------------------


@pytest.mark.question("S1, exercice 01")
def test_grey_levels_show_the_absolute_value():
    response = np.array([[-600.0, 300.0], [0.0, 150.0]], np.float32)
    assert ex01.to_grey_levels(response).tolist() == [[255, 128], [0, 64]]
    np.testing.assert_array_equal(ex01.to_grey_levels(-response), ex01.to_grey_levels(response))
    assert not ex01.to_grey_levels(np.zeros((2, 3))).any()


@pytest.mark.question("S1, exercice 01")
def test_comparison_scales_are_symmetric_and_shared(picture, monkeypatch):
    """Zéro doit être blanc, et une même couleur la même force dans les deux directions."""
    drawn = {}
    monkeypatch.setattr(ex01, "picture_rows", lambda path, rows, **options: drawn.update(rows))
    responses = ex01.filter_bank(picture)
    ex01.save_comparison(None, picture, responses)
    shown = {each.caption: each for row in drawn.values() for each in row}
    for operator in ("Sobel", "Prewitt"):
        low, high = shown[f"a) {operator} horizontal"].limits
        assert shown[f"b) {operator} vertical"].limits == (low, high) and low == -high
        assert (np.abs(responses[f"{operator.lower()}_horizontal"]) <= high).mean() > 0.99
        assert shown[f"{operator} norme"].limits == (0, high)
    assert shown["Moyenne"].limits == (0, 255)


# --- La commande -----------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question("S1, exercice 01")
def test_command_writes_one_png_per_filter(tmp_path, capsys):
    Image.fromarray(stripes(40, 60, 8)).save(tmp_path / "bandes.png")
    output = tmp_path / "sous" / "dossier"
    assert ex01.main([str(tmp_path / "bandes.png"), "--output", str(output)]) == 0
    assert {path.name for path in output.iterdir()} == FILES
    horizontal, vertical = (
        np.array(Image.open(output / f"sobel_{way}.png")) for way in ("horizontal", "vertical")
    )
    assert horizontal.shape == vertical.shape == (40, 60)
    assert horizontal.max() == 255
    assert not vertical.any()
    mean = np.array(Image.open(output / "moyenne.png"))  # une image, aux mêmes niveaux
    assert mean[4, 30] == 0 and mean[12, 30] == 200 and mean.max() == 200
    assert Image.open(output / "comparaison.png").width > 1000
    printed = capsys.readouterr()
    assert printed.out == f"8 images écrites dans {output}/.\n"
    assert printed.err == ""


@pytest.mark.ci
@pytest.mark.question("S1, exercice 01")
def test_pictures_of_any_size(tmp_path, monkeypatch):
    monkeypatch.setattr(ex01, "save_comparison", lambda *given: None)  # la plus longue à dessiner
    for size, expected in (((1, 1), (1, 1)), ((5000, 60), (2000, 24))):
        Image.new("RGB", size, "grey").save(tmp_path / "image.png")
        assert ex01.main([str(tmp_path / "image.png"), "--output", str(tmp_path)]) == 0
        assert Image.open(tmp_path / "moyenne.png").size == expected


@pytest.mark.question("S1, exercice 01")
def test_default_picture_is_the_bridge(tmp_path, monkeypatch, unrendered):
    monkeypatch.chdir(tmp_path)  # l'image livrée se trouve depuis n'importe quel dossier
    with unrendered():
        assert ex01.main([]) == 0
    written = tmp_path / "figures" / "ex01_filters"
    assert {path.name for path in written.iterdir()} == FILES
    assert Image.open(written / "sobel_vertical.png").size == Image.open(ex01.SAMPLE).size


@pytest.mark.question("S1, exercice 01")
def test_bad_pictures_and_folders_give_one_french_line(tmp_path, capsys):
    (tmp_path / "texte.png").write_bytes(b"Bonjour.\n")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    for source, output in (("absente.png", "f"), ("texte.png", "f"), ("a.png", "a.png")):
        assert ex01.main([str(tmp_path / source), "--output", str(tmp_path / output)]) == 1
        error = capsys.readouterr().err
        assert error.startswith("Erreur : ") and error.count("\n") == 1 and str(tmp_path) in error
    assert not (tmp_path / "f").exists()
