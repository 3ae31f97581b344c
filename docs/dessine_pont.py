"""Dessine samples/pont.png : un pont suspendu, pour l'exercice 01.

L'image de l'énoncé est perdue ; celle-ci en garde l'esprit : un tablier et l'horizon pour
les motifs horizontaux, des pylônes et des suspentes pour les verticaux, des câbles courbes
entre les deux. Elle est calculée trois fois trop grande, puis réduite, ce qui lisse les
bords ; le hasard a une graine fixe, et la même commande redonne la même image.

Commande : python docs/dessine_pont.py samples/pont.png
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 640, 480
SCALE = 3  # pixels calculés par pixel gardé, dans chaque sens
W, H = WIDTH * SCALE, HEIGHT * SCALE
WATER_Y = int(0.70 * H)  # ligne d'eau
DECK_Y = int(0.535 * H)  # dessus du tablier
TOP_Y = int(0.13 * H)  # sommet des pylônes
PYLONS = (int(0.27 * W), int(0.73 * W))
DEPTH = (30, -10)  # décalage du côté lointain du pont : à droite, un peu plus haut
SUN = (int(0.53 * W), int(0.60 * H))


def noise(rng, shape, cell, octaves=5) -> np.ndarray:
    """Bruit lisse `shape`, dans [0, 1] : des grilles aléatoires de plus en plus fines.

    Args:
        rng: générateur aléatoire.
        shape: hauteur et largeur, en pixels.
        cell: hauteur et largeur de la plus grande maille, en pixels.
        octaves: nombre de grilles ; chacune pèse moitié moins que la précédente.
    """
    total = np.zeros(shape)
    for octave in range(octaves):
        grid = [
            max(2, int(side * 2**octave / size) + 2) for side, size in zip(shape, cell, strict=True)
        ]
        layer = Image.fromarray(rng.random(grid).astype(np.float32))
        total += np.asarray(layer.resize(shape[::-1], Image.Resampling.BICUBIC)) / 2**octave
    low, high = np.percentile(total, [0.5, 99.5])
    return np.clip((total - low) / (high - low), 0, 1)


def mix(below, above, alpha) -> np.ndarray:
    """Pose une couleur ou une image sur une autre, avec une opacité dans [0, 1]."""
    alpha = np.asarray(alpha)[..., None]
    return below * (1 - alpha) + np.asarray(above, float) * alpha


def smooth(values, low, high) -> np.ndarray:
    """Passe doucement de 0 (sous `low`) à 1 (au-dessus de `high`)."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def draw_sky(rng) -> np.ndarray:
    """Un ciel de fin d'après-midi : dégradé, halo du soleil, nuages étirés. `(H, W, 3)`."""
    y, x = np.mgrid[:H, :W]
    heights = [0, 0.30 * H, 0.55 * H, WATER_Y]
    colors = np.array([(84, 128, 182), (132, 172, 208), (214, 207, 196), (246, 205, 158)])
    sky = np.stack([np.interp(y[:, 0], heights, colors[:, c]) for c in range(3)], -1)
    sky = np.repeat(sky[:, None], W, axis=1)
    distance = np.hypot((x - SUN[0]) / W, 1.4 * (y - SUN[1]) / H)
    sky = mix(sky, (255, 226, 170), 0.75 * np.exp(-((distance / 0.20) ** 2)))
    clouds = noise(rng, (H, W), (0.16 * H, 0.42 * W), octaves=6)
    cover = smooth(clouds, 0.52, 0.86) * (0.30 + 0.55 * smooth(y / H, 0, 0.5))
    # Le dessous d'un nuage est plus sombre : on compare sa densité à celle d'un peu plus haut.
    above = clouds[np.maximum(np.arange(H) - 40, 0)]
    light = smooth(clouds - above, -0.12, 0.16)
    return mix(sky, mix(np.full((H, W, 3), (176, 158, 168.0)), (255, 240, 222), light), cover)


def draw_hills(rng, scene) -> np.ndarray:
    """Trois rangs de collines, d'autant plus pâles qu'elles sont loin."""
    y = np.mgrid[:H, :W][0]
    ranks = (
        (0.090, (168, 164, 178), 0.7),
        (0.060, (118, 124, 140), 0.85),
        (0.030, (62, 74, 74), 1.0),
    )
    for rank, (height, color, alpha) in enumerate(ranks):
        ridge = noise(rng, (2, W), (2, W / (3 + 2 * rank)), octaves=7)[0]
        top = WATER_Y - H * height * (0.35 + ridge)
        texture = noise(rng, (H, W), (24, 30), octaves=3) - 0.5
        shade = np.asarray(color, float) + (10 + 14 * rank) * texture[..., None]
        haze = smooth(y, WATER_Y - 60, WATER_Y)[..., None] * 0.35
        scene = mix(scene, shade * (1 - haze) + np.array((214, 190, 165)) * haze, alpha * (y > top))
    return scene


