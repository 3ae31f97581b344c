"""Exercice 12 : la réponse d'une couche, et l'image qui la fait monter, octave par octave."""

from functools import partial

import numpy as np

from grading.asking.failures import Answer, Failure
from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    dreams,
    first_fault,
    question,
    same,
)

LEVELS = 2.0  # ce dont un pixel change en moyenne à chaque pas, dit l'énoncé
SHAPE = (24, 30, 3)
OCTAVES, STEPS = 3, 2
MOVED = 0.1  # des pixels : bien plus qu'un gradient nul n'en laisse bouger
PLAIN = 160.0  # niveau d'une image unie
SEAM = 0.95  # de ce dont changent les autres, une ligne proche d'un bord change moins
NUM_SEEDS, MIN_OFFSETS = 8, 3  # une graine de chaque, et deux décalages ne sont pas du hasard
MAX_GAP = 0.3  # d'autres tailles d'octaves, arrondies autrement, changent cette part de 4 %


def _response(maps, guide=None, *, alone=np.square, within=None, unit=False):
    """Rend ce que fait `response`, avec, au choix, une erreur.

    Args:
        maps: cartes `(1, h, w, c)`.
        guide: caractéristiques `(m, c)`, ou None.
        alone: ce qui est fait de chaque valeur, sans guide, avant leur moyenne.
        within: ce qui est fait, sans guide, de leur moyenne.
        unit: ramener à 1 la longueur de ce qui se compare au guide.
    """
    maps = np.asarray(maps, float)
    if guide is None:
        mean = alone(maps).mean()
        return within(mean) if within else mean
    places, guide = maps.reshape(-1, maps.shape[-1]), np.asarray(guide, float)
    if unit:
        places, guide = (each / np.linalg.norm(each, axis=1)[:, None] for each in (places, guide))
    return (places @ guide.T).max(1).mean()


RESPONSES = [
    Mistake("guide_normalised", partial(_response, unit=True)),
    Mistake("absolute_not_squared", partial(_response, alone=np.abs)),
    Mistake("square_forgotten", partial(_response, alone=np.asarray)),
    Mistake("mean_squared", partial(_response, alone=np.asarray, within=np.square)),
]


@question("ex12.response")
def ask_response(ask: Ask) -> Credit:
    """Mesure des réponses, sans guide puis avec ; le gradient doit ensuite en revenir."""
    maps = ask.rng.uniform(-2, 3, (4, 1, 5, 4, 6)).astype(np.float32)
    guides = [ask.rng.uniform(-2, 3, (num, 6)).astype(np.float32) for num in (7, 3, 5, 4)]
    guided = [(pair, {}) for pair in zip(maps, guides, strict=True)]
    groups = [("1/2", [((each,), {}) for each in maps]), ("1", guided)]
    found = ask.compare("response", groups, mistakes=RESPONSES, tolerance=TOLERANCE)
    if found.level < 1:
        return found
    try:
        slopes = ask.calls("response", [groups[0][1][0], guided[0]], operation="slopes")
    except Failure as failure:
        return credit("1/2", failure.reason, failure.detail)
    return first_fault(("1/2", "gradient_lost", any(each.value is None for each in slopes)))


def _rolled(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset, (0, 1))


def _cut(image: np.ndarray, offset) -> np.ndarray:
    """Décale une image, et met des zéros à la place de ce qui devrait rentrer."""
    moved, inside = _rolled(image, offset), np.ones(image.shape[:2], bool)
    for axis, distance in enumerate(offset):
        places = np.arange(image.shape[axis])
        kept = (places >= distance) & (places < image.shape[axis] + distance)
        inside &= kept[:, None] if axis == 0 else kept
    return moved * inside[..., None]


def _repeated(image: np.ndarray, offset) -> np.ndarray:
    """Décale une image, et répète ses bords à la place de ce qui devrait rentrer."""
    rows, columns = (
        np.clip(np.arange(side) - distance, 0, side - 1)
        for side, distance in zip(image.shape, offset, strict=False)
    )
    return image[rows][:, columns]


def _repeated_backwards(image: np.ndarray, offset) -> np.ndarray:
    return _repeated(image, np.negative(offset))


def _rolled_down(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset[0], 0)


def _rolled_right(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset[1], 1)


def _rolled_as_batch(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset, (1, 2))


def _swapped_backwards(image: np.ndarray, offset) -> np.ndarray:
    return _rolled(image, np.negative(offset)[::-1])


SHIFTED = [
    Mistake("outside_lost", _cut),
    Mistake("outside_lost", _repeated),
    Mistake("outside_lost", _repeated_backwards),
    Mistake("one_axis_shifted", _rolled_down),
    Mistake("one_axis_shifted", _rolled_right),
    Mistake("colours_shifted", _rolled_as_batch),
    Mistake("offset_swapped_backwards", _swapped_backwards),
]


