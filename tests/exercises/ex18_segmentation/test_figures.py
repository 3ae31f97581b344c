import numpy as np
from matplotlib.figure import Figure

from exercises.ex18_segmentation import figures


def test_each_spot_is_named():
    mask = np.zeros((20, 30), np.uint8)
    mask[2:9, 3:10] = mask[12:19, 3:10] = 4  # deux taches d'une même classe
    mask[0:8, 20:30] = 10
    mask[15, 15:18] = 7  # trop petite
    axis = Figure().add_subplot()
    figures.name_spots(axis, mask)
    assert [text.get_text() for text in axis.texts] == ["Robe", "Robe", "Bottine"]
