"""La comparaison, sur un réseau posé à la main ; l'ordre, les images et les courbes sont au barème.

Le réseau ne regarde qu'un rectangle, et répond par sa clarté.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from convnets.explaining.explain import Method
from exercises.ex11_curves import curves as ex11
from exercises.ex11_curves import ranking
from exercises.ex11_curves.comparison import compare, replace_methods, summarise
from exercises.ex11_curves.methods import METHODS, centred_map, random_map

QUESTION = "S3 Introspection d'un CNN"
HEIGHT, WIDTH = 16, 32  # 512 pixels : 32 par pas, soit deux cases de 4×4
RECTANGLE = np.s_[4:12, 8:16]  # 64 pixels, quatre cases, soit deux pas


@pytest.fixture
def image():
    """Un rectangle blanc sur du gris : la couleur moyenne est grise, 135."""
    pixels = np.full((HEIGHT, WIDTH, 3), 118, np.uint8)
    pixels[RECTANGLE] = 255
    return pixels


def predict(x, **options):
    """La probabilité de la classe 1 est la clarté moyenne du rectangle."""
    clear = (x[(slice(None), *RECTANGLE)] / 255).mean(axis=(1, 2, 3))
    return np.stack([1 - clear, clear], axis=1)


LINEAR = SimpleNamespace(predict=predict)


def test_equal_cells_are_drawn_at_random():
    """Les zéros d'une carte ne partent pas ligne par ligne, du haut de l'image."""
    heatmap = np.zeros((20, 28), np.float32)
    rows = ex11.pixel_order(heatmap, seed=0) // 28
    assert abs(rows[:280].mean() - rows[280:].mean()) < 4


@pytest.mark.question(QUESTION)
def test_a_perfect_map_beats_chance_and_the_centre(image):
    """Le rectangle, un huitième de l'image, part d'abord : la courbe descend droit, puis plus."""
    asked = []

    def perfect(model, image, class_index):
        asked.append(class_index)
        heatmap = np.zeros((HEIGHT, WIDTH), np.float32)
        heatmap[RECTANGLE] = 1
        return heatmap

    black = image.copy()
    black[RECTANGLE] = 0
    methods = {"perfect": Method("Parfaite", perfect)}
    methods |= {name: METHODS[name] for name in ("random", "centre")}
    x = np.tile(np.stack([image, black]), (15, 1, 1, 1))
    curves = compare(LINEAR, x, methods)
    assert asked == 15 * [1, 0]  # la classe la plus probable : un rectangle blanc, puis noir
    report = summarise(curves, methods, command="")
    ends = [135 / 255, 1 - np.rint(black.mean()) / 255]
    areas = 15 * [(1 + end) / 2 / 8 + end * 7 / 8 for end in ends]
    metric = report.metrics["deletion perfect"]
    assert metric.n == 30 and metric.se == pytest.approx(np.std(areas, ddof=1) / np.sqrt(30))
    assert metric.mean == pytest.approx(np.mean(areas), abs=1e-5)
    best, *others = ranking.table(report).splitlines()[2:]
    gap = report.metrics["deletion_gap perfect"]  # image par image, contre le milieu
    gaps = np.diff(
        [[ex11.area(each[0]) for each in curves[name]] for name in ("centre", "perfect")], axis=0
    )
    assert gap.mean == pytest.approx(gaps.mean()) and gap.mean < 0
    assert gap.se == pytest.approx(gaps.std(ddof=1) / np.sqrt(30))
    shown = f"| Parfaite | {metric.mean:.3f} | −{-gap.mean:.3f} ± {1.96 * gap.se:.3f} | "
    assert best.startswith(shown.replace(".", ","))
    assert len(others) == 2 and "." not in best
    stopped = compare(LINEAR, x, methods, minutes=-1)
    assert len(stopped["perfect"]) == 1
    alone = ranking.table(summarise(stopped, methods, command=""))
    assert "±" not in alone  # une image ne conclut rien


def test_one_method_is_measured_again_on_the_same_images_only(image):
    methods = {name: METHODS[name] for name in ("random", "centre")}
    x = np.tile(image, (2, 1, 1, 1))
    before = summarise(compare(LINEAR, x, methods), methods, command="toutes")
    again = {"random": Method("au hasard", lambda *asked: 1 - random_map(*asked))}
    again |= {"centre": METHODS["centre"]}
    measured = summarise(compare(LINEAR, x, again), again, command="une seule")
    found = replace_methods(before, measured)
    assert found.metrics["deletion random"] == measured.metrics["deletion random"]
    assert found.metrics["deletion centre"] == before.metrics["deletion centre"]
    assert (found.command, found.details["measured_again"]) == ("toutes", "une seule")
    other = summarise(compare(LINEAR, x[:1], again), again, command="")
    with pytest.raises(ValueError, match="Mesurez toutes les méthodes, sans --only"):
        replace_methods(before, other)


def test_the_centred_map_points_at_the_middle(image):
    heatmap = centred_map(None, image, 0)
    np.testing.assert_allclose(heatmap[7:9, 15:17], 1, atol=1e-6)
    # À un quart du côté, un écart-type, dans les deux directions.
    assert heatmap[4, 16] == pytest.approx(np.exp(-0.5 * (3.5 / 4) ** 2), rel=0.01)
    assert heatmap[8, 8] == pytest.approx(np.exp(-0.5 * (7.5 / 8) ** 2), rel=0.01)
