"""Exercice 16 : des morceaux d'images, normalisés et blanchis, puis codés en mots."""

import numpy as np

from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    failed,
    judge,
    question,
    same,
)

PATCH_PX, CONTRAST, EPSILON = 6, 10.0, 0.1  # ceux de l'énoncé
LENGTH = 3 * PATCH_PX**2  # nombres d'un morceau
GRID, NUM_WORDS = 14, 5
TOLERANCE = 1e-4  # float32


# --- Des images aux morceaux ---------------------------------------------------------


def _windows(x: np.ndarray) -> np.ndarray:
    """Rend tous les morceaux de toutes les images : `(m, 6, 6, 3)`."""
    _, height, width, _ = x.shape
    rows, columns = range(height - PATCH_PX + 1), range(width - PATCH_PX + 1)
    return np.array(
        [image[i : i + PATCH_PX, j : j + PATCH_PX] for image in x for i in rows for j in columns]
    )


@question("ex16.sample_patches")
def ask_sample_patches(ask: Ask) -> Credit:
    """Tire assez de morceaux de petites images pour les voir tous."""
    x = ask.rng.integers(0, 256, (3, 9, 8, 3)).astype(np.uint8)
    first_seed = int(ask.rng.integers(100))
    seeds = (first_seed, first_seed, first_seed + 1)
    answers = ask.calls("sample_patches", [((x, 1000), {"seed": seed}) for seed in seeds])
    for answer in answers:
        if answer.error:
            return failed(answer)
    first, again, other = (as_floats(answer.value) for answer in answers)
    if first is None:
        return credit(0, "wrong_type")
    if first.shape != (1000, LENGTH):
        return credit(0, "wrong_shape")
    windows, drawn = _windows(x), {tuple(row) for row in first}

    def known(order) -> set[tuple]:
        return {tuple(each) for each in windows.transpose(0, *order).reshape(-1, LENGTH)}

    whole = known((1, 2, 3))
    if not drawn <= whole:
        if drawn <= known((3, 1, 2)):
            return credit("1/2", "channels_before_pixels")
        return credit("1/2" if drawn <= known((2, 1, 3)) else 0, "wrong_values")
    if drawn != whole:
        return credit("1/2", "patches_never_drawn")
    if not same(first, again) or same(first, other):
        return credit("3/4", "draw_ignores_seed")
    return RIGHT


@question("ex16.normalise")
def ask_normalise(ask: Ask) -> Credit:
    """Normalise des morceaux contrastés, puis presque unis."""
    rng = ask.rng
    strong = rng.uniform(0, 255, (6, LENGTH)) * rng.uniform(0.2, 1, (6, 1))
    faint = rng.uniform(20, 230, (5, 1)) + rng.normal(0, 2, (5, LENGTH))
    groups = [
        ("1/2", [((strong.astype(np.float32),), {})]),
        ("1", [((faint.astype(np.float32),), {})]),
    ]

    def normalised(patches, *, axis=1, contrast=CONTRAST):
        centred = patches - patches.mean(axis, keepdims=True)
        return centred / np.sqrt(patches.var(axis, keepdims=True) + contrast)

    def centred(patches):
        return patches - patches.mean(1, keepdims=True)

    def deviation(patches):
        return patches.std(1, keepdims=True)

    def variance(patches):
        return patches.var(1, keepdims=True) + CONTRAST

    def whole(patches):
        return (patches - patches.mean()) / np.sqrt(patches.var() + CONTRAST)

    mistakes = [
        Mistake("statistics_of_all", lambda p: normalised(p, axis=0), "1/4"),
        Mistake("statistics_of_all", whole, "1/4"),
        Mistake("mean_kept", lambda p: p / np.sqrt(variance(p)), "1/4"),
        Mistake("contrast_kept", centred, "1/4"),
        Mistake("variance_for_deviation", lambda p: centred(p) / variance(p), "1/4"),
        Mistake("contrast_outside_root", lambda p: centred(p) / (deviation(p) + CONTRAST), "1/2"),
        Mistake("contrast_forgotten", lambda p: normalised(p, contrast=0.0), "1/2"),
    ]
    answers = ask.calls("normalise", [call for _, calls in groups for call in calls])
    return judge(answers, groups, normalised, mistakes, tolerance=TOLERANCE)


