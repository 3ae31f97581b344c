"""Dix images de Fashion-MNIST, que lisent les réseaux des pages « Attention » et « Graphes ».

Source : Xiao, Rasul et Vollgraf, arXiv 1708.07747, 2017 ; licence MIT.
"""

import base64
from pathlib import Path

import numpy as np

from convnets.core.reports import read_report

EXTRACT = Path(__file__).parents[1] / "tests" / "extracts" / "fashion_mnist_test.npz"
SLUG = "ex19_vision_transformer"
SHOES, LOT = (5, 7, 9), 24


def clothes() -> dict:
    """Rend la première image de test de chaque classe, bien nommée ou non.

    Returns:
        `classes` : noms français ; `pictures` : par classe, 28 × 28 octets en base 64 ; `lots` :
        des images de trois sortes de chaussures, à apprendre.
    """
    with np.load(EXTRACT) as file:
        images = [
            [base64.b64encode(each.tobytes()).decode() for each in file["x"][file["y"] == k]]
            for k in range(10)
        ]
    classes = read_report(SLUG).classes_fr
    lots = {classes[k]: images[k][:LOT] for k in SHOES}
    return {"classes": classes, "pictures": [each[0] for each in images], "lots": lots}
