"""De vrais chiffres de MNIST, cachés dans des images de toutes sortes, doivent être retrouvés."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from convnets.serving import digits
from convnets.serving.digits import digit_square, read_digit

pytestmark = pytest.mark.question("TD, question 1 : une image de chiffre")


def to_image(grey) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8)).convert("RGB")


def enlarge(digit, side_px) -> np.ndarray:
    """Agrandit l'encre d'un chiffre, `(h, w)` dans [0, 1], de plus grand côté `side_px`."""
    rows, columns = np.nonzero(digit)
    ink = Image.fromarray(digit).crop(
        (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    )
    scale = side_px / max(ink.size)
    size = [max(1, round(scale * side)) for side in ink.size]
    return np.asarray(ink.resize(size, Image.Resampling.BICUBIC), float) / 255


def hide(ink, height, width, rng) -> np.ndarray:
    """Pose l'encre n'importe où, sans toucher le bord."""
    page = np.zeros((height, width))
    top = rng.integers(3, height - ink.shape[0] - 2)
    left = rng.integers(3, width - ink.shape[1] - 2)
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return page


def light(height, width, rng, strength) -> np.ndarray:
    """Un éclairage de travers, `(height, width)` dans ]0, 1]."""
    down, right = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * down + np.sin(angle) * right
    return 1 - strength * (ramp - ramp.min()) / np.ptp(ramp)


def photograph(grey, rng, noise) -> Image.Image:
    """Un objectif un peu flou, un capteur un peu bruité."""
    blurred = np.asarray(to_image(grey).filter(ImageFilter.GaussianBlur(0.7)), float)
    noisy = (
        blurred + rng.normal(0, noise, (*grey.shape, 1)) + rng.normal(0, noise / 2, blurred.shape)
    )
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def draw_clean(digit, rng):
    page = hide(enlarge(digit, rng.integers(25, 200)), 220, 320, rng)
    return to_image(255 * (1 - page))


def draw_on_paper(digit, rng):
    page = hide(enlarge(digit, rng.integers(60, 200)), 220, 340, rng)
    paper = rng.uniform(160, 235) * light(220, 340, rng, 0.45)
    return photograph(paper * (1 - 0.85 * page), rng, noise=5)


def draw_on_board(digit, rng):
    page = hide(enlarge(digit, rng.integers(60, 200)), 220, 340, rng)
    chalk = rng.uniform(0.7, 1, page.shape) * rng.uniform(90, 150)
    return photograph(rng.uniform(25, 70) * light(220, 340, rng, 0.4) + page * chalk, rng, noise=5)


def draw_in_colour(digit, rng):
    page = hide(enlarge(digit, rng.integers(40, 200)), 220, 320, rng)[..., np.newaxis]
    ground, ink = ((250, 210, 60), (30, 60, 160)) if rng.random() < 0.5 else ((160, 20, 40), "")
    ink = np.array(ink or (200, 230, 210))
    return Image.fromarray(np.uint8(ground * (1 - page) + ink * page))


def draw_in_a_box(digit, rng):
    page = hide(enlarge(digit, rng.integers(90, 150)), 200, 200, rng)
    page[[0, 1, 2, -3, -2, -1]] = page[:, [0, 1, 2, -3, -2, -1]] = 1  # une case tracée
    page = hide(page, 300, 400, rng)
    return photograph(220 * light(300, 400, rng, 0.3) * (1 - 0.85 * page), rng, noise=3)


def draw_on_a_sheet(digit, rng):
    sheet = 220 * (1 - 0.85 * hide(enlarge(digit, rng.integers(60, 120)), 180, 180, rng))
    table = 60 * light(400, 500, rng, 0.3)
    top, left = rng.integers(20, 200), rng.integers(20, 300)
    table[top : top + 180, left : left + 180] = sheet
    return photograph(table, rng, noise=3)


def draw_in_shadow(digit, rng):
    page = hide(enlarge(digit, rng.integers(80, 200)), 220, 340, rng)
    shadow = 1 - 0.4 / (1 + np.exp(-0.4 * (np.arange(340) - rng.integers(90, 250))))
    return photograph(225 * shadow * (1 - 0.85 * page), rng, noise=3)


def draw_on_ruled_paper(digit, rng):
    page = np.zeros((220, 340))
    page[10::12] = 0.35
    page[4::48] = page[:, 7::48] = 0.55  # les carreaux d'un cahier d'écolier
    page = np.maximum(page, hide(enlarge(digit, rng.integers(80, 180)), 220, 340, rng))
    return photograph(235 * light(220, 340, rng, 0.3) * (1 - 0.85 * page), rng, noise=3)


def draw_in_red_on_blue(digit, rng):
    page = hide(enlarge(digit, rng.integers(60, 200)), 220, 320, rng)[..., np.newaxis]
    ground, ink = np.array([60, 95, 230]), np.array([220, 40, 42])  # de même luminosité
    return Image.fromarray(np.uint8(ground * (1 - page) + ink * page))


SCENES = [
    draw_clean,
    draw_on_ruled_paper,
    draw_in_red_on_blue,
    draw_on_paper,
    draw_on_board,
    draw_in_colour,
    draw_in_a_box,
    draw_on_a_sheet,
    draw_in_shadow,
]


def likeness(first, second) -> float:
    """Corrélation de deux images, à un pixel près ; 1 si elles sont proportionnelles."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    moved = (np.roll(first, move, (0, 1)).reshape(-1) for move in moves)
    return max(float(np.corrcoef(each, second.reshape(-1))[0, 1]) for each in moved)


