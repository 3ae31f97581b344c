"""Exercice 24 : mesurer une image rendue, comparer deux courbes, arrondir, une ACP."""

from functools import partial

import numpy as np

from exercises.ex24_autoencoder.codec import ROUNDING  # donné par l'énoncé
from grading import pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same

PEAK, WINDOW_PX, SIGMA_PX = 255, 11, 1.5
LIMIT, GREY, SIDE_PX = 127, 127.5, 8


def _pictures(rng, *shape, octets=False) -> tuple[np.ndarray, np.ndarray]:
    """Tire des images peu contrastées, et les mêmes bruitées, chacune plus que la précédente.

    Le bruit grandit vers le bas de l'image : où l'on regarde, et avec quels poids, se voit.
    """
    truth = rng.integers(90, 140, shape).astype(float)
    noise = rng.normal(0, 3, shape) * (1 + 3 * np.arange(shape[0]))[:, None, None, None]
    noise *= np.linspace(0.1, 4, shape[1])[:, None, None] ** 2
    found = np.clip(np.rint(truth + noise), 0, 255)
    return (truth.astype(np.uint8), found.astype(np.uint8)) if octets else (truth, found)


def _checked(compute):
    """Fait une mesure qui refuse deux images de formes différentes."""

    def measure(truth, found, **options):
        if truth.shape != found.shape:
            raise ValueError
        return compute(truth, found, **options)

    return measure


# --- Juger une image -----------------------------------------------------------------


@_checked
def _psnr(truth, found, *, peak=PEAK, cast=float, factor=10, power=2, log=np.log10):
    error = np.mean(((truth.astype(cast) - found.astype(cast)) ** 2).astype(float))
    if not error:
        return np.inf
    return factor * log(peak**power / error)


@question("ex24.psnr")
def ask_psnr(ask: Ask) -> Credit:
    """Mesure des réels, puis des octets, puis l'égalité et l'impossible."""
    rng = ask.rng
    reals = [(_pictures(rng, 3, 6, 7, 3), {}), (_pictures(rng, 2, 5, 4, 1), {})]
    octets = [(_pictures(rng, 2, 6, 5, 3, octets=True), {})]
    truth, found = _pictures(rng, 1, 5, 5, 3)
    last = [((truth, truth), {}), ((truth, found[:, 1:]), {})]

    @_checked
    def each_alone(truth, found):
        return np.mean([_psnr(a[None], b[None]) for a, b in zip(truth, found, strict=True)])

    @_checked
    def rooted(truth, found):
        error = np.sqrt(np.mean((truth.astype(float) - found) ** 2))
        return 10 * np.log10(PEAK**2 / error) if error else np.inf

    mistakes = [
        Mistake("wrong_peak", partial(_psnr, peak=1), "1/4"),
        Mistake("wrong_peak", partial(_psnr, peak=256), "1/4"),
        Mistake("root_of_error", partial(_psnr, power=1), "1/4"),
        Mistake("root_of_error", partial(_psnr, factor=20), "1/4"),
        Mistake("root_of_error", rooted, "1/4"),
        Mistake("natural_logarithm", partial(_psnr, log=np.log), "1/4"),
        Mistake("integer_overflow", partial(_psnr, cast=np.uint8), "1/2"),
        Mistake("images_averaged", each_alone, "1/2"),
    ]
    groups = [("1/2", reals), ("3/4", octets), ("1", last)]
    return judge(ask.calls("psnr", reals + octets + last), groups, _psnr, mistakes)


def _gaussian(size: int = WINDOW_PX) -> np.ndarray:
    line = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * SIGMA_PX**2))
    return np.outer(line, line) / line.sum() ** 2


UNIFORM = np.full((WINDOW_PX, WINDOW_PX), WINDOW_PX**-2.0)


