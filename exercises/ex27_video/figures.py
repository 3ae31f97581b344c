"""Les boîtes numérotées sur les images, les films et leurs réponses.

D'après : S3 « Object Tracking », « Action Recognition ».
"""

from pathlib import Path

import numpy as np

from convnets.core.cli import agreed, percent
from convnets.figures.charts import Picture, mosaic, picture_rows
from exercises.ex27_video.clips import CLASSES_FR
from exercises.ex27_video.tracking import METHODS, track
from exercises.ex27_video.videos import compose_video, detect

SHOWN_VIDEO = 3  # graine de la vidéo dessinée, une de celles de la première graine
SHOWN_TIMES = (8, 16, 24, 32, 40, 48)
SHOWN_METHODS = {"neighbour": "de voisin en voisin", "kalman": "mémoire et vitesse (Kalman)"}


# --- Question : que donne un suivi, image par image ? --------------------------------


def save_tracks(
    objects: np.ndarray, backgrounds: np.ndarray, path: Path, *, seed: int = SHOWN_VIDEO
) -> None:
    """Dessine deux façons de suivre sur les mêmes images, une couleur par identité.

    Args:
        objects: vêtements uint8 `(m, 28, 28)`.
        backgrounds: photographies uint8 `(f, h, w, 3)`.
        path: fichier PNG.
        seed: graine de la vidéo.
    """
    video = compose_video(objects, backgrounds, seed=seed)
    detections = detect(video, seed=seed)
    rows = {}
    for name, label in SHOWN_METHODS.items():
        ids = track(detections, METHODS[name])
        rows[label] = [
            numbered_picture(video.frames[t], ids[: t + 1], detections[t]) for t in SHOWN_TIMES
        ]
    title = (
        f"{video.boxes.shape[1]} objets, mêmes détections : le numéro survit-il au pilier ? "
        "(sans boîte : caché plus qu'à moitié, ou manqué par le détecteur)"
    )
    picture_rows(path, rows, title=title, side=2.5)


def numbered_picture(frame: np.ndarray, ids: list[np.ndarray], boxes: np.ndarray) -> Picture:
    """Montre une image, ses boîtes numérotées, et combien de numéros ont déjà servi.

    Args:
        frame: l'image uint8 `(h, w, 3)`.
        ids: numéros des boîtes de chaque image, jusqu'à celle-ci.
        boxes: boîtes de cette image `(n, 4)`.
    """
    from matplotlib import colormaps

    used = len(np.unique(np.concatenate(ids)))
    shown = tuple(
        (tuple(box), str(identity), colormaps["tab20"](identity % 20))
        for identity, box in zip(ids[-1], boxes, strict=True)
    )
    caption = f"image {len(ids) - 1} : {agreed(used, 'numéro donné', 'numéros donnés')}"
    return Picture(frame, caption, boxes=shown)


# --- Question : que répond-on d'un film ? --------------------------------------------


def save_clips(clips: np.ndarray, labels: np.ndarray, probabilities, path: Path) -> None:
    """Dessine des films, un par ligne, et ce qu'on en répond.

    Args:
        clips: uint8 `(n, 8, 32, 32)`, chaque film suivi de son jumeau.
        labels: leurs classes `(n,)`.
        probabilities: réponses de la convolution 3D `(n, 6)`.
        path: fichier PNG.
    """
    rows = {}
    for k, (clip, label, answer) in enumerate(zip(clips, labels, probabilities, strict=True)):
        guess = answer.argmax()
        said = f"{CLASSES_FR[label]} ; réponse : {CLASSES_FR[guess]}, {percent(answer[guess])}"
        rows[f"film {k}"] = [Picture(mosaic(clip[..., None], len(clip), gap_px=2)[..., 0], said)]
    title = "Deux films qui se suivent ont les mêmes images, dans un autre ordre"
    picture_rows(path, rows, title=title, side=7)
