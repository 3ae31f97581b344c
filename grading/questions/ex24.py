"""Exercice 24 : mesurer une image rendue, lire une courbe, arrondir, une ACP."""

from operator import itemgetter

import numpy as np
from scipy import ndimage

from grading.questions import (
    TOLERANCE,
    VAGUE,
    Ask,
    Credit,
    Mistake,
    altered,
    as_floats,
    compared,
    question,
    seen,
)

CLOSE = 2e-3  # écart relatif d'un calcul fait en float32


# --- Juger une image -----------------------------------------------------------------


def _noisy(rng, *shape, octets: bool = False, brighter: float = 0) -> tuple:
    """Fait un appel d'images peu contrastées, et des mêmes, bruitées.

    Le bruit grandit d'une image à l'autre, et vers le bas : où l'on regarde, et avec quels poids,
    se voit.

    Args:
        rng: hasard de la session.
        shape: la forme des images.
        octets: rendre des octets, et non des réels.
        brighter: ce qui est ajouté à tous les pixels des images bruitées.
    """
    truth = rng.integers(90, 140, shape)
    noise = rng.normal(0, 3, shape) * (1 + 3 * np.arange(shape[0]))[:, None, None, None]
    noise *= np.linspace(0.1, 4, shape[1])[:, None, None] ** 2
    found, kind = np.clip(np.rint(truth + noise + brighter), 0, 255), np.uint8 if octets else float
    return (truth.astype(kind), found.astype(kind)), {}


def _equal_and_impossible(rng, *shape) -> list[tuple]:
    """Donne deux images égales, puis des formes différentes, que NumPy ajuste ou non."""
    (truth, found), _ = _noisy(rng, *shape)
    twice = np.concatenate([truth, truth])
    pairs = [(truth, truth), (truth, found[:, 1:]), (twice, found)]
    return [(pair, {}) for pair in pairs]


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


def _wrapped_psnr(truth, found) -> float:
    """Calcule la différence en octets, et le reste en réels."""
    return _psnr((truth - found).astype(float), 0.0)


def _peak_of_image(truth, found) -> float:
    return _as_float(peak=float(truth.max()))(truth, found)


def _variance_of_error(truth, found) -> float:
    errors = truth.astype(float) - found
    return _psnr(errors, errors.mean())


def _zero_if_equal(truth, found) -> float:
    return 0.0 if np.array_equal(truth, found) else _as_float()(truth, found)


def _refusing(compute):
    """Rend la même fonction, qui refuse deux formes différentes."""

    def psnr(truth, found):
        if np.shape(truth) != np.shape(found):
            raise ValueError
        return compute(truth, found)

    return psnr


PSNR = [
    Mistake("peak_of_one", _as_float(peak=1.0)),
    Mistake("natural_logarithm", _as_float(log=np.log)),
    Mistake("twenty_for_ten", _as_float(times=20)),
    Mistake("peak_not_squared", _as_float(peak=255**0.5)),
    Mistake("mean_of_psnr", _as_float(axes=(1, 2, 3))),
    Mistake("absolute_for_squared", _as_float(power=1)),
    Mistake("absolute_for_squared", _as_float(power=1, peak=255**0.5)),
    Mistake("absolute_for_squared", _as_float(power=1, peak=255**0.5, times=20)),
    Mistake("peak_of_image", _peak_of_image),
    Mistake("peak_of_256", _as_float(peak=256.0)),
    Mistake("variance_of_error", _variance_of_error),
    Mistake("zero_if_equal", _zero_if_equal, "3/4"),
    Mistake("computed_in_bytes", _psnr, "1/2"),
    Mistake("computed_in_bytes", _wrapped_psnr, "1/2"),
]
PSNR = [each._replace(compute=_refusing(each.compute)) for each in PSNR]


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


def _around(mode: str):
    """Rend ce qui moyenne autour de chaque pixel, même là où la fenêtre dépasse de l'image.

    Args:
        mode: ce qui complète l'image (voir `ndimage.gaussian_filter`).
    """

    def mean(values):
        return ndimage.gaussian_filter(
            values, SIGMA_PX, axes=(1, 2), radius=WINDOW_PX // 2, mode=mode
        )

    return mean


def _inside(values: np.ndarray) -> np.ndarray:
    """Moyenne autour de chaque pixel, là où une fenêtre aux poids égaux tient tout entière."""
    radius = WINDOW_PX // 2
    found = ndimage.uniform_filter(values, WINDOW_PX, axes=(1, 2))
    return found[:, radius:-radius, radius:-radius]


def _everywhere(values: np.ndarray) -> np.ndarray:
    return values.mean(keepdims=True)


def _over_each_image(values: np.ndarray) -> np.ndarray:
    return values.mean((1, 2), keepdims=True)


