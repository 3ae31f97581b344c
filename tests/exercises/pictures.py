"""Une image que plusieurs essais regardent."""

import numpy as np


def photo(height=18, width=25):
    """Une image non carrée, douce et colorée, float32 `(h, w, 3)`."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 3), np.cos(columns / 4), np.sin((rows + columns) / 5)]
    return (127 + 70 * np.stack(waves, axis=-1)).astype(np.float32)
