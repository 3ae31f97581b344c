import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import Metric


@pytest.fixture(scope="module")
def ex18():
    from exercises.ex18_segmentation import figures

    return figures


def test_every_class_has_its_color(ex18):
    assert len(ex18.CLASSES_FR) == len(set(ex18.PALETTE)) == 11
    painted = ex18.paint(np.arange(11).reshape(1, 11))
    assert painted.dtype == np.uint8 and painted.shape == (1, 11, 3)
    assert len({tuple(each) for each in painted[0]}) == 11
    assert tuple(painted[0, 5]) == (0x0E, 0x7A, 0x3B)


def test_no_two_classes_look_alike(ex18):
    """Écart de couleur CIE 1976, entre deux classes : 23 entre pull et bottine autrefois."""
    linear = (ex18.paint(np.arange(11)[None])[0] / 255.0) ** 2.2
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(to_xyz).T / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.stack([116 * f[:, 1], 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1000 * np.eye(11)
    assert apart.min() > 32


def luminance_after(matrix, colors):
    """Couleurs vues à travers une matrice de dichromate, en RVB linéaire."""
    linear = (colors / 255.0) ** 2.2
    return np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2) * 255


@pytest.mark.parametrize("name", ["deutan", "protan"])
def test_colors_stay_apart_for_the_color_blind(ex18, name):
    # Viénot, Brettel et Mollon (1999) : un dichromate confond le rouge et le vert.
    matrix = {
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }[name]
    seen = luminance_after(matrix, ex18.paint(np.arange(11)[None])[0])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1) + 1000 * np.eye(11)
    assert apart.min() > 10


def test_one_number_for_each_spot_inside_it(ex18):
    mask = np.zeros((20, 30), np.uint8)
    mask[2:9, 3:10] = 4
    mask[12:19, 3:10] = 4  # deux taches d'une même classe
    mask[0:8, 20:30] = 10  # contre le bord
    mask[15, 15:18] = 7  # trop petite
    spots = ex18.label_spots(mask)
    assert [spot[2] for spot in spots] == [4, 4, 10]
    assert spots[0][:2] == (5, 6) and spots[1][:2] == (15, 6)
    assert 2 <= spots[2][0] <= 5 and 22 <= spots[2][1] <= 27
    assert ex18.label_spots(np.zeros((5, 5), np.uint8)) == []


def test_figures_are_written(ex18, tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    masks = rng.integers(0, 11, (2, 16, 16))
    ex18.save_masks(tmp_path / "m.png", images, {"vérité": masks, "U-Net": masks})
    measured = {"a": Metric(0.5, 0.1, n=3), "background": Metric(0.3, None, n=1)}
    metrics = {f"{k}_{name}": each for k, each in measured.items() for name in ex18.MEASURES_FR}
    ex18.save_comparison(tmp_path / "c.png", metrics, {"a": "A", "background": "fond"})
    for name in ("m.png", "c.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 300
