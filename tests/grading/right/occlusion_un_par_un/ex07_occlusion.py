"""Une image à la fois, remise en état après chaque carré ; une liste de baisses par pixel."""

import numpy as np

from convnets.explaining.maps import normalise

COULEURS = {"black": [0, 0, 0], "grey": [128, 128, 128]}


def default_square(image):
    n = max(min(image.shape[0], image.shape[1]) // 32, 1)
    return 8 * n, 2 * n


def fill_color(image, fill):
    if fill == "mean":
        return np.rint(image.reshape(-1, 3).mean(axis=0)).astype(int)
    try:
        return COULEURS[fill]
    except KeyError:
        raise ValueError("couleur inconnue") from None


def positions(length_px, patch_px, stride_px):
    last = length_px - patch_px
    return np.unique([*range(0, last + 1, stride_px), last])


def drops(model, image, class_index, *, patch_px=None, stride_px=None, fill="mean"):
    default = default_square(image)
    side = default[0] if patch_px is None else patch_px
    step = default[1] if stride_px is None else stride_px
    height, width, _ = image.shape
    if side not in range(1, min(height, width) + 1) or step not in range(1, side + 1):
        raise ValueError("carré ou pas impossible")
    color, work = fill_color(image, fill), image.copy()
    whole = model.predict(work[np.newaxis])[0][class_index]
    found = [[[] for _ in range(width)] for _ in range(height)]
    for top in positions(height, side, step):
        for left in positions(width, side, step):
            work[top : top + side, left : left + side] = color
            loss = whole - model.predict(work[np.newaxis])[0][class_index]
            work[:] = image
            for row in range(top, top + side):
                for column in range(left, left + side):
                    found[row][column].append(loss)
    return np.array([[sum(each) / len(each) for each in row] for row in found])


def occlusion(model, image, class_index, *, patch_px=None, stride_px=None, fill="mean"):
    return normalise(
        drops(model, image, class_index, patch_px=patch_px, stride_px=stride_px, fill=fill)
    )
