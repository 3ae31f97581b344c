"""Le vêtement découpé : fond transparent ou uni, cadrage de Fashion-MNIST."""

import numpy as np
import pytest
from PIL import Image

from convnets.core.images import open_image
from convnets.serving.classifier import Classifier
from convnets.serving.garments import garment_square

GROUNDS = [(255, 255, 255), (20, 110, 140), None]  # None : transparent


def paint(garment, ground):
    """Peint un vêtement de Fashion-MNIST, foncé là où il est clair, sur un fond, à 280 pixels."""
    grey = np.asarray(Image.fromarray(garment).resize((280, 280), Image.Resampling.BICUBIC))
    mask = grey > 8
    rgba = np.zeros((400, 400, 4), np.uint8)
    rgba[..., :3] = ground or 0
    rgba[..., 3] = 255 if ground else 0
    inside = rgba[60:340, 40:320]
    inside[mask, :3], inside[mask, 3] = 255 - grey[mask, None], 255
    return Image.fromarray(rgba if ground is None else rgba[..., :3])


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_garment_is_cut_out_and_named_as_in_its_data(tmp_path, extract, ground):
    images, labels = (each[:40] for each in extract("fashion_mnist"))
    classifier, found = Classifier("garments", num_threads=1), []
    for image in images:
        paint(image, ground).save(tmp_path / "vetement.png")
        square = garment_square(open_image(tmp_path / "vetement.png"), 28)
        rows, columns = (np.flatnonzero(square.any(axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) >= 26 and square.max() == 255
        found.append(square)
    assert np.mean(classifier.predict(np.stack(found)).argmax(1) == labels) >= 0.8


def test_white_inside_a_garment_is_not_the_ground():
    image = Image.new("RGB", (200, 200), "white")
    image.paste((0, 0, 60), (40, 20, 160, 180))
    image.paste("white", (80, 80, 120, 120))
    square = garment_square(image, 28)
    assert square[2, 14] > 240 and square[14, 14] == 0  # blanc : noir, mais dedans
    assert garment_square(image, 28).shape == (28, 28) and not square[:, 0].any()


def test_a_real_ground_is_left(repo):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    assert garment_square(Image.fromarray(noise), 28) is None
    assert garment_square(Image.new("RGB", (90, 90)), 28) is None  # rien dessus
    assert garment_square(open_image(repo / "samples" / "chien.webp"), 28) is None
