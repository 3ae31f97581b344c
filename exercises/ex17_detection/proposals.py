"""Premier étage : proposer des régions, sans dire ce qu'elles contiennent.

D'après : S3 « Yolo, RCNN, fast-RCNN ».

Un objet est large, un autre est haut. En chaque case d'une carte sont posées six ancres : des
boîtes de deux tailles et de trois formes. De chaque ancre, un petit réseau dit si elle entoure un
objet, et comment la corriger. Les ancres corrigées les plus sûres, doublons écartés, sont les
propositions : c'est tout ce que le second étage regardera de la scène.

La perte appelle une partie de ces fonctions à chaque pas : elles sont en `keras.ops`.
"""

import numpy as np
from keras import layers, losses, ops
from keras.utils.bounding_boxes import compute_iou

from convnets.datasets.scenes import SCENE_PX, Scenes
from exercises.ex17_detection.localization import HUBER_DELTA, stage

STRIDE_PX = 8  # écart entre deux ancres de même forme : une case de la carte
SIDES_PX = (16, 26)  # côté d'un carré de même aire
SHAPES = (0.5, 1.0, 2.0)  # hauteur divisée par largeur
NUM_PER_CELL = len(SIDES_PX) * len(SHAPES)
MAX_STRETCH = np.log(SCENE_PX)  # un agrandissement de plus dépasserait l'image
WIDTH = 96  # canaux du petit réseau
NUM_PROPOSALS = 25  # par scène, pour quatre objets au plus
IOU_PROPOSED = 0.7  # deux propositions qui se recouvrent plus n'en font qu'une
IOU_OBJECT, IOU_BACKGROUND = 0.5, 0.4  # d'une ancre : objet, fond ; entre les deux, sans avis
BOX_WEIGHT = 80.0  # les corrections sont petites : leur perte aussi


# --- Question : des boîtes de plusieurs tailles et de plusieurs formes ----------------


def make_anchors() -> np.ndarray:
    """Pose six ancres au centre de chaque case.

    Returns:
        `(384, 4)` float32, en pixels ; case par case, de gauche à droite puis de haut en bas. Elles
        peuvent déborder de l'image.

    Source : Ren et al., « Faster R-CNN », arXiv 1506.01497, § 3.1.1.
    """
    sides, shapes = np.repeat(SIDES_PX, len(SHAPES)), np.tile(SHAPES, len(SIDES_PX))
    sizes = np.stack([sides / np.sqrt(shapes), sides * np.sqrt(shapes)], axis=-1)  # (6, 2)
    centers = cell_centers(SCENE_PX // STRIDE_PX)[:, None]  # (64, 1, 2)
    boxes = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=-1)  # (64, 6, 4)
    return boxes.reshape(-1, 4).astype(np.float32)


def cell_centers(side: int) -> np.ndarray:
    """Coupe l'image en `side` × `side` cases ; rend leurs centres `(side², 2)`, x puis y."""
    rows, columns = np.divmod(np.arange(side**2), side)
    return (np.stack([columns, rows], axis=-1) + 0.5) * SCENE_PX / side


# --- Question : quelle ancre entoure quel objet ? ------------------------------------


def to_truth(scenes: Scenes) -> np.ndarray:
    """Met bout à bout boîtes et classes : `(n, k, 5)` float32, la classe à la fin."""
    return np.concatenate([scenes.boxes, scenes.labels[..., None]], axis=-1).astype(np.float32)


def assign(boxes, truth):
    """Donne à chaque boîte l'objet qu'elle recouvre le mieux.

    Args:
        boxes: `(n, m, 4)`, en pixels : des propositions ; ou `(m, 4)`, les ancres, les mêmes pour
            toutes les scènes.
        truth: objets `(n, k, 5)` de `to_truth`.

    Returns:
        `(objets, IoU)` : `(n, m, 5)`, l'objet donné à chaque boîte, et `(n, m, k)`, son IoU avec
        tous. Une ligne vide, d'aire nulle, a une IoU nulle.
    """
    overlaps = compute_iou(boxes, truth[..., :4], "xyxy")  # (n, m, k)
    best = ops.argmax(overlaps, axis=-1)  # (n, m)
    return ops.take_along_axis(truth, best[..., None], axis=1), overlaps


