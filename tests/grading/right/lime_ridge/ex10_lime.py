"""La régression de scikit-learn ; des k-moyennes de SciPy, qui partent d'une grille."""

import numpy as np
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from sklearn.linear_model import Ridge

from convnets.explaining.maps import normalise


def segment(image, *, num_segments=49):
    height, width, _ = image.shape
    rows, columns = np.mgrid[:height, :width]
    side = np.sqrt(image[..., 0].size / num_segments)
    points = np.dstack([rows / side, columns / side, image / 45]).reshape(-1, 5)
    middle = np.s_[round(side / 2) :: round(side)]
    grid = points.reshape(height, width, 5)[middle][:, middle].reshape(-1, 5)
    _, labels = kmeans2(points, grid, iter=8, minit="matrix", missing="warn")
    labels, blocks = labels.reshape(height, width), np.zeros((height, width), int)
    for number in np.unique(labels):
        mine, _ = ndimage.label(labels == number)
        blocks += np.where(mine, mine + blocks.max(), 0)
    return np.unique(blocks, return_inverse=True)[1].reshape(height, width)


def variants(image, segments, visible):
    shown = np.asarray(visible)[:, segments][..., None]
    return (shown * image + ~shown * image.mean((0, 1)).astype(np.uint8)).astype(np.uint8)


def fit_linear(visible, outputs, weights):
    return Ridge(alpha=0.01).fit(visible, outputs, sample_weight=weights).coef_


def lime_coefficients(model, image, class_index, *, num_samples=192, num_segments=49, seed=0):
    segments = segment(image, num_segments=num_segments)
    generator = np.random.default_rng(seed)
    visible = generator.random((num_samples, len(np.unique(segments)))) > 0.5
    answers = model.predict(variants(image, segments, visible), batch_size=64)
    cosine = visible.sum(1) / np.sqrt(np.maximum(visible.sum(1), 1) * visible.shape[1])
    weights = np.exp(-(((1 - cosine) / 0.25) ** 2))
    return fit_linear(visible, answers[:, class_index], weights), segments


def gains(model, image, class_index, **options):
    coefficients, segments = lime_coefficients(model, image, class_index, **options)
    return np.vectorize(coefficients.__getitem__)(segments)


def lime(model, image, class_index, **options):
    return normalise(gains(model, image, class_index, **options))