def _windowed(sigma=SIGMA_PX, *, total_one=True, centre=0):
    """Rend ce qui moyenne autour de chaque pixel, là où la fenêtre tient tout entière.

    Args:
        sigma: l'écart-type de la gaussienne.
        total_one: diviser les poids par leur somme.
        centre: la place du sommet, comptée depuis le milieu de la fenêtre.
    """
    radius = WINDOW_PX // 2
    weights = np.exp(-((np.arange(-radius, radius + 1) - centre) ** 2) / (2 * sigma**2))
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


def _as_real(values: np.ndarray) -> np.ndarray:
    return values.astype(float)


def _grey(values: np.ndarray) -> np.ndarray:
    return values.mean(-1, keepdims=True)


def _ssim(
    mean, *, constants=(C1, C2), spread=_variance, prepare=_as_real, compares_means: bool = True
):
    """Rend `ssim` avec, au choix, une erreur.

    Args:
        mean: moyenne autour de chaque pixel.
        constants: celle des moyennes, et celle des contrastes.
        spread: ce qui, d'une variance, est au dénominateur.
        prepare: ce qui se fait des images avant tout calcul.
        compares_means: compter la ressemblance des moyennes.
    """
    of_means, of_spreads = constants

    def ssim(truth, found):
        if np.shape(truth) != np.shape(found):
            raise ValueError
        x, y = prepare(truth), prepare(found)
        squares = [(a * b).astype(float) for a, b in ((x, x), (y, y), (x, y))]
        x_mean, y_mean = mean(x.astype(float)), mean(y.astype(float))
        x_var, y_var = mean(squares[0]) - x_mean**2, mean(squares[1]) - y_mean**2
        shared = mean(squares[2]) - x_mean * y_mean
        of_shapes = (2 * shared + of_spreads) / (spread(x_var) + spread(y_var) + of_spreads)
        of_levels = (2 * x_mean * y_mean + of_means) / (x_mean**2 + y_mean**2 + of_means)
        return np.mean(of_shapes * (of_levels if compares_means else 1))

    return ssim


SSIM = [
    Mistake("window_sticks_out", _ssim(_around("reflect"))),
    Mistake("window_sticks_out", _ssim(_around("nearest"))),
    Mistake("window_sticks_out", _ssim(_around("constant"))),
    Mistake("window_sticks_out", _ssim(_around("mirror"))),
    Mistake("flat_window", _ssim(_inside)),
    Mistake("no_window", _ssim(_everywhere)),
    Mistake("no_window", _ssim(_over_each_image)),
    Mistake("constants_exchanged", _ssim(_windowed(), constants=(C2, C1))),
    Mistake("deviations_for_variances", _ssim(_windowed(), spread=_deviation)),
    Mistake("gaussian_too_narrow", _ssim(_windowed(SIGMA_PX / 2**0.5))),
    Mistake("window_not_normalised", _ssim(_windowed(total_one=False))),
    Mistake("window_off_centre", _ssim(_windowed(centre=1))),
    Mistake("window_off_centre", _ssim(_windowed(centre=-1))),
    Mistake("luminance_missing", _ssim(_windowed(), compares_means=False)),
    Mistake("constants_not_squared", _ssim(_windowed(), constants=(C1**0.5, C2**0.5))),
    Mistake("colours_merged", _ssim(_windowed(), prepare=_grey)),
    Mistake("computed_in_bytes", _ssim(_windowed(), prepare=np.asarray)),
]


