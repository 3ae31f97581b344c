"""Des images faites pour n'être d'aucune classe : seule la familiarité en apprend.

Chacune vient d'images d'entraînement, coupées, mêlées ou abîmées, ou d'un dessin. Aucune n'est
d'une sorte que `benchmarks.familiarity` mesure, sauf les lettres pour les réseaux d'images grises.

Source : Hendrycks et al., « Deep Anomaly Detection with Outlier Exposure », arXiv 1812.04606, 2019.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

REDUCED = 5 / 8  # côté d'un objet posé sur du noir, en parts du côté de l'image
CONTRAST = 6  # celui des images saturées
EDGES = 3  # contraste des contours


def make(images: np.ndarray, *, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Fait des images étrangères de huit sortes.

    Args:
        images: images d'entraînement, uint8 `(n, h, h, 3)`, ou `(n, h, h)` en gris ; h est pair.
        count: images de chaque sorte.
        seed: graine.

    Returns:
        Pour chaque sorte, `count` images de la même forme.
    """
    shape = images.shape[1:]
    images = images.reshape(len(images), *shape[:2], -1)  # (n, h, h, c)
    rng, half = np.random.default_rng(seed), images.shape[1] // 2
    one, other, third, fourth = (images[rng.choice(len(images), count)] for _ in range(4))
    small = [_halve(each) for each in (one, other, third, fourth)]
    found = {
        "lignes décalées": np.stack([_shift_rows(image, rng) for image in one]),
        "mosaïques": _four(*small),
        "deux moitiés": np.stack([_join(*pair, rng) for pair in zip(one, other, strict=True)]),
        "quatre quarts": _four(
            one[:, :half, :half],
            other[:, :half, half:],
            third[:, half:, :half],
            fourth[:, half:, half:],
        ),
        "réduites sur noir": np.stack([_on_black(image) for image in one]),
        "lettres": np.stack([_letters(images.shape[1:], rng) for _ in range(count)]),
        "contours": _edges(one),
        "saturées": _clip((one - 128.0) * CONTRAST + 128),
    }
    return {name: each.reshape(count, *shape) for name, each in found.items()}


def _clip(images: np.ndarray) -> np.ndarray:
    return images.clip(0, 255).astype(np.uint8)


def _halve(images: np.ndarray) -> np.ndarray:
    """Réduit des images `(n, h, h, c)` de moitié."""
    count, side, _, channels = images.shape
    blocks = images.reshape(count, side // 2, 2, side // 2, 2, channels)
    return blocks.mean((2, 4)).astype(np.uint8)


def _four(*parts: np.ndarray) -> np.ndarray:
    """Range quatre parts, de gauche à droite puis de haut en bas."""
    rows = [np.concatenate(parts[:2], axis=2), np.concatenate(parts[2:], axis=2)]
    return np.concatenate(rows, axis=1)


def _shift_rows(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fait tourner chaque ligne sur elle-même, d'un décalage tiré au hasard pour elle."""
    steps = rng.integers(0, len(image), len(image))
    return np.stack([np.roll(row, step, axis=0) for row, step in zip(image, steps, strict=True)])


def _join(one: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colle le début d'une image à la fin d'une autre, en hauteur ou en largeur."""
    axis, cut = rng.integers(2), rng.integers(len(one) // 4, 3 * len(one) // 4 + 1)
    parts = np.split(one, [cut], axis=axis)[0], np.split(other, [cut], axis=axis)[1]
    return np.concatenate(parts, axis=axis)


def _on_black(image: np.ndarray) -> np.ndarray:
    """Réduit une image et la pose au milieu d'un fond noir."""
    side = round(REDUCED * len(image))
    picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
    reduced = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
    found, start = np.zeros_like(image), (len(image) - side) // 2
    found[start : start + side, start : start + side] = reduced.reshape(side, side, -1)
    return found


def _letters(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Écrit de une à cinq lettres, de toutes tailles et couleurs, sur un fond uni."""
    side, _, channels = shape
    drawn_px, colours = 4 * side, rng.integers(0, 256, (6, channels))
    inks = [tuple(each) if channels > 1 else each[0] for each in colours.tolist()]
    picture = Image.new("RGB" if channels > 1 else "L", (drawn_px, drawn_px), inks[0])
    draw = ImageDraw.Draw(picture)
    for ink in inks[1 : rng.integers(2, 7)]:
        place = rng.integers(-drawn_px // 12, 3 * drawn_px // 4, 2).tolist()
        font = ImageFont.load_default(size=int(rng.integers(drawn_px // 4, drawn_px)))
        draw.text(place, chr(rng.integers(ord("A"), ord("Z") + 1)), font=font, fill=ink)
    reduced = picture.resize((side, side), Image.Resampling.BOX)
    return np.asarray(reduced).reshape(shape)


def _edges(images: np.ndarray) -> np.ndarray:
    """Ne garde d'une image que ses changements d'une ligne à la suivante, en gris."""
    grey = images.mean(axis=-1, keepdims=True)
    found = _clip(EDGES * np.abs(np.diff(grey, axis=1, append=grey[:, -1:])))
    return found.repeat(images.shape[-1], axis=-1)
