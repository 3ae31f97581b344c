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


def test_the_blur_keeps_a_plain_color(ex11):
    """L'insertion part d'une image floue : le flou ne mêle pas les trois couleurs."""
    plain, seen = np.full((8, 8, 3), (200, 0, 50), np.uint8), []

    def predict(x, **options):
        seen.append(x)
        return np.zeros((len(x), 2), np.float32)

    ex11.deletion_and_insertion(SimpleNamespace(predict=predict), plain, 0, {"a": plain[..., 0]})
    np.testing.assert_array_equal(seen[0], np.broadcast_to(plain, (34, 8, 8, 3)))


@pytest.fixture
def image(inside):
    """Un rectangle blanc sur du gris : la couleur moyenne est grise, 135."""
    pixels = np.full((HEIGHT, WIDTH, 3), 118, np.uint8)
    pixels[inside] = 255
    return pixels


def linear(x):
    """La probabilité est la clarté moyenne du rectangle, qu'aucun autre pixel ne change."""
    return (x[(slice(None), *RECTANGLE)] / 255).mean(axis=(1, 2, 3))


def opaque(probability):
    calls = []

    def predict(x, **options):
        assert x.dtype == np.uint8
        calls.append(len(x))
        return np.stack([1 - probability(x), probability(x)], axis=1)

    return SimpleNamespace(predict=predict, calls=calls)


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


@pytest.mark.parametrize("cell_px", [1, 4])
def test_equal_cells_are_drawn_at_random(ex11, cell_px):
    heatmap = np.zeros((20, 28), np.float32)
    heatmap[7, 3] = 1
    orders = [ex11.pixel_order(heatmap, seed=seed, cell_px=cell_px) for seed in (0, 0, 1)]
    assert all(7 * 28 + 3 in order[: cell_px**2] for order in orders)
    assert sorted(orders[0]) == list(range(560))
    assert (orders[0] == orders[1]).all() and (orders[0] != orders[2]).any()
    rows = orders[0] // 28
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
    assert np.rint(image.mean()) == 135
    model = opaque(linear)
    heatmaps = {"best": inside.astype(float), "worst": 1.0 - inside}
    found = ex11.deletion_and_insertion(model, image, 1, heatmaps)
    assert model.calls == [2 * 2 * 17]  # un seul appel du réseau
    end = 135 / 255
    best, worst = (ex11.area(found[name][0]) for name in heatmaps)
    assert best == pytest.approx((1 + end) / 2 / 8 + end * 7 / 8, abs=1e-5)
    assert worst == pytest.approx((1 + end) / 2 / 8 + 1 * 7 / 8, abs=1e-5)


@pytest.mark.question(QUESTION)
def test_insertion_starts_from_the_blurred_image(ex11, image, inside):
    """L'insertion, refaite pas à pas sur une image floutée ici."""
    sigmas = (HEIGHT / 6, WIDTH / 6, 0)
    blurred = np.rint(ndimage.gaussian_filter(image.astype(float), sigmas))
    heatmap = np.random.default_rng(0).random((HEIGHT, WIDTH))
    found = ex11.deletion_and_insertion(opaque(linear), image, 1, {"any": heatmap}, cell_px=1)[
        "any"
    ][1]
    order = sorted(range(HEIGHT * WIDTH), key=lambda pixel: -heatmap.reshape(-1)[pixel])
    frame, expected = blurred.reshape(-1, 3), []
    for step in range(17):
        for pixel in order[max(0, 32 * step - 32) : 32 * step]:
            frame[pixel] = image.reshape(-1, 3)[pixel]
        expected.append((frame.reshape(image.shape)[RECTANGLE] / 255).mean())
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.question(QUESTION)
def test_a_perfect_map_beats_chance_and_the_centre(ex11, image, inside):
    from exercises.ex11_curves.methods import centred_map, random_map

    heatmaps = {
        "perfect": inside.astype(float),
        "random": random_map(None, image, 1),
        "centre": centred_map(None, image, 1),
    }
    found = ex11.deletion_and_insertion(opaque(linear), image, 1, heatmaps)
    deletion = {name: ex11.area(curves[0]) for name, curves in found.items()}
    insertion = {name: ex11.area(curves[1]) for name, curves in found.items()}
    for name in ("random", "centre"):
        assert deletion["perfect"] < deletion[name] - 0.01
        assert insertion["perfect"] > insertion[name] + 0.01


# --- La comparaison ------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_compare_explains_the_most_likely_class(image, inside):
    from convnets.explaining.explain import Method
    from exercises.ex11_curves.comparison import compare

    asked = []

    def perfect(model, image, class_index):
        asked.append(class_index)
        return inside.astype(np.float32)

    black = image.copy()
    black[inside] = 0
    methods = {"perfect": Method("Parfaite", perfect)}
    report = compare(opaque(linear), np.stack([image, black]), methods)
    assert asked == [1, 0]  # un rectangle blanc, puis noir
    metric = report.metrics["deletion perfect"]
    assert metric.n == 2 and metric.se == pytest.approx(metric.sd / np.sqrt(2))
    ends = [135 / 255, 1 - np.rint(black.mean()) / 255]
    areas = [(1 + end) / 2 / 8 + end * 7 / 8 for end in ends]
    assert metric.mean == pytest.approx(np.mean(areas), abs=1e-5)
    assert report.details["curves"]["perfect"]["deletion"][0] == 1.0
    assert len(report.details["curves"]["perfect"]["insertion"]) == 17
    assert report.details["methods"]["perfect"]["title"] == "Parfaite"
