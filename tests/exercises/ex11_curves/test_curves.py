from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

QUESTION = "S3 Introspection d'un CNN"
HEIGHT, WIDTH = 16, 32  # 512 pixels : 32 par pas, soit deux cases de 4×4
RECTANGLE = np.s_[4:12, 8:16]  # 64 pixels, quatre cases, soit deux pas


@pytest.fixture(scope="module")
def ex11():
    from exercises.ex11_curves import curves

    return curves


@pytest.fixture
def inside():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[RECTANGLE] = True
    return mask


@pytest.fixture
def image(inside):
    """Un rectangle blanc sur du gris : la couleur moyenne est grise, 135."""
    pixels = np.full((HEIGHT, WIDTH, 3), 118, np.uint8)
    pixels[inside] = 255
    return pixels


def linear():
    """La probabilité est la clarté moyenne du rectangle, qu'aucun autre pixel ne change."""
    seen = []

    def predict(x, **options):
        assert x.dtype == np.uint8
        seen.append(x)
        clear = (x[(slice(None), *RECTANGLE)] / 255).mean(axis=(1, 2, 3))
        return np.stack([1 - clear, clear], axis=1)

    return SimpleNamespace(predict=predict, seen=seen)


# --- L'ordre des pixels, et les images -----------------------------------------------


def test_pixels_go_from_the_strongest_to_the_weakest(ex11):
    heatmap = np.array([[0.1, 0.9, 0.3], [0.5, 0.7, 0.0]], np.float32)
    assert ex11.pixel_order(heatmap, seed=0, cell_px=1).tolist() == [1, 4, 3, 2, 0, 5]


def test_pixels_of_a_cell_go_together(ex11):
    """Des cases de 2×2, la dernière colonne et la dernière ligne coupées par le bord."""
    heatmap = np.array([[1, 0, 0, 0, 9], [0, 1, 2, 2, 0], [5, 5, 1, 0, 0.25]], np.float32)
    cells = [[4, 9], [10, 11], [2, 3, 7, 8], [0, 1, 5, 6], [12, 13], [14]]
    # Leurs moyennes : 4,5 ; 5 ; 1 ; 0,5 ; 0,5 ; 0,25. Les deux égales sont tirées au sort.
    found = ex11.pixel_order(heatmap, seed=0, cell_px=2).tolist()
    assert found[:8] == cells[1] + cells[0] + cells[2] and found[-1:] == cells[5]
    assert found[8:14] in (cells[3] + cells[4], cells[4] + cells[3])


def test_equal_cells_are_drawn_at_random(ex11):
    heatmap = np.zeros((20, 28), np.float32)
    heatmap[7, 3] = 1
    first, again, other = (ex11.pixel_order(heatmap, seed=seed) for seed in (0, 0, 1))
    assert 7 * 28 + 3 in first[:16] and sorted(first) == list(range(560))
    assert (first == again).all() and (first != other).any()
    rows = first // 28
    assert abs(rows[:280].mean() - rows[280:].mean()) < 4  # ni de haut en bas, ni l'inverse