# --- Question : comment corriger une boîte ? -----------------------------------------


def encode(boxes, references):
    """Écrit une boîte comme une correction d'une autre.

    Args:
        boxes: boîtes à atteindre `(…, 4)`, en pixels.
        references: boîtes de départ, de même forme.

    Returns:
        `(…, 4)` : de combien déplacer le centre, en parts de la largeur et de la hauteur, puis
        les logarithmes des deux agrandissements. Tout est nul quand rien n'est à corriger.

    Source : Girshick et al., « R-CNN », arXiv 1311.2524, annexe C.
    """
    (center, size), (start, extent) = _center_size(boxes), _center_size(references)
    shift = (center - start) / extent
    return ops.concatenate([shift, ops.log(size / extent)], axis=-1)


def decode(corrections, references):
    """Applique des corrections : l'inverse d'`encode`, sans déborder de l'image."""
    start, extent = _center_size(references)
    center = start + corrections[..., :2] * extent
    half = extent * ops.exp(ops.clip(corrections[..., 2:], -MAX_STRETCH, MAX_STRETCH)) / 2
    return ops.clip(ops.concatenate([center - half, center + half], axis=-1), 0, SCENE_PX)


def _center_size(boxes):
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, ops.maximum(high - low, 1e-3)  # une ligne vide n'a pas de taille


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
        rivals = compute_iou(boxes, kept[-1], "xyxy")[..., 0] > IOU_PROPOSED
        rivals = ops.logical_or(rivals, ops.one_hot(best[:, 0], boxes.shape[1], dtype="bool"))
        scores = ops.where(rivals, -np.inf, scores)
    return ops.concatenate(kept, axis=1)


# --- Question : que doit répondre chaque ancre ? -------------------------------------


def loss(truth, answers):
    """Additionne l'erreur sur l'objet et, pour les ancres qui en ont un, sur la correction.

    Une ancre a un objet si elle le recouvre assez, ou mieux que toute autre ancre.

    Args:
        truth: objets `(n, k, 5)` de `to_truth`.
        answers: `(n, 384, 5)` de `region_network`.

    Returns:
        `(n,)` float32, par ancre qui a un objet.

    Source : Ren et al., arXiv 1506.01497, équation 1 ; toutes les ancres, et non un tirage.
    """
    anchors = make_anchors()
    objects, overlaps = assign(anchors, truth)
    overlap = ops.max(overlaps, axis=-1)  # (n, 384)
    closest = ops.logical_and(overlaps > 0, overlaps == ops.max(overlaps, axis=1, keepdims=True))
    present = ops.logical_or(overlap >= IOU_OBJECT, ops.any(closest, axis=-1))
    judged = ops.logical_or(present, overlap < IOU_BACKGROUND)
    present, judged = ops.cast(present, "float32"), ops.cast(judged, "float32")
    score = ops.binary_crossentropy(present, answers[..., 0], from_logits=True)
    box = losses.huber(encode(objects[..., :4], anchors), answers[..., 1:], HUBER_DELTA)
    total = ops.sum(judged * score + BOX_WEIGHT * present * box, axis=1)
    return total / ops.maximum(ops.sum(present, axis=1), 1)


# --- Question : les objets sont-ils parmi les propositions ? -------------------------


def recalled(proposed: np.ndarray, truth: np.ndarray, threshold: float) -> np.ndarray:
    """Compte, dans chaque scène, les objets qu'une proposition recouvre assez : `(n,)`."""
    best = ops.max(compute_iou(proposed, truth[..., :4], "xyxy"), axis=1)  # (n, k)
    return np.sum((ops.convert_to_numpy(best) >= threshold) & (truth[..., 4] >= 0), axis=1)


def regular_boxes() -> np.ndarray:
    """Répond sans regarder l'image : des carrés égaux, régulièrement espacés.

    Returns:
        `(NUM_PROPOSALS, 4)` float32, de côté `SIDES_PX[-1]`, l'ancre carrée la plus grande.
    """
    centers, half = cell_centers(round(NUM_PROPOSALS**0.5)), SIDES_PX[-1] / 2
    return np.concatenate([centers - half, centers + half], axis=1).astype(np.float32)
