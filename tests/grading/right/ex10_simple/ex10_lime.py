"""LIME au plus simple : k-moyennes en boucles, moindres carrés de NumPy, tout écrit à la suite."""

import numpy as np
from scipy import ndimage


def segment(image, *, num_segments=49):
    height, width = image.shape[:2]
    step = (height * width / num_segments) ** 0.5
    points = [
        [i / step, j / step, *(image[i, j] / 40)] for i in range(height) for j in range(width)
    ]
    points = np.array(points)
    start = [
        int(i) * width + int(j)
        for i in np.arange(step / 2, height, step)
        for j in np.arange(step / 2, width, step)
    ]
    centres = points[start]
    for _ in range(10):
        distances = ((points[:, None] - centres) ** 2).sum(axis=2)
        nearest = distances.argmin(axis=1)
        for k in range(len(centres)):
            if (nearest == k).any():
                centres[k] = points[nearest == k].mean(axis=0)
    nearest = nearest.reshape(height, width)
    segments, count = np.zeros((height, width), int), 0
    for k in np.unique(nearest):
        blocks, found = ndimage.label(nearest == k)
        segments[blocks > 0] = blocks[blocks > 0] + count - 1
        count += found
    return segments


def variants(image, segments, visible):
    color = image.mean(axis=(0, 1)).round().astype("uint8")
    found = []
    for row in visible:
        each = image.copy()
        each[~row[segments]] = color
        found.append(each)
    return np.array(found)


def fit_linear(visible, outputs, weights):
    num = visible.shape[1]
    root = np.sqrt(weights)
    left = np.column_stack([visible, np.ones(len(visible))]) * root[:, None]
    penalty = np.column_stack([0.1 * np.eye(num), np.zeros(num)])
    found = np.linalg.lstsq(
        np.vstack([left, penalty]), np.concatenate([outputs * root, np.zeros(num)]), rcond=None
    )[0]
    return found[:num]


def lime_coefficients(model, image, class_index, *, num_samples=192, num_segments=49, seed=0):
    if seed < 0:
        raise ValueError("graine négative")
    rng = np.random.default_rng(seed)
    segments = segment(image, num_segments=num_segments)
    visible = rng.integers(0, 2, (num_samples, segments.max() + 1)).astype(bool)
    visible[0] = True
    outputs = model.predict(variants(image, segments, visible), verbose=0)[:, class_index]
    distance = 1 - np.sqrt(visible.mean(axis=1))
    weights = np.exp(-(distance**2) / 0.25**2)
    return fit_linear(visible, outputs, weights), segments


def gains(model, image, class_index, **options):
    coefficients, segments = lime_coefficients(model, image, class_index, **options)
    return coefficients[segments]


def lime(model, image, class_index, **options):
    heatmap = np.maximum(gains(model, image, class_index, **options), 0)
    return heatmap / heatmap.max() if heatmap.max() > 0 else heatmap
