"""Exercice 06 : les filtres et les cartes d'un réseau connu, et l'image que préfère un filtre."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from grading.asking.failures import Answer, Failure
from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    compared,
    first_fault,
    numbers,
    pixels,
    question,
    same,
)
from grading.questions.heatmaps import forward, from_late, network

SHAPE = (7, 9, 3)
STEPS = 15  # de montée, bien assez pour un si petit réseau, et pour sortir de [0, 255]
EPSILON = 1e-3  # de `keras.layers.BatchNormalization`
GREY, SMOOTHING, DECAY = 128, 0.15, 0.02  # ce que l'énoncé dit de chaque pas
STEP_PX = 10  # de même : ce dont une valeur change, en moyenne, à chaque pas
KERNEL_NORM, MEAN_SHARE = 2.0, -0.15  # d'un noyau, et la part qu'y prend sa moyenne
ROUNDED = 1.0  # niveaux d'écart, en moyenne, que les arrondis d'une image expliquent
SURE = 0.5  # de l'écart à la deuxième montée connue : la première est alors reconnue
EARLY_STEPS = 6  # après lesquels deux montées se distinguent, sans s'être encore trop écartées
FILTERS, FLAT = [2, 0, 1, 1], 3  # ceux qui montent, l'un deux fois, et celui dont tout est nul
ONCE = slice(3)  # les trois premiers, tous différents
FLAT_STEPS = 8  # de montée pour un filtre nul : assez pour voir le lissage, et le retour au gris
NEAR = 0.1  # de ce que gagne un filtre ; l'image d'un autre filtre en perd au moins le tiers


# --- Les filtres ---------------------------------------------------------------------


def _reshaped(model) -> np.ndarray:
    """Met les filtres devant par `reshape`, qui mêle leurs poids, puis chacun à son échelle."""
    kernels = model.options["kernels"][0]
    kernels = kernels.reshape(kernels.shape[-1], *kernels.shape[:-1])
    return 0.5 + kernels / (2 * np.abs(kernels).max(axis=(1, 2, 3), keepdims=True))


def _of_colours(model) -> np.ndarray:
    """Rend les filtres `(filtres, h, w, 3)`.

    Raises:
        ValueError: ils ne lisent pas trois couleurs.
    """
    kernels = model.options["kernels"][0].transpose(3, 0, 1, 2)
    if kernels.shape[3] != 3:
        raise ValueError
    return kernels


def _stretched(model) -> np.ndarray:
    """Étire chaque filtre de son plus petit poids à son plus grand."""
    kernels = _of_colours(model)
    low, high = (each(kernels, axis=(1, 2, 3), keepdims=True) for each in (np.min, np.max))
    return (kernels - low) / np.maximum(high - low, np.finfo(np.float32).tiny)


def _by_colour(model) -> np.ndarray:
    """Divise chaque couleur d'un filtre par son plus grand poids à elle."""
    kernels = _of_colours(model)
    highest = np.abs(kernels).max(axis=(1, 2), keepdims=True)
    return 0.5 + kernels / (2 * np.maximum(highest, np.finfo(np.float32).tiny))


KERNELS = [
    Mistake("kernels_mixed", _reshaped),
    Mistake("kernels_stretched", _stretched),
    Mistake("colours_scaled_apart", _by_colour),
]


@compared("ex06.first_kernels", mistakes=KERNELS, tolerance=TOLERANCE)
def ask_first_kernels(ask: Ask) -> list:
    """Montre des filtres connus, dont un nul, puis ceux d'une image en gris."""
    plain, other, grey = (network(ask.rng, (*SHAPE[:2], channels)) for channels in (3, 3, 1))
    other.options["kernels"][0][..., 1] = 0
    return [("1/2", [((plain,), {})]), ("3/4", [((other,), {})]), ("1", [((grey,), {})])]


# --- Les cartes ----------------------------------------------------------------------


def _grey_network(rng) -> messages.Ingredient:
    """Tire un réseau qui lit des images en gris `(H, W)`, et les normalise par lots."""
    height, width, _ = SHAPE
    stack = [
        ["Reshape", {"target_shape": [height, width, 1]}],
        ["BatchNormalization", {"name": "normal"}],
        ["Conv2D", {"filters": 3, "kernel_size": 3, "name": "grey"}],
    ]
    lot = [np.ones(1), np.zeros(1), np.array([128.0]), np.array([900.0])]
    weights = [*lot, rng.normal(0, 0.4, (3, 3, 1, 3)), rng.normal(0, 0.3, 3)]
    options = {"shape": [height, width], "stack": stack, "weights": weights, "dtype": "uint8"}
    return messages.Ingredient("plain_network", options)


