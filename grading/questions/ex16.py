"""Exercice 16 : des morceaux d'images, normalisés et blanchis, puis codés en mots."""

import numpy as np

from grading.questions import Ask, Credit, first_fault, numbers, question, same

PATCH_PX, CONTRAST, EPSILON = 6, 10.0, 0.1  # ceux de l'énoncé
LENGTH = 3 * PATCH_PX**2  # nombres d'un morceau
GRID, NUM_WORDS = 14, 5
TOLERANCE = 1e-4  # float32


# --- Des images aux morceaux ---------------------------------------------------------


def _rows(patches: np.ndarray) -> set[tuple]:
    return {tuple(each) for each in patches}


@question("ex16.sample_patches")
def ask_sample_patches(ask: Ask) -> Credit:
    """Tire assez de morceaux de petites images pour les voir tous."""
    x = ask.rng.integers(0, 256, (3, 9, 8, 3)).astype(np.uint8)
    seed = int(ask.rng.integers(100))
    calls = [((x, 1000), {"seed": each}) for each in (seed, seed, seed + 1)]
    answers = ask.calls("sample_patches", calls)
    first, again, other = (numbers(answer, (1000, LENGTH)) for answer in answers)
    windows = np.lib.stride_tricks.sliding_window_view(x, (PATCH_PX, PATCH_PX, 3), (1, 2, 3))
    windows = windows.reshape(-1, LENGTH)
    real = _rows(np.sort(first)) <= _rows(np.sort(windows))  # dans un ordre ou un autre
    return first_fault(
        (0, "not_patches", not real),
        ("1/2", "patch_order", not _rows(first) <= _rows(windows)),
        ("1/2", "patches_never_drawn", _rows(first) != _rows(windows)),
        ("3/4", "draw_ignores_seed", not same(first, again) or same(first, other)),
    )


@question("ex16.normalise")
def ask_normalise(ask: Ask) -> Credit:
    """Normalise des morceaux contrastés, puis presque unis."""
    rng = ask.rng
    strong = rng.uniform(0, 255, (6, LENGTH)) * rng.uniform(0.2, 1, (6, 1))
    faint = rng.uniform(20, 230, (5, 1)) + rng.normal(0, 2, (5, LENGTH))
    groups = [
        (level, [((each.astype(np.float32),), {})])
        for level, each in (("1/2", strong), ("1", faint))
    ]

    def right(patches):
        centred = patches - patches.mean(1, keepdims=True)
        return centred / np.sqrt(patches.var(1, keepdims=True) + CONTRAST)

    return ask.judge("normalise", groups, right, tolerance=TOLERANCE)


@question("ex16.whitening_matrix")
def ask_whitening_matrix(ask: Ask) -> Credit:
    """Blanchit des morceaux dont les voisins se ressemblent."""
    smooth = np.cumsum(ask.rng.normal(size=(1500, LENGTH)), axis=1)
    smooth -= smooth.mean(1, keepdims=True)
    smooth /= smooth.std(1, keepdims=True)
    smooth -= smooth.mean(0)  # centrer encore, ou non, avant la covariance n'y change rien
    (answer,) = ask.calls("whitening_matrix", [((smooth.astype(np.float32),), {})])
    found = numbers(answer, (LENGTH, LENGTH))
    values, vectors = np.linalg.eigh(smooth.T @ smooth / (len(smooth) - 1))
    centring = np.eye(LENGTH) - 1 / LENGTH
    expected = centring @ (vectors / np.sqrt(values + EPSILON)) @ vectors.T
    # Sans revenir aux pixels : les mêmes directions, dans un autre ordre, signes libres.
    centred = centring @ found
    scaled = same(centred @ centred.T, expected @ expected.T, tolerance=5e-3)
    return first_fault(
        (0, "not_white", not scaled),
        ("1/2", "pca_for_zca", not same(centred, expected, tolerance=2e-3)),
        ("3/4", "matrix_not_centred", not same(found, expected, tolerance=2e-3)),
    )


# --- Des morceaux aux mots -----------------------------------------------------------


def _judge_code(ask: Ask, function: str, right) -> Credit:
    """Note une fonction qui ne lit que des distances, ou des codes de même forme."""
    shapes = (2, GRID, GRID, NUM_WORDS), (1, GRID, GRID, NUM_WORDS + 3)
    calls = [((ask.rng.uniform(1, 20, shape).astype(np.float32),), {}) for shape in shapes]
    return ask.judge(function, [("1", calls)], right, tolerance=TOLERANCE)


@question("ex16.hard_code")
def ask_hard_code(ask: Ask) -> Credit:
    """Nomme chaque morceau."""
    return _judge_code(ask, "hard_code", lambda d: np.eye(d.shape[-1])[d.argmin(-1)])


@question("ex16.triangle_code")
def ask_triangle_code(ask: Ask) -> Credit:
    """Donne à chaque morceau plusieurs mots."""
    return _judge_code(ask, "triangle_code", lambda d: np.maximum(d.mean(-1, keepdims=True) - d, 0))


@question("ex16.quarter_means")
def ask_quarter_means(ask: Ask) -> Credit:
    """Agrège les codes de chaque quart."""
    half = GRID // 2

    def quarters(codes):
        return codes.reshape(len(codes), 2, half, 2, half, -1).mean((2, 4))

    return _judge_code(ask, "quarter_means", quarters)