def cable_y(x) -> np.ndarray:
    """Hauteur du câble : une parabole entre les pylônes, une droite vers chaque rive."""
    left, right = PYLONS
    middle = (left + right) / 2
    low, saddle = DECK_Y - 26, TOP_Y + 14
    main = low + (saddle - low) * ((x - middle) / (middle - left)) ** 2
    away = np.where(x < left, left - x, x - right)
    side = saddle + (DECK_Y + 4 - saddle) * away / (left + 40)
    return np.where((x >= left) & (x <= right), main, side)


def draw_cables(draw, offset, color, hanger_color) -> None:
    """Le câble porteur et ses suspentes, d'un côté du pont."""
    dx, dy = offset
    x = np.arange(-60, W + 60, 4)
    draw.line([(px + dx, py + dy) for px, py in zip(x, cable_y(x), strict=True)], color, 9, "curve")
    for px in range(-30, W + 40, 36):
        if min(abs(px - pylon) for pylon in PYLONS) > 26:
            top = float(cable_y(np.array([px]))[0])
            if top < DECK_Y - 4:
                draw.line([(px + dx, top + dy), (px + dx, DECK_Y + dy)], hanger_color, 3)


def draw_leg(draw, x, offset, shades) -> None:
    """Une jambe de pylône, plus large en bas : une face éclairée, une face à l'ombre."""
    dx, dy = offset
    light, dark = shades
    for left, right, color in ((-1.0, 0.30, light), (0.30, 1.0, dark)):
        draw.polygon(
            [
                (x + dx + left * 17, TOP_Y + dy),
                (x + dx + right * 17, TOP_Y + dy),
                (x + dx + right * 25, WATER_Y + dy),
                (x + dx + left * 25, WATER_Y + dy),
            ],
            color,
        )
    for y in range(TOP_Y + 70, WATER_Y - 90, 74):  # les tôles, rivetées panneau par panneau
        draw.line([(x + dx - 22, y + dy), (x + dx + 22, y + dy)], dark, 3)
    draw.rectangle((x + dx - 24, TOP_Y + dy - 12, x + dx + 24, TOP_Y + dy + 8), light)


def draw_deck(draw, offset, colors) -> None:
    """Le tablier : la chaussée, une poutre en treillis et un garde-corps."""
    dx, dy = offset
    edge, web, under = colors
    top, bottom = DECK_Y + dy, DECK_Y + dy + 54
    for x in range(-60, W + 60, 36):
        for a, b in ((x, x + 18), (x + 18, x + 36)):
            ends = (top + 12, bottom - 6) if a == x else (bottom - 6, top + 12)
            draw.line([(a + dx, ends[0]), (b + dx, ends[1])], web, 5)
        draw.line([(x + dx, top), (x + dx, bottom)], web, 5)
    draw.rectangle((-60, top, W + 60, top + 13), edge)
    draw.rectangle((-60, bottom - 8, W + 60, bottom), under)
    draw.line([(-60, top - 15), (W + 60, top - 15)], web, 3)
    for x in range(-60, W + 60, 18):
        draw.line([(x + dx, top - 15), (x + dx, top)], web, 2)


