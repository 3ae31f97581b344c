import numpy as np

from exercises.ex18_segmentation import figures, instance_figures


class Axis:
    def __init__(self):
        self.written = []

    def text(self, x, y, name, **_):
        self.written.append((x, y, name))


def test_each_spot_is_named_in_its_middle():
    mask = np.zeros((20, 30), np.uint8)
    mask[2:9, 3:10] = 4
    mask[12:19, 3:10] = 4  # deux taches d'une même classe
    mask[0:8, 20:30] = 10
    mask[15, 15:18] = 7  # trop petite
    axis = Axis()
    figures.name_spots(axis, mask)
    assert axis.written == [(6, 5, "Robe"), (6, 15, "Robe"), (24.5, 3.5, "Bottine")]


def test_found_objects_take_the_colors_of_the_true_ones():
    masks = np.zeros((2, 4, 6), bool)
    masks[0, :2], masks[1, 2:] = True, True
    true = instance_figures.paint(masks, masks).pixels
    assert len(np.unique(true)) == 2
    # Trouvés dans l'autre ordre, mêmes couleurs ; une tache des deux n'en a qu'une.
    np.testing.assert_array_equal(instance_figures.paint(masks[::-1], masks).pixels, true)
    merged = masks.any(axis=0)[None]
    assert len(np.unique(instance_figures.paint(merged, masks).pixels)) == 1
