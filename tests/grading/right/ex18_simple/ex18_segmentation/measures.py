"""Mesurer un masque, classe par classe."""

import numpy as np

CONTOUR_PX = 2


def iou(matrix):
    found = []
    for k in range(len(matrix)):
        common = matrix[k, k]
        union = matrix[k, :].sum() + matrix[:, k].sum() - common
        found.append(common / union if union > 0 else float("nan"))
    return np.array(found)


def near_contour(masks, *, distance_px=CONTOUR_PX):
    found = np.zeros(masks.shape, dtype=bool)
    for n, mask in enumerate(masks):
        for i in range(mask.shape[0]):
            for j in range(mask.shape[1]):
                top, left = max(0, i - distance_px), max(0, j - distance_px)
                square = mask[top : i + distance_px + 1, left : j + distance_px + 1]
                found[n, i, j] = (square != mask[i, j]).any()
    return found


def measure(masks, predicted):
    if masks.shape != predicted.shape:
        raise ValueError("les deux masques n'ont pas la même forme")
    right = masks == predicted
    ious = []
    for k in range(11):
        union = ((masks == k) | (predicted == k)).sum()
        ious.append(((masks == k) & (predicted == k)).sum() / union if union else np.nan)
    objects = (masks > 0) & (predicted > 0)
    return {
        "accuracy": right.mean(),
        "contour_accuracy": right[near_contour(masks)].mean(),
        "mean_iou": np.nanmean(ious),
        "object_mean_iou": np.nanmean(ious[1:]),
        "object_iou": objects.sum() / ((masks > 0) | (predicted > 0)).sum(),
    }
