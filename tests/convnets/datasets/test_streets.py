"""CamVid : chaque photographie avec son masque, réduite comme il faut."""

import numpy as np
import pytest

from convnets.datasets import streets


def test_each_photograph_has_its_mask(tiny_streets):
    parts = streets.load_streets(limit=2)
    assert [*parts] == ["train", "val", "test"]
    images, masks, whole = parts["test"]
    assert images.shape == (2, 120, 160, 3) and whole.shape == (2, 360, 480)
    assert (images[1, 0, :, 0] == np.arange(0, 160) // 80 * 100).all()  # la droite est claire
    assert set(np.unique(whole[1, :, 240:])) == {streets.VOID}  # … et n'est pas nommée
    assert masks[1, :, 10].tolist() == [0] * 60 + [1] * 60
    (tiny_streets / "valannot" / "1.png").unlink()
    with pytest.raises(
        FileNotFoundError, match="déposer cette archive, telle quelle ou décompressée"
    ):
        streets.load_streets()