def draw_bridge(scene) -> np.ndarray:
    """Pose le pont : d'abord le côté lointain, plus pâle, puis le tablier, puis le proche."""
    layer = Image.new("RGBA", (W, H), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    far, near = DEPTH, (0, 0)
    draw_cables(draw, far, (128, 92, 88), (138, 110, 108))
    for x in PYLONS:
        draw_leg(draw, x, far, ((120, 60, 54), (92, 48, 46)))
    draw_deck(draw, far, ((120, 82, 78), (104, 76, 76), (92, 66, 66)))
    draw.polygon(
        [(-60, DECK_Y), (W + 60, DECK_Y), (W + 60, DECK_Y + DEPTH[1]), (-60, DECK_Y + DEPTH[1])],
        (92, 88, 92),
    )
    for x in PYLONS:  # entretoises, d'une jambe à l'autre
        for height in (0.02, 0.30, 0.60):
            y = TOP_Y + height * (DECK_Y - TOP_Y)
            draw.polygon(
                [(x, y + 8), (x, y + 46), (x + DEPTH[0], y + 38), (x + DEPTH[0], y)], (112, 48, 40)
            )
        draw_leg(draw, x, near, ((166, 64, 46), (104, 38, 32)))
        for bottom, half, color in (
            (WATER_Y - 46, 54, (158, 148, 138)),
            (WATER_Y - 26, 66, (128, 120, 114)),
        ):
            draw.rectangle((x - half, bottom, x + half + DEPTH[0], WATER_Y), color)
        draw.rectangle((x - 66, WATER_Y - 10, x + 66 + DEPTH[0], WATER_Y), (84, 82, 80))
    draw_deck(draw, near, ((184, 98, 74), (126, 56, 46), (92, 42, 38)))
    draw_cables(draw, near, (132, 56, 44), (132, 72, 60))
    pixels = np.asarray(layer, float)
    y = np.mgrid[:H, :W][0]
    warm = smooth(y, TOP_Y, WATER_Y)[..., None]  # la brume du soir gagne le bas du pont
    return mix(
        scene,
        pixels[..., :3] * (1 - 0.16 * warm) + np.array((236, 200, 160)) * 0.16 * warm,
        pixels[..., 3] / 255,
    )


def draw_water(rng, scene) -> np.ndarray:
    """L'eau : le reflet de la scène, brouillé par des vagues qui grandissent vers nous."""
    depth = np.arange(H - WATER_Y)[:, None] / (H - WATER_Y)  # (h, 1), 0 au loin, 1 à nos pieds
    shape = (H - WATER_Y, W)
    # Sous l'effet de la perspective, les vagues s'aplatissent au loin : on étire un bruit.
    far_rows = (depth[:, 0] ** 0.45 * (H - 1)).astype(int)
    waves = noise(rng, (H, W), (26, 210), octaves=4)[far_rows] - 0.5
    ripples = noise(rng, (H, W), (9, 60), octaves=3)[far_rows] - 0.5
    motion = waves + 0.5 * ripples
    rows = WATER_Y - 1 - np.arange(shape[0])[:, None] * 1.02 + motion * (16 + 190 * depth)
    columns = np.arange(W)[None] + motion * (8 + 46 * depth)
    rows, columns = (
        np.clip(i, 0, limit - 1).astype(int) for i, limit in ((rows, WATER_Y), (columns, W))
    )
    picture = Image.fromarray(np.uint8(np.clip(scene, 0, 255)))
    sharp, soft = (
        np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), float)[rows, columns]
        for radius in ((3, 7), (9, 30))  # l'eau étale un reflet en hauteur, surtout de près
    )
    mirror = mix(sharp, soft, np.broadcast_to(smooth(depth, 0, 0.6), shape))
    body = mix(np.full((*shape, 3), (86, 112, 128.0)), (22, 46, 62), np.broadcast_to(depth, shape))
    water = mix(body, mirror, np.broadcast_to(0.80 - 0.42 * depth, shape))
    x = np.arange(W)[None]
    glitter = smooth(motion, 0.10, 0.42) * np.exp(-(((x - SUN[0]) / (120 + 420 * depth)) ** 2))
    water = mix(water, (255, 232, 190), 0.75 * glitter)
    water = water * (1 + 0.55 * motion[..., None] * (0.25 + depth[..., None]))
    scene[WATER_Y:] = water
    return scene


def develop(rng, scene) -> np.ndarray:
    """Réduit, adoucit les coins et ajoute un grain léger, comme le ferait un appareil photo."""
    image = Image.fromarray(np.uint8(np.clip(scene, 0, 255)))
    image = image.filter(ImageFilter.GaussianBlur(0.3 * SCALE))
    pixels = np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), float)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    pixels *= (1 - 0.16 * smooth(np.hypot(x, y), 0.6, 1.45))[..., None]
    grain = rng.normal(0, 2.0, (HEIGHT, WIDTH, 1)) + rng.normal(0, 1.0, pixels.shape)
    return np.uint8(np.clip(pixels + grain, 0, 255).round())


def draw_picture() -> np.ndarray:
    """Rend l'image, `(480, 640, 3)` uint8, toujours la même."""
    rng = np.random.default_rng(7)
    scene = draw_bridge(draw_hills(rng, draw_sky(rng)))
    return develop(rng, draw_water(rng, scene))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage : python docs/dessine_pont.py samples/pont.png")
    Image.fromarray(draw_picture()).save(Path(sys.argv[1]), optimize=True)
