"""Exercice 16 : des morceaux d'images, normalisés et blanchis, puis codés en mots."""

from fractions import Fraction
from functools import partial

import numpy as np
from scipy import stats

from grading.questions import (
    TOLERANCE,
    VAGUE,
    Ask,
    Credit,
    Mistake,
    compared,
    first_fault,
    numbers,
    pixels,
    question,
    same,
)

PATCH_PX = 6  # celui de l'énoncé
CONTRAST = 10.0  # ce que l'énoncé ajoute à la variance
LENGTH = 3 * PATCH_PX**2  # nombres d'un morceau
GRID, NUM_WORDS = 14, 5
DRAWN = ("l'image", "la ligne", "la colonne")  # ce qui se tire au hasard, de chaque morceau
CHANCE = 1e-6  # un tirage juste est plus inégal moins souvent que cela


# --- Des images aux morceaux ---------------------------------------------------------


def _rows(patches: np.ndarray) -> set[tuple]:
    return {tuple(each) for each in patches}


def _places(patches: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Rend l'image, la ligne et la colonne d'où vient chaque morceau, `(3, n)`.

    Args:
        patches: `(n, LENGTH)`, tous des morceaux des images.
        windows: tous ceux qui peuvent l'être, `(images, lignes, colonnes, LENGTH)`.
    """
    every = windows.reshape(-1, LENGTH)
    known = {tuple(each): number for number, each in enumerate(every)}
    numbers_ = [known[tuple(each)] for each in patches]
    return np.array(np.unravel_index(numbers_, windows.shape[:3]))


def _draw_fault(first: np.ndarray, other: np.ndarray, windows: np.ndarray) -> Credit:
    """Rend le crédit d'un tirage, d'après les morceaux de deux graines."""
    places, others = (_places(each, windows) for each in (first, other))
    shape = windows.shape[:3]
    counts = np.bincount(np.ravel_multi_index(places, shape), minlength=np.prod(shape))
    fixed = [name for name, *pair in zip(DRAWN, places, others, strict=True) if same(*pair)]
    return first_fault(
        ("3/4", "draw_ignores_seed", len(fixed) == len(DRAWN)),
        ("3/4", "part_not_drawn", fixed, ", ".join(fixed)),
        ("3/4", "patches_favoured", stats.chisquare(counts).pvalue < CHANCE),
    )


@question("ex16.sample_patches")
def ask_sample_patches(ask: Ask) -> Credit:
    """Tire assez de morceaux de petites images pour les voir tous."""
    x = pixels(ask.rng, 3, 9, 8, 3)
    seed = int(ask.rng.integers(100))
    calls = [((x, 1000), {"seed": each}) for each in (seed, seed, seed + 1)]
    first, again, other = (
        numbers(answer, (1000, LENGTH)) for answer in ask.calls("sample_patches", calls)
    )
    views = np.lib.stride_tricks.sliding_window_view(x, (PATCH_PX, PATCH_PX, 3), (1, 2, 3))
    views = views.reshape(*views.shape[:3], LENGTH)
    windows = views.reshape(-1, LENGTH)
    real = _rows(np.sort(first)) <= _rows(np.sort(windows))  # dans un ordre ou un autre
    is_divided = first.max() <= 1 and _rows(np.rint(255 * first)) <= _rows(windows)
    fault = first_fault(
        (0, "patches_divided", is_divided),
        (0, "not_patches", not real),
        ("1/2", "patch_order", not _rows(first) <= _rows(windows)),
        ("1/2", "patches_never_drawn", _rows(first) != _rows(windows)),
        ("3/4", "draw_ignores_seed", not same(first, again)),
    )
    return fault if fault.reason else _draw_fault(first, other, views)


def _normalised(axis=1, contrast=CONTRAST, of=np.sqrt, patches=None) -> np.ndarray:
    """Normalise des morceaux avec, au choix, une erreur."""
    kept = {"axis": axis, "keepdims": True}
    return (patches - patches.mean(**kept)) / of(patches.var(**kept) + contrast)


def _wrongly(**changed):
    return lambda patches: _normalised(patches=patches.astype(float), **changed)


def _by_channel(patches: np.ndarray) -> np.ndarray:
    """Normalise chaque couleur d'un morceau à part."""
    found = _normalised(patches=patches.astype(float).reshape(len(patches), -1, 3))
    return found.reshape(patches.shape)


def _centred_by_channel(patches: np.ndarray) -> np.ndarray:
    """Ôte la moyenne de chaque couleur, puis divise par l'écart-type de tout le morceau."""
    colours = patches.astype(float).reshape(len(patches), -1, 3)
    centred = (colours - colours.mean(1, keepdims=True)).reshape(patches.shape)
    return centred / np.sqrt(patches.var(1, keepdims=True) + CONTRAST)


NORMALISED = [
    Mistake("normalised_by_column", _wrongly(axis=0)),
    Mistake("normalised_together", _wrongly(axis=None)),
    Mistake("contrast_missing", _wrongly(contrast=0)),
    Mistake("variance_for_deviation", _wrongly(of=np.asarray)),
    Mistake("contrast_on_deviation", _wrongly(of=lambda v: v**0.5 + CONTRAST, contrast=0)),
    Mistake("normalised_by_channel", _by_channel),
    Mistake("normalised_by_channel", _centred_by_channel),
]


@compared("ex16.normalise", mistakes=NORMALISED, tolerance=TOLERANCE)
def ask_normalise(ask: Ask) -> list:
    """Normalise des morceaux contrastés, puis presque unis."""
    strong = ask.rng.uniform(0, 255, (6, LENGTH)) * ask.rng.uniform(0.2, 1, (6, 1))
    faint = ask.rng.uniform(20, 230, (5, 1)) + ask.rng.normal(0, 2, (5, LENGTH))
    return [("1/2", [((np.float32(strong),), {})]), ("1", [((np.float32(faint),), {})])]


# Ce que vaut quand même une erreur.
LEVELS = {"covariance_not_centred": "1/2", "patch_mean_removed": "1/2"}
EPSILON = 0.1  # ce que l'énoncé ajoute aux valeurs propres


def _divided(values: np.ndarray) -> np.ndarray:
    """Rend ce qui multiplie chaque direction, comme l'énoncé le demande."""
    return 1 / np.sqrt(values + EPSILON)


def _divided_without_epsilon(values: np.ndarray) -> np.ndarray:
    return 1 / np.sqrt(values)


def _epsilon_after_root(values: np.ndarray) -> np.ndarray:
    return 1 / (np.sqrt(values) + EPSILON)


def _divided_without_root(values: np.ndarray) -> np.ndarray:
    return 1 / (values + EPSILON)


def _multiplied(values: np.ndarray) -> np.ndarray:
    return np.sqrt(values + EPSILON)


def _columns_scaled(vectors: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return (vectors * scale) @ vectors.T


def _whitening_mistakes(patches: np.ndarray) -> list[Mistake]:
    """Rend les erreurs connues ; la covariance n'est décomposée qu'une fois."""
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    values = np.maximum(values, 0)
    moments, turned = np.linalg.eigh(patches.T @ patches / len(patches))
    moments = np.maximum(moments, 0)
    rows = patches - patches.mean(1, keepdims=True)
    of_rows, leaning = np.linalg.eigh(rows.T @ rows / len(rows))
    shares, sides = np.linalg.eigh(np.corrcoef(patches, rowvar=False))
    made = [
        ("covariance_not_centred", _columns_scaled(turned, _divided(moments))),
        ("patch_mean_removed", _columns_scaled(leaning, _divided(np.maximum(of_rows, 0)))),
        ("epsilon_missing", _columns_scaled(vectors, _divided_without_epsilon(values))),
        ("epsilon_after_root", _columns_scaled(vectors, _epsilon_after_root(values))),
        ("root_missing", _columns_scaled(vectors, _divided_without_root(values))),
        ("directions_multiplied", _columns_scaled(vectors, _multiplied(values))),
    ]
    made += [
        ("covariance_not_divided", _columns_scaled(vectors, _divided(values * (len(patches) - 1)))),
        ("covariance_not_divided", _columns_scaled(turned, _divided(moments * len(patches)))),
        ("correlations_taken", _columns_scaled(sides, _divided(shares))),
        ("values_not_with_vectors", _columns_scaled(vectors, _divided(values[::-1]))),
        ("pixels_scaled", np.diag(_divided(values))),  # aussi quand l'échelle multiplie les lignes
        ("vectors_in_rows", (vectors.T * _divided(values)) @ vectors),
    ]
    centred = [
        Mistake(reason, partial(_as_it_is, matrix - matrix.mean(0)), LEVELS.get(reason, "0"))
        for reason, matrix in made
    ]
    whole = _columns_scaled(vectors, _divided(values))
    return [*centred, Mistake("columns_not_centred", partial(_as_it_is, whole), "3/4")]


def _as_it_is(matrix: np.ndarray, patches) -> np.ndarray:
    """Rend une matrice calculée d'avance, quels que soient les morceaux."""
    return matrix


@question("ex16.whitening_matrix")
def ask_whitening_matrix(ask: Ask) -> Credit:
    """Blanchit des morceaux dont les voisins se ressemblent."""
    smooth = stats.zscore(np.cumsum(ask.rng.normal(size=(500, LENGTH)), axis=1), axis=1)
    # Une clarté qui varie à peine : sans elle, une valeur propre ne serait qu'un arrondi, autre à
    # chaque tirage et selon les fils du calcul.
    smooth += 0.01 * ask.rng.normal(size=(len(smooth), 1))
    smooth += ask.rng.normal(0, 0.5, LENGTH)  # une covariance ôte la moyenne de chaque pixel
    smooth = smooth.astype(np.float32)
    call = [((smooth,), {})]
    centring = np.eye(LENGTH) - 1 / LENGTH

    # Une ligne et une colonne sur deux suffisent à voir une faute, et se comparent plus vite.
    def scaled(matrix):
        """Ne garde que les directions : leur ordre et leurs signes n'importent plus."""
        return (centring @ matrix @ matrix.T @ centring)[::2, ::2]

    def centred(matrix):
        return (centring @ matrix)[::2, ::2]

    groups = [("1/2", call, scaled), ("3/4", call, centred), ("1", call)]
    mistakes = _whitening_mistakes(smooth)
    found = ask.compare("whitening_matrix", groups, mistakes=mistakes, tolerance=4e-3)
    if reason := _whitening_reason(found, len(smooth)):
        return found._replace(reason=reason, detail="")
    return found


def _whitening_reason(found: Credit, num_patches: int) -> str | None:
    """Nomme une erreur qui se voit à la forme de la matrice, ou à ce qu'elle a déjà de juste."""
    if found.wrong is None or found.wrong.answer.error:
        return None
    forms = {
        (num_patches, num_patches): "covariance_of_patches",
        (num_patches, LENGTH): "patches_for_matrix",
    }
    is_turned = found.reason in VAGUE and found.level == Fraction(1, 2)
    return "not_turned_back" if is_turned else forms.get(np.shape(found.wrong.answer.value))


# --- Des morceaux aux mots -----------------------------------------------------------


def _whole_mean(codes: np.ndarray) -> np.ndarray:
    return codes.mean((1, 2))


def _four_times_whole_mean(codes: np.ndarray) -> np.ndarray:
    return np.broadcast_to(codes.mean((1, 2), keepdims=True), (len(codes), 2, 2, codes.shape[3]))


def _in_order_of_reading(codes: np.ndarray) -> np.ndarray:
    """Coupe les morceaux en quatre groupes à la suite : des bandes, et non des quarts."""
    return codes.reshape(len(codes), 2, 2, -1, codes.shape[3]).mean(3)


def _largest_of_each(codes: np.ndarray) -> np.ndarray:
    half = GRID // 2
    return codes.reshape(len(codes), 2, half, 2, half, -1).max((2, 4))


def _every_other(codes: np.ndarray) -> np.ndarray:
    """Met dans un même groupe une case sur deux, et non les cases d'un quart."""
    half = GRID // 2
    return codes.reshape(len(codes), half, 2, half, 2, -1).mean((1, 3))


def _other_sides(codes: np.ndarray, more: int) -> np.ndarray:
    """Moyenne des carrés qui ont des cases de plus, ou de moins, qu'un quart."""
    half = GRID // 2
    found = [
        [codes[:, a : a + half + more, b : b + half + more].mean((1, 2)) for b in (0, half)]
        for a in (0, half)
    ]
    return np.moveaxis(np.array(found), 2, 0)


QUARTERS = [
    Mistake("image_not_cut", _whole_mean),
    Mistake("image_not_cut", _four_times_whole_mean),
    Mistake("bands_for_quarters", _in_order_of_reading),
    Mistake("largest_for_mean", _largest_of_each),
    Mistake("every_other_place", _every_other),
    Mistake("quarters_too_small", partial(_other_sides, more=-1)),
    Mistake("quarters_overlap", partial(_other_sides, more=1)),
]


def _every_nearest(distances: np.ndarray) -> np.ndarray:
    return (distances == distances.min(-1, keepdims=True)).astype(float)


def _distance_of_nearest(distances: np.ndarray) -> np.ndarray:
    """Garde la distance du premier des mots les plus proches, et met 0 aux autres."""
    places = distances.argmin(-1)[..., None]
    return np.where(np.arange(distances.shape[-1]) == places, distances, 0)


def _from_one(distances: np.ndarray) -> np.ndarray:
    """Compte les mots à partir de 1 : le dernier n'a plus de colonne."""
    places = distances.argmin(-1)[..., None] + 1
    return (np.arange(distances.shape[-1]) == places).astype(float)


NEAREST = [
    Mistake("several_words", _every_nearest, "1/2"),
    Mistake("distance_for_one", _distance_of_nearest),
    Mistake("words_from_one", _from_one),
]


def _triangle(distances: np.ndarray, axis=-1) -> np.ndarray:
    return np.maximum(distances.mean(axis, keepdims=True) - distances, 0)


def _of_squares(distances: np.ndarray) -> np.ndarray:
    return _triangle(distances**2)


def _ones_if_near(distances: np.ndarray) -> np.ndarray:
    return (_triangle(distances) > 0).astype(float)


def _distance_if_near(distances: np.ndarray) -> np.ndarray:
    return np.where(_triangle(distances) > 0, distances, 0)


def _shares_of_total(distances: np.ndarray) -> np.ndarray:
    code = _triangle(distances)
    return code / code.sum(-1, keepdims=True)


def _shares_of_mean(distances: np.ndarray) -> np.ndarray:
    return _triangle(distances) / distances.mean(-1, keepdims=True)


def _softmax_of_opposites(distances: np.ndarray) -> np.ndarray:
    powers = np.exp(distances.min(-1, keepdims=True) - distances)
    return powers / powers.sum(-1, keepdims=True)


TRIANGLES = [
    Mistake("mean_of_image", partial(_triangle, axis=(1, 2, 3))),
    Mistake("ones_for_gaps", _ones_if_near),
    Mistake("distances_for_gaps", _distance_if_near),
    Mistake("distances_squared", _of_squares),
    Mistake("code_rescaled", _shares_of_total),
    Mistake("code_rescaled", _shares_of_mean),
    Mistake("softmax_for_triangle", _softmax_of_opposites),
]


def _num_words(code) -> np.ndarray:
    """Rend le nombre de mots donnés à chaque morceau."""
    return np.sum(code, axis=-1)


@compared("ex16.hard_code", mistakes=NEAREST)
def ask_hard_code(ask: Ask) -> list:
    """Donne des distances, puis d'autres dont plusieurs sont parfois les plus petites."""
    tied = np.float32(ask.rng.integers(1, 4, (2, 6, 6, NUM_WORDS)))
    return [*ask_codes(ask), ("1", [((tied,), {})], _num_words)]


@compared("ex16.triangle_code", mistakes=TRIANGLES, tolerance=TOLERANCE)
@compared("ex16.quarter_means", mistakes=QUARTERS, tolerance=TOLERANCE)
def ask_codes(ask: Ask) -> list:
    """Donne des distances, ou des codes de même forme, à la fonction que nomme la question."""
    shapes = (2, GRID, GRID, NUM_WORDS), (1, GRID, GRID, NUM_WORDS + 3)
    return [("1", [((np.float32(ask.rng.uniform(1, 20, shape)),), {}) for shape in shapes])]
