from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from exercises import ex10_lime as ex10

QUESTION = "S3 LIME"
HEIGHT, WIDTH = 18, 30  # ni carrée, ni de la taille de CIFAR-10
SEEN = np.s_[4:12, 16:26]  # le seul rectangle que regarde le modèle posé à la main


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def opaque(probability):
    """Un modèle dont on ne voit que les réponses : `probability(x)` et son complément."""

    def predict(x, **options):
        assert x.dtype == np.uint8
        first = np.asarray(probability(x), np.float32)
        return np.stack([first, 1 - first], axis=1)

    return SimpleNamespace(predict=predict)


# --- Les morceaux --------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(32, 32), (HEIGHT, WIDTH), (7, 50), (1, 9), (1, 1)])
@pytest.mark.parametrize("num_segments", [2, 36])
def test_segments_cover_the_image(shape, num_segments):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    pixels = ndimage.uniform_filter(pixels, (5, 5, 1))  # des couleurs qui varient doucement
    segments = ex10.segment(pixels, num_segments=num_segments)
    assert segments.shape == shape
    numbers = np.unique(segments)
    assert numbers.tolist() == list(range(len(numbers)))
    assert len(numbers) <= 1.6 * num_segments + 1
    if min(shape) > 4 and num_segments > 2:
        assert len(numbers) >= 0.5 * num_segments


def test_each_segment_is_one_block(extract):
    """Une pièce isolée va au morceau le plus proche ; sans cela, une photographie en a partout."""
    labels = np.array([[0, 0, 1, 0, 2], [0, 0, 1, 1, 2]])
    assert ex10._connect(labels)[0, 3] in (1, 2)
    assert (np.delete(ex10._connect(labels), 3, 1) == np.delete(labels, 3, 1)).all()
    for picture in extract("cifar10")[0][:10]:
        segments = ex10.segment(picture)
        blocks = [ndimage.label(segments == k, np.ones((3, 3)))[1] for k in range(segments.max())]
        assert np.mean(blocks) < 1.1


def test_segments_follow_colours():
    """Deux couleurs, séparées par une ligne brisée qui n'est pas sur la grille de départ."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for row in range(HEIGHT):
        pixels[row, : 11 + row // 3] = (200, 60, 20)
    segments = ex10.segment(pixels, num_segments=20)
    for number in range(segments.max() + 1):
        assert len(np.unique(pixels[segments == number], axis=0)) == 1


@pytest.mark.question(QUESTION)
def test_variants_hide_under_the_mean_colour(image):
    segments = ex10.segment(image)
    visible = np.random.default_rng(0).random((5, segments.max() + 1)) < 0.5
    found = ex10.variants(image, segments, visible)
    mean = np.rint(image.reshape(-1, 3).mean(0))
    for variant, row, column in np.ndindex(5, HEIGHT, WIDTH):
        shown = image[row, column] if visible[variant, segments[row, column]] else mean
        assert (found[variant, row, column] == shown).all()


# --- Le modèle linéaire --------------------------------------------------------------


def test_fit_linear_is_a_weighted_ridge(monkeypatch):
    """Oracle : moindres carrés ordinaires, la pénalité ajoutée comme autant de mesures."""
    monkeypatch.setattr(ex10, "PENALTY", 0.7)
    rng = np.random.default_rng(0)
    visible, outputs = rng.random((40, 6)) < 0.5, rng.normal(size=40)
    weights = rng.random(40)
    scale = np.sqrt(weights)[:, None]
    design = np.hstack([visible, np.ones((40, 1))])
    penalty = np.sqrt(0.7) * np.eye(7)[:6]  # la constante, en dernier, n'est pas pénalisée
    measures = np.append(outputs * scale[:, 0], np.zeros(6))
    expected = np.linalg.lstsq(np.vstack([design * scale, penalty]), measures, rcond=None)[0]
    np.testing.assert_allclose(ex10.fit_linear(visible, outputs, weights), expected[:6], atol=1e-9)


@pytest.mark.question(QUESTION)
def test_an_additive_model_gives_back_its_coefficients(image):
    """La probabilité est une somme sur les pixels : les vrais coefficients se calculent."""
    pixel_weights = np.random.default_rng(3).normal(size=image.shape)
    pixel_weights /= 4 * abs(pixel_weights).sum() * 255
    model = opaque(lambda x: 0.5 + (x * pixel_weights).sum(axis=(1, 2, 3)))
    coefficients, segments = ex10.lime_coefficients(model, image, 0)
    gains = ((image - np.rint(image.mean((0, 1)))) * pixel_weights).sum(2)  # visible ou caché
    expected = np.bincount(segments.reshape(-1), gains.reshape(-1))
    assert len(expected) > 25 and abs(expected).max() > 5e-4
    np.testing.assert_allclose(coefficients, expected, atol=0.01 * abs(expected).max())
    opposite, _ = ex10.lime_coefficients(model, image, 1)
    np.testing.assert_allclose(opposite, -coefficients, atol=1e-6)
    other, _ = ex10.lime_coefficients(model, image, 0, seed=6)
    again, _ = ex10.lime_coefficients(model, image, 0)
    assert coefficients.tobytes() == again.tobytes() != other.tobytes()


def test_a_variant_counts_less_when_more_is_hidden(image, monkeypatch):
    """Un visible sur quatre : d = 1 − √(1/4) = 1/2, et le poids est exp(−(0,5 / 0,25)²) = e⁻⁴."""
    given = []

    def fit_linear(visible, outputs, weights):
        given.append((visible.mean(axis=1), weights))
        return np.zeros(visible.shape[1])

    monkeypatch.setattr(ex10, "fit_linear", fit_linear)
    columns = np.broadcast_to(np.arange(WIDTH) * 4 // WIDTH, (HEIGHT, WIDTH))
    monkeypatch.setattr(ex10, "segment", lambda image, **options: columns)
    ex10.lime_coefficients(opaque(lambda x: np.zeros(len(x))), image, 0)
    ((shares, weights),) = given
    assert (shares == 0.25).any() and weights[0] == 1
    np.testing.assert_allclose(weights[shares == 0.25], np.exp(-4))


@pytest.mark.question(QUESTION)
def test_the_planted_patch_is_found():
    pixels = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    pixels[SEEN] = (240, 230, 220)
    model = opaque(lambda x: (x[(slice(None), *SEEN)] / 255).mean(axis=(1, 2, 3)))
    heatmap = ex10.lime(model, pixels, 0)
    assert heatmap.shape == (HEIGHT, WIDTH) and heatmap.dtype == np.float32
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[SEEN] = True
    assert heatmap.max() == 1 and heatmap.min() == 0
    assert heatmap[inside].min() > 0.2 and heatmap[~inside].max() < 0.02


@pytest.mark.question(QUESTION)
@pytest.mark.filterwarnings("error")
def test_an_indifferent_model_gives_zeros(image):
    found = ex10.lime(opaque(lambda x: np.full(len(x), 0.3)), image, 0)
    np.testing.assert_array_equal(found, np.zeros((HEIGHT, WIDTH), np.float32))


# --- La commande ---------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_main_writes_two_figures(tmp_path, capsys):
    arguments = ["samples/oiseau.jpg", "--class", "oiseau", "--output", str(tmp_path / "f")]
    assert ex10.main(arguments) == 0
    paths = [tmp_path / "f" / f"oiseau_{name}.png" for name in ("lime", "morceaux")]
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2:] == list(map(str, paths)) and printed[0].startswith("LIME : Oiseau")
    assert all(path.stat().st_size > 5000 for path in paths)
