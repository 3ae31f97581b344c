"""Exercice 11 : effacer une image, ou la faire apparaître, dans l'ordre d'une carte."""

import numpy as np
from scipy import ndimage

from grading import sealed
from grading.questions import (
    Ask,
    Credit,
    Mistake,
    altered,
    as_floats,
    at_call,
    compared,
    credit,
    numbers,
    pixels,
    question,
    same,
)
from grading.questions.heatmaps import CLASS, NUM_CLASSES, glance, probabilities

OURS = sealed.module("ex11_curves.curves")
SIDE, CELL = 8, 2  # une case par pas : l'ordre des pixels d'une case ne se voit pas
ROUNDED = 0.02  # de probabilité : ce que change, au plus ou presque, un arrondi ou une troncature


# --- Ranger --------------------------------------------------------------------------


def _order_of(values: np.ndarray, *, cell_px: int, across: int | None = None, **_) -> np.ndarray:
    """Range les pixels d'après leur valeur ; `across` numérote mal les cases d'une ligne."""
    return _ranked(values, _cells(values, cell_px, across))


def _ranked(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Range les pixels, case par case ; `cells` donne la case de chacun."""
    return np.lexsort((cells, -_means(values, cells)[cells]))


def _cells(values: np.ndarray, cell_px: int, across: int | None = None) -> np.ndarray:
    """Rend la case de chaque pixel."""
    rows, columns = np.indices(values.shape) // cell_px
    return (rows * (across or columns.max() + 1) + columns).ravel()


def _means(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Rend la moyenne de chaque case."""
    return np.bincount(cells, values.ravel()) / np.maximum(np.bincount(cells), 1)


def _partial_cells_shared(heatmap, *, cell_px, **_) -> np.ndarray:
    """Compte les cases entières seulement : la dernière d'une ligne a le numéro de la suivante."""
    return _order_of(heatmap, cell_px=cell_px, across=max(1, heatmap.shape[1] // cell_px))


def _rows_for_columns(heatmap, *, cell_px, **_) -> np.ndarray:
    """Numérote les cases d'une ligne comme si l'image était aussi large que haute."""
    return _order_of(heatmap, cell_px=cell_px, across=-(-heatmap.shape[0] // cell_px))


def _edge_left_out(heatmap, *, cell_px, **_) -> np.ndarray:
    """Ne rend que les pixels des cases entières."""
    rows, columns = np.indices(heatmap.shape) // cell_px
    height, width = heatmap.shape
    whole = (rows < height // cell_px) & (columns < width // cell_px)
    order = _order_of(heatmap, cell_px=cell_px)
    return order[whole.ravel()[order]]


def _cells_of_a_line(heatmap, *, cell_px, **_) -> np.ndarray:
    """Fait une case de pixels qui se suivent, aussi nombreux que ceux d'un carré."""
    return _ranked(heatmap, np.arange(heatmap.size) // cell_px**2)


def _numbers_of_cells(heatmap, *, cell_px, **_) -> np.ndarray:
    """Rend les numéros des cases, et non ceux de leurs pixels."""
    return np.argsort(-_means(heatmap, _cells(heatmap, cell_px)))


def _largest_of_cell(heatmap, *, cell_px, **_) -> np.ndarray:
    """Donne à une case son plus grand pixel, et non leur moyenne."""
    down, across = (-(-side // cell_px) for side in heatmap.shape)
    largest = np.full((down, across), -np.inf)
    np.maximum.at(largest, tuple(np.indices(heatmap.shape) // cell_px), heatmap)
    every = np.repeat(np.repeat(largest, cell_px, 0), cell_px, 1)
    return _order_of(every[: heatmap.shape[0], : heatmap.shape[1]], cell_px=cell_px)


def _ranks(heatmap, *, cell_px, **_) -> np.ndarray:
    """Rend le rang de chaque pixel, et non les pixels dans leur ordre."""
    return np.argsort(_order_of(heatmap, cell_px=cell_px))


def _ranks_of_cells(heatmap, *, cell_px, **_) -> np.ndarray:
    """Rend, de chaque pixel, le rang de sa case."""
    cells = _cells(heatmap, cell_px)
    return np.argsort(np.argsort(-_means(heatmap, cells)))[cells]


ORDERS = [
    Mistake("ranks_for_numbers", _ranks),
    Mistake("ranks_for_numbers", _ranks_of_cells),
    Mistake("largest_of_cell", _largest_of_cell),
    Mistake("partial_cells_shared", _partial_cells_shared),
    Mistake("rows_for_columns", _rows_for_columns),
    Mistake("edge_left_out", _edge_left_out),
    Mistake("cells_of_a_line", _cells_of_a_line),
    Mistake("cells_for_pixels", _numbers_of_cells),
]


@question("ex11.pixel_order")
def ask_pixel_order(ask: Ask) -> Credit:
    """Range des cartes sans égalité, puis une carte où presque tout est égal."""
    heatmap = ask.rng.normal(size=(8, 12))

    def group(level, cell_px, width):
        """Lit la case de chaque pixel : leur ordre dans une case est libre."""
        rows, columns = np.indices((8, width)) // cell_px
        places = (rows * width + columns).ravel()
        calls = [((heatmap[:, :width],), {"seed": 5, "cell_px": cell_px})]
        return level, calls, lambda order: [places[order], np.sort(order)]

    # Puis une largeur que le côté des cases ne divise pas.
    groups = [group("1/2", 1, 12), group("3/4", 2, 12), group("3/4", 4, 12), group("3/4", 2, 11)]
    found = ask.compare("pixel_order", groups, mistakes=ORDERS)
    if found.level < 1:
        return _map_fault(ask, heatmap, found) or found
    return _tie_fault(ask) or found


def _map_fault(ask: Ask, heatmap: np.ndarray, found: Credit) -> Credit | None:
    """Dit si l'ordre ne dépend pas de la carte, quand même les cases d'un pixel sont mal rangées.

    Args:
        ask: la question.
        heatmap: une carte.
        found: ce qui se dit déjà de l'ordre.
    """
    if found.wrong is None or found.wrong.reached > 0 or found.wrong.answer.error:
        return None
    calls = [((each,), {"seed": 5, "cell_px": 1}) for each in (heatmap, -heatmap)]
    answers = ask.calls("pixel_order", calls)
    orders = [as_floats(each.value) for each in answers]
    if orders[0] is None or not same(*orders):
        return None
    fault = credit(0, "map_without_effect")
    return at_call(fault, "pixel_order", calls[1], answers[1], np.arange(heatmap.size))


def _tie_fault(ask: Ask) -> Credit | None:
    """Juge l'ordre d'une carte dont toutes les cases, sauf une, sont égales."""
    flat = np.zeros((8, 12))
    flat[2, 5] = 1
    calls = [((flat,), {"seed": seed, "cell_px": 2}) for seed in (5, 5, 6)]
    answers = ask.calls("pixel_order", calls)
    first, again, other = (numbers(each, (flat.size,)).astype(int) for each in answers)
    every = np.arange(flat.size)
    is_order = same(np.sort(first), every)
    passed = _cells(flat, 2)[first if is_order else every]  # la case de chaque pixel, dans l'ordre
    leaving = passed[np.flatnonzero(np.diff(passed, prepend=-1))]  # une fois par passage
    is_read = (np.diff(leaving[1:]) > 0).all()  # la première est la seule qui n'est pas nulle
    faults = (
        ("unstable_order", 1, not same(first, again)),
        ("wrong_values", 0, not is_order),
        ("tied_cells_mixed", 0, len(leaving) > len({*leaving})),
        ("ties_in_reading_order", 2, same(first, other) and is_read),
        ("seed_without_effect", 2, same(first, other)),
    )
    for reason, number, committed in faults:
        if committed:
            fault = credit("3/4", reason)
            return at_call(fault, "pixel_order", calls[number], answers[number], every)
    return None


# --- Passer d'une image à l'autre ----------------------------------------------------


def _passed(start, end, counts, order) -> np.ndarray:
    """Rend une image par nombre de pixels déjà changés."""
    place = np.argsort(order).reshape(1, *start.shape[:2], 1)
    return np.where(place < np.reshape(counts, (-1, 1, 1, 1)), end, start)


def _by_parts(start, end, order, *, parts: int, first: bool) -> np.ndarray:
    """Découpe l'ordre en parts presque égales ; garde ou non l'image de départ."""
    sizes = [len(each) for each in np.array_split(order, parts)]
    return _passed(start, end, np.cumsum([0, *sizes] if first else sizes), order)


def _start_missing(start, end, order) -> np.ndarray:
    return _by_parts(start, end, order, parts=OURS.NUM_STEPS + 1, first=False)


def _one_step_ahead(start, end, order) -> np.ndarray:
    """Commence au premier pas ; la dernière image y est alors deux fois."""
    found = OURS.frames(start, end, order)
    return np.concatenate([found[1:], found[-1:]])


def _own_part_only(start, end, order, *, counts=np.rint) -> np.ndarray:
    """Ne change, à chaque pas, que les pixels de ce pas."""
    bounds = counts(np.linspace(0, order.size, OURS.NUM_STEPS + 1)).astype(int)
    place = np.argsort(order).reshape(1, *start.shape[:2], 1)
    before, after = (each.reshape(-1, 1, 1, 1) for each in (np.r_[0, bounds[:-1]], bounds))
    return np.where((before <= place) & (place < after), end, start)


def _as_for_the_course(start, end, order) -> np.ndarray:
    """Change 64 pixels à chaque pas, comme sur une image de 32×32."""
    return _passed(start, end, 64 * np.arange(OURS.NUM_STEPS + 1), order)


def _blended(start, end, order, *, rounded=np.rint) -> np.ndarray:
    """Passe en fondu, tous les pixels à la fois."""
    share = np.linspace(0, 1, OURS.NUM_STEPS + 1).reshape(-1, 1, 1, 1)
    return rounded((1 - share) * start + share * end)


def _rest_left(start, end, order) -> np.ndarray:
    """Change le même nombre entier de pixels à chaque pas : le reste n'est jamais changé."""
    each = order.size // OURS.NUM_STEPS
    return _passed(start, end, each * np.arange(OURS.NUM_STEPS + 1), order)


FRAMES = [
    Mistake(
        "frames_share_memory", lambda start, end, order: np.stack([end] * (OURS.NUM_STEPS + 1))
    ),
    Mistake("frames_start_missing", _start_missing),
    Mistake("frames_start_missing", _one_step_ahead),
    Mistake("steps_not_kept", _own_part_only),
    Mistake("steps_not_kept", altered(_own_part_only, counts=np.floor)),
    Mistake("as_for_the_course", _as_for_the_course, "1/2"),
    Mistake("order_unused", lambda a, b, order: OURS.frames(a, b, np.sort(order)), "1/2"),
    Mistake("order_as_ranks", lambda a, b, order: OURS.frames(a, b, np.argsort(order)), "1/2"),
    Mistake("frames_blended", _blended, "1/2"),
    Mistake("frames_blended", altered(_blended, rounded=np.floor), "1/2"),
    Mistake("order_reversed", lambda a, b, order: OURS.frames(a, b, order[::-1]), "1/2"),
    Mistake("rest_left", _rest_left, "1/2"),
]


@compared("ex11.frames", mistakes=FRAMES)
def ask_frames(ask: Ask) -> list:
    """Passe d'une image à une autre, d'un nombre entier de pixels par pas, puis non."""
    start, end = pixels(ask.rng, 2, 12, 16, 3)  # bien plus de 64 pixels, les pas de la leçon
    order = ask.rng.permutation(192)
    calls = [((start, end, order), {}), ((end, start, order[::-1].copy()), {})]
    small = start[:5, :7], end[:5, :7]
    uneven = [((*small, ask.rng.permutation(35)), {})]  # 2 ou 3 pixels par pas

    def both_ends(frames) -> np.ndarray:
        return as_floats(frames)[[0, -1]]

    return [("1/2", calls, both_ends), ("1", uneven, both_ends), ("1", calls)]


# --- Les deux courbes ----------------------------------------------------------------


def _traced(
    *,
    ground=None,
    sigmas=(1, 1, 0),
    ends=lambda image, under, blurred: (blurred, image),
    read=lambda found, class_index: found[:, class_index],
    ranks=lambda heatmaps, name: heatmaps[name],
):
    """Rend la question, avec une erreur au choix.

    Args:
        ground: fait le fond de la suppression d'une image ; la couleur moyenne par défaut.
        sigmas: écarts-types du flou, en part de celui qui est demandé.
        ends: choisit les deux bouts de l'insertion, d'après l'image, ce fond et l'image floue.
        read: lit les réponses du réseau.
        ranks: choisit la carte qui range les pixels.
    """

    def trace(model, image, class_index, heatmaps, *, seed, cell_px):
        under = np.rint(image.mean((0, 1)) if ground is None else ground(image))
        under = np.broadcast_to(under, image.shape).astype(np.uint8)
        blurred = _blurred(image, sigmas)
        found = {}
        for name in heatmaps:
            order = OURS.pixel_order(ranks(heatmaps, name), seed=seed, cell_px=cell_px)
            deleted = OURS.frames(image, under, order)
            inserted = OURS.frames(*ends(image, under, blurred), order)
            both = [probabilities(model, each) for each in (deleted, inserted)]
            found[name] = np.stack([read(each, class_index) for each in both])
        return found

    return trace


def _blurred(image: np.ndarray, sigmas=(1, 1, 0)) -> np.ndarray:
    """Rend l'image floue ; `sigmas` sont ses écarts-types, en part de celui qui est demandé."""
    blur = [OURS.BLUR * side * factor for side, factor in zip(image.shape, sigmas, strict=True)]
    return np.rint(ndimage.gaussian_filter(image.astype(float), blur)).astype(np.uint8)


def _of_class(number: int):
    """Rend ce qui lit toujours la probabilité de la même classe."""

    def read(found: np.ndarray, class_index: int) -> np.ndarray:
        return found[:, number]

    return read


OTHERS = [number for number in range(NUM_CLASSES) if number != CLASS]
CURVES = [
    Mistake("deleted_under_black", _traced(ground=np.zeros_like)),
    Mistake("deleted_under_grey", _traced(ground=np.mean)),
    Mistake("deleted_under_blur", _traced(ground=_blurred)),
    Mistake("insertion_reversed", _traced(ends=lambda image, _, blurred: (image, blurred)), "1/2"),
    Mistake("inserted_on_plain", _traced(ends=lambda image, under, _: (under, image)), "1/2"),
    Mistake("blur_mixes_colors", _traced(sigmas=(1, 1, SIDE / 3)), "1/2"),
    Mistake("blur_mixes_colors", _traced(sigmas=(1, 1, 1)), "1/2"),
    Mistake("highest_probability", _traced(read=lambda found, _: found.max(axis=1))),
    *(Mistake("wrong_class", _traced(read=_of_class(number))) for number in OTHERS),
    Mistake("order_of_last_map", _traced(ranks=lambda heatmaps, _: [*heatmaps.values()][-1])),
]


def _picture(rng: np.random.Generator) -> np.ndarray:
    """Tire une image contrastée, dont les trois couleurs n'ont pas la même moyenne."""
    bright = rng.random((SIDE, SIDE, 3)) < [0.8, 0.5, 0.2]
    return (pixels(rng, SIDE, SIDE, 3) // 4 + 190 * bright).astype(np.uint8)


@question("ex11.deletion_and_insertion")
def ask_deletion_and_insertion(ask: Ask) -> Credit:
    """Compare les courbes de deux cartes, sur un réseau connu ; arrondies ou tronquées, à part.

    L'énoncé ne dit pas si la couleur moyenne et le flou s'arrondissent ou se tronquent.
    """
    image = _picture(ask.rng)
    model, names = glance(ask.rng, image), ("un", "deux")
    # Des rangs à une puissance : deux cases n'ont jamais la même moyenne.
    ranks = np.arange(SIDE**2).reshape(SIDE, SIDE) ** 1.5
    heatmaps = {name: ask.rng.permuted(ranks) for name in names}
    call = [((model, image, CLASS, heatmaps), {"seed": 3, "cell_px": CELL})]
    (answer,) = ask.calls("deletion_and_insertion", call)
    shape = (2, OURS.NUM_STEPS + 1)
    for each in answer.value.values() if isinstance(answer.value, dict) else ():
        if (known := as_floats(each)) is not None and known.shape != shape:
            return credit(0, "wrong_shape", f"forme attendue {shape}, rendue {known.shape}")
    found = ask.compare(
        "deletion_and_insertion",
        [
            ("1/2", call, lambda found: [as_floats(found[name])[0] for name in names]),
            ("3/4", call, lambda found: [as_floats(found[name]) for name in names]),
        ],
        mistakes=CURVES,
        tolerance=ROUNDED,
    )
    return found if found.level < 1 else _seed_fault(ask, model, image) or found


def _seed_fault(ask: Ask, model, image: np.ndarray) -> Credit | None:
    """Dit si la graine ne change rien aux courbes, alors que `pixel_order`, du rendu, s'en sert."""
    flat, seeds = np.zeros((SIDE, SIDE)), (3, 3, 4)
    draws = [((flat,), {"seed": seed, "cell_px": CELL}) for seed in seeds]
    first, again, other = (as_floats(each.value) for each in ask.calls("pixel_order", draws))
    if not same(first, again) or same(first, other):
        return None  # c'est `pixel_order` qui est à revoir
    calls = [
        ((model, image, CLASS, {"plate": flat}), {"seed": seed, "cell_px": CELL}) for seed in (3, 4)
    ]
    answers = ask.calls("deletion_and_insertion", calls)
    curves = [as_floats(numbers(each._replace(value=_only(each.value)))) for each in answers]
    if not same(*curves):
        return None
    fault = credit("3/4", "seed_without_effect")
    return at_call(fault, "deletion_and_insertion", calls[1], answers[1], {"plate": curves[1]})


def _only(value):
    """Rend les courbes de la seule carte donnée."""
    return next(iter(value.values()), None) if isinstance(value, dict) else value


# --- L'aire --------------------------------------------------------------------------


def _by_rectangles(start, stop):
    def area(curve):
        return np.sum(curve[start:stop]) / (len(curve) - 1)

    return area


AREAS = [
    Mistake("area_by_rectangles", _by_rectangles(None, -1)),
    Mistake("area_by_rectangles", _by_rectangles(1, None)),
    Mistake("area_not_halved", _by_rectangles(None, None)),
    Mistake("area_not_halved", lambda c: np.sum(c[1:] + c[:-1]) / (len(c) - 1)),
]


@compared("ex11.area", mistakes=AREAS)
def ask_area(ask: Ask) -> list:
    """Mesure des courbes de `NUM_STEPS + 1` points, comme le dit l'énoncé."""
    return [("1", [((ask.rng.random(OURS.NUM_STEPS + 1),), {}) for _ in range(2)])]
