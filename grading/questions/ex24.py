"""Exercice 24 : mesurer une image rendue, lire une courbe, arrondir, une ACP."""

import numpy as np
from scipy import ndimage

from grading.questions import TOLERANCE, Ask, Mistake, altered, as_floats, compared

CLOSE = 2e-3  # écart relatif d'un calcul fait en float32


# --- Juger une image -----------------------------------------------------------------


def _noisy(rng, *shape, octets: bool = False) -> tuple:
    """Fait un appel d'images peu contrastées, et des mêmes, bruitées.

    Le bruit grandit d'une image à l'autre, et vers le bas : où l'on regarde, et avec quels poids,
    se voit.
    """
    truth = rng.integers(90, 140, shape)
    noise = rng.normal(0, 3, shape) * (1 + 3 * np.arange(shape[0]))[:, None, None, None]
    noise *= np.linspace(0.1, 4, shape[1])[:, None, None] ** 2
    found, kind = np.clip(np.rint(truth + noise), 0, 255), np.uint8 if octets else float
    return (truth.astype(kind), found.astype(kind)), {}


def _equal_and_impossible(rng, *shape) -> list[tuple]:
    (truth, found), _ = _noisy(rng, *shape)
    return [((truth, truth), {}), ((truth, found[:, 1:]), {})]


def _psnr(truth, found, *, peak=255.0, log=np.log10, times=10, power=2, axes=None) -> float:
    """Calcule un PSNR avec, au choix, une erreur.

    Args:
        truth: les images.
        found: celles qui sont rendues.
        peak: la crête.
        log: le logarithme.
        times: ce qui le multiplie.
        power: celle de l'erreur de chaque pixel.
        axes: ceux de la moyenne des erreurs ; les PSNR sont moyennés ensuite.
    """
    with np.errstate(all="ignore"):
        errors = np.abs(truth - found) ** power
        return np.mean(times * log(peak**2 / np.mean(errors, axis=axes, dtype=float)))


def _as_float(**changed):
    return lambda truth, found: _psnr(truth.astype(float), found, **changed)


PSNR = [
    Mistake("peak_of_one", _as_float(peak=1.0)),
    Mistake("natural_logarithm", _as_float(log=np.log)),
    Mistake("twenty_for_ten", _as_float(times=20)),
    Mistake("peak_not_squared", _as_float(peak=255**0.5)),
    Mistake("mean_of_psnr", _as_float(axes=(1, 2, 3))),
    Mistake("absolute_for_squared", _as_float(power=1)),
    Mistake("absolute_for_squared", _as_float(power=1, peak=255**0.5)),
    Mistake("absolute_for_squared", _as_float(power=1, peak=255**0.5, times=20)),
    Mistake("integer_overflow", _psnr, "1/2"),
]


@compared("ex24.psnr", mistakes=PSNR)
def ask_psnr(ask: Ask) -> list:
    """Mesure des réels, puis des octets, puis l'égalité et l'impossible."""
    return [
        ("1/2", [_noisy(ask.rng, 3, 6, 7, 3), _noisy(ask.rng, 2, 5, 4, 1)]),
        ("3/4", [_noisy(ask.rng, 2, 6, 5, 3, octets=True)]),
        ("1", _equal_and_impossible(ask.rng, 1, 5, 5, 3)),
    ]


WINDOW_PX, SIGMA_PX = 11, 1.5  # la fenêtre de l'énoncé
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # de même


