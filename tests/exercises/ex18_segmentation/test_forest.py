"""La forêt qui lit des filtres fixes : ce qu'elle voit, et ce qu'elle ne peut pas voir."""

import numpy as np
import pytest

from convnets.datasets.streets import Streets
from exercises.ex18_segmentation import forest as ex18

QUESTION = "S3 Different problems, models & metrics"


def test_a_pixel_is_described_by_its_colour_its_contour_and_its_place():
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 90
    found = ex18.describe(image)
    assert found.shape == (20, 30, 23)
    np.testing.assert_array_equal(found[..., :3], image)
    contour = found[..., 3 * len(ex18.COLOUR_PX)]
    assert contour[10, 15] > 10 and contour[10, 2] < 1
    np.testing.assert_allclose(found[5, 15, -2:], [5 / 20, 15 / 30])


@pytest.mark.question(QUESTION)
def test_a_colour_is_learned_and_an_unnamed_pixel_is_not(monkeypatch):
    """Planté : le rouge est la classe 3, le bleu la 7 ; un tiers des pixels n'a pas de nom."""
    monkeypatch.setattr(ex18, "NUM_PIXELS", 2000)
    images = np.zeros((4, 12, 12, 3), np.uint8)
    images[:, :, :6, 0] = images[:, :, 6:, 2] = 200
    masks = np.where(images[..., 0] > 0, 3, 7).astype(np.uint8)
    hidden = masks.copy()
    hidden[:, :4] = ex18.VOID
    pixels = ex18.draw_pixels(Streets(images, hidden, hidden), seed=0)
    found = ex18.learn(*pixels, None, seed=0)
    assert set(found.classes_) == {3, 7}
    np.testing.assert_array_equal(ex18.predict_masks(found, images), masks)