def _maps(model, image, layer_names, *, training=False) -> dict[str, np.ndarray]:
    """Rend les cartes ; en apprentissage, une image grise se normalise par ses propres valeurs."""
    if image.ndim == 3:
        return {name: each[0] for name, each in forward(model, image[None]).items()}
    _, _, mean, variance, kernel, bias = model.options["weights"]
    if training:
        mean, variance = image.mean(), image.var()
    image = (image - mean) / np.sqrt(variance + EPSILON)
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return {"grey": np.einsum("yxij,ijk->yxk", windows, kernel[:, :, 0]) + bias}


def _maps_of_one(model, image, layer_names, *, kept) -> dict[str, np.ndarray]:
    """Rend, sous tous les noms, les cartes d'une seule des couches."""
    found = _maps(model, image, layer_names)
    return dict.fromkeys(layer_names, found[layer_names[kept]])


def _first_lines(model, image, layer_names) -> dict[str, np.ndarray]:
    """Rend la première ligne des cartes d'une couche demandée seule."""
    found = _maps(model, image, layer_names)
    return {name: found[name][0] if len(layer_names) == 1 else found[name] for name in layer_names}


MAPS = [
    Mistake("layers_in_training", partial(_maps, training=True)),
    Mistake("one_layer_for_all", partial(_maps_of_one, kept=0)),
    Mistake("one_layer_for_all", partial(_maps_of_one, kept=-1)),
    Mistake("first_line_of_maps", _first_lines),
]


@compared("ex06.activation_maps", mistakes=MAPS, tolerance=TOLERANCE)
def ask_activation_maps(ask: Ask) -> list:
    """Demande une couche, puis deux, dans un autre ordre, puis celle d'une image grise."""
    image, model = pixels(ask.rng, *SHAPE), network(ask.rng, SHAPE)
    alone, both = ([((model, image, names), {})] for names in (["late"], ["late", "early"]))
    late, early, grey = itemgetter("late"), itemgetter("early"), itemgetter("grey")
    call = (_grey_network(ask.rng), pixels(ask.rng, *SHAPE[:2]), ["grey"])
    return [
        ("1/2", alone, late),
        ("3/4", both, late),
        ("3/4", both, early),
        ("1", [(call, {})], grey),
    ]


def _strongest(maps, num, *, reduce: Callable = np.mean):
    return np.argsort(-reduce(maps, axis=(0, 1)))[:num]


def _numbers_from_one(maps, num):
    return _strongest(maps, num) + 1


def _ranks(maps, num):
    """Rend le rang des premières cartes, et non le numéro des plus fortes."""
    return np.argsort(_strongest(maps, maps.shape[2]))[:num]


def _strongest_but_first(maps, num):
    return _strongest(maps, num + 1)[1:]


def _strongest_maps(maps, num):
    return maps[..., _strongest(maps, num)]


def _strongest_maps_first(maps, num):
    return np.moveaxis(_strongest_maps(maps, num), -1, 0)


@question("ex06.strongest")
def ask_strongest(ask: Ask) -> Credit:
    """Range des cartes dont la plus haute case n'est pas celle de la carte la plus forte."""
    groups = [("1", [((ask.rng.normal(0, 4, (4, 6, 8)), num), {}) for num in (3, 5)])]
    mistakes = [
        Mistake("weakest_maps_first", lambda maps, num: _strongest(-maps, num), "1/4"),
        Mistake("weakest_maps_first", altered(_strongest, np.flip), "1/2"),
        *(
            Mistake("ranked_by_maximum", partial(_strongest, reduce=reduce), "1/2")
            for reduce in (np.max, np.min, np.std, np.median)
        ),
        Mistake("numbers_from_one", _numbers_from_one, "1/2"),
        Mistake("ranks_of_first_maps", _ranks),
    ]
    mistakes += [
        Mistake("strongest_skipped", _strongest_but_first),
        Mistake("numbers_sorted", altered(_strongest, np.sort), "1/2"),
        Mistake("maps_for_numbers", _strongest_maps),
        Mistake("maps_for_numbers", _strongest_maps_first),
        Mistake("values_for_numbers", lambda m, num: -np.sort(-m.mean((0, 1)))[:num], "1/4"),
    ]
    return ask.judge("strongest", groups, _strongest, mistakes)