# --- Vérité plantée ------------------------------------------------------------------


def test_mnist_comes_back_to_the_bit_and_its_negative_too(extract):
    for digit in extract("mnist")[0]:
        np.testing.assert_array_equal(digit_square(to_image(digit)), digit)
        np.testing.assert_array_equal(digit_square(to_image(255 - digit)), digit)


@pytest.fixture(scope="module")
def lenet():
    from convnets.serving.classifier import Classifier

    return Classifier("digits")


@pytest.mark.ci
@pytest.mark.parametrize("draw", SCENES)
def test_hidden_digits_are_found_with_the_measures_of_mnist_and_read(lenet, extract, draw):
    x, y = (each[:8] for each in extract("mnist"))
    rng = np.random.default_rng(0)
    squares = [digit_square(draw(digit, rng)) for digit in x]
    found = [likeness(square, digit) for square, digit in zip(squares, x, strict=True)]
    assert np.median(found) > 0.93 and min(found) > 0.8, found
    for square in squares:
        assert square.shape == (28, 28) and square.dtype == np.uint8 and square.max() == 255
        rows, columns = np.nonzero(square)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        centre = ndimage.center_of_mass(square.astype(float))
        assert np.abs(np.array(centre) - 14).max() <= 0.51
        np.testing.assert_array_equal(digit_square(to_image(square)), square)  # déjà prêt
    wrong = lenet.predict(np.stack(squares)).argmax(1) != y.reshape(-1)
    assert wrong.sum() <= 1


def test_a_thin_stroke_is_made_as_thick_as_mnist():
    image = Image.new("RGB", (800, 800), "white")
    ImageDraw.Draw(image).ellipse((200, 100, 600, 700), outline="black", width=6)
    square = digit_square(image)
    assert 2 <= (square[14] > 127).sum() / 2 <= 3.5  # épaisseur de chacun des deux bords
    assert square[14, 14] == 0


def test_dust_is_left_out_and_a_detached_bar_kept():
    def draw(*extra):
        image = Image.new("RGB", (300, 300), "white")
        pen = ImageDraw.Draw(image)
        pen.line([(110, 100), (100, 160), (170, 170), (170, 230), (100, 240)], "black", 16)
        for box in extra:
            pen.rectangle(box, "black")
        return digit_square(image)

    np.testing.assert_array_equal(draw((20, 20, 23, 23), (270, 250, 272, 254)), draw())
    with_bar = draw((112, 78, 170, 92))  # la barre d'un 5, à 8 pixels du corps
    assert with_bar[:8].sum() > draw()[:8].sum() + 500


def test_a_grey_digit_on_transparency_is_found(extract, tmp_path):
    digit = extract("mnist")[0][0]
    layers = [np.full((28, 28, 3), 128, np.uint8), digit[..., np.newaxis]]
    picture = Image.fromarray(np.concatenate(layers, axis=2))  # le gris du fond, justement
    picture.resize((280, 280)).save(tmp_path / "a.png")
    assert likeness(read_digit(tmp_path / "a.png"), digit) > 0.93


