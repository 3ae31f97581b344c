"""Peint samples/tableau.jpg : un soir sur des collines, à la brosse, pour l'exercice 14.

Aucune peinture libre ne pouvait être jointe au dépôt ; celle-ci est calculée. Une esquisse donne
les couleurs, un champ de directions le mouvement de la brosse ; quelques milliers de coups,
des plus larges aux plus fins, suivent l'un en prenant les autres. Le hasard a une graine fixe, et
la même commande redonne la même image.

Commande : python docs/peint_tableau.py samples/tableau.jpg

Source : Hertzmann, « Painterly Rendering with Curved Brush Strokes of Multiple Sizes »,
SIGGRAPH, 1998 (des coups courbes, du plus large au plus fin).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 640, 480
# Largeur d'un coup, longueur, en pixels, et nombre de coups : d'abord le fond, puis les détails.
LAYERS = ((22, 90, 1500), (11, 60, 4000), (6, 40, 9000))
STEP_PX = 4  # d'un point d'un coup au suivant
BRISTLES = 5  # poils d'une brosse : chacun a sa nuance
SKY = ((22, 40, 104), (40, 88, 160), (110, 160, 190), (238, 190, 92))  # du haut à l'horizon
HILLS = ((40, 74, 120), (46, 104, 92), (96, 128, 52), (190, 160, 44))  # de la plus loin à la nôtre
LIGHTS = ((500, 100, 46), (130, 70, 24), (300, 130, 20), (400, 50, 16), (60, 160, 18))  # x, y, r
GOLD = (252, 214, 88)


def sketch() -> np.ndarray:
    """Rend les couleurs à peindre, `(HEIGHT, WIDTH, 3)` réels de 0 à 255."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    stops = np.linspace(0, 0.62 * HEIGHT, len(SKY))
    image = np.stack([np.interp(y, stops, channel) for channel in zip(*SKY, strict=True)], axis=2)
    for cx, cy, radius in LIGHTS:  # l'astre, puis son halo
        distance = np.hypot(x - cx, y - cy) / radius
        glow = np.clip(1.9 - distance, 0, 1)[..., None]
        image = image * (1 - glow) + glow * np.array(GOLD)
    for k, color in enumerate(HILLS):
        waves = np.sin(x / (70 - 9 * k) + 2.1 * k) + 0.5 * np.sin(x / 31 + 5 * k)
        crest = (0.58 + 0.11 * k) * HEIGHT + 16 * waves
        light = 1 + 0.25 * np.sin((y - crest) / 9 + x / 60)  # des sillons
        image = np.where((y > crest)[..., None], light[..., None] * np.array(color), image)
    return image


def directions() -> np.ndarray:
    """Rend l'angle de la brosse en chaque point, `(HEIGHT, WIDTH)`, en radians."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    angle = 0.5 * np.sin(x / 90) + 0.4 * np.sin(y / 55)
    dx, dy = np.cos(angle), np.sin(angle)
    for cx, cy, radius in LIGHTS:  # autour d'un astre, la brosse tourne
        distance = np.hypot(x - cx, y - cy)
        pull = 3 * np.exp(-((distance / (2.4 * radius)) ** 2))
        dx, dy = dx - pull * (y - cy) / (distance + 1), dy + pull * (x - cx) / (distance + 1)
    ground = y > 0.6 * HEIGHT  # sur les collines, elle suit la pente
    slope = 0.5 * np.cos(x / 55 + y / 40)
    return np.where(ground, slope, np.arctan2(dy, dx))


def stroke(draw, rng, color, start, angles, *, width: int, length: int) -> None:
    """Donne un coup de brosse, qui suit les angles depuis un point.

    Args:
        draw: le pinceau de Pillow.
        rng: générateur aléatoire.
        color: couleur du coup, `(3,)`.
        start: point de départ, `(x, y)`.
        angles: rendu par `directions`.
        width: largeur du coup, en pixels.
        length: longueur, en pixels.
    """
    points = [start]
    for _ in range(length // STEP_PX):
        x, y = points[-1]
        angle = angles[int(np.clip(y, 0, HEIGHT - 1)), int(np.clip(x, 0, WIDTH - 1))]
        points.append((x + STEP_PX * np.cos(angle), y + STEP_PX * np.sin(angle)))
    path = np.array(points)
    across = path[-1] - path[0]
    normal = np.array([-across[1], across[0]]) / max(np.hypot(*across), 1)
    for bristle in range(BRISTLES):
        shade = np.clip(color * rng.normal(1, 0.09) + rng.normal(0, 6, 3), 0, 255)
        offset = (bristle - (BRISTLES - 1) / 2) * width / BRISTLES * normal
        line = [tuple(each) for each in path + offset]
        draw.line(line, tuple(int(c) for c in shade), width // BRISTLES + 1, joint="curve")


def paint() -> Image.Image:
    """Rend le tableau, `WIDTH` sur `HEIGHT` pixels."""
    rng, wanted, angles = np.random.default_rng(0), sketch(), directions()
    canvas = Image.new("RGB", (WIDTH, HEIGHT), (60, 70, 90))
    draw = ImageDraw.Draw(canvas)
    for width, length, count in LAYERS:
        for x, y in rng.uniform((-20, -20), (WIDTH + 20, HEIGHT + 20), (count, 2)):
            seen = wanted[int(np.clip(y, 0, HEIGHT - 1)), int(np.clip(x, 0, WIDTH - 1))]
            stroke(draw, rng, seen, (x, y), angles, width=width, length=length)
    return canvas


def main(arguments: list[str]) -> None:
    """Écrit le tableau dans le fichier donné."""
    if len(arguments) != 1:
        raise SystemExit("Usage : python docs/peint_tableau.py samples/tableau.jpg")
    paint().save(Path(arguments[0]), quality=88)


if __name__ == "__main__":
    main(sys.argv[1:])
