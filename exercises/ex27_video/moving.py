"""Suivre ce qui bouge dans un film quelconque, pris par une caméra fixe.

D'après : S3 « Object Tracking ».
Commande : python -m exercises.ex27_video FILM

Personne n'a appris ici à reconnaître un passant ou une voiture. Le fond est la médiane des images :
chaque pixel le montre la plupart du temps. Ce qui s'en écarte a bougé, et chaque tache devient une
boîte que suit le filtre de Kalman de la leçon, sans changer aucun réglage.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from convnets.core.cli import agreed, percent, printable
from convnets.core.files import own_suffix, replacing
from convnets.figures.charts import picture_rows
from convnets.figures.style import output_dir
from exercises.ex27_video import figures
from exercises.ex27_video.frames import read_film
from exercises.ex27_video.metrics import Tracks
from exercises.ex27_video.real_films import confirmed
from exercises.ex27_video.tracking import METHODS, track

NUM_SAMPLED = 60  # images dont la médiane fait le fond
NOISES = 6  # un pixel a bougé s'il s'écarte du fond de tant de fois l'écart habituel…
CHANGE = (25, 60)  # … que l'on tient entre ces deux niveaux, sur 255
GAP_PX = 5  # deux taches plus proches n'en font qu'une : une tête et un manteau
MIN_SHARE = 1 / 1000  # part de l'image au-dessous de laquelle une tache n'est rien
SHAKY = 0.3  # part de l'image qui change, dans une image sur deux : la caméra bouge
METHOD = "kalman"  # le suivi de la leçon qui a la meilleure IDF1 dans deux films de rue
NUM_SHOWN = 6  # images de la figure
MAX_GIF = 120  # images de l'animation
GIF_MS = 100  # durée de chacune
GIF_COLORS = 128


class Moving(NamedTuple):
    """Ce qui bouge dans un film."""

    boxes: list[np.ndarray]  # (n, 4) par image
    changing: float  # part de l'image qui change, dans l'image médiane


# --- Question : où est-ce que cela bouge ? -------------------------------------------


def background(frames: np.ndarray) -> np.ndarray:
    """Rend le fond : la médiane de quelques images, pixel par pixel.

    Args:
        frames: uint8 `(t, h, w, 3)`.

    Returns:
        `(h, w, 3)` int16, pour en retrancher une image.
    """
    times = np.linspace(0, len(frames) - 1, min(NUM_SAMPLED, len(frames))).astype(int)
    return np.median(frames[times], axis=0).astype(np.int16)


def find_moving(frames: np.ndarray) -> Moving:
    """Rend une boîte par tache qui s'écarte du fond.

    Args:
        frames: uint8 `(t, h, w, 3)`, prises par une caméra fixe.
    """
    still, boxes, shares = background(frames), [], []
    gaps = [np.abs(frame - still).max(axis=-1) for frame in frames[:: max(1, len(frames) // 10)]]
    limit = np.clip(NOISES * np.median(gaps), *CHANGE)
    for frame in frames:
        changed = np.abs(frame - still).max(axis=-1) > limit  # (h, w)
        shares.append(changed.mean())
        boxes.append(spots(changed))
    return Moving(boxes, float(np.median(shares)))


def spots(changed: np.ndarray) -> np.ndarray:
    """Rend la boîte `(n, 4)` de chaque tache d'un masque `(h, w)`."""
    solid = ndimage.binary_opening(changed)  # un pixel seul n'est que du bruit
    joined = ndimage.binary_closing(np.pad(solid, GAP_PX), np.ones((GAP_PX, GAP_PX)))
    labels, _ = ndimage.label(joined[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX])
    areas = np.bincount(labels.ravel())[1:]
    places = ndimage.find_objects(labels)
    kept = [
        (columns.start, rows.start, columns.stop, rows.stop)
        for (rows, columns), area in zip(places, areas, strict=True)
        if area >= MIN_SHARE * changed.size
    ]
    return np.array(kept, float).reshape(-1, 4)


def follow(boxes: list[np.ndarray]) -> Tracks:
    """Suit des boîtes, et ne montre une piste qu'après quelques détections de suite."""
    return confirmed(Tracks(track(boxes, METHODS[METHOD]), boxes))


# --- Question : que montre-t-on ? ----------------------------------------------------


def save_animation(path: Path, frames: np.ndarray, found: Tracks) -> None:
    """Écrit un GIF du film, avec ses boîtes numérotées."""
    from matplotlib import colormaps

    palette = (255 * colormaps["tab20"](range(20))[:, :3]).astype(int)
    pictures = []
    for t in range(0, len(frames), -(-len(frames) // MAX_GIF)):
        picture = Image.fromarray(frames[t])
        draw = ImageDraw.Draw(picture)
        for number, box in zip(found.ids[t], found.boxes[t], strict=True):
            color = tuple(palette[number % 20].tolist())
            draw.rectangle(tuple(box), outline=color, width=2)
            draw.text((box[0], max(0, box[1] - 11)), str(number), fill=color)
        pictures.append(picture.quantize(GIF_COLORS, Image.Quantize.FASTOCTREE))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path.resolve(), suffix=own_suffix()) as temporary:
        pictures[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=GIF_MS,
            loop=0,
        )


def save_moments(path: Path, frames: np.ndarray, found: Tracks) -> None:
    """Écrit quelques images du film, prises à intervalles égaux, avec leurs boîtes."""
    times = np.linspace(0, len(frames) - 1, NUM_SHOWN + 2).astype(int)[1:-1]
    shown = [figures.numbered_picture(frames[t], found.ids[: t + 1], found.boxes[t]) for t in times]
    half = NUM_SHOWN // 2
    picture_rows(path, {"": shown[:half], " ": shown[half:]}, side=3.2)


def say_found(moving: Moving, found: Tracks) -> str:
    """Dit ce qui a été suivi, ou pourquoi rien ne l'a été."""
    if moving.changing > SHAKY:
        return (
            f"Dans une image sur deux, plus de {percent(SHAKY)} des pixels changent : la caméra "
            "bouge, ou la lumière. Le fond n'est pas connu, et ce qui suit ne veut rien dire."
        )
    numbers, lasting = np.unique(np.concatenate(found.ids), return_counts=True)
    if not len(numbers):
        return "Rien ne bouge assez longtemps dans ce film pour être suivi."
    longest = lasting.argmax()
    return (
        f"{agreed(len(numbers), 'piste suivie', 'pistes suivies')}. La plus longue porte le numéro "
        f"{numbers[longest]} : elle est vue dans {agreed(int(lasting[longest]), 'image')}."
    )


def teach(options) -> None:
    """Suit ce qui bouge dans le film donné, et le dessine."""
    path = Path(options.film)
    film = read_film(options.film)
    height, width = film.frames.shape[1:3]
    cut = " (les premières seulement)" if film.is_cut else ""
    print(f"{agreed(len(film.frames), 'image')}{cut}, lues à {width} × {height} pixels.")
    moving = find_moving(film.frames)
    found = follow(moving.boxes)
    print(say_found(moving, found))
    print(
        "Ce suivi ne sait pas ce qu'il suit : il encadre tout ce qui s'écarte du fond, ombres "
        "comprises, et deux passants qui se touchent n'ont qu'une boîte."
    )
    folder, name = output_dir(options), printable(path.stem or path.resolve().name)
    save_animation(folder / f"{name}_suivi.gif", film.frames, found)
    save_moments(folder / f"{name}_suivi.png", film.frames, found)
    print(f"Figures : {folder}/{name}_suivi.gif et {folder}/{name}_suivi.png")
