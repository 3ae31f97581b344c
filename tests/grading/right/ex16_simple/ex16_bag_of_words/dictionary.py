"""Des morceaux pris un par un, et la formule du blanchiment."""

import numpy as np

PATCH_PX, CONTRAST, EPSILON = 6, 10.0, 0.1


def sample_patches(x, num_patches, *, seed):
    rng = np.random.RandomState(seed)
    n, height, width, _ = x.shape
    patches = []
    for _ in range(num_patches):
        k = rng.randint(n)
        i, j = rng.randint(height - PATCH_PX + 1), rng.randint(width - PATCH_PX + 1)
        patches.append(x[k, i : i + PATCH_PX, j : j + PATCH_PX].flatten())
    return np.array(patches, dtype=np.float32)


def normalise(patches):
    rows = []
    for patch in patches:
        rows.append((patch - np.mean(patch)) / np.sqrt(np.var(patch) + CONTRAST))
    return np.array(rows, dtype=np.float32)


def whitening_matrix(normalised):
    centred = normalised - normalised.mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    vectors, values, _ = np.linalg.svd(covariance)
    matrix = vectors @ np.diag(1 / np.sqrt(values + EPSILON)) @ vectors.T
    return matrix - matrix.mean(axis=0)