@question("ex16.whitening_matrix")
def ask_whitening_matrix(ask: Ask) -> Credit:
    """Blanchit des morceaux dont les voisins se ressemblent."""
    rng = ask.rng
    smooth = np.cumsum(rng.normal(size=(1500, LENGTH)), axis=1)
    smooth -= smooth.mean(1, keepdims=True)
    smooth /= smooth.std(1, keepdims=True)
    smooth -= smooth.mean(0)  # centrer encore, ou non, avant la covariance n'y change rien
    (answer,) = ask.calls("whitening_matrix", [((smooth.astype(np.float32),), {})])
    values, vectors = np.linalg.eigh(smooth.T @ smooth / (len(smooth) - 1))
    centring = np.eye(LENGTH) - 1 / LENGTH
    whole = (vectors / np.sqrt(values + EPSILON)) @ vectors.T
    expected = centring @ whole
    if answer.error:
        return failed(answer)
    found = as_floats(answer.value)
    if found is None:
        return credit(0, "wrong_type")
    if found.shape != expected.shape:
        return credit(0, "wrong_shape")
    if same(found, expected, tolerance=2e-3):
        return RIGHT
    bare = np.sqrt(np.maximum(values, 0))  # la direction constante n'a pas de variance
    bare = (vectors / np.where(bare > 1e-3, bare, np.inf)) @ vectors.T
    if not np.isfinite(found).all() or same(centring @ found @ centring, bare, tolerance=0.02):
        return credit("1/4", "epsilon_forgotten")
    if same(found, whole, tolerance=2e-3):
        return credit("3/4", "matrix_not_centred")
    squares = (vectors / (values + EPSILON)) @ vectors.T
    if any(same(found, each, tolerance=2e-3) for each in (squares, centring @ squares)):
        return credit("1/4", "variance_for_deviation")
    # Sans revenir aux pixels : les mêmes directions, dans un autre ordre, signes libres.
    if any(same(found @ found.T, each @ each.T, tolerance=5e-3) for each in (whole, expected)):
        return credit("1/2", "pca_for_zca")
    return credit(0, "wrong_values")


# --- Des morceaux aux mots -----------------------------------------------------------


def _distances(ask: Ask) -> list[tuple]:
    shapes = (2, GRID, GRID, NUM_WORDS), (1, GRID, GRID, NUM_WORDS + 3)
    return [((ask.rng.uniform(1, 20, shape).astype(np.float32),), {}) for shape in shapes]


@question("ex16.hard_code")
def ask_hard_code(ask: Ask) -> Credit:
    """Nomme chaque morceau."""
    calls = _distances(ask)

    def nearest(distances):
        return np.eye(distances.shape[-1])[distances.argmin(-1)]

    mistakes = [
        Mistake("farthest_word", lambda d: np.eye(d.shape[-1])[d.argmax(-1)], "1/4"),
        Mistake("number_for_column", lambda d: d.argmin(-1), "1/2"),
    ]
    return judge(ask.calls("hard_code", calls), [("1", calls)], nearest, mistakes)


@question("ex16.triangle_code")
def ask_triangle_code(ask: Ask) -> Credit:
    """Donne à chaque morceau plusieurs mots."""
    calls = _distances(ask)

    def gap(distances):
        return distances.mean(-1, keepdims=True) - distances

    def triangle(distances):
        return np.maximum(gap(distances), 0)

    mistakes = [
        Mistake("farther_words_kept", gap, "1/2"),
        Mistake("farthest_word", lambda d: np.maximum(-gap(d), 0), "1/4"),
        Mistake("absolute_value", lambda d: np.abs(gap(d)), "1/4"),
        Mistake("mean_of_everything", lambda d: np.maximum(d.mean() - d, 0), "1/2"),
    ]
    answers = ask.calls("triangle_code", calls)
    return judge(answers, [("1", calls)], triangle, mistakes, tolerance=TOLERANCE)


@question("ex16.quarter_means")
def ask_quarter_means(ask: Ask) -> Credit:
    """Agrège les codes de chaque quart."""
    calls = _distances(ask)
    half = GRID // 2

    def quarters(codes, *, reduce=np.mean):
        n, *_, words = codes.shape
        return reduce(codes.reshape(n, 2, half, 2, half, words), axis=(2, 4))

    def interleaved(codes):
        n, *_, words = codes.shape
        return codes.reshape(n, half, 2, half, 2, words).mean((1, 3))

    mistakes = [
        Mistake("codes_summed", lambda c: quarters(c, reduce=np.sum), "1/2"),
        Mistake("codes_maximum", lambda c: quarters(c, reduce=np.max), "1/4"),
        Mistake("quarters_lost", lambda c: c.mean((1, 2)), "1/4"),
        Mistake("quarters_lost", lambda c: c.mean((1, 2), keepdims=True), "1/4"),
        Mistake("quarters_interleaved", interleaved, "1/4"),
    ]
    answers = ask.calls("quarter_means", calls)
    return judge(answers, [("1", calls)], quarters, mistakes, tolerance=TOLERANCE)
