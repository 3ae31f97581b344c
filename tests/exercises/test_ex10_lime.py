"""Des réseaux dont les vrais coefficients se calculent ; le reste est vérifié par le barème."""

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
        first = np.asarray(probability(x), np.float32)
        return np.stack([first, 1 - first], axis=1)

    return SimpleNamespace(predict=predict)


# --- Les morceaux --------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(32, 32), (HEIGHT, WIDTH), (7, 50), (1, 9), (1, 1)])
def test_segments_cover_the_image(shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    pixels = ndimage.uniform_filter(pixels, (5, 5, 1))  # des couleurs qui varient doucement
    segments = ex10.segment(pixels, num_segments=36)
    numbers = np.unique(segments)
    assert segments.shape == shape and numbers.tolist() == list(range(len(numbers)))
    assert min(18, np.prod(shape) // 9) <= len(numbers) <= 58


def test_each_segment_is_one_block(extract):
    """Une pièce isolée va au morceau le plus proche ; sans cela, une photographie en a partout."""
    for picture in extract("cifar10")[0][:10]:
        segments = ex10.segment(picture)
        blocks = [ndimage.label(segments == k, np.ones((3, 3)))[1] for k in range(segments.max())]
        assert np.mean(blocks) < 1.1


# --- Le modèle linéaire --------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_an_additive_model_gives_back_its_coefficients(image):
    """La probabilité est une somme sur les pixels : les vrais coefficients se calculent."""
    pixel_weights = np.random.default_rng(3).normal(size=image.shape)
    pixel_weights /= 4 * abs(pixel_weights).sum() * 255
    model = opaque(lambda x: 0.5 + (x * pixel_weights).sum(axis=(1, 2, 3)))
    coefficients, segments = ex10.lime_coefficients(model, image, 0)
    gains = ((image - np.rint(image.mean((0, 1)))) * pixel_weights).sum(2)  # visible ou caché
    expected = np.bincount(segments.reshape(-1), gains.reshape(-1))
    np.testing.assert_allclose(coefficients, expected, atol=0.01 * abs(expected).max())


@pytest.mark.question(QUESTION)
def test_the_planted_patch_is_found():
    pixels = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    pixels[SEEN] = (240, 230, 220)
    model = opaque(lambda x: (x[(slice(None), *SEEN)] / 255).mean(axis=(1, 2, 3)))
    heatmap = ex10.lime(model, pixels, 0)
    assert heatmap.shape == (HEIGHT, WIDTH) and heatmap.max() == 1
    assert heatmap[SEEN].min() > 0.2
    heatmap[SEEN] = 0
    assert heatmap.max() < 0.02


@pytest.mark.question(QUESTION)
@pytest.mark.filterwarnings("error")
def test_an_indifferent_model_gives_zeros(image):
    assert (ex10.lime(opaque(lambda x: np.full(len(x), 0.3)), image, 0) == 0).all()


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_main_writes_two_figures(tmp_path, capsys):
    arguments = ["samples/oiseau.jpg", "--class", "oiseau", "--output", str(tmp_path)]
    assert ex10.main(arguments) == 0
    paths = [tmp_path / f"oiseau_{name}.png" for name in ("lime", "morceaux")]
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2:] == list(map(str, paths)) and printed[0].startswith("LIME : Oiseau")
    assert all(path.stat().st_size > 5000 for path in paths)
