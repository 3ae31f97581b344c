"""Exercice 24 : mesurer une image rendue, lire une courbe, arrondir, une ACP."""

import numpy as np
from scipy import ndimage

from grading.questions import Ask, Mistake, as_floats, compared

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


def _psnr(truth, found, *, peak=255.0, log=np.log10, times=10) -> float:
    """Calcule un PSNR avec, au choix, une erreur."""
    with np.errstate(all="ignore"):
        return times * log(peak**2 / np.mean((truth - found) ** 2, dtype=float))


def _as_float(**changed):
    return lambda truth, found: _psnr(truth.astype(float), found, **changed)


PSNR = [
    Mistake("peak_of_one", _as_float(peak=1.0)),
    Mistake("natural_logarithm", _as_float(log=np.log)),
    Mistake("twenty_for_ten", _as_float(times=20)),
    Mistake("peak_not_squared", _as_float(peak=255**0.5)),
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


@compared("ex24.ssim", tolerance=2e-4)
def ask_ssim(ask: Ask) -> list:
    """Mesure des images bruitées, puis l'égalité et l'impossible."""
    return [
        ("3/4", [_noisy(ask.rng, 2, 15, 17, 2), _noisy(ask.rng, 1, 14, 13, 3, octets=True)]),
        ("1", _equal_and_impossible(ask.rng, 1, 13, 14, 1)),
    ]


# --- Une courbe ----------------------------------------------------------------------


@compared("ex24.at_rate", tolerance=CLOSE)
def ask_at_rate(ask: Ask) -> list:
    """Lit des courbes débit–distorsion, d'une image puis de plusieurs."""

    def draw(share, *shape):
        """Lit entre le deuxième débit et le troisième, à une part du chemin."""
        rates = ask.rng.uniform(0.1, 0.2) * np.array([1, 1.5, 9, 14, 40])
        values = 20 + np.cumsum(ask.rng.uniform(1, 6, (5, *shape)), axis=0)
        return (rates.tolist(), values, rates[1] + share * (rates[2] - rates[1])), {}

    return [
        ("1/2", [draw(0), draw(1)]),
        ("3/4", [draw(0.2), draw(0.5), draw(0.8)]),
        ("1", [draw(0, 3), draw(0.4, 4)]),
    ]


# --- Arrondir ------------------------------------------------------------------------


@compared("ex24.quantise")
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


@compared("ex24.principal_axes", tolerance=CLOSE)
def ask_principal_axes(ask: Ask) -> list:
    """Cherche les axes d'images dont les pixels voisins se ressemblent."""
    smooth = ndimage.uniform_filter(ask.rng.normal(0, 120, (12, 48, 40, 3)), (0, 3, 3, 0))
    call = [((np.clip(100 + smooth, 0, 255).astype(np.uint8),), {})]

    def products(value):
        """Rend ce qui ne dépend pas du signe des axes : s'ils sont orthonormés, la covariance."""
        axes, found = map(as_floats, value)
        return [axes.T @ axes, axes * (found / found.max()) ** 2 @ axes.T]

    # Les plus petits écarts-types, la seconde moitié, ne tiennent qu'aux arrondis.
    return [
        ("1/2", call, lambda value: np.array_split(as_floats(value[1]), 2)[0]),
        ("1", call, products),
    ]