def test_two_digits_are_said(extract, tmp_path):
    page = np.zeros((120, 220))
    for left, digit in zip((15, 120), extract("mnist")[0], strict=False):
        ink = enlarge(digit, 80)
        page[20 : 20 + ink.shape[0], left : left + ink.shape[1]] = ink
    to_image(255 * (1 - page)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="plusieurs chiffres sont côte à côte"):
        read_digit(tmp_path / "a.png")


# --- Rien à trouver, ou presque ------------------------------------------------------


NOISE = np.random.default_rng(3).normal(128, 6, (200, 300))
EMPTY = {
    "blanche": np.full((100, 150), 255.0),
    "noire": np.zeros((28, 28)),
    "un pixel": np.full((1, 1), 90.0),
    "bruit": NOISE,
    "dégradé": np.tile(np.linspace(40, 220, 300), (200, 1)),
    "dégradé bruité": np.tile(np.linspace(80, 220, 300), (200, 1)) + NOISE - 128,
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_picture_is_refused_in_one_french_sentence(name, tmp_path):
    path = tmp_path / "page.png"
    to_image(EMPTY[name]).save(path)
    with pytest.raises(ValueError, match="aucun chiffre visible") as caught:
        read_digit(path)
    message = str(caught.value)
    assert message.startswith(f"{path} : ") and "\n" not in message and message.endswith(".")


@pytest.mark.parametrize("size", [(1, 2), (2, 5), (3, 400), (500, 2), (29, 27), (4000, 30)])
def test_odd_shapes_never_crash(size):
    rng = np.random.default_rng(4)
    for pixels in (rng.integers(0, 256, (*size, 3)), np.indices(size).sum(0) % 2 * 255):
        image = Image.fromarray(pixels.astype(np.uint8)).convert("RGB")
        try:
            square = digit_square(image)
        except ValueError as error:
            assert "aucun chiffre visible" in str(error)
        else:
            assert square.shape == (28, 28) and square.dtype == np.uint8


# --- Les morceaux d'encre, contre SciPy ----------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 1.0])
def test_labels_agree_with_scipy(share):
    rng = np.random.default_rng(5)
    for shape in ((1, 1), (7, 13), (40, 60)):
        mask = rng.random(shape) < share
        labels, count = digits.label(mask)
        expected, expected_count = ndimage.label(mask, np.ones((3, 3)))
        assert count == expected_count
        pairs = set(zip(labels.reshape(-1), expected.reshape(-1), strict=True))
        assert len(pairs) == count + (not mask.all())  # une bijection : les mêmes morceaux


@pytest.mark.parametrize(("ground", "paper"), [(40, 220), (210, 50)])
def test_the_frame_of_a_sheet_is_cut_a_little_inside(ground, paper):
    page = np.full((200, 300), ground)
    page[30:170, 60:260] = paper
    assert digits._find_sheet(to_image(page).convert("L")) == (66, 36, 254, 164)
    page[30:170] = paper  # une bande qui traverse l'image n'est pas une feuille
    assert digits._find_sheet(to_image(page).convert("L")) is None


# --- Par ./predict -------------------------------------------------------------------


def _png(grey) -> bytes:
    buffer = io.BytesIO()
    to_image(grey).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_border_says_whether_the_ground_is_light():
    """Un vêtement clair qui remplit presque l'image reste clair ; sur fond clair, il s'inverse."""
    from convnets.serving.classifier import prepare

    grey = np.zeros((28, 28), np.uint8)
    grey[2:26, 2:26] = 200
    for shown in (grey, 255 - grey):
        np.testing.assert_array_equal(prepare(io.BytesIO(_png(shown)), (28, 28)), grey)


# --- Avec le modèle livré ------------------------------------------------------------


def test_the_shipped_model_scores_the_same_through_files(lenet, extract, tmp_path):
    x, _ = extract("mnist")
    paths = []
    for k, digit in enumerate(x[:40]):
        paths.append(str(tmp_path / f"{k:02}.png"))
        Image.fromarray(digit if k % 2 else 255 - digit).save(paths[-1])
    through_files = np.stack([result.probabilities for result in lenet.classify(paths)])
    np.testing.assert_array_equal(through_files, lenet.predict(x[:40]))
