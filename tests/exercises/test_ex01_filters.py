"""Les filtres contre SciPy, contre des images dont on connaît les contours, et de bout en bout."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from exercises import ex01_filters as ex01
from exercises.ex01_filters import BOX, PREWITT, SOBEL, as_filters, convolve

RESPONSES = [
    *("sobel_horizontal", "sobel_vertical", "sobel_norme"),
    *("prewitt_horizontal", "prewitt_vertical", "prewitt_norme", "moyenne"),
]
FILES = {f"{name}.png" for name in (*RESPONSES, "comparaison")}


@pytest.fixture
def picture():
    """Image quelconque, non carrée, uint8 (23, 31, 3)."""
    return np.random.default_rng(0).integers(0, 256, (23, 31, 3), np.uint8)


# --- L'opération -----------------------------------------------------------------------


@pytest.mark.question("S1, exercice 01 ; S4, plusieurs canaux")
@pytest.mark.parametrize("kernel", [SOBEL, PREWITT.T, BOX, np.arange(15).reshape(3, 5) - 4])
@pytest.mark.parametrize("border, mode", [("reflect", "mirror"), ("same", "constant")])
def test_equals_scipy_correlation(picture, kernel, border, mode):
    """Un noyau par canal, puis la somme des canaux ; sans bord, il reste l'intérieur."""
    channels = np.moveaxis(picture.astype(float), -1, 0)
    expected = sum(ndimage.correlate(each, kernel, mode=mode) for each in channels)
    filters = as_filters([kernel], 3)
    found = convolve(picture, filters, border=border)[..., 0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-3)
    inside = convolve(picture, filters, border="valid")[..., 0]
    width = kernel.shape[1] // 2
    np.testing.assert_allclose(inside, expected[1:-1, width:-width], atol=2e-3)


@pytest.mark.question("S4, profondeur d'un filtre")
@pytest.mark.parametrize(
    "shape, border, message",
    [
        ((9, 9, 3), "reflect", "3 canaux, filtres à 1"),
        ((9, 9, 1), "wrap", "reflect, same, valid"),
        ((2, 9, 1), "valid", "plus petite que le filtre"),
    ],
)
def test_impossible_filters_are_explained(shape, border, message):
    with pytest.raises(ValueError, match=message):
        convolve(np.ones(shape), as_filters([SOBEL], 1), border=border)


# --- Des contours connus ---------------------------------------------------------------


@pytest.mark.question("S1, exercice 01 a et b")
@pytest.mark.parametrize(("operator", "gain"), [("sobel", 8), ("prewitt", 6)])
def test_gradient_of_a_plane(operator, gain):
    """Un plan de pente 3 vers la droite et 4 vers le bas a un gradient de norme 5."""
    y, x = np.mgrid[:9, :12]
    plane = np.repeat((3 * x + 4 * y)[..., None], 3, axis=2)
    responses = {name: map_[1:-1, 1:-1] for name, map_ in ex01.filter_bank(plane).items()}
    assert set(responses[f"{operator}_vertical"].ravel()) == {3 * gain * 3}
    assert set(responses[f"{operator}_horizontal"].ravel()) == {4 * gain * 3}
    np.testing.assert_allclose(responses[f"{operator}_norme"], 5 * gain * 3)
    np.testing.assert_allclose(responses["moyenne"], plane[1:-1, 1:-1, 0], rtol=1e-6)


@pytest.mark.question("S1, exercice 01 b")
def test_the_pylons_of_the_sample_stand_out():
    """Sur l'image livrée, b) culmine aux bords des deux pylônes, et a) à ceux du tablier."""
    image = np.array(Image.open(ex01.SAMPLE))
    by_column = np.abs(ex01.vertical_patterns(image)).mean(axis=0)
    by_row = np.abs(ex01.horizontal_patterns(image)).mean(axis=1)
    strongest = np.argsort(by_column)[-6:]
    left, right = (np.abs(strongest - center) < 20 for center in (178, 472))  # leurs axes
    assert left.any() and right.any() and (left | right).all()
    assert all(abs(row - 262) < 16 for row in np.argsort(by_row)[-4:])


# --- Ce qu'on montre -------------------------------------------------------------------


@pytest.mark.question("S1, exercice 01")
def test_grey_levels_show_the_absolute_value():
    response = np.array([[-600.0, 300.0], [0.0, 150.0]], np.float32)
    assert ex01.to_grey_levels(response).tolist() == [[255, 128], [0, 64]]
    assert not ex01.to_grey_levels(np.zeros((2, 3))).any()


@pytest.mark.question("S1, exercice 01")
def test_comparison_scales_are_symmetric_and_shared(picture, monkeypatch):
    """Zéro doit être blanc, et une même couleur la même force dans les deux directions."""
    drawn = {}
    monkeypatch.setattr(ex01, "picture_rows", lambda path, rows, **options: drawn.update(rows))
    ex01.save_comparison(None, picture, ex01.filter_bank(picture))
    limits = {each.caption: each.limits for row in drawn.values() for each in row}
    for operator in ("Sobel", "Prewitt"):
        low, high = limits[f"a) {operator} horizontal"]
        assert limits[f"b) {operator} vertical"] == (low, high) and low == -high < 0
        assert limits[f"{operator} norme"] == (0, high)
    assert limits["Moyenne"] == (0, 255)


# --- La commande -----------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question("S1, exercice 01")
def test_command_writes_one_png_per_filter(tmp_path, capsys):
    image = np.zeros((5000, 60), np.uint8)
    image[2500:] = 200  # un bord horizontal
    Image.fromarray(image).save(tmp_path / "bord.png")
    output = tmp_path / "sous" / "dossier"
    assert ex01.main([str(tmp_path / "bord.png"), "--output", str(output)]) == 0
    assert {path.name for path in output.iterdir()} == FILES
    horizontal, vertical, mean = (
        np.array(Image.open(output / f"{name}.png"))
        for name in ("sobel_horizontal", "sobel_vertical", "moyenne")
    )
    assert horizontal.shape == (2000, 24)  # une grande image est réduite
    assert horizontal.max() == 255 and not vertical.any()
    assert (mean[0, 0], mean[-1, 0]) == (0, 200)  # une image, aux mêmes niveaux
    assert capsys.readouterr().out == f"8 images écrites dans {output}/.\n"
    with Image.open(output / "comparaison.png") as comparison:  # et non quatre-vingts fois plus
        assert comparison.height < 3 * comparison.width


@pytest.mark.question("S1, exercice 01")
def test_default_picture_is_the_bridge(tmp_path, monkeypatch, unrendered):
    monkeypatch.chdir(tmp_path)  # l'image livrée se trouve depuis n'importe quel dossier
    with unrendered():
        assert ex01.main([]) == 0
    written = tmp_path / "figures" / "ex01_filters"
    assert {path.name for path in written.iterdir()} == FILES
    assert Image.open(written / "sobel_vertical.png").size == Image.open(ex01.SAMPLE).size


@pytest.mark.question("S1, exercice 01")
@pytest.mark.parametrize("source, output", [("texte.png", "f"), ("a.png", "a.png")])
def test_bad_pictures_and_folders_give_one_french_line(tmp_path, capsys, source, output):
    (tmp_path / "texte.png").write_bytes(b"Bonjour.\n")
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    assert ex01.main([str(tmp_path / source), "--output", str(tmp_path / output)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Erreur : ") and error.count("\n") == 1 and str(tmp_path) in error
    assert not (tmp_path / "f").exists()
