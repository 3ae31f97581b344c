"""Premier étage : proposer des régions, sans dire ce qu'elles contiennent.

D'après : S3 « Yolo, RCNN, fast-RCNN ».

De chaque ancre, un petit réseau dit si elle entoure un objet, et comment la corriger. Les boîtes
corrigées les plus sûres, doublons écartés, sont les propositions : c'est tout ce que le second
étage regardera de la scène.
"""

import numpy as np
from keras import layers, ops

from convnets.datasets.scenes import SCENE_PX
from exercises.ex17_detection.anchors import (
    NUM_PER_CELL,
    SIDES_PX,
    assign,
    decode,
    encode,
    make_anchors,
    pair_iou,
)
from exercises.ex17_detection.localization import stage

WIDTH = 96  # canaux du petit réseau
NUM_PROPOSALS = 25  # par scène, pour quatre objets au plus
IOU_PROPOSED = 0.7  # deux propositions qui se recouvrent plus n'en font qu'une
IOU_OBJECT, IOU_BACKGROUND = 0.5, 0.4  # d'une ancre : objet, fond ; entre les deux, sans avis
BOX_WEIGHT = 2.0


# --- Question : proposer des régions -------------------------------------------------


def region_network(maps):
    """Répond de chaque ancre : objet ou non, et quatre corrections.

    Args:
        maps: cartes `(n, 16, 16, c)`.

    Returns:
        `(n, 384, 5)` float32 ; le premier nombre est un score, sans borne.

    Source : Ren et al., « Faster R-CNN », arXiv 1506.01497, § 3.1.
    """
    x = stage(maps, WIDTH)  # (n, 8, 8, 96) : ce que voit la grille
    answers = layers.Conv2D(5 * NUM_PER_CELL, 1, name="anchors")(x)
    return layers.Reshape((-1, 5))(answers)


class Propose(layers.Layer):
    """Corrige les ancres et garde les plus sûres : `(n, 384, 5)` → `(n, NUM_PROPOSALS, 4)`."""

    def call(self, answers):
        """Rend les propositions, de la plus sûre à la moins sûre ; aucun gradient n'en revient."""
        answers = ops.stop_gradient(answers)
        boxes = decode(answers[..., 1:], make_anchors())
        return suppress(boxes, answers[..., 0], NUM_PROPOSALS)


def suppress(boxes, scores, num: int):
    """Fait comme `boxes.non_max_suppression`, pour tout un lot et dans le réseau.

    Args:
        boxes: `(n, m, 4)`.
        scores: `(n, m)`.
        num: combien en garder par image.

    Returns:
        `(n, num, 4)`, par scores décroissants ; s'il n'en reste plus, la première boîte se répète.
    """
    kept = []
    for _ in range(num):
        best = ops.argmax(scores, axis=1)[:, None]  # (n, 1)
        kept.append(ops.take_along_axis(boxes, best[..., None], axis=1))  # (n, 1, 4)
        rivals = pair_iou(boxes, kept[-1])[..., 0] > IOU_PROPOSED
        rivals = ops.logical_or(rivals, ops.one_hot(best[:, 0], boxes.shape[1], dtype="bool"))
        scores = ops.where(rivals, -np.inf, scores)
    return ops.concatenate(kept, axis=1)


# --- Question : que doit répondre chaque ancre ? -------------------------------------


def loss(truth, answers):
    """Additionne l'erreur sur l'objet et, pour les ancres qui en ont un, sur la correction.

    Une ancre a un objet si elle le recouvre assez, ou mieux que toute autre ancre.

    Args:
        truth: objets `(n, k, 5)` d'`anchors.to_truth`.
        answers: `(n, 384, 5)` de `region_network`.

    Returns:
        `(n,)` float32, par ancre qui a un objet.

    Source : Ren et al., arXiv 1506.01497, équation 1 ; toutes les ancres, et non un tirage.
    """
    anchors = make_anchors()[None] + 0 * answers[..., 1:]  # (n, 384, 4)
    objects, overlaps = assign(anchors, truth)
    overlap = ops.max(overlaps, axis=-1)  # (n, 384)
    closest = ops.logical_and(overlaps > 0, overlaps == ops.max(overlaps, axis=1, keepdims=True))
    present = ops.logical_or(overlap >= IOU_OBJECT, ops.any(closest, axis=-1))
    judged = ops.logical_or(present, overlap < IOU_BACKGROUND)
    present, judged = ops.cast(present, "float32"), ops.cast(judged, "float32")
    score = ops.binary_crossentropy(present, answers[..., 0], from_logits=True)
    box = ops.sum(smooth_l1(encode(objects[..., :4], anchors) - answers[..., 1:]), axis=-1)
    total = ops.sum(judged * score + BOX_WEIGHT * present * box, axis=1)
    return total / ops.maximum(ops.sum(present, axis=1), 1)


def smooth_l1(gaps):
    """Rend la perte L1 lissée : le carré de petits écarts, la valeur absolue de grands.

    Source : Girshick, « Fast R-CNN », arXiv 1504.08083, équation 3 (un écart de 0,1 est grand ici).
    """
    gaps = ops.abs(gaps)
    small = ops.minimum(gaps, 0.1)
    return 10 * small * (gaps - small / 2)


# --- Question : les objets sont-ils parmi les propositions ? -------------------------


def recall(proposed: np.ndarray, truth: np.ndarray, threshold: float) -> float:
    """Rend la part des objets qu'une proposition au moins recouvre assez.

    Args:
        proposed: propositions `(n, m, 4)`, en pixels.
        truth: objets `(n, k, 5)`.
        threshold: IoU à atteindre.
    """
    _, overlaps = assign(proposed, truth)
    best = np.asarray(ops.convert_to_numpy(overlaps)).max(1)  # (n, k)
    return float(np.mean(best[truth[..., 4] >= 0] >= threshold))


def regular_boxes() -> np.ndarray:
    """Répond sans regarder l'image : des carrés égaux, régulièrement espacés.

    Returns:
        `(NUM_PROPOSALS, 4)` float32, de côté `SIDES_PX[-1]`, l'ancre carrée la plus grande.
    """
    side, half = round(NUM_PROPOSALS**0.5), SIDES_PX[-1] / 2
    centers = (np.arange(side) + 0.5) * SCENE_PX / side
    centers = np.stack(np.meshgrid(centers, centers), axis=-1).reshape(-1, 2)
    return np.concatenate([centers - half, centers + half], axis=1).astype(np.float32)
