"""Le vêtement découpé : fond transparent ou uni, cadrage de Fashion-MNIST."""

import numpy as np
import pytest
from PIL import Image

from convnets.core.images import open_image
from convnets.serving.classifier import Classifier
from convnets.serving.garments import garment_square


@pytest.mark.ci
@pytest.mark.parametrize("ground", [(255, 255, 255), (20, 110, 140), None])  # None : transparent
def test_a_garment_is_cut_out_and_named_as_in_its_data(tmp_path, extract, ground):
    images, labels = (each[:40] for each in extract("fashion_mnist"))
    found = []
    for image in images:  # agrandi, foncé là où il est clair
        grey = np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC))
        garment = Image.merge("RGB", [Image.fromarray(255 - grey)] * 3)
        picture = Image.new("RGBA", (400, 400), (*ground, 255) if ground else (0, 0, 0, 0))
        picture.paste(garment, (40, 60), Image.fromarray(np.uint8(255 * (grey > 8))))
        picture.convert("RGB" if ground else "RGBA").save(tmp_path / "vetement.png")
        found.append(np.array(garment_square(open_image(tmp_path / "vetement.png"), 28)))
        rows, columns = (np.flatnonzero(found[-1].any(axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) >= 26 and found[-1].max() == 255
    predicted = Classifier("garments", num_threads=1).predict(np.stack(found))
    assert np.mean(predicted.argmax(1) == labels) >= 0.8


def test_white_inside_a_garment_is_not_the_ground():
    image = Image.new("RGB", (200, 200), "white")
    image.paste((0, 0, 60), (40, 20, 160, 180))
    image.paste("white", (80, 80, 120, 120))
    square = np.array(garment_square(image, 28))
    assert square[2, 14] > 240 and square[14, 14] == 0 and not square[:, 0].any()


def test_a_real_ground_is_left():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    assert garment_square(Image.fromarray(noise), 28) is None
    assert garment_square(Image.new("RGB", (90, 90)), 28) is None  # rien dessus