@question("ex12.shift")
def ask_shift(ask: Ask) -> Credit:
    """Décale une image, dans les deux sens."""
    image = ask.rng.uniform(0, 255, (6, 9, 3)).astype(np.float32)
    first, *others = [((image, np.array(each)), {}) for each in ((2, 3), (-1, 4), (0, -2))]
    groups = [("1", [first]), ("1", others)]
    return ask.judge("shift", groups, _rolled, SHIFTED)


# --- Le rêve -------------------------------------------------------------------------


def _relative(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return weights / starts


def _without_weights(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return 1 / starts


def _not_relative(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return weights


def _without_weights_nor_starts(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.ones_like(weights)


def _mean_size(slope: np.ndarray) -> float:
    return np.abs(slope).mean()


def _highest(slope: np.ndarray) -> float:
    return np.abs(slope).max()


def _typical(slope: np.ndarray) -> float:
    return np.sqrt(np.square(slope).mean())


SIZES = (_highest, _typical, np.std, np.mean)  # ce qui se prend pour la taille moyenne du gradient


def _climbed(network: dreams.Network, factors=_relative, sign=1, size=_mean_size):
    """Rend ce que fait `dream` d'un pas, à une seule échelle, avec, au choix, une erreur.

    Args:
        network: le réseau.
        factors: rend ce qui multiplie la réponse de chaque couche, des poids et des réponses.
        sign: -1 pour descendre.
        size: rend ce qui divise le gradient.
    """
    first, _, second, _ = network.weights

    def dream(_, image, weights, *, options):
        low, high = network.maps(image).values()
        starts = np.array([np.mean(low**2), np.mean(high**2)])
        of_low, of_high = factors(np.asarray(weights), starts)
        slope = of_low * 2 * low / low.size
        slope = slope + of_high * 2 * high / high.size @ second[0, 0].T  # `high` coupe, comme ReLU
        slope = (slope * (low > 0)) @ first[0, 0].T
        change = sign * LEVELS * slope / size(slope)
        return np.clip(image + change, 0, 255), []

    return dream


def _seams(pixels: np.ndarray) -> list[tuple]:
    """Rend les lignes, puis les colonnes, qui changent le moins dans le rêve d'une image unie.

    Près des bords, un pixel compte dans moins de réponses. Le gradient décalé en retour, ces bords
    sont là où l'image décalée a été recousue.
    """
    change = np.abs(pixels - PLAIN).sum(axis=2)
    sides = [change.sum(axis=1), change.sum(axis=0)]
    return [tuple(np.flatnonzero(each < SEAM * each.max())) for each in sides]


def _offset_fault(ask: Ask) -> Credit:
    """Rend le crédit de qui décale l'image au hasard à chaque pas, le long des deux axes."""
    layer = {"filters": 1, "name": "bords", "kernel_size": 3, "padding": "same"}
    network = {
        "shape": [None, None, 3],
        "stack": [["Conv2D", layer]],
        "weights": [np.full((3, 3, 3, 1), 0.1), np.ones(1)],
    }
    given = {"network": network, "layer_names": ["bords"]}
    image = np.full(SHAPE, PLAIN, np.float32)
    positional = messages.Ingredient("dream_extractor", given), image, np.ones(1)
    # La première graine revient ; les deux dernières font deux pas.
    seeds = [int(seed) for seed in ask.rng.permutation(1000)[:NUM_SEEDS]]
    options = [{"octaves": 1, "steps": 1, "seed": seed} for seed in [*seeds, seeds[0]]]
    options += [{"octaves": 1, "steps": 2, "seed": seed} for seed in seeds[:2]]
    *first, again, twice, other = dreams.pictures(ask, "dream", positional, options)
    offsets = [len({*each}) for each in zip(*(_seams(each.pixels) for each in first), strict=True)]
    at_once = max(len(places) for places in _seams(first[0].pixels))
    kept = [len(places) for each in (twice, other) for places in _seams(each.pixels)]
    goes_on = np.abs(twice.pixels - PLAIN).mean() > 1.5 * np.abs(first[0].pixels - PLAIN).mean()
    return first_fault(
        ("3/4", "offset_missing", max(offsets) == 1),
        ("3/4", "seed_ignored", not same(again.pixels, first[0].pixels, tolerance=1e-4)),
        ("3/4", "offset_too_small", min(offsets) < MIN_OFFSETS),
        ("3/4", "offset_kept", goes_on and max(kept) <= at_once),
    )


def _uses_guide(ask: Ask) -> bool:
    """Dit si la fonction `response` du rendu est bonne, avec un guide."""
    shapes = (1, 2, 3, 6), (4, 6)
    maps, guide = (ask.rng.uniform(1, 2, shape).astype(np.float32) for shape in shapes)
    try:
        [answer] = ask.calls("response", [((maps, guide), {})])
    except Failure:
        return False
    return same(answer.value, _response(maps, guide), tolerance=TOLERANCE)


def _follows_guide(ask: Ask, network: dreams.Network, positional: tuple, options) -> bool:
    """Dit si un pas vers un guide est celui que fait le corrigé."""
    image = positional[1]
    guide = {
        name: ask.rng.uniform(0, 2, (7, maps.shape[-1])).astype(np.float32)
        for name, maps in network.maps(image).items()
    }
    given = ("dream", positional, [options])
    [ours] = dreams.pictures(ask.reference, *given, guide=guide)
    try:
        [found] = dreams.pictures(ask, *given, guide=guide)
    except Failure:  # sans guide, la même image était faite
        return False
    return same(found.pixels - image, ours.pixels - image, tolerance=5e-3)


def _is_one_of(found: np.ndarray, known: list[np.ndarray]) -> bool:
    """Dit si un changement est l'un de ceux-ci, où que chaque pixel soit décalé."""
    values = np.sort(found, axis=None)
    return any(same(values, np.sort(each, axis=None), tolerance=5e-3) for each in known)


def _barely_changed(found: Credit, answer: Answer, image: np.ndarray) -> Credit:
    """Rend le crédit d'une image qui n'a presque pas changé ; d'une autre, le même."""
    change = np.abs(as_floats(answer.value[0]) - image)
    if change.mean() >= LEVELS / 4:
        return found
    reason = "gradient_not_scaled" if np.mean(change > 0) > MOVED else "picture_unchanged"
    return found._replace(reason=reason, detail="")


@question("ex12.climb")
def ask_climb(ask: Ask) -> Credit:
    """Fait un pas, à une seule échelle : de combien l'image change, et où."""
    network = dreams.draw_network(ask.rng)
    image, weights = ask.rng.uniform(60, 200, SHAPE).astype(np.float32), np.array([1.0, 3.0])
    options = messages.Ingredient("namespace", {"octaves": 1, "steps": 1, "seed": 1})
    call = [((network.extractor(*dreams.NAMES), image, weights), {"options": options})]

    def change(value):
        """Rend ce qui change à chaque pixel."""
        return as_floats(value[0]) - image

    mistakes = [
        Mistake("gradient_reversed", _climbed(network, sign=-1), "1/2"),
        Mistake("layers_not_weighted", _climbed(network, _without_weights), "1/2"),
        Mistake("not_relative_to_start", _climbed(network, _not_relative), "1/2"),
        Mistake("not_relative_to_start", _climbed(network, _without_weights_nor_starts), "1/2"),
    ]
    divided = [
        Mistake("gradient_divided_otherwise", _climbed(network, factors, size=size))
        for factors in (_relative, _without_weights, _not_relative)
        for size in SIZES
    ]
    found = ask.compare(
        "dream",
        [
            ("1/4", call, lambda value: np.shape(change(value))),
            ("1/2", call, lambda value: np.abs(change(value)).mean()),
            ("1", call, change),
        ],
        mistakes=[*mistakes, *divided],
        tolerance=5e-3,
    )
    if found.reason == "gradient_divided_otherwise":
        ours = [change(each.compute(*call[0][0], **call[0][1])) for each in divided]
        if not _is_one_of(change(ask.calls("dream", call)[0].value), ours):
            found = found._replace(
                reason="wrong_values", detail=""
            )  # une seule moyenne, par hasard
    if found.reason == "rolled":  # chaque pixel de ce réseau a sa réponse, sans ses voisins
        found = found._replace(reason="gradient_not_shifted_back", detail="")
    if found.level < 1 / 2 and found.wrong and np.ndim(found.wrong.answer.value) == 0:
        found = _barely_changed(found, ask.calls("dream", call)[0], image)
    if found.level:  # les pixels de cette image-ci sont déjà noirs, ou blancs
        extreme = 255 * ask.rng.integers(0, 2, SHAPE).astype(np.float32)
        given = network.extractor(*dreams.NAMES), extreme, weights
        dreams.pictures(ask, "dream", given, [options.options])
    if found.level < 1:
        return found
    # Une fonction `response` fausse est comptée ailleurs.
    if _uses_guide(ask) and not _follows_guide(ask, network, call[0][0], options.options):
        return credit("3/4", "guide_not_followed")
    fault = _offset_fault(ask)
    return fault if fault.reason else found


@question("ex12.octaves")
def ask_octaves(ask: Ask) -> Credit:
    """Fait rêver sur une image très détaillée, puis regarde ce qu'il en reste."""
    network = dreams.draw_network(ask.rng)
    image = ask.rng.uniform(20, 235, SHAPE).astype(np.float32)
    options = [{"octaves": octaves, "steps": STEPS, "seed": 1} for octaves in (OCTAVES, 1)]
    given = ("dream", (network.extractor(*dreams.NAMES), image, [1.0, 1.0]), options)
    _check_last_octave(ask, *given)
    (found, rest, _), (alone, rest_alone, _) = dreams.pictures(ask, *given)
    ours, ours_alone = (each.pixels for each in dreams.pictures(ask.reference, *given))
    curves = as_floats(rest)
    complete = np.shape(curves) == (1, OCTAVES, STEPS)
    relative = complete and same(curves[0, :, 0], [1] * OCTAVES, tolerance=0.02)
    miscounted = _miscounted(OCTAVES, curves) or _miscounted(1, as_floats(rest_alone))
    # Ce que les petites octaves ont changé se retrouve dans la dernière image. Chaque pas déplace
    # un pixel de LEVELS ; le détail perdu, lui, de dizaines de niveaux.
    added, changed = (np.abs(found - each).mean() for each in (alone, image))
    share = _share(found - alone, ours - ours_alone)
    misadded = abs(share - _share(alone - image, ours_alone - image)) > MAX_GAP
    lost = "octaves_miscounted" if miscounted else "octave_forgotten"
    lost = "picture_unchanged" if changed < LEVELS / 4 else lost
    partly = "octaves_miscounted" if miscounted else "octave_misadded"
    said = miscounted or f"environ {100 * share:.0f} % de ce changement s'y retrouvent"
    return first_fault(
        ("1/2" if complete else "1/4", lost, added < LEVELS / 4, miscounted),
        ("1/2", "details_lost", changed > 2 * LEVELS * STEPS * OCTAVES),
        ("1/2", partly, misadded, said),
        ("3/4", "curves_not_returned", not complete or bool(miscounted), miscounted),
        ("3/4", "curves_not_relative", not relative, _first_values(curves)),
        ("7/8", *_accepts_small(ask, image)),
    )


def _first_values(curves: np.ndarray | None) -> str:
    """Dit d'où part chaque courbe."""
    if np.ndim(curves) != 3:
        return ""
    starts = " ; ".join(f"{value:.3g}".replace(".", ",") for value in curves[0, :, 0])
    return f"premières valeurs, de la petite octave à la grande : {starts}"


def _accepts_small(ask: Ask, image: np.ndarray) -> tuple[str, bool, str]:
    """Fait rêver un réseau pour qui la plus petite octave est trop petite.

    Returns:
        Une raison, si c'est accepté ou mal refusé, et le nom de l'exception.
    """
    stack = [
        ["Conv2D", {"filters": 2, "kernel_size": 1, "name": "basse"}],
        ["AveragePooling2D", {"pool_size": SHAPE[0] - 2, "name": "haute"}],
    ]
    given = {"network": {"shape": [None, None, 3], "stack": stack}, "layer_names": ["haute"]}
    options = messages.Ingredient("namespace", {"octaves": OCTAVES, "steps": 1, "seed": 1})
    positional = messages.Ingredient("dream_extractor", given), image, [1.0]
    large = messages.Ingredient("namespace", {"octaves": 1, "steps": 1, "seed": 1})
    calls = [(positional, {"options": each}) for each in (options, large)]
    try:
        small, alone = ask.calls("dream", calls)
    except Failure:  # l'image entière ne passe pas non plus : rien n'est à dire de la taille
        return "small_octave_accepted", False, ""
    if alone.error or not small.error:
        return "small_octave_accepted", not (alone.error or small.error), ""
    return "other_error", not small.is_refused, small.error["type"]


def _check_last_octave(ask: Ask, function: str, positional: tuple, options: list[dict]) -> None:
    """Vérifie que la dernière octave a la taille de l'image.

    Raises:
        Failure: elle est plus petite.
    """
    calls = [(positional, {"options": messages.Ingredient("namespace", options[0])})]
    (answer,) = ask.calls(function, calls)
    picture = answer.value[0] if isinstance(answer.value, tuple | list) and answer.value else None
    sides = np.shape(picture)[:2] if isinstance(picture, np.ndarray) else ()
    if len(sides) == 2 and sides < SHAPE[:2]:
        raise Failure("last_octave_small", f"attendu : {SHAPE[:2]} ; rendu : {sides}")


def _miscounted(octaves: int, curves: np.ndarray | None) -> str:
    """Dit combien de courbes étaient demandées et rendues ; rien s'il y en a le bon nombre."""
    if np.ndim(curves) != 3 or curves.shape == (1, octaves, STEPS):
        return ""
    _, found, steps = curves.shape
    return f"demandé : octaves={octaves}, steps={STEPS} ; rendu : {found} courbe(s) de {steps}"


def _share(found: np.ndarray, ours: np.ndarray) -> float:
    """Rend la part d'un changement qui se retrouve dans un autre : 1 s'il y est en entier."""
    return np.vdot(found, ours) / np.vdot(ours, ours)