def _around(values: np.ndarray) -> np.ndarray:
    """Moyenne autour de chaque pixel, même là où la fenêtre dépasse de l'image."""
    return ndimage.gaussian_filter(values, SIGMA_PX, axes=(1, 2), radius=WINDOW_PX // 2)


def _inside(values: np.ndarray) -> np.ndarray:
    """Moyenne autour de chaque pixel, là où une fenêtre aux poids égaux tient tout entière."""
    radius = WINDOW_PX // 2
    found = ndimage.uniform_filter(values, WINDOW_PX, axes=(1, 2))
    return found[:, radius:-radius, radius:-radius]


def _everywhere(values: np.ndarray) -> np.ndarray:
    return values.mean(keepdims=True)


def _over_each_image(values: np.ndarray) -> np.ndarray:
    return values.mean((1, 2), keepdims=True)


def _windowed(sigma=SIGMA_PX, *, total_one=True):
    """Rend ce qui moyenne autour de chaque pixel, là où la fenêtre tient tout entière.

    Args:
        sigma: l'écart-type de la gaussienne.
        total_one: diviser les poids par leur somme.
    """
    radius = WINDOW_PX // 2
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum() if total_one else 1

    def mean(values):
        for axis in (1, 2):
            values = ndimage.correlate1d(values, weights, axis)
        return values[:, radius:-radius, radius:-radius]

    return mean


def _variance(squares: np.ndarray) -> np.ndarray:
    return squares


def _deviation(squares: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(squares, 0))


def _ssim(mean, *, constants=(C1, C2), spread=_variance):
    """Rend `ssim` avec, au choix, une erreur.

    Args:
        mean: moyenne autour de chaque pixel.
        constants: celle des moyennes, et celle des contrastes.
        spread: ce qui, d'une variance, est au dénominateur.
    """
    of_means, of_spreads = constants

    def ssim(truth, found):
        if np.shape(truth) != np.shape(found):
            raise ValueError
        x, y = truth.astype(float), found.astype(float)
        x_mean, y_mean = mean(x), mean(y)
        x_var, y_var = mean(x * x) - x_mean**2, mean(y * y) - y_mean**2
        shared = mean(x * y) - x_mean * y_mean
        likeness = (2 * x_mean * y_mean + of_means) * (2 * shared + of_spreads)
        spreads = spread(x_var) + spread(y_var) + of_spreads
        return np.mean(likeness / ((x_mean**2 + y_mean**2 + of_means) * spreads))

    return ssim


SSIM = [
    Mistake("window_sticks_out", _ssim(_around)),
    Mistake("flat_window", _ssim(_inside)),
    Mistake("no_window", _ssim(_everywhere)),
    Mistake("no_window", _ssim(_over_each_image)),
    Mistake("constants_exchanged", _ssim(_windowed(), constants=(C2, C1))),
    Mistake("deviations_for_variances", _ssim(_windowed(), spread=_deviation)),
    Mistake("gaussian_too_narrow", _ssim(_windowed(SIGMA_PX / 2**0.5))),
    Mistake("window_not_normalised", _ssim(_windowed(total_one=False))),
]


@compared("ex24.ssim", mistakes=SSIM, tolerance=2e-4)
def ask_ssim(ask: Ask) -> list:
    """Mesure des images bruitées, puis l'égalité et l'impossible."""
    return [
        ("3/4", [_noisy(ask.rng, 2, 15, 17, 2), _noisy(ask.rng, 1, 14, 13, 3, octets=True)]),
        ("1", _equal_and_impossible(ask.rng, 1, 13, 14, 1)),
    ]


# --- Une courbe ----------------------------------------------------------------------


def _without_logarithm(rates, values, rate) -> np.ndarray:
    """Lit une courbe sans passer aux logarithmes."""
    share = np.interp(rate, rates, np.arange(len(rates)))
    before, after = int(np.floor(share)), int(np.ceil(share))
    return values[before] * (1 - share % 1) + values[after] * (share % 1)


def _values_in_logarithm(rates, values, rate) -> np.ndarray:
    """Passe aux logarithmes pour les valeurs aussi."""
    share = np.interp(np.log(rate), np.log(rates), np.arange(len(rates)))
    before, after = int(np.floor(share)), int(np.ceil(share))
    return values[before] ** (1 - share % 1) * values[after] ** (share % 1)


def _at_the_nearest(rates, values, rate, *, scale=np.log) -> np.ndarray:
    return values[np.abs(scale(rates) - scale(rate)).argmin()]


READ = [
    Mistake("rate_without_logarithm", _without_logarithm),
    Mistake("nearest_point_read", _at_the_nearest),
    Mistake("nearest_point_read", altered(_at_the_nearest, scale=np.asarray)),
    Mistake("values_in_logarithm", _values_in_logarithm),
]


@compared("ex24.at_rate", mistakes=READ, tolerance=TOLERANCE)
def ask_at_rate(ask: Ask) -> list:
    """Lit des courbes débit–distorsion, d'une image puis de plusieurs."""

    def draw(share, *shape):
        """Lit entre le deuxième débit et le troisième, à une part du chemin.

        Les valeurs y montent assez pour que leur logarithme se voie.
        """
        rates = ask.rng.uniform(0.1, 0.2) * np.array([1, 1.5, 9, 14, 40])
        values = 20 + np.cumsum(ask.rng.uniform(4, 9, (5, *shape)), axis=0)
        return (rates.tolist(), values, float(rates[1] + share * (rates[2] - rates[1]))), {}

    return [
        ("1/2", [draw(0), draw(1)]),
        ("3/4", [draw(0.2), draw(0.5), draw(0.8)]),
        ("1", [draw(0, 3), draw(0.4, 4)]),
    ]


# --- Arrondir ------------------------------------------------------------------------


LIMIT, ROUNDING = 127, 0.35  # ceux de l'énoncé


def _bounded(whole: np.ndarray) -> np.ndarray:
    return np.clip(whole, -LIMIT, LIMIT)


def _to_the_nearest(codes, step) -> np.ndarray:
    return _bounded(np.rint(codes / step))


def _without_rounding(codes, step) -> np.ndarray:
    return _bounded(np.trunc(codes / step))


def _sign_kept_inside(codes, step) -> np.ndarray:
    """Ajoute l'arrondi à un code négatif au lieu de sa valeur absolue."""
    return _bounded(np.floor(codes / step + ROUNDING))


def _sign_kept_inside_and_cut(codes, step) -> np.ndarray:
    return _bounded(np.trunc(codes / step + ROUNDING))


def _multiplied_back(codes, step) -> np.ndarray:
    """Rend les codes arrondis au lieu de leurs entiers."""
    return step * np.sign(codes) * np.floor(np.abs(codes) / step + ROUNDING)


def _down_to_128(codes, step) -> np.ndarray:
    """Borne à tout ce que peut un int8."""
    sizes = np.floor(np.abs(codes) / step + ROUNDING)
    return np.clip(np.sign(codes) * sizes, -LIMIT - 1, LIMIT)


def _wrapped(codes, step) -> np.ndarray:
    """Convertit en int8 avant de borner."""
    sizes = np.floor(np.abs(codes) / step + ROUNDING)
    return _bounded((np.sign(codes) * sizes).astype(int).astype(np.int8))


QUANTISED = [
    Mistake("rounded_to_nearest", _to_the_nearest),
    Mistake("rounding_missing", _without_rounding),
    Mistake("sign_in_rounding", _sign_kept_inside),
    Mistake("sign_in_rounding", _sign_kept_inside_and_cut),
    Mistake("step_multiplied_back", _multiplied_back),
    Mistake("one_below_limit", _down_to_128),
    Mistake("bounded_too_late", _wrapped),
]


@compared("ex24.quantise", mistakes=QUANTISED)
def ask_quantise(ask: Ask) -> list:
    """Arrondit des codes dont la part qui dépasse dit quel arrondi c'est."""

    def draw(step, *, signs=(1.0,), most=30):
        shares = ask.rng.permutation(np.resize([0.1, 0.3, 0.55, 0.6, 0.8, 0.95], 24))
        codes = step * (ask.rng.integers(0, most, 24) + shares) * ask.rng.choice(signs, 24)
        return (codes.astype(np.float32).reshape(2, 3, 4), step), {}

    both = (-1.0, 1.0)
    return [
        ("1/2", [draw(24.0), draw(7.5)]),
        ("3/4", [draw(48.0, signs=both), draw(48.0, signs=both)]),
        ("1", [draw(2.0, signs=both, most=300)]),
    ]


# --- L'ACP ---------------------------------------------------------------------------


BLOCK_PX, GREY = 8, 127.5  # ceux de l'énoncé


def _axes(origin=None, order="nhwpqc"):
    """Rend `principal_axes`, avec, au choix, une erreur.

    Args:
        origin: d'où chaque carré est compté ; par défaut, le gris de l'énoncé.
        order: celui où une image, `nhpwqc`, est lue : h et w sont le rang d'un carré, p et q celui
            d'un de ses pixels, c une couleur.
    """

    def principal_axes(images):
        num, height, width, _ = images.shape
        shape = num, height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX, 3
        split = images.astype(float).reshape(shape)
        squares = np.einsum(f"nhpwqc->{order}", split).reshape(-1, 3 * BLOCK_PX**2)
        squares = squares - (origin(squares) if origin else GREY)
        values, axes = np.linalg.eigh(squares.T @ squares / len(squares))
        return axes[:, ::-1], np.sqrt(np.maximum(values[::-1], 0))

    return principal_axes


def _mean_square(squares: np.ndarray) -> np.ndarray:
    return squares.mean(0)


def _mean_of_each(squares: np.ndarray) -> np.ndarray:
    return squares.mean(1, keepdims=True)


def _black(squares: np.ndarray) -> float:
    return 0.0


def _in_rows(found: tuple) -> tuple:
    axes, spreads = found
    return axes.T, spreads


def _smallest_first(found: tuple) -> tuple:
    axes, spreads = found
    return axes[:, ::-1], spreads[::-1]


def _smallest_axes_first(found: tuple) -> tuple:
    axes, spreads = found
    return axes[:, ::-1], spreads


def _smallest_spreads_first(found: tuple) -> tuple:
    axes, spreads = found
    return axes, spreads[::-1]


AXES = [
    Mistake("mean_removed", _axes(_mean_square)),
    Mistake("mean_removed", _axes(_mean_of_each)),
    Mistake("grey_not_removed", _axes(_black)),
    Mistake("squares_not_cut", _axes(order="nhpwqc")),
    Mistake("square_in_other_order", _axes(order="nhwcpq")),
    Mistake("square_in_other_order", _axes(order="nhwqpc")),
    Mistake("axes_in_rows", altered(_axes(), _in_rows)),
    Mistake("smallest_first", altered(_axes(), _smallest_first)),
    Mistake("smallest_first", altered(_axes(), _smallest_axes_first)),
    Mistake("smallest_first", altered(_axes(), _smallest_spreads_first)),
]


@compared("ex24.principal_axes", mistakes=AXES, tolerance=CLOSE)
def ask_principal_axes(ask: Ask) -> list:
    """Cherche les axes d'images dont les pixels voisins se ressemblent."""
    smooth = ndimage.uniform_filter(ask.rng.normal(0, 120, (12, 48, 40, 3)), (0, 3, 3, 0))
    call = [((np.clip(100 + smooth, 0, 255).astype(np.uint8),), {})]

    def products(value):
        """Rend ce qui ne dépend pas du signe des axes : s'ils sont orthonormés, la covariance."""
        axes, found = map(as_floats, value)
        return [axes.T @ axes, axes * (found / found.max()) ** 2 @ axes.T]

    def largest(value):
        """Met à zéro la seconde moitié, les plus petits : ils ne tiennent qu'aux arrondis."""
        spreads = as_floats(value[1])
        return np.where(np.arange(len(spreads)) < len(spreads) / 2, spreads, 0)

    return [("1/2", call, largest), ("1", call, products)]
