"""Dire à quelle distance est ce que montrent deux images.

D'après : S3 « 3D Reconstruction ».
Commande : python -m exercises.ex28_pose_and_depth gauche.jpg droite.jpg --focal 995 --baseline 19

Un décalage ne donne une distance que si l'on connaît les caméras : leur focale, en pixels, et leur
écartement. Sans elles, on sait seulement combien de fois une zone est plus loin qu'une autre. Dans
les deux cas, un point à l'infini ne doit pas se décaler : les axes des caméras sont parallèles. Si
les images ont été recadrées, comme celles de Middlebury, `--offset` le corrige.
"""

from typing import NamedTuple

import numpy as np

from convnets.figures.charts import number, table

COLUMNS, LINES = ("à gauche", "au milieu", "à droite"), ("en haut", "au milieu", "en bas")
LEAST_PX = 0.5  # un décalage plus petit ne donne pas de distance
ERROR_PX = 1.0  # erreur dont on dit l'effet, celle que la leçon tolère


class Cameras(NamedTuple):
    """Deux caméras côte à côte, de même focale."""

    focal_px: float  # en pixels de l'image où les décalages sont mesurés
    baseline_cm: float  # leur écartement

    def distance_cm(self, disparity_px: float) -> float:
        """Rend la distance d'un point, d'après son décalage : focale × écartement / décalage."""
        return self.focal_px * self.baseline_cm / disparity_px


def zones(disparity: np.ndarray) -> np.ndarray:
    """Rend le décalage médian de neuf zones, trois par trois : `(h, w)` → `(3, 3)`."""
    return np.array(
        [
            [np.median(part) for part in np.array_split(line, len(COLUMNS), axis=1)]
            for line in np.array_split(disparity, len(LINES), axis=0)
        ]
    )


def write_cm(distance_cm: float) -> str:
    """Écrit une distance : `"85 cm"`, `"2,4 m"`."""
    return f"{number(distance_cm)} cm" if distance_cm < 100 else f"{number(distance_cm / 100, 1)} m"


def say_distances(disparity: np.ndarray, cameras: Cameras | None) -> str:
    """Écrit la distance de neuf zones, ou combien de fois elles sont plus loin que la plus proche.

    Args:
        disparity: `(h, w)`, en pixels.
        cameras: None si on ne les connaît pas.
    """
    shifts = zones(disparity)
    nearest = shifts.max()

    def cell(shift: float) -> str:
        if shift < LEAST_PX:
            return "trop loin"
        if cameras:
            return write_cm(cameras.distance_cm(shift))
        return f"× {number(nearest / shift, 1)}"

    rows = [[name, *map(cell, line)] for name, line in zip(LINES, shifts, strict=True)]
    unit = "distance" if cameras else "distance relative"
    return "\n".join([table([unit, *COLUMNS], rows), _precision(shifts, cameras)])


def _precision(shifts: np.ndarray, cameras: Cameras | None) -> str:
    """Dit ce qu'on ne sait pas : l'échelle, ou ce qu'un pixel d'erreur change au plus loin."""
    if cameras is None:
        return (
            "× 1,0 est la zone la plus proche. Pour des distances, donnez --focal, en pixels de "
            "l'image de gauche, et --baseline, en centimètres."
        )
    far = shifts[shifts >= LEAST_PX].min(initial=np.inf)
    if far - ERROR_PX < LEAST_PX:
        return "Un pixel d'erreur suffit à fausser du tout au tout la zone la plus lointaine."
    low, high = (write_cm(cameras.distance_cm(far + step)) for step in (ERROR_PX, -ERROR_PX))
    return f"Un pixel d'erreur placerait la zone la plus lointaine entre {low} et {high}."
