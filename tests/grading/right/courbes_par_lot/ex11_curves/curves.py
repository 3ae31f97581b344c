"""Le réseau appelé de deux façons, sans `predict` ; les pas par `array_split`."""

import numpy as np
from scipy import ndimage

NUM_STEPS = 16


def pixel_order(heatmap, *, seed, cell_px=4):
    height, width = heatmap.shape
    across = -(-width // cell_px)
    cells = (np.arange(height)[:, None] // cell_px) * across + np.arange(width) // cell_px
    numbers = np.arange(cells.max() + 1)
    means = ndimage.mean(heatmap, cells, numbers)
    ranks = np.argsort(np.lexsort((np.random.RandomState(seed).permutation(numbers), -means)))
    return np.argsort(ranks[cells].ravel(), kind="stable")


def frames(start, end, order):
    changed, found = np.zeros(order.size, bool), [start]
    for part in np.array_split(order, NUM_STEPS):
        changed[part] = True
        found.append(np.where(changed.reshape(*start.shape[:2], 1), end, start))
    return np.stack(found)


def deletion_and_insertion(model, image, class_index, heatmaps, *, seed=0, cell_px=4):
    mean = np.empty_like(image)
    mean[:] = np.rint(image.mean((0, 1)))
    side = len(image) / 6
    channels = [ndimage.gaussian_filter(image[..., k].astype(float), side) for k in range(3)]
    blurred = np.rint(np.dstack(channels)).astype("uint8")
    found = {}
    for name in heatmaps:
        order = pixel_order(heatmaps[name], seed=seed, cell_px=cell_px)
        down = model(frames(image, mean, order)).numpy()
        up = model.predict_on_batch(frames(blurred, image, order))
        found[name] = [down[:, class_index], up[:, class_index]]
    return found


def area(curve):
    return np.mean([(a + b) / 2 for a, b in zip(curve[:-1], curve[1:], strict=True)])
