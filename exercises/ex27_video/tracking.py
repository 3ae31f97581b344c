"""Relier des détections : le voisin de l'image d'avant, ou une prédiction et une mémoire.

D'après : S3 « Object Tracking ».

Un suivi ne voit ici que des boîtes, une image après l'autre. Chaque piste dit où elle attend son
objet ; une détection qui recouvre assez cette boîte la continue, les autres ouvrent une piste.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from exercises.ex27_video.metrics import overlaps

MIN_IOU = 0.2  # une détection qui recouvre moins la boîte attendue est un autre objet
# Réglés sur vingt films de validation, ni vus ni mesurés ensuite : un suivi ne connaît pas le bruit
# du détecteur qu'il suit.
MEMORY = 25  # images pendant lesquelles une piste sans détection est gardée
ACCELERATION_PX = 0.4  # écart-type de ce qu'une vitesse gagne ou perd d'une image à l'autre
BOX_NOISE_PX = 1.0  # écart-type supposé de chaque coordonnée d'une boîte détectée
START_SPEED_PX = 2.0  # écart-type d'une vitesse avant toute mesure


class Method(NamedTuple):
    """Une façon de suivre."""

    optimal: bool  # apparier au mieux (hongrois), ou de proche en proche
    moving: bool  # attendre l'objet où sa vitesse le mène, ou là où il était
    memory: int  # images d'absence après lesquelles une piste est oubliée


METHODS = {  # chacune ne change qu'une chose à celle d'avant
    "neighbour": Method(optimal=False, moving=False, memory=1),  # l'image d'avant, et elle seule
    "memory": Method(optimal=False, moving=False, memory=MEMORY),
    "kalman": Method(optimal=False, moving=True, memory=MEMORY),
    "hungarian": Method(optimal=True, moving=True, memory=MEMORY),
}


# --- Question : où sera-t-il à l'image suivante ? ------------------------------------


class Track:
    """Une piste : un filtre de Kalman à vitesse constante sur le centre d'une boîte.

    Ses quatre nombres (centre, largeur, hauteur) ont chacun une valeur et une vitesse ; celles de
    la largeur et de la hauteur restent nulles. L'incertitude est la même pour tous.

    Args:
        box: première détection `(4,)`.
        identity: numéro de la piste.

    Source : Kalman, 1960 ; Bewley et al., « Simple Online and Realtime Tracking », arXiv
    1602.00763, dont ceci est une version plus courte.
    """

    def __init__(self, box: np.ndarray, identity: int):
        self.identity, self.absent = identity, 0
        self.state = np.stack([_center(box), np.zeros(4)])  # (2, 4) : valeurs, vitesses
        self.covariance = np.diag([BOX_NOISE_PX**2, START_SPEED_PX**2])  # (2, 2)

    def predict(self, *, moving: bool) -> None:
        """Avance d'une image : la valeur gagne sa vitesse, et l'incertitude grandit."""
        self.absent += 1
        if moving:
            step = np.array([[1, 1], [0, 1]])
            push = np.array([0.5, 1]) * ACCELERATION_PX  # une accélération inconnue, une image
            self.state = step @ self.state
            self.covariance = step @ self.covariance @ step.T + np.outer(push, push)

    def correct(self, box: np.ndarray, *, moving: bool) -> None:
        """Tient compte d'une détection, d'autant plus que la prédiction était incertaine."""
        self.absent = 0
        if not moving:
            self.state[0] = _center(box)
            return
        gain = self.covariance[:, 0] / (self.covariance[0, 0] + BOX_NOISE_PX**2)  # (2,)
        self.state = self.state + np.outer(gain, _center(box) - self.state[0])
        self.state[1, 2:] = 0  # la taille ne suit aucune tendance
        self.covariance = self.covariance - np.outer(gain, self.covariance[0])

    @property
    def box(self) -> np.ndarray:
        """Boîte où l'objet est attendu, `(4,)`."""
        center, size = self.state[0, :2], self.state[0, 2:]
        return np.concatenate([center - size / 2, center + size / 2])


def _center(box: np.ndarray) -> np.ndarray:
    return np.concatenate([(box[:2] + box[2:]) / 2, box[2:] - box[:2]])


# --- Question : quelle détection continue quelle piste ? -----------------------------


def match_nearest(shared: np.ndarray) -> list[tuple[int, int]]:
    """Apparie de proche en proche : la paire qui se recouvre le plus, puis la suivante.

    Args:
        shared: IoU `(pistes, détections)`.

    Returns:
        Paires `(piste, détection)` d'IoU au moins `MIN_IOU`, 0,2.
    """
    pairs, rows, columns = [], set(), set()
    for i, j in zip(*np.unravel_index(np.argsort(-shared, axis=None), shared.shape), strict=True):
        if shared[i, j] >= MIN_IOU and i not in rows and j not in columns:
            pairs.append((int(i), int(j)))
            rows.add(i)
            columns.add(j)
    return pairs


def match_best(shared: np.ndarray) -> list[tuple[int, int]]:
    """Apparie au mieux : la somme des IoU permises est la plus grande possible (hongrois).

    Args:
        shared: IoU `(pistes, détections)`.

    Returns:
        Paires `(piste, détection)` ; seules celles d'IoU au moins `MIN_IOU`, 0,2, sont permises.
    """
    allowed = np.where(shared >= MIN_IOU, shared, 0)
    return [
        (int(i), int(j))
        for i, j in zip(*linear_sum_assignment(-allowed), strict=True)
        if allowed[i, j]
    ]


# --- Question : suivre ---------------------------------------------------------------


def track(detections: list[np.ndarray], method: Method) -> list[np.ndarray]:
    """Donne un numéro à chaque détection, image après image, sans jamais regarder la suite.

    Une piste absente de `method.memory` images de suite est oubliée : de 1, seule l'image d'avant
    compte.

    Args:
        detections: par image, des boîtes `(n, 4)`.
        method: une de `METHODS`.

    Returns:
        Par image, des identités `(n,)`, entiers, dans l'ordre des détections.
    """
    tracks, numbered, num_tracks = [], [], 0
    match = match_best if method.optimal else match_nearest
    for boxes in detections:
        for each in tracks:
            each.predict(moving=method.moving)
        tracks = [each for each in tracks if each.absent <= method.memory]
        expected = np.array([each.box for each in tracks]).reshape(-1, 4)
        continued = {j: tracks[i] for i, j in match(overlaps(expected, boxes))}
        for j, box in enumerate(boxes):
            if j in continued:
                continued[j].correct(box, moving=method.moving)
            else:
                continued[j] = Track(box, num_tracks)
                tracks.append(continued[j])
                num_tracks += 1
        numbered.append(np.array([continued[j].identity for j in range(len(boxes))], int))
    return numbered
