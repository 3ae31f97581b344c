"""Les boîtes numérotées sur les images, les films et leurs réponses, les deux tableaux.

D'après : S3 « Object Tracking », « Action Recognition ».
"""

from pathlib import Path

import numpy as np

from convnets.core.cli import agreed, percent
from convnets.figures.charts import Picture, number, picture_rows, table
from convnets.figures.style import COLORS, new_figure
from exercises.ex27_video.clips import CLASSES_FR
from exercises.ex27_video.tracking import MEMORY, METHODS, track
from exercises.ex27_video.videos import compose_video, detect

SHOWN_VIDEO = 3  # graine de la vidéo dessinée, une de celles de la première graine
SHOWN_TIMES = (8, 16, 24, 32, 40, 48)
TRACKING = {
    "unlinked": "un numéro neuf à chaque boîte",
    "neighbour": "voisin : l'image d'avant seule",
    "memory": f"mémoire de {MEMORY} images, sans vitesse",
    "kalman": "mémoire et vitesse (Kalman)",
    "hungarian": "les mêmes, appariés au mieux (hongrois)",
}
ACTIONS = {
    "constant": "toujours la même réponse",
    "mean": "2D, image moyenne",
    "frames": "2D, image par image",
    "stack": "2D, huit images empilées",
    "conv3d": "convolution 3D",
    "shuffled": "convolution 3D, images mélangées",
}


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
    for name in ("neighbour", "kalman"):
        ids = track(detections, METHODS[name])
        rows[TRACKING[name]] = [
            _picture(video.frames[t], ids[: t + 1], detections[t]) for t in SHOWN_TIMES
        ]
    title = (
        f"{video.boxes.shape[1]} objets, mêmes détections : le numéro survit-il au pilier ? "
        "(sans boîte : caché plus qu'à moitié, ou manqué par le détecteur)"
    )
    picture_rows(path, rows, title=title, side=2.5)


def _picture(frame: np.ndarray, ids: list[np.ndarray], boxes: np.ndarray) -> Picture:
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


def save_clips(clips, labels, probabilities, shuffled, path: Path) -> None:
    """Dessine des films et leurs réponses, dans l'ordre et mélangés.

    Args:
        clips: uint8 `(n, 8, 32, 32)`, chaque film suivi de son jumeau.
        labels: leurs classes `(n,)`.
        probabilities: réponses de la convolution 3D `(n, 6)`.
        shuffled: de même, les images mélangées.
        path: fichier PNG.
    """
    with new_figure(path, rows=len(clips), size=(12.2, 1.2)) as (figure, axes):
        for axis, clip, label, answer, mixed in zip(
            axes[:, 0], clips, labels, probabilities, shuffled, strict=True
        ):
            padded = np.pad(clip, ((0, 0), (0, 0), (0, 2)), constant_values=255)  # un blanc
            strip = np.concatenate([*padded], axis=1)  # (32, 8 × 34)
            axis.imshow(strip, cmap="gray", vmin=0, vmax=255)
            axis.axis("off")
            axis.set_anchor("W")  # la réponse tient à droite
            for height, text, given in ((8, "", answer), (24, "mélangé : ", mixed)):
                guess = int(given.argmax())
                axis.text(
                    strip.shape[1] + 4,
                    height,
                    f"{text}{CLASSES_FR[guess]}\n{percent(given[guess])}",
                    color=COLORS[2] if guess == label else COLORS[1],
                    weight="normal" if text else "bold",
                    va="center",
                )
        figure.suptitle(
            "Deux films qui se suivent ont les mêmes images, dans un autre ordre.\n"
            "À droite, ce que répond la convolution 3D (vert : juste ; orange : faux)."
        )


# --- Question : que vaut chacun ? ----------------------------------------------------


def tracking_table(metrics: dict[str, float]) -> str:
    """Met en tableau MOTA, IDF1 et changements d'identité de chaque façon de suivre."""
    rows = [
        [
            label,
            percent(metrics[f"mota_{name}"]),
            percent(metrics[f"idf1_{name}"]),
            number(metrics[f"switches_{name}"], 1),
        ]
        for name, label in TRACKING.items()
    ]
    return table(["suivi", "MOTA", "IDF1", "changements par vidéo"], rows)


def actions_table(metrics: dict[str, float]) -> str:
    """Met en tableau l'exactitude et l'ordre de chaque réseau."""
    shown = {key: percent(value) for key, value in metrics.items()}
    rows = [
        [label, shown[f"accuracy_{name}"], shown.get(f"order_{name}")]
        for name, label in ACTIONS.items()
    ]
    return table(["actions", "exactitude", "ordre"], rows)
