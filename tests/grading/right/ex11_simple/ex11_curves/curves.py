import numpy as np
from scipy.ndimage import gaussian_filter

NUM_STEPS = 16
CELL_PX = 4
BLUR = 1 / 6


def pixel_order(heatmap, *, seed, cell_px=CELL_PX):
    height, width = heatmap.shape
    rng = np.random.default_rng(seed)
    cells = []
    for top in range(0, height, cell_px):
        for left in range(0, width, cell_px):
            pixels = [
                row * width + column
                for row in range(top, min(top + cell_px, height))
                for column in range(left, min(left + cell_px, width))
            ]
            mean = heatmap[top : top + cell_px, left : left + cell_px].mean()
            cells.append((-mean, rng.random(), pixels))
    cells.sort(key=lambda cell: cell[:2])
    return np.array([pixel for _, _, pixels in cells for pixel in pixels])


def frames(start, end, order):
    images = []
    for step in range(NUM_STEPS + 1):
        count = int(round(step * len(order) / NUM_STEPS))
        image = start.copy().reshape(-1, 3)
        for pixel in order[:count]:
            image[pixel] = end.reshape(-1, 3)[pixel]
        images.append(image.reshape(start.shape))
    return np.array(images)


def deletion_and_insertion(model, image, class_index, heatmaps, *, seed=0, cell_px=CELL_PX):
    color = np.round(image.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    ground = np.zeros_like(image) + color
    size = BLUR * len(image), BLUR * len(image[0]), 0
    blurred = np.round(gaussian_filter(image.astype("float64"), size)).astype(np.uint8)
    curves = {}
    for name in heatmaps:
        order = pixel_order(heatmaps[name], seed=seed, cell_px=cell_px)
        down = model.predict(frames(image, ground, order), verbose=0)[:, class_index]
        up = model.predict(frames(blurred, image, order), verbose=0)[:, class_index]
        curves[name] = np.array([down, up])
    return curves


def area(curve):
    total = 0.0
    for k in range(len(curve) - 1):
        total += (curve[k] + curve[k + 1]) / 2
    return total / (len(curve) - 1)