# --- L'image que préfère un filtre ---------------------------------------------------


CROSS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # les quatre voisins d'un pixel
DIAGONALS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
SQUARE = (*CROSS, *DIAGONALS, (0, 0))
ONE_TWICE = [  # un voisin compté deux fois, à la place d'un autre
    (*(each for each in CROSS if each != lost), twice)
    for lost, twice in itertools.permutations(CROSS, 2)
]


def _smoothed(neighbours, *, channels=False, mode="edge"):
    """Rend `smooth` avec d'autres voisins ; les canaux voisins en sont aussi, si `channels`."""

    def smooth(images, share):
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (int(channels),) * 2), mode=mode)
        moves = [(*each, 0) for each in neighbours]
        moves += [(0, 0, -1), (0, 0, 1)] if channels else []
        inside = slice(1, -1) if channels else slice(None)
        shifted = [np.roll(padded, each, (1, 2, 3))[:, 1:-1, 1:-1, inside] for each in moves]
        return images + share * (np.mean(shifted, axis=0) - images)

    return smooth


def _along(axes: tuple[int, int], mode: str):
    """Rend `smooth` avec, pour voisins, ceux de deux axes ; `mode` dit leurs bords."""
    plane = _smoothed(CROSS, mode=mode)

    def smooth(images, share):
        moved = np.moveaxis(images, axes, (1, 2))
        return np.moveaxis(plane(moved, share), (1, 2), axes)

    return smooth


def _smoothed_on_the_way(images, share):
    """Rend `smooth` fait sur place : les voisins d'avant y sont déjà lissés."""
    found = images.copy()
    last_row, last_column = images.shape[1] - 1, images.shape[2] - 1
    for row, column in np.ndindex(images.shape[1:3]):
        above, below = found[:, max(row - 1, 0)], found[:, min(row + 1, last_row)]
        left, right = (max(column - 1, 0), min(column + 1, last_column))
        around = above[:, column] + below[:, column] + found[:, row, left] + found[:, row, right]
        found[:, row, column] += share * (around / 4 - found[:, row, column])
    return found


SMOOTHED = [
    *(Mistake("images_smoothed", _along((0, 1), mode)) for mode in ("edge", "wrap", "constant")),
    Mistake("channels_smoothed", _along((1, 3), "edge")),
    Mistake("channels_smoothed", _along((2, 3), "edge")),
    Mistake("two_neighbours", _smoothed(CROSS[:2])),
    Mistake("two_neighbours", _smoothed(CROSS[2:])),
    *(Mistake("neighbour_twice", _smoothed(each)) for each in ONE_TWICE),
    Mistake("diagonal_neighbours", _smoothed(DIAGONALS)),
    Mistake("neighbours_smoothed_before", _smoothed_on_the_way),
    Mistake("nine_pixels_averaged", _smoothed(SQUARE)),
    Mistake("nine_pixels_averaged", _smoothed(SQUARE[:-1])),
    Mistake("pixel_in_its_mean", _smoothed((*CROSS, (0, 0)))),
    Mistake("channels_smoothed", _smoothed(CROSS, channels=True)),
]


@compared("ex06.smooth", mistakes=SMOOTHED, tolerance=TOLERANCE)
def ask_smooth(ask: Ask) -> list:
    """Lisse des images tirées au hasard, d'une part nulle à une part entière."""
    images = ask.rng.uniform(0, 255, (2, 5, 7, 3))
    return [("1", [((images, share), {}) for share in (0.0, 0.15, 0.6, 1.0)])]


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Dit si deux images sont les mêmes, à l'arrondi près."""
    return np.abs(one - other).max() <= 1


