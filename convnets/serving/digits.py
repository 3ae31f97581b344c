"""Trouver le chiffre d'un dessin ou d'une photographie, et le présenter comme MNIST.

Fond clair ou sombre, éclairé de travers, trait fin ou épais, chiffre de toute taille et n'importe
où : le réseau reçoit toujours un chiffre clair sur fond noir, de 20 pixels, centré. N'importe que
Pillow et NumPy : `./predict` passe par ici.
"""

import contextlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFilter

from convnets.core.images import open_image, source_name

SIDE_PX = 28
BOX_PX = 20  # MNIST réduit chaque chiffre à un carré de 20 pixels…
MIDDLE_PX = 14.0  # … et pose là son centre de masse
WORK_PX = 256  # côté auquel une image est examinée : le bruit s'y moyenne, le trait y reste net
MIN_CONTRAST = 12  # niveaux de gris sous lesquels rien ne se distingue du fond
NOISE_LAG_PX = 4  # distance à laquelle deux pixels n'ont plus le même bruit
STROKE_PX = 2.4  # épaisseur habituelle d'un trait de MNIST, en dessous de laquelle on épaissit
# Encre : ce qui dépasse cette part du contraste le plus fort. Une ombre nette qui mord sur le
# chiffre en est séparée par un seuil plus haut.
THRESHOLDS = (0.35, 0.55, 0.75)
MAX_TILT = 0.06  # pente d'une ligne de cahier, en pixels par pixel : trois degrés et demi
TWIN = 0.7  # part commune des hauteurs de deux chiffres côte à côte
THICK_RULE_PX = 7  # côté d'une ouverture qui efface une ligne
MIN_RULES = 3  # lignes parallèles à partir desquelles un papier est réglé


class NothingError(ValueError):
    """Rien ne se détache du fond d'une image."""

    def __str__(self) -> str:
        return (
            "aucun chiffre visible, rien ne se détache du fond ; donnez un chiffre sombre sur fond "
            "clair, ou clair sur fond sombre."
        )


def read_digit(source) -> np.ndarray:
    """Ouvre une image et en rend le chiffre.

    Args:
        source: chemin, ou fichier ouvert en binaire.

    Returns:
        uint8 `(28, 28)`, voir `digit_square`.

    Raises:
        FileNotFoundError: rien à ce chemin.
        ValueError: image illisible, ou sans aucun chiffre visible.
    """
    image = open_image(source, min_side_px=2 * WORK_PX)  # une grande photo se décode réduite
    try:
        return digit_square(image)
    except ValueError as error:
        raise ValueError(f"{source_name(source)} : {error}") from error


def digit_square(image: Image.Image) -> np.ndarray:
    """Rend le chiffre d'une image comme MNIST le montrerait.

    Args:
        image: image Pillow `RGB` de toute taille, telle que la rend `open_image`.

    Returns:
        uint8 `(28, 28)` dans [0, 255], clair sur fond noir : le plus grand côté du chiffre fait
        20 pixels, son centre de masse est au milieu. Une image de 28×28 déjà ainsi est rendue au
        bit près, et son négatif aussi.

    Raises:
        ValueError: rien ne se détache du fond, ou plusieurs chiffres sont côte à côte.

    Source : LeCun, Bottou, Bengio et Haffner, Proc. IEEE 86(11), 1998, §III.A (cadrage de MNIST).
    """
    if image.size == (SIDE_PX, SIDE_PX):
        pixels = np.asarray(image)
        for each in (pixels, 255 - pixels):
            if _is_ready(each):
                return each[..., 0].copy()
    for grey in _greys(image):
        with contextlib.suppress(NothingError):
            return _place(_thicken(_find_on_sheet(grey)))
    raise NothingError


