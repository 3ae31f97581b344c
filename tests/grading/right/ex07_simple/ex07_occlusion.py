"""L'occlusion au plus simple : toutes les images cachées en une liste."""

import numpy as np


def default_square(image):
    times = max(1, min(image.shape[:2]) // 32)
    return 8 * times, 2 * times


def fill_color(image, fill):
    if fill == "mean":
        return image.mean(axis=(0, 1)).round().astype("uint8")
    if fill == "black":
        return np.zeros(3, "uint8")
    if fill == "grey":
        return np.full(3, 128, "uint8")
    raise ValueError(f"fill = {fill}")


def positions(length_px, patch_px, stride_px):
    found, place = [], 0
    while place < length_px - patch_px:
        found.append(place)
        place += stride_px
    found.append(length_px - patch_px)
    return found


def drops(model, image, class_index, *, patch_px=None, stride_px=None, fill="mean"):
    height, width = image.shape[:2]
    patch, stride = default_square(image)
    patch = patch if patch_px is None else patch_px
    stride = stride if stride_px is None else stride_px
    if patch < 1 or patch > min(height, width):
        raise ValueError("carré trop grand")
    if stride < 1 or stride > patch:
        raise ValueError("pas trop grand")
    places, images = [], [image]
    for i in positions(height, patch, stride):
        for j in positions(width, patch, stride):
            hidden = image.copy()
            hidden[i : i + patch, j : j + patch] = fill_color(image, fill)
            places.append((i, j))
            images.append(hidden)
    answers = model.predict(np.array(images), verbose=0)[:, class_index]
    total = np.zeros((height, width))
    count = np.zeros((height, width))
    for (i, j), answer in zip(places, answers[1:], strict=True):
        total[i : i + patch, j : j + patch] += answers[0] - answer
        count[i : i + patch, j : j + patch] += 1
    return (total / count).astype("float32")


def occlusion(model, image, class_index, **options):
    heatmap = np.maximum(drops(model, image, class_index, **options), 0)
    return heatmap / heatmap.max() if heatmap.max() > 0 else heatmap