@_checked
def _ssim(truth, found, *, weights=None, constants=(0.01 * PEAK, 0.03 * PEAK), pad=0, whole=False):
    """Refait `ssim` fenêtre par fenêtre ; les options sont les erreurs."""
    weights = _gaussian() if weights is None else weights

    def around(values):
        if whole:
            return values.mean(axis=(1, 2))
        values = np.pad(values, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(values, weights.shape, axis=(1, 2))
        return np.einsum("nhwcab,ab->nhwc", windows, weights)

    x, y = truth.astype(float), found.astype(float)
    c1, c2 = (each**2 for each in constants)
    mean_x, mean_y = around(x), around(y)
    spread_x, spread_y = around(x * x) - mean_x**2, around(y * y) - mean_y**2
    common = around(x * y) - mean_x * mean_y
    top = (2 * mean_x * mean_y + c1) * (2 * common + c2)
    return np.mean(top / ((mean_x**2 + mean_y**2 + c1) * (spread_x + spread_y + c2)))


@question("ex24.ssim")
def ask_ssim(ask: Ask) -> Credit:
    """Mesure des images bruitées, puis l'égalité et l'impossible."""
    rng = ask.rng
    noisy = [(_pictures(rng, 2, 15, 17, 2), {}), (_pictures(rng, 1, 14, 13, 3, octets=True), {})]
    truth, found = _pictures(rng, 1, 13, 14, 1)
    last = [((truth, truth), {}), ((truth, found[:, 1:]), {})]
    mistakes = [
        Mistake("without_constants", partial(_ssim, constants=(0, 0)), "1/2"),
        Mistake("uniform_window", partial(_ssim, weights=UNIFORM), "1/2"),
        Mistake("borders_included", partial(_ssim, pad=WINDOW_PX // 2), "1/2"),
        Mistake("global_statistics", partial(_ssim, whole=True), "1/4"),
    ]
    groups = [("3/4", noisy), ("1", last)]
    return judge(ask.calls("ssim", noisy + last), groups, _ssim, mistakes, tolerance=2e-4)


# --- Deux courbes --------------------------------------------------------------------


def _gain(curve, other, *, scale=np.log, common=True, points=False) -> float:
    """Refait `mean_gain` par une somme très fine ; les options sont les erreurs."""
    starts, ends = [each[0][0] for each in (curve, other)], [each[0][-1] for each in (curve, other)]
    low, high = (max(starts), min(ends)) if common else (min(starts), max(ends))
    if max(starts) >= min(ends):
        raise ValueError
    places = np.linspace(scale(low), scale(high), 20001)
    if points:
        places = scale(np.array([rate for rate in curve[0] if low <= rate <= high]))
    first, second = (
        np.interp(places, scale(np.array(each[0])), each[1]) for each in (curve, other)
    )
    return float(np.mean(first - second))


@question("ex24.mean_gain")
def ask_mean_gain(ask: Ask) -> Credit:
    """Compare des courbes débit–distorsion."""
    rng = ask.rng

    def draw(rates, level):
        """Tire un PSNR qui croît avec le débit ; il ne croît pas partout autant."""
        steps = rng.uniform(1, 6, len(rates))
        return list(rates), [float(each) for each in level + np.cumsum(steps)]

    def pair(first, second):
        return (draw(first, 24.0), draw(second, 20.0)), {}

    rates = np.array([0.1, 0.15, 0.9, 1.4, 4.0])
    plain = [pair(rates, rates), pair(rates * 2, rates * 2)]
    other = [pair(rates, rates * 1.7), pair(rates * 1.3, rates), pair([0.2, 3.0], rates)]
    none = [pair([0.1, 0.3], [0.5, 2.0])]
    mistakes = [
        Mistake("gain_reversed", lambda curve, other: -_gain(curve, other), "1/2"),
        Mistake("linear_rates", partial(_gain, scale=lambda rate: rate), "1/2"),
        Mistake("beyond_common_rates", partial(_gain, common=False), "1/2"),
        Mistake("points_averaged", partial(_gain, points=True), "1/4"),
    ]
    groups = [("1/2", plain), ("3/4", other), ("1", none)]
    answers = ask.calls("mean_gain", plain + other + none)
    return judge(answers, groups, _gain, mistakes, tolerance=2e-3)


# --- Arrondir ------------------------------------------------------------------------


def _quantise(codes, step, *, rounding=ROUNDING, limit=LIMIT):
    sizes = np.floor(np.abs(codes) / step + rounding)
    return np.sign(codes) * np.minimum(sizes, limit)


@question("ex24.quantise")
def ask_quantise(ask: Ask) -> Credit:
    """Arrondit des codes dont la part qui dépasse dit quel arrondi c'est."""
    rng = ask.rng

    def draw(step, *, sign=1.0, most=30):
        shares = rng.permutation(np.resize([0.1, 0.3, 0.55, 0.6, 0.8, 0.95], 24))
        codes = step * (rng.integers(0, most, 24) + shares) * sign
        return (codes.astype(np.float32).reshape(2, 3, 4), step), {}

    positive = [draw(24.0), draw(7.5)]
    signs = [draw(48.0, sign=rng.choice([-1.0, 1.0], 24)) for _ in range(2)]
    large = [draw(2.0, sign=rng.choice([-1.0, 1.0], 24), most=300)]
    mistakes = [
        Mistake("truncated_codes", partial(_quantise, rounding=0), "1/4"),
        Mistake("plain_rounding", partial(_quantise, rounding=0.5), "1/4"),
        Mistake("codes_unlimited", partial(_quantise, limit=np.inf), "3/4"),
        Mistake(
            "negatives_floored",
            lambda codes, step: np.clip(np.floor(codes / step + ROUNDING), -LIMIT, LIMIT),
            "1/2",
        ),
        Mistake("multiplied_back", lambda codes, step: step * _quantise(codes, step), "1/4"),
    ]
    groups = [("1/2", positive), ("3/4", signs), ("1", large)]
    return judge(ask.calls("quantise", positive + signs + large), groups, _quantise, mistakes)


# --- L'ACP ---------------------------------------------------------------------------


def _spreads(images, *, grey=GREY, centred=False) -> tuple[np.ndarray, np.ndarray]:
    """Rend la matrice des carrés `(192, 192)` et ses écarts-types décroissants."""
    blocks = [
        image[top : top + SIDE_PX, left : left + SIDE_PX].astype(float).ravel() - grey
        for image in images
        for top in range(0, image.shape[0], SIDE_PX)
        for left in range(0, image.shape[1], SIDE_PX)
    ]
    blocks = np.array(blocks) - (np.mean(blocks, axis=0) if centred else 0)
    matrix = blocks.T @ blocks / len(blocks)
    return matrix, np.sqrt(np.maximum(np.linalg.eigvalsh(matrix)[::-1], 0))


@question("ex24.principal_axes")
def ask_principal_axes(ask: Ask) -> Credit:
    """Cherche les axes d'images dont les pixels voisins se ressemblent."""
    rough = ask.rng.normal(0, 40, (12, 48, 40, 3))
    for axis in (1, 2):
        rough = (rough + np.roll(rough, 1, axis) + np.roll(rough, 2, axis)) / 3**0.5
    images = np.clip(100 + rough, 0, 255).astype(np.uint8)
    (answer,) = ask.calls("principal_axes", [((images,), {})])
    if answer.error:
        raise pupil.failure_of(answer.error)
    if not isinstance(answer.value, tuple | list) or len(answer.value) != 2:
        return credit(0, "wrong_type")
    axes, spreads = (as_floats(each) for each in answer.value)
    matrix, expected = _spreads(images)
    if axes is None or spreads is None or axes.shape != matrix.shape:
        return credit(0, "wrong_shape")
    if spreads.shape != expected.shape:
        return credit(0, "wrong_shape")
    num = len(expected) // 2  # les plus petits ne tiennent qu'aux arrondis
    found = spreads[:num]
    close = partial(same, tolerance=2e-3)
    if not close(found, expected[:num]):
        if close(spreads[::-1][:num], expected[:num]):
            return credit("1/4", "smallest_first")
        if close(found, expected[:num] ** 2):
            return credit("1/4", "variances_for_spreads")
        if close(found, _spreads(images, grey=0)[1][:num]):
            return credit("1/4", "pixels_not_centred")
        if close(found, _spreads(images, centred=True)[1][:num]):
            return credit("1/2", "mean_removed")
        return credit(0, "wrong_values")
    if _explains(axes, matrix, expected):
        return RIGHT
    if _explains(axes.T, matrix, expected):
        return credit("1/2", "axes_in_rows")
    turned = _explains(axes[:, ::-1], matrix, expected)
    return credit("1/2", "smallest_first" if turned else "wrong_values")


def _explains(axes: np.ndarray, matrix: np.ndarray, spreads: np.ndarray) -> bool:
    """Dit si des colonnes sont orthonormées, et les axes de ces écarts-types."""
    squares = axes.T @ matrix @ axes
    orthonormal = np.allclose(axes.T @ axes, np.eye(len(axes)), atol=1e-3)
    return orthonormal and np.allclose(squares, np.diag(spreads**2), atol=1e-3 * spreads[0] ** 2)