@compared("ex24.ssim", mistakes=SSIM, tolerance=2e-4)
def ask_ssim(ask: Ask) -> list:
    """Mesure des images bruitées, puis l'égalité et l'impossible."""
    return [
        (
            "3/4",
            [
                _noisy(ask.rng, 2, 15, 17, 2, brighter=60),  # les moyennes aussi se comparent
                _noisy(ask.rng, 1, 14, 13, 3, octets=True),
            ],
        ),
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


def _neighbours(rates, rate, side: str) -> tuple[int, float]:
    """Rend le rang du premier débit après celui-ci, et la part du chemin parcourue vers lui.

    Args:
        rates: les débits de la courbe.
        rate: celui qui est lu.
        side: ce qu'il en est d'un débit de la courbe (voir `np.searchsorted`).
    """
    after = int(np.clip(np.searchsorted(rates, rate, side), 1, len(rates) - 1))
    way = np.log(rates[after] / rates[after - 1])
    return after, float(np.log(rate / rates[after - 1]) / way)


def _shares_exchanged(rates, values, rate, *, side) -> np.ndarray:
    after, share = _neighbours(rates, rate, side)
    return share * values[after - 1] + (1 - share) * values[after]


def _point_before(rates, values, rate, *, side) -> np.ndarray:
    return values[_neighbours(rates, rate, side)[0] - 1]


def _point_after(rates, values, rate, *, side) -> np.ndarray:
    return values[_neighbours(rates, rate, side)[0]]


def _middle(rates, values, rate, *, side) -> np.ndarray:
    after, _ = _neighbours(rates, rate, side)
    return (values[after - 1] + values[after]) / 2


def _between_ends(rates, values, rate) -> np.ndarray:
    share = np.log(rate / rates[0]) / np.log(rates[-1] / rates[0])
    return (1 - share) * values[0] + share * values[-1]


def _on_fitted_line(rates, values, rate) -> np.ndarray:
    slope, start = np.polyfit(np.log(rates), values, 1)
    return slope * np.log(rate) + start


READ = [
    Mistake("rate_without_logarithm", _without_logarithm),
    Mistake("nearest_point_read", _at_the_nearest),
    Mistake("nearest_point_read", altered(_at_the_nearest, scale=np.asarray)),
    Mistake("values_in_logarithm", _values_in_logarithm),
    *(
        Mistake(reason, altered(compute, side=side))
        for reason, compute in (
            ("shares_exchanged", _shares_exchanged),
            ("neighbour_read", _point_before),
            ("neighbour_read", _point_after),
            ("middle_read", _middle),
        )
        for side in ("left", "right")
    ),
    Mistake("whole_curve_for_segment", _between_ends),
    Mistake("whole_curve_for_segment", _on_fitted_line),
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


def _rounding_before_step(codes, step) -> np.ndarray:
    return _bounded(np.sign(codes) * np.floor((np.abs(codes) + ROUNDING) / step))


def _codes_bounded(codes, step) -> np.ndarray:
    """Borne les codes, et non leurs entiers."""
    codes = _bounded(codes)
    return np.sign(codes) * np.floor(np.abs(codes) / step + ROUNDING)


QUANTISED = [
    Mistake("rounded_to_nearest", _to_the_nearest),
    Mistake("rounding_missing", _without_rounding),
    Mistake("sign_in_rounding", _sign_kept_inside),
    Mistake("sign_in_rounding", _sign_kept_inside_and_cut),
    Mistake("step_multiplied_back", _multiplied_back),
    Mistake("one_below_limit", _down_to_128),
    Mistake("bounded_too_late", _wrapped),
    Mistake("rounding_before_step", _rounding_before_step),
    Mistake("codes_bounded", _codes_bounded),
]


@compared("ex24.quantise", mistakes=QUANTISED)
def ask_quantise(ask: Ask) -> list:
    """Arrondit des codes dont la part qui dépasse dit quel arrondi c'est."""

    def draw(step, *, signs=(1.0,), most=30):
        shares = ask.rng.permutation(np.resize([0.1, 0.3, 0.55, 0.6, 0.7, 0.8, 0.95], 24))
        codes = step * (ask.rng.integers(0, most, 24) + shares) * ask.rng.choice(signs, 24)
        return (codes.astype(np.float32).reshape(2, 3, 4), step), {}

    both = (-1.0, 1.0)
    return [
        ("1/2", [draw(24.0), draw(1.5)]),
        ("3/4", [draw(48.0, signs=both), draw(48.0, signs=both)]),
        ("1", [draw(2.0, signs=both, most=300)]),
    ]


# --- L'ACP ---------------------------------------------------------------------------


BLOCK_PX, GREY = 8, 127.5  # ceux de l'énoncé


def _mean_products(squares: np.ndarray) -> np.ndarray:
    return squares.T @ squares / len(squares)


def _axes(origin=None, order="nhwpqc", matrix=_mean_products):
    """Rend `principal_axes`, avec, au choix, une erreur.

    Args:
        origin: d'où chaque carré est compté ; par défaut, le gris de l'énoncé.
        order: celui où une image, `nhpwqc`, est lue : h et w sont le rang d'un carré, p et q celui
            d'un de ses pixels, c une couleur.
        matrix: celle dont les vecteurs propres sont les axes.
    """

    def principal_axes(images):
        num, height, width, _ = images.shape
        shape = num, height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX, 3
        split = images.astype(float).reshape(shape)
        squares = np.einsum(f"nhpwqc->{order}", split).reshape(-1, 3 * BLOCK_PX**2)
        squares = squares - (origin(squares) if origin else GREY)
        values, axes = np.linalg.eigh(matrix(squares))
        return axes[:, ::-1], np.sqrt(np.maximum(values[::-1], 0))

    return principal_axes


def _mean_square(squares: np.ndarray) -> np.ndarray:
    return squares.mean(0)


def _mean_of_each(squares: np.ndarray) -> np.ndarray:
    return squares.mean(1, keepdims=True)


def _black(squares: np.ndarray) -> float:
    return 0.0


def _wrapped_grey(squares: np.ndarray) -> np.ndarray:
    """Retire le gris en octets : sous zéro, un octet repart de 255."""
    return squares - np.mod(squares - np.floor(GREY), 256)


def _correlated(squares: np.ndarray) -> np.ndarray:
    return np.corrcoef(squares, rowvar=False)


def _summed(squares: np.ndarray) -> np.ndarray:
    return squares.T @ squares


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


def _spreads_squared(found: tuple) -> tuple:
    axes, spreads = found
    return axes, spreads**2


def _axes_scaled(found: tuple) -> tuple:
    axes, spreads = found
    return axes * spreads, spreads


AXES = [
    Mistake("mean_removed", _axes(_mean_square)),
    Mistake("mean_removed", _axes(_mean_of_each)),
    Mistake("grey_not_removed", _axes(_black)),
    Mistake("computed_in_bytes", _axes(_wrapped_grey)),
    Mistake("squares_not_cut", _axes(order="nhpwqc")),
    Mistake("square_in_other_order", _axes(order="nhwcpq")),
    Mistake("square_in_other_order", _axes(order="nhwqpc")),
    Mistake("correlations_taken", _axes(matrix=_correlated)),
    Mistake("products_not_averaged", _axes(matrix=_summed)),
    Mistake("variances_for_spreads", altered(_axes(), _spreads_squared)),
    Mistake("axes_in_rows", altered(_axes(), _in_rows)),
    Mistake("axes_not_of_one", altered(_axes(), _axes_scaled)),
    Mistake("smallest_first", altered(_axes(), _smallest_first)),
    Mistake("smallest_first", altered(_axes(), _smallest_axes_first)),
    Mistake("smallest_first", altered(_axes(), _smallest_spreads_first)),
]


NUM_NUMBERS = 3 * BLOCK_PX**2  # d'un carré
# Ce par quoi une matrice est multipliée : ce qui la change change presque sûrement le produit.
PROBES = np.random.default_rng(24).normal(size=(NUM_NUMBERS, 3))


def _products(value) -> list[np.ndarray]:
    """Rend ce qui ne dépend pas du signe des axes : s'ils sont orthonormés, la covariance."""
    axes, spreads = map(as_floats, value)
    return [
        axes.T @ (axes @ PROBES),
        axes @ ((spreads / spreads.max())[:, None] ** 2 * (axes.T @ PROBES)),
    ]


def _largest(value) -> np.ndarray:
    """Met à zéro la seconde moitié, les plus petits : ils ne tiennent qu'aux arrondis.

    Raises:
        ValueError: les écarts-types sont à la place des axes.
    """
    axes, spreads = map(as_floats, value)
    if axes.ndim < spreads.ndim:
        raise ValueError
    return np.where(np.arange(len(spreads)) < len(spreads) / 2, spreads, 0)


@question("ex24.principal_axes")
def ask_principal_axes(ask: Ask) -> Credit:
    """Cherche les axes d'images dont les pixels voisins se ressemblent."""
    smooth = ndimage.uniform_filter(ask.rng.normal(0, 120, (12, 48, 40, 3)), (0, 3, 3, 0))
    call = [((np.clip(100 + smooth, 0, 255).astype(np.uint8),), {})]
    groups = [("1/2", call, _largest), ("1", call, _products)]
    found = ask.compare("principal_axes", groups, mistakes=AXES, tolerance=CLOSE)
    if _is_exchanged(found):
        return found._replace(reason="parts_exchanged", detail="")
    if found.wrong is not None and np.shape(found.wrong.expected) != (NUM_NUMBERS,):
        return _about_axes(ask, found, call)
    return found


def _about_axes(ask: Ask, found: Credit, call: list[tuple]) -> Credit:
    """Montre les axes, et non ce qui s'en compare, qui ne dit rien à qui les a calculés."""
    theirs, ours = (each.calls("principal_axes", call)[0] for each in (ask, ask.reference))
    whole = seen(theirs, itemgetter(0)), ours.value[0]
    wrong = found.wrong._replace(whole=whole, part="les axes")
    return found._replace(wrong=wrong, detail="" if found.reason in VAGUE else found.detail)


def _is_exchanged(found: Credit) -> bool:
    """Dit si les écarts-types sont rendus avant les axes."""
    value = None if found.wrong is None else found.wrong.answer.value
    forms = [np.shape(each) for each in value] if isinstance(value, tuple | list) else []
    return forms == [(NUM_NUMBERS,), (NUM_NUMBERS, NUM_NUMBERS)]
