"""L'ACP par la décomposition en valeurs singulières."""

import numpy as np


def principal_axes(images):
    blocks = []
    for image in images.astype(float) - 127.5:
        for top in range(0, len(image), 8):
            for left in range(0, image.shape[1], 8):
                blocks.append(image[top : top + 8, left : left + 8].reshape(-1))
    _, sizes, axes = np.linalg.svd(np.array(blocks), full_matrices=True)
    return axes.T, sizes / len(blocks) ** 0.5