def _network(rng) -> messages.Ingredient:
    """Tire un réseau dont chaque filtre lit une carte à lui, et dont le dernier est nul.

    Les noyaux de deux cartes sont à peu près orthogonaux : l'image de l'une n'est pas celle d'une
    autre. Leur moyenne est négative : un gradient divisé par la sienne descend.
    """
    model = network(rng, SHAPE)
    (first, _, dense), biases = model.options["kernels"], model.options["biases"]
    size, num = first[..., 0].size, first.shape[-1]
    drawn = np.column_stack([np.ones(size), first.reshape(size, num)])
    apart = np.linalg.qr(drawn)[0][:, 1:]  # (size, num), de moyenne nulle
    kernels = KERNEL_NORM * (MEAN_SHARE / np.sqrt(size) + apart)
    chosen = 0.8 * np.eye(num, FLAT + 1) * (np.arange(FLAT + 1) < FLAT)
    cells = np.repeat(dense[: len(dense) // FLAT], FLAT + 1, axis=0)  # les classes ne servent pas
    model.options["kernels"] = [kernels.reshape(first.shape), chosen[np.newaxis, np.newaxis], cells]
    model.options["biases"] = [biases[0], np.zeros(FLAT + 1), biases[2]]
    return model


# --- La montée refaite, juste ou avec une faute connue -------------------------------


def _own_scale(gradient: np.ndarray) -> np.ndarray:
    scale = np.abs(gradient).mean(axis=(1, 2, 3), keepdims=True)
    return np.maximum(scale, np.finfo(np.float32).tiny)


def _signed_scale(gradient: np.ndarray) -> np.ndarray:
    return gradient.mean(axis=(1, 2, 3), keepdims=True)


def _scale_of_batch(gradient: np.ndarray) -> np.ndarray:
    return np.abs(gradient).mean()


def _no_scale(gradient: np.ndarray) -> float:
    return 1.0


def _cut(images: np.ndarray) -> np.ndarray:
    return np.clip(images, 0, 255)


def _wrapped(images: np.ndarray) -> np.ndarray:
    return images % 256


def _slopes(model, images: np.ndarray, filters: Sequence[int]) -> np.ndarray:
    """Rend le gradient, par rapport à chaque image, de la réponse moyenne de son filtre."""
    chosen = np.eye(FLAT + 1)[filters] / ((SHAPE[0] - 2) * (SHAPE[1] - 2))
    return from_late(model, images, chosen[:, np.newaxis, np.newaxis])


class Climb(NamedTuple):
    """Une montée de gradient : celle de l'énoncé, ou l'une de ses fautes."""

    share: float = SMOOTHING
    decay: float = DECAY
    grey: float = GREY
    sign: int = 1
    scale: Callable = _own_scale
    bounded: Callable = _cut  # ce qui ramène l'image entre 0 et 255, à chaque pas
    ended: Callable = _cut  # et à la fin

    def without_gradient(self, images: np.ndarray) -> np.ndarray:
        """Rend ce que devient une image, en un pas, si son gradient ne la change pas."""
        images = _smoothed(CROSS)(images, self.share)
        return images + self.decay * (self.grey - images)

    def flat(self, noise: np.ndarray, steps: int) -> np.ndarray:
        """Rend ce que devient, en quelques pas, l'image `(H, W, 3)` d'un filtre nul."""
        images = noise[np.newaxis]
        for _ in range(steps):
            images = self.without_gradient(images)
        return images[0]

    def images(self, model, noise: np.ndarray, filters: Sequence[int]) -> np.ndarray:
        """Rend l'image de chaque filtre, après `EARLY_STEPS` pas depuis un bruit `(H, W, 3)`."""
        images = np.repeat(noise[np.newaxis], len(filters), axis=0)
        for _ in range(EARLY_STEPS):
            slopes = _slopes(model, images, filters)
            climbed = images + self.sign * STEP_PX * slopes / self.scale(slopes)
            images = self.bounded(self.without_gradient(climbed))
        return self.ended(images)


RIGHT_CLIMB = Climb()
SLOWED = (  # ce qui se dit d'un lissage ou d'un retour au gris qui manque, ou n'est pas le bon
    ("not_smoothed", Climb(share=0)),
    ("grey_forgotten", Climb(decay=0)),
    ("not_smoothed", Climb(share=0, decay=0)),
    ("black_for_grey", Climb(grey=0)),
)
CLIMBS = (
    *SLOWED,
    ("step_not_scaled", Climb(scale=_no_scale)),
    ("signs_in_scale", Climb(scale=_signed_scale)),
    ("gradient_of_batch", Climb(scale=_scale_of_batch)),
    ("gradient_descended", Climb(sign=-1)),
    ("pixels_wrap", Climb(bounded=_wrapped)),
    ("pixels_wrap", Climb(bounded=np.array, ended=_wrapped)),
)
SLIGHT = (  # ce qui n'empêche pas, à la plupart des tirages, les filtres de répondre davantage
    *("not_smoothed", "grey_forgotten", "black_for_grey", "gradient_of_batch", "pixels_wrap"),
)


def _known_climb(found: np.ndarray, model, noise: np.ndarray) -> str | None:
    """Nomme la montée connue qui rend ces images ; "" si c'est la bonne, None s'il n'y en a pas.

    Args:
        found: une image par filtre de `FILTERS`, après `EARLY_STEPS` pas.
        model: le réseau.
        noise: le bruit de départ du rendu, `(H, W, 3)`.
    """
    gaps: dict[str, float] = {}
    with np.errstate(all="ignore"):  # une faute divise par zéro
        right = RIGHT_CLIMB.images(model, noise, range(FLAT + 1))
        for reason, climb in CLIMBS:
            gap = np.abs(found - climb.images(model, noise, FILTERS)).mean()
            gaps[reason] = min(gap, gaps.get(reason, np.inf))
    known = _clearly_least({"": np.abs(found - right[FILTERS]).mean(), **gaps})
    return "another_filter" if known is None and _are_of_others(found, right) else known


def _clearly_least(gaps: dict[str, float]) -> str | None:
    """Rend la raison dont l'écart est le plus petit, et de loin ; None s'il n'y en a pas."""
    first, second = sorted(gaps, key=gaps.__getitem__)[:2]
    return first if gaps[first] < max(ROUNDED, SURE * gaps[second]) else None


def _are_of_others(found: np.ndarray, right: np.ndarray) -> bool:
    """Dit si des images sont bien celles de filtres, mais pas de ceux qui sont demandés.

    Args:
        found: une par filtre de `FILTERS`.
        right: la bonne image de chaque filtre, dans l'ordre de leurs numéros.
    """
    is_same = np.abs(found[:, np.newaxis] - right).mean((2, 3, 4)) < ROUNDED
    return bool(is_same.any(1).all() and not is_same[range(len(FILTERS)), FILTERS].all())


# --- Les images du rendu -------------------------------------------------------------


class Pictures(NamedTuple):
    """Ce que le rendu fait de trois filtres, l'un demandé deux fois."""

    found: np.ndarray  # (4, H, W, 3), après STEPS pas
    early: np.ndarray  # de même, après EARLY_STEPS pas
    is_seeded: bool  # celles-ci, demandées deux fois, sont les mêmes
    kind: np.dtype
    refused: Sequence[Answer]  # ce qui doit être refusé

    @property
    def others(self) -> list[str]:
        """Les erreurs levées qui ne sont pas ValueError."""
        errors = [each.error["type"] for each in self.refused if each.error and not each.is_refused]
        return sorted(set(errors))


IMPOSSIBLE = {  # ce que la docstring refuse, et comment le dire
    "la graine -1": (FILTERS, 1, -1),
    f"le filtre {FLAT + 1}, alors que le dernier est {FLAT}": ([0, FLAT + 1], 1),
    "le filtre -1": ([-1], 1),
}


def _pictures(ask: Ask, model) -> Pictures:
    """Demande les images de trois filtres, puis celles que la docstring refuse."""
    asked = [(FILTERS, STEPS), (FILTERS, EARLY_STEPS), (FILTERS, EARLY_STEPS)]
    asked += IMPOSSIBLE.values()
    calls = [_call(model, *each) for each in asked]
    found, early, again, *refused = ask.calls("maximise", calls)
    kind = np.asarray(found.value).dtype
    images = [numbers(each, (len(FILTERS), *SHAPE)) for each in (found, early)]
    return Pictures(*images, same(early.value, again.value), kind, refused)


def _call(model, filters: Sequence[int], steps: int, seed: int = 7) -> tuple:
    return (model, "late", filters), {"steps": steps, "seed": seed}


def _image(ask: Ask, model, index: int, steps: int) -> np.ndarray | None:
    """Demande l'image `(H, W, 3)` d'un seul filtre ; None si elle manque."""
    try:
        [found] = ask.calls("maximise", [_call(model, [index], steps)])
        return numbers(found, (1, *SHAPE))[0]
    except Failure:
        return None


# --- Ce qu'elles montrent ------------------------------------------------------------


def _effect(model, images: np.ndarray, noise: np.ndarray) -> str:
    """Dit ce que font trois filtres de leurs images ; rien si chacun préfère la sienne.

    Args:
        model: le réseau.
        images: une par filtre de `FILTERS[ONCE]`.
        noise: du gris bruité, auquel comparer.
    """
    # La réponse moyenne de la dernière couche, `(images, filtres)`.
    after, before = (
        forward(model, each)["late"].mean((1, 2))[:, FILTERS[ONCE]] for each in (images, noise)
    )
    own, more = after.diagonal(), after > before.max(0)
    # L'image d'un filtre est aussi, à peu près, celle des trois qui le fait le plus répondre.
    lost = after.max(0) - own > NEAR * (after.max(0) - before.mean(0))
    if more.diagonal().all() and not lost.any():
        return ""
    if (own < before.min(0)).all():
        return "gradient_descended"
    return "another_filter" if more.any(1).all() else "responds_little"


def _cause_of_flat(ask: Ask, model, noise: np.ndarray) -> str:
    """Cherche ce qui manque à chaque pas, d'après l'image d'un filtre nul."""
    flat = _image(ask, model, FLAT, FLAT_STEPS)
    if flat is None:
        return ""
    if np.isin(flat, (0, 255)).all():
        return "flat_filter_lost"
    if np.abs(flat - RIGHT_CLIMB.flat(noise, FLAT_STEPS)).mean() < ROUNDED:
        return ""
    for reason, climb in SLOWED:
        if np.abs(flat - climb.flat(noise, FLAT_STEPS)).mean() < ROUNDED:
            return reason
    return "flat_filter_changed" if _smooths_well(ask) else ""  # `smooth` est comptée ailleurs


def _smooths_well(ask: Ask) -> bool:
    """Dit si la fonction `smooth` du rendu est bonne."""
    images = ask.rng.uniform(0, 255, (1, *SHAPE))
    try:
        [found] = ask.calls("smooth", [((images, SMOOTHING), {})])
    except Failure:
        return False
    return same(found.value, _smoothed(CROSS)(images, SMOOTHING), tolerance=TOLERANCE)


def _faults_of_climb(ask: Ask, model, pictures: Pictures, grey: np.ndarray) -> tuple[str, str]:
    """Cherche ce que les images ont de faux.

    Args:
        ask: la question.
        model: le réseau.
        pictures: les images du rendu.
        grey: du gris bruité, auquel comparer.

    Returns:
        Ce qui empêche des filtres de répondre davantage, puis ce qui manque à chaque pas.
    """
    noise = _image(ask, model, FLAT, 0)
    known = None if noise is None else _known_climb(pictures.early, model, noise)
    effect = "" if known == "" else _effect(model, pictures.found[ONCE], grey)
    if _alike(pictures.found, pictures.early):
        return effect and "steps_ignored", "steps_ignored"
    if known in SLIGHT:
        return "", known
    if known and effect:
        return known, ""
    if known is None and _are_one(pictures.found[ONCE]):
        return "one_image_for_all", ""
    cause = "" if noise is None else _cause_of_flat(ask, model, noise)
    # L'image d'un autre filtre que le nul n'a pas à être celle d'un filtre nul.
    is_told = effect and cause not in ("", "flat_filter_changed")
    return cause if is_told else effect, cause


def _are_one(images: np.ndarray) -> bool:
    """Dit si toutes les images sont la même."""
    return all(_alike(images[0], each) for each in images[1:])


@question("ex06.maximise")
def ask_maximise(ask: Ask) -> Credit:
    """Fait monter trois filtres d'un réseau connu, et lui donne les images obtenues."""
    model = _network(ask.rng)
    grey = ask.rng.normal(GREY, 20, (200, *SHAPE))  # bruité, auquel comparer
    pictures = _pictures(ask, model)
    unclimbed, cause = _faults_of_climb(ask, model, pictures, grey)
    kind, other = pictures.kind, pictures.others
    tried = zip(IMPOSSIBLE, pictures.refused, strict=True)
    accepted = [said for said, answer in tried if not answer.error]
    return first_fault(
        (0, "wrong_type", kind != np.uint8, f"attendu : uint8 ; rendu : {kind}"),
        ("1/4", unclimbed, unclimbed),
        ("1/2", "seed_ignored", not pictures.is_seeded),
        ("1/2", "noise_differs", not _alike(*pictures.found[-2:])),
        ("3/4", "no_error", accepted, " ; ".join(accepted)),
        ("3/4", "other_error", other, ", ".join(other)),
        ("7/8", cause, cause),
    )