def _greys(image: Image.Image) -> Iterator[Image.Image]:
    """Rend l'image en gris, puis, si rien ne s'y voit, ce que sa luminosité ne dit pas."""
    grey = image.convert("L")
    grey.thumbnail((WORK_PX, WORK_PX), Image.Resampling.BOX, reducing_gap=None)
    yield grey
    if alpha := image.info.get("alpha"):  # un chiffre de la couleur du fond qu'on lui a donné
        yield alpha.resize(grey.size)
    pixels = np.asarray(image.resize(grey.size, Image.Resampling.BOX), np.float32)
    pixels = (pixels - np.asarray(grey)[..., np.newaxis]).reshape(-1, 3)  # sans la luminosité
    pixels -= pixels.mean(0)
    axis = np.linalg.eigh(pixels.T @ pixels)[1][:, -1]  # où la couleur varie le plus
    levels = np.clip(128 + pixels @ axis, 0, 255).astype(np.uint8)
    yield Image.fromarray(levels.reshape(grey.size[::-1]))


def _find_on_sheet(grey: Image.Image) -> np.ndarray:
    """Rend l'encre, de `_find_ink`, de la feuille que montre une image, ou de l'image entière."""
    sheet = _find_sheet(grey)
    if sheet:
        # Un rectangle sans rien dessus : c'est peut-être lui, le chiffre.
        with contextlib.suppress(NothingError):
            return _find_ink(grey.crop(sheet))
    return _find_ink(grey)


def _is_ready(pixels: np.ndarray) -> bool:
    """Dit si une image de 28×28 est cadrée comme MNIST ; ses 70 000 chiffres passent ce test."""
    grey = pixels[..., 0]
    if grey.max() < 250 or (pixels.T != grey.T).any():
        return False
    middle = np.array(_mass_centre(grey))
    sides = [np.ptp(np.flatnonzero(grey.any(axis))) + 1 for axis in (0, 1)]
    return max(sides) in (BOX_PX - 1, BOX_PX) and bool((abs(middle - MIDDLE_PX) < 0.55).all())


def _mass_centre(ink: np.ndarray) -> tuple[float, float]:
    rows, columns = ink.sum(1, dtype=float), ink.sum(0, dtype=float)
    total = rows.sum()
    return rows @ np.arange(len(rows)) / total, columns @ np.arange(len(columns)) / total


# --- Séparer l'encre du fond ---------------------------------------------------------


