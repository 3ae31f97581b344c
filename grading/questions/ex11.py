"""Exercice 11 : effacer une image, ou la faire apparaître, dans l'ordre d'une carte."""

import numpy as np

from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    as_floats,
    compared,
    first_fault,
    numbers,
    pixels,
    question,
    same,
)
from grading.questions.heatmaps import CLASS, glance

SIDE, CELL = 8, 2  # une case par pas : l'ordre des pixels d'une case ne se voit pas


@question("ex11.pixel_order")
def ask_pixel_order(ask: Ask) -> Credit:
    """Range des cartes sans égalité, puis une carte où presque tout est égal."""
    heatmap, flat = ask.rng.normal(size=(8, 12)), np.zeros((8, 12))
    flat[2, 5] = 1

    def group(level, cell_px, width):
        """Lit la case de chaque pixel : leur ordre dans une case est libre."""
        rows, columns = np.indices((8, width)) // cell_px
        places = (rows * width + columns).ravel()
        calls = [((heatmap[:, :width],), {"seed": 5, "cell_px": cell_px})]
        return level, calls, lambda order: [places[order], np.sort(order)]

    # Puis une largeur que le côté des cases ne divise pas.
    groups = [group("1/2", 1, 12), group("1/2", 2, 12), group("1", 4, 12), group("1", 2, 11)]
    found = ask.compare("pixel_order", groups)
    calls = [((flat,), {"seed": seed, "cell_px": 2}) for seed in (5, 5, 6)]
    first, again, other = (numbers(each) for each in ask.calls("pixel_order", calls))
    return first_fault(
        (found.level, found.reason, found.reason, found.detail),
        ("3/4", "unstable_order", not same(first, again)),
        ("3/4", "ties_in_reading_order", same(first, other)),
    )


@compared("ex11.frames")
def ask_frames(ask: Ask) -> list:
    """Passe d'une image à une autre, d'un nombre entier de pixels par pas, puis non."""
    start, end = pixels(ask.rng, 2, 6, 8, 3)
    order = ask.rng.permutation(48)
    calls = [((start, end, order), {}), ((end, start, order[::-1].copy()), {})]
    uneven = [((start[:5, :7], end[:5, :7], ask.rng.permutation(35)), {})]  # 2 ou 3 pixels par pas

    def both_ends(frames) -> np.ndarray:
        return as_floats(frames)[[0, -1]]

    return [("1/2", calls, both_ends), ("1", uneven, both_ends), ("1", calls)]


@compared("ex11.deletion_and_insertion", tolerance=TOLERANCE)
def ask_deletion_and_insertion(ask: Ask) -> list:
    """Compare les courbes de deux cartes, sur un réseau connu."""
    image = pixels(ask.rng, SIDE, SIDE, 3)
    model, names = glance(ask.rng, image), ("un", "deux")
    # Des rangs à une puissance : deux cases n'ont jamais la même moyenne.
    ranks = np.arange(SIDE**2).reshape(SIDE, SIDE) ** 1.5
    heatmaps = {name: ask.rng.permuted(ranks) for name in names}
    call = [((model, image, CLASS, heatmaps), {"seed": 3, "cell_px": CELL})]
    return [
        ("1/2", call, lambda found: [as_floats(found[name])[0] for name in names]),
        ("1", call, lambda found: [as_floats(found[name]) for name in names]),
    ]


@compared("ex11.area")
def ask_area(ask: Ask) -> list:
    """Mesure des courbes de longueurs différentes."""
    return [("1", [((ask.rng.random(num),), {}) for num in (17, 9)])]
