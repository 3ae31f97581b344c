"""La gaussienne intégrée sur chaque pixel, et non lue en son milieu."""

import numpy as np
from scipy.stats import norm


def density_map(heads):
    total = np.zeros((64, 64))
    for x, y in np.asarray(heads, float):
        if not np.isnan(x):
            across, down = (np.diff(norm.cdf(np.arange(65), each, 2)) for each in (x, y))
            total += np.outer(down / down.sum(), across / across.sum())
    return total.astype("float32")