def _find_ink(grey: Image.Image) -> np.ndarray:
    """Rend l'encre du chiffre, `(h, w)` dans [0, 1] : 0 sur le fond, 1 au milieu du trait."""
    contrast = _contrast(grey)
    for turned in (contrast, contrast.T):
        _erase_rules(turned)
    # L'écart-type du bruit, s'il est gaussien ; deux pixels voisins en partagent une part.
    noise = 1.05 * np.median(abs(contrast - np.roll(contrast, NOISE_LAG_PX)))
    contrast = np.maximum(contrast, 0)
    peak = np.sort(contrast, axis=None)[-max(5, contrast.size // 500) :].mean()
    if peak < max(MIN_CONTRAST, 6 * noise):
        raise NothingError
    for share in THRESHOLDS:
        threshold = max(share * peak, 4 * noise)
        mask, free = _choose(contrast, threshold)
        if free:
            break
    else:  # tout touche le bord : le chiffre remplit l'image
        threshold = max(THRESHOLDS[0] * peak, 4 * noise)
        mask, _ = _choose(contrast, threshold)
    # L'encre ne s'arrête pas net : le bord du trait, plus pâle, en fait partie.
    near = np.asarray(Image.fromarray(mask).convert("L").filter(ImageFilter.MaxFilter(3))) > 0
    low = min(threshold / 2, max(4 * noise, 0.04 * peak))
    full = np.percentile(contrast[mask], 75)
    return near * np.clip((contrast - low) / max(full - low, 1), 0, 1)


def _contrast(grey: Image.Image) -> np.ndarray:
    """Rend l'écart au fond, `(h, w)` : positif sur le trait, qu'il soit clair ou sombre.

    Le fond est une surface lisse, plus ce qui reste quand on efface tout trait plus fin qu'un tiers
    de l'image (ouverture morphologique) : dégradés, reflets, ombres larges.
    """
    pixels = np.asarray(grey, np.float32)
    surface = _smooth_ground(pixels)
    residual = pixels - surface
    dark_ink = -residual.min() > residual.max()
    if dark_ink:
        residual = -residual
    smooth = np.asarray(Image.fromarray(residual).filter(ImageFilter.MedianFilter(5)))
    window = max(grey.size) // 3 | 1  # impaire : l'ouverture ne décale rien
    low = _lowest(_lowest(smooth, window).T, window)
    ground = -_lowest(_lowest(-low, window).T, window)
    contrast = residual - ground
    if dark_ink:  # l'encre absorbe une part de la lumière : à l'ombre, l'écart est plus petit
        contrast *= 255 / np.clip(surface - ground, 100, 255)
    return contrast - max(np.percentile(contrast, 25), 0)


def _erase_rules(contrast: np.ndarray) -> None:
    """Efface, sur place, les lignes d'un cahier, s'il y en a plusieurs de parallèles.

    Une ligne est faite de pixels dont la plupart, d'un bord à l'autre, se détachent du fond autant
    les uns que les autres ; l'encre qui la traverse s'en détache plus, et reste.

    Args:
        contrast: `(h, w)` ; les lignes cherchées sont presque parallèles à ses lignes.
    """
    height, width = contrast.shape
    columns, best = np.arange(width), (0.0, None, None)
    for tilt in np.linspace(-MAX_TILT, MAX_TILT, 13):
        rows = np.arange(height)[:, None] + (tilt * (columns - width / 2)).round().astype(int)
        rows %= height
        profile = np.percentile(contrast[rows[:, ::4], columns[::4]], 30, axis=1)
        thin = profile + _lowest(-_lowest(profile, THICK_RULE_PX), THICK_RULE_PX)
        best = max(best, ((thin**2).sum(), rows, thin), key=lambda found: found[0])
    _, rows, thin = best
    if rows is None:
        return
    lines = thin > max(MIN_CONTRAST / 3, 0.2 * thin.max())
    if np.count_nonzero(lines[1:] & ~lines[:-1]) < MIN_RULES:
        return
    found = contrast[rows, columns]
    near = np.max([np.roll(thin, shift) for shift in (-1, 0, 1)], axis=0)[:, None]
    contrast[rows, columns] = np.where(found < 2 * near, np.minimum(found, 0), found)


def _lowest(values: np.ndarray, size: int) -> np.ndarray:
    """Rend, pour chaque ligne de `(h, …)`, le minimum des `size` lignes qui l'entourent."""
    around = [(size // 2, size - 1 - size // 2)] + [(0, 0)] * (values.ndim - 1)
    values, reached = np.pad(values, around, "edge"), 1
    while reached < size:
        step = min(reached, size - reached)
        values, reached = np.minimum(values[:-step], values[step:]), reached + step
    return values


def _smooth_ground(pixels: np.ndarray) -> np.ndarray:
    """Ajuste au fond une surface de degré 2, où le trait, minoritaire, compte de moins en moins.

    L'ajustement part une fois de l'image entière, qu'un gros chiffre fausserait, et une fois de son
    bord, qu'une feuille posée sur une table fausserait. La surface qui passe au plus près de la
    moitié des pixels est gardée.
    """
    height, width = pixels.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    basis = np.stack([x**0, x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    some = slice(None, None, max(1, len(basis) // 4000))
    known, values = basis[some], pixels.reshape(-1)[some].astype(float)
    surfaces = []
    for weights in (np.ones(len(values)), (abs(known[:, 1:3]) > 0.9).any(1).astype(float)):
        for _ in range(10):
            weighted = known.T * weights
            surface = np.linalg.lstsq(weighted @ known, weighted @ values, rcond=None)[0]
            error = abs(values - known @ surface)
            weights = 1 / (1 + (error / max(4, 3 * np.median(error))) ** 2) ** 2
        surfaces.append((np.median(error), surface))
    _, surface = min(surfaces, key=lambda found: found[0])
    return (basis @ surface).reshape(height, width).astype(np.float32)


# --- Choisir ce qui, dans l'encre, est le chiffre ------------------------------------


def _choose(contrast: np.ndarray, threshold: float) -> tuple[np.ndarray, bool]:
    """Garde le plus gros morceau d'encre qui ne touche pas le bord, et ce qui en est tout près.

    Returns:
        `(masque (h, w), libre)` ; `libre` est faux si tout morceau de bonne taille touche le bord.
    """
    labels, count = label(contrast > threshold)
    if not count:
        return contrast >= contrast.max(), False
    mass = np.bincount(labels.reshape(-1), contrast.reshape(-1), count + 1)[1:]
    boxes = _boxes(labels, count)
    height, width = contrast.shape
    touching = (boxes[:, :2] == 0).any(1) | (boxes[:, 2:] == (height - 1, width - 1)).any(1)
    side = (boxes[:, 2:] - boxes[:, :2]).max(1) + 1
    candidates = np.where(touching | (side < 0.05 * max(height, width)), 0, mass)
    frames = np.zeros(count, bool)
    for index in np.flatnonzero(candidates):
        frames[index] = _is_frame(labels, index, boxes[index])
    candidates = np.where(frames, 0, candidates)
    free = bool(candidates.max() > 0)
    main = int((candidates if free else mass).argmax())
    frames[main] = False  # un cadre sans rien dedans : c'est lui, le chiffre
    # Une barre détachée fait partie du chiffre, une poussière non.
    gap = np.maximum(boxes[:, :2] - boxes[main, 2:], boxes[main, :2] - boxes[:, 2:]).max(1)
    kept = (gap < 0.15 * side[main]) & (mass > 0.02 * mass[main]) & (touching <= touching[main])
    kept &= ~frames
    if free and _has_twin(boxes, np.where(kept, 0, candidates), main):
        raise ValueError(
            "plusieurs chiffres sont côte à côte ; donnez-en un seul, recadrez l'image."
        )
    return np.concatenate([[False], kept])[labels], free


def _has_twin(boxes: np.ndarray, mass: np.ndarray, main: int) -> bool:
    """Dit si un autre morceau, de même taille, est à côté de celui que l'on garde."""
    heights = boxes[:, 2] - boxes[:, 0] + 1
    shared = np.minimum(boxes[:, 2], boxes[main, 2]) - np.maximum(boxes[:, 0], boxes[main, 0]) + 1
    beside = shared > TWIN * np.maximum(heights, heights[main])
    return bool((beside & (mass > TWIN / 2 * mass[main])).any())


def _is_frame(labels: np.ndarray, index: int, box: np.ndarray) -> bool:
    """Dit si un morceau longe les quatre côtés de son cadre : une case, et non un chiffre."""
    top, left, bottom, right = box
    inside = labels[top : bottom + 1, left : right + 1] == index + 1
    band = max(1, max(inside.shape) // 12)
    edges = (inside[:band], inside[-band:], inside[:, :band].T, inside[:, -band:].T)
    return inside.mean() < 0.5 and all(edge.any(axis=0).mean() > 0.9 for edge in edges)


def _boxes(labels: np.ndarray, count: int) -> np.ndarray:
    """Rend le cadre de chaque morceau, `(count, 4)` : haut, gauche, bas, droite, compris."""
    where = np.argwhere(labels)
    owner = labels[tuple(where.T)] - 1
    boxes = np.tile([*labels.shape, -1, -1], (count, 1))
    np.minimum.at(boxes[:, :2], owner, where)
    np.maximum.at(boxes[:, 2:], owner, where)
    return boxes


# `scipy.ndimage.label` ferait de même, mais SciPy pèse 113 Mo, que ./predict ne demande pas.
def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Numérote les morceaux d'un masque ; deux pixels voisins, même en diagonale, n'en font qu'un.

    Args:
        mask: booléens `(h, w)`.

    Returns:
        `(numéros, combien)` : entiers `(h, w)`, 0 hors du masque, puis de 1 à `combien`.
    """
    padded = np.pad(mask, 1)
    inside, line = np.flatnonzero(padded), padded.shape[1]
    index = np.full(padded.size, -1)
    index[inside] = np.arange(len(inside))
    steps = (1, line - 1, line, line + 1)  # à droite, et les trois pixels du dessous
    first = np.tile(np.arange(len(inside)), len(steps))
    second = np.concatenate([index[inside + step] for step in steps])
    first, second = first[second >= 0], second[second >= 0]
    root = np.arange(len(inside))  # le plus petit pixel connu du même morceau
    while (root[first] != root[second]).any():
        low = np.minimum(root[first], root[second])
        np.minimum.at(root, np.maximum(root[first], root[second]), low)
        while (root[root] != root).any():
            root = root[root]
    roots, number = np.unique(root, return_inverse=True)
    labels = np.zeros(padded.size, int)
    labels[inside] = number + 1
    return labels.reshape(padded.shape)[1:-1, 1:-1], len(roots)


def _find_sheet(grey: Image.Image) -> tuple[int, int, int, int] | None:
    """Cherche une feuille claire, ou une ardoise sombre, posée entière sur un fond contraire.

    Returns:
        Son cadre, un peu rogné, pour `Image.crop` ; None s'il n'y en a pas.
    """
    pixels = np.asarray(grey)
    counts = np.bincount(pixels.reshape(-1), minlength=256) / pixels.size
    below, moment = counts.cumsum(), (counts * np.arange(256)).cumsum()
    mean = moment[-1]
    between = (mean * below - moment) ** 2 / np.maximum(below * (1 - below), 1e-9)  # Otsu, 1979
    level = between.argmax()
    if between[level] <= 0.85 * pixels.var():  # deux tons francs, et non un dégradé
        return None
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    bright = np.median(border) <= level
    labels, _ = label(pixels > level if bright else pixels <= level)
    sheet = labels == np.bincount(labels.reshape(-1))[1:].argmax() + 1
    top, left, bottom, right = _boxes(sheet.astype(int), 1)[0]
    height, width = bottom - top + 1, right - left + 1
    touched = [top, left, pixels.shape[0] - 1 - bottom, pixels.shape[1] - 1 - right].count(0)
    # Les quatre coins : un chiffre épais remplit parfois son cadre, mais il est rond.
    rows, columns = np.nonzero(sheet[top : bottom + 1, left : right + 1])
    corners = [(row, column) for row in (0, height - 1) for column in (0, width - 1)]
    far = max((abs(rows - row) + abs(columns - column)).min() for row, column in corners)
    if (
        touched > 1
        or min(height, width) < max(SIDE_PX, 0.4 * max(height, width))
        or sheet.sum() < max(0.65 * height * width, 0.08 * pixels.size)
        or far > 0.2 * max(height, width)
    ):
        return None
    inset = 0.03 * max(height, width)
    return (int(left + inset), int(top + inset), int(right + 1 - inset), int(bottom + 1 - inset))


# --- Présenter comme MNIST -----------------------------------------------------------


def _thicken(ink: np.ndarray) -> np.ndarray:
    """Épaissit un trait fin : réduit à 20 pixels, il serait presque effacé."""
    box = _trim(ink)
    mask = np.pad(box > 0.5, 1)
    outline = np.count_nonzero(mask[1:] != mask[:-1])
    outline += np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    scale = max(box.shape) / BOX_PX
    stroke = 2 * mask.sum() / max(1, np.pi / 4 * outline)  # deux bords, comptés en escalier
    radius = round((STROKE_PX * scale - stroke) / 2)
    if radius < 1:
        return box
    padded = Image.fromarray(np.uint8(255 * np.pad(box, radius)))
    return np.asarray(padded.filter(ImageFilter.MaxFilter(2 * radius + 1)), np.float32) / 255


def _trim(ink: np.ndarray) -> np.ndarray:
    """Rogne ce qui, autour, ne porte presque pas d'encre."""
    rows, columns = (np.flatnonzero((ink > 0.05).any(axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _place(ink: np.ndarray) -> np.ndarray:
    """Réduit l'encre à 20 pixels, son centre de masse au milieu de 28."""
    box = _trim(ink)
    height, width = (max(1, round(side * BOX_PX / max(box.shape))) for side in box.shape)
    small = Image.fromarray(np.uint8(np.rint(255 * box))).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    small = np.asarray(small, np.float32)
    small = np.uint8(np.rint(small * (255 / small.max())))
    down, right = _mass_centre(small)
    top = int(np.clip(round(MIDDLE_PX - down), 0, SIDE_PX - height))
    left = int(np.clip(round(MIDDLE_PX - right), 0, SIDE_PX - width))
    square = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    square[top : top + height, left : left + width] = small
    return square