@pytest.mark.question(QUESTION)
def test_frames_replace_pixels_one_by_one(ex11):
    """Oracle : une image refaite pixel par pixel, d'une taille qui ne se divise pas par 16."""
    rng = np.random.default_rng(0)
    start, end = rng.integers(0, 256, (2, 7, 11, 3), np.uint8)
    order = rng.permutation(77)
    found = ex11.frames(start, end, order)
    assert found.shape == (17, 7, 11, 3) and found.dtype == np.uint8
    for step, frame in enumerate(found):
        expected = start.copy()
        for pixel in order[: round(77 * step / 16)]:
            expected[pixel // 11, pixel % 11] = end[pixel // 11, pixel % 11]
        np.testing.assert_array_equal(frame, expected)


# --- Les aires -----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_areas_of_simple_curves(ex11):
    assert ex11.area(np.full(17, 0.4)) == pytest.approx(0.4)
    assert ex11.area(np.linspace(0, 1, 17)) == pytest.approx(0.5)
    assert ex11.area(np.array([1.0, 0.0, 0.0])) == pytest.approx(0.25)


@pytest.mark.question(QUESTION)
def test_deletion_areas_computed_by_hand(ex11, image, inside):
    """Le rectangle pèse un huitième de l'image, et sa clarté tombe de 1 à 135/255.

    Le meilleur ordre l'efface d'abord, et la courbe descend tout droit pendant ce huitième ; le
    pire l'efface en dernier.
    """
    model, heatmaps = linear(), {"best": inside.astype(float), "worst": 1.0 - inside}
    found = ex11.deletion_and_insertion(model, image, 1, heatmaps)
    assert [len(x) for x in model.seen] == [2 * 2 * 17]  # un seul appel du réseau
    end = 135 / 255
    best, worst = (ex11.area(found[name][0]) for name in heatmaps)
    assert best == pytest.approx((1 + end) / 2 / 8 + end * 7 / 8, abs=1e-5)
    assert worst == pytest.approx((1 + end) / 2 / 8 + 1 * 7 / 8, abs=1e-5)


@pytest.mark.question(QUESTION)
def test_insertion_starts_from_the_blurred_image(ex11, image):
    """L'insertion, refaite pas à pas sur une image floutée ici, sans mêler les couleurs."""
    image = image * np.array([1, 0.5, 0.2])
    image = image.astype(np.uint8)
    blurred = np.rint(ndimage.gaussian_filter(image.astype(float), (HEIGHT / 6, WIDTH / 6, 0)))
    heatmap, model = np.random.default_rng(0).random((HEIGHT, WIDTH)), linear()
    ex11.deletion_and_insertion(model, image, 1, {"any": heatmap}, cell_px=1)
    order = sorted(range(HEIGHT * WIDTH), key=lambda pixel: -heatmap.reshape(-1)[pixel])
    expected = blurred.reshape(-1, 3)
    for step, frame in enumerate(model.seen[0][17:]):
        for pixel in order[max(0, 32 * step - 32) : 32 * step]:
            expected[pixel] = image.reshape(-1, 3)[pixel]
        np.testing.assert_array_equal(frame, expected.reshape(image.shape))


# --- La comparaison ------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_a_perfect_map_beats_chance_and_the_centre(image, inside):
    from convnets.explaining.explain import Method
    from exercises.ex11_curves import ranking
    from exercises.ex11_curves.comparison import compare, summarise
    from exercises.ex11_curves.methods import METHODS

    asked = []

    def perfect(model, image, class_index):
        asked.append(class_index)
        return inside.astype(np.float32)

    black = image.copy()
    black[inside] = 0
    methods = {"perfect": Method("Parfaite", perfect)}
    methods |= {name: METHODS[name] for name in ("random", "centre")}
    x = np.stack([image, black])
    curves, durations_s = compare(linear(), x, methods)
    assert asked == [1, 0]  # la classe la plus probable : un rectangle blanc, puis noir
    report = summarise(curves, durations_s, methods)
    ends = [135 / 255, 1 - np.rint(black.mean()) / 255]
    areas = [(1 + end) / 2 / 8 + end * 7 / 8 for end in ends]
    metric = report.metrics["deletion perfect"]
    assert metric.n == 2 and metric.se == pytest.approx(np.std(areas, ddof=1) / np.sqrt(2))
    assert metric.mean == pytest.approx(np.mean(areas), abs=1e-5)
    assert report.metrics["lost perfect"].mean == pytest.approx(1 - np.mean(ends), abs=1e-5)
    best, *others = ranking.table(report).splitlines()[2:]
    assert best.startswith(f"| Parfaite | {metric.mean:.3f} ± ".replace(".", ","))
    assert len(others) == 2 and "." not in best
    stopped, _ = compare(linear(), x, methods, minutes=0)
    assert len(stopped["perfect"]) == 1


# --- Les méthodes --------------------------------------------------------------------


def test_the_centred_map_points_at_the_middle(image):
    from exercises.ex11_curves.methods import centred_map

    heatmap = centred_map(None, image, 0)
    np.testing.assert_allclose(heatmap[7:9, 15:17], 1, atol=1e-6)
    np.testing.assert_allclose(heatmap, heatmap[::-1, ::-1], atol=1e-6)
    # À un quart du côté, un écart-type, dans les deux directions.
    assert heatmap[4, 16] == pytest.approx(np.exp(-0.5 * (3.5 / 4) ** 2), rel=0.01)
    assert heatmap[8, 8] == pytest.approx(np.exp(-0.5 * (7.5 / 8) ** 2), rel=0.01)
