"""L'exercice 01 en NumPy seul."""

import numpy as np

SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])


def as_filters(kernels, num_channels):
    found = np.empty((*kernels[0].shape, num_channels, len(kernels)))
    for k, kernel in enumerate(kernels):
        for channel in range(num_channels):
            found[:, :, channel, k] = kernel
    return found


def convolve(image, filters, *, border="reflect"):
    kh, kw, depth, num = filters.shape
    if image.shape[2] != depth:
        raise ValueError("canaux différents")
    if border not in ("reflect", "same", "valid"):
        raise ValueError("bord inconnu")
    (height, width), (kh, kw) = image.shape[:2], filters.shape[:2]
    if border == "valid" and (height < kh or width < kw):
        raise ValueError("image trop petite")
    image = image.astype("float64")
    if border != "valid":
        image = np.pad(
            image,
            (((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2), (0, 0)),
            mode="reflect" if border == "reflect" else "constant",
        )
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    output = np.zeros((height, width, num))
    for a in range(kh):
        for b in range(kw):
            output += image[a : a + height, b : b + width] @ filters[a, b]
    return output


def horizontal_patterns(image, kernel=SOBEL):
    return convolve(image, as_filters([kernel], image.shape[2]))[:, :, 0]


def vertical_patterns(image, kernel=SOBEL):
    return convolve(image, as_filters([np.transpose(kernel)], image.shape[2]))[:, :, 0]


def to_grey_levels(response):
    strength = abs(response)
    top = strength.max()
    return (strength * (255 / top if top else 0)).astype("uint8")
