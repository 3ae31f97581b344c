"""Exercice 23 : changer une pièce d'un réseau, et savoir si l'on a montré quelque chose."""

from functools import partial

import numpy as np
from scipy import stats

from grading.inside.messages import Ingredient
from grading.questions import Ask, Credit, Mistake, as_floats, compared, question

# --- Des intervalles -----------------------------------------------------------------


def _student(share: float, freedom: float) -> float:
    return float(stats.t.ppf((1 + share) / 2, freedom))


def _normal(share: float, freedom: float) -> float:
    return float(stats.norm.ppf((1 + share) / 2))


def _rounded_normal(share: float, freedom: float) -> float:
    return 1.96


def _one_sided(share: float, freedom: float) -> float:
    return float(stats.t.ppf(share, freedom))


def _satterthwaite(parts: list[tuple[float, int]]) -> float:
    """Rend les degrés de liberté de termes `(variance, degrés)`."""
    return sum(part for part, _ in parts) ** 2 / sum(part**2 / count for part, count in parts)


def _of_first(parts: list[tuple[float, int]]) -> float:
    return parts[0][1]


def _of_last(parts: list[tuple[float, int]]) -> float:
    return parts[-1][1]


def _means(gaps: np.ndarray) -> list[np.ndarray]:
    """Rend les moyennes par graine, s'il y en a plusieurs, puis par image."""
    return [gaps.mean(1), gaps.mean(0)] if len(gaps) > 1 else [gaps.mean(0)]


def _images_only(gaps: np.ndarray) -> list[np.ndarray]:
    return [gaps.mean(0)]


def _seeds_first(gaps: np.ndarray) -> list[np.ndarray]:
    return _means(gaps)[:1]


def _check(right, reference) -> None:
    if right.shape != reference.shape or right.shape[1] < 2:
        raise ValueError


def _gap(*, gaps_of=np.subtract, quantile=_student, freedom=_satterthwaite, means=_means, ddof=1):
    """Rend `paired_gap` avec, au choix, une erreur.

    Args:
        gaps_of: rend les différences, image par image.
        quantile: rend de combien d'écarts-types est la demi-largeur.
        freedom: rend les degrés de liberté.
        means: rend les moyennes dont la variance compte.
        ddof: ce que `np.var` retranche au nombre de valeurs.
    """

    def paired_gap(right, reference):
        _check(right, reference)
        gaps = gaps_of(right.astype(float), reference)
        parts = [(each.var(ddof=ddof) / each.size, each.size - 1) for each in means(gaps)]
        variance = sum(part for part, _ in parts)
        reach = quantile(0.95, freedom(parts)) * variance**0.5 if variance else 0.0
        return gaps.mean(), gaps.mean() - reach, gaps.mean() + reach

    return paired_gap


def _absolute(right, reference) -> np.ndarray:
    return np.abs(right - reference)


def _one_seed_unknown(right, reference):
    """Cherche, à une seule graine, la variance d'une seule moyenne : elle n'existe pas."""
    found = _gap()(right, reference)
    return (found[0], np.nan, np.nan) if len(right) == 1 else found


def _sides_exchanged(right, reference):
    """Divise les moyennes par graine par le nombre d'images, et l'inverse."""
    if len(right) == 1:
        return _one_seed_unknown(right, reference)
    _check(right, reference)
    gaps = right.astype(float) - reference
    difference, (seeds, images) = gaps.mean(), gaps.shape
    by_seed, by_image = gaps.mean(1).var(ddof=1), gaps.mean(0).var(ddof=1)
    parts = [(by_seed / images, images - 1), (by_image / seeds, seeds - 1)]
    variance = sum(part for part, _ in parts)
    reach = _student(0.95, _satterthwaite(parts)) * variance**0.5 if variance else 0.0
    return difference, difference - reach, difference + reach


def _unpaired(quantile):
    """Rend `paired_gap`, où les deux réseaux auraient répondu à d'autres images."""

    def paired_gap(right, reference):
        _check(right, reference)
        shares = [float(each.mean()) for each in (right, reference)]
        variance = sum(share * (1 - share) for share in shares) / right.size
        reach, gap = quantile(0.95, right.size - 1) * variance**0.5, shares[0] - shares[1]
        return gap, gap - reach, gap + reach

    return paired_gap


GAPS = [
    Mistake("absolute_gaps", _gap(gaps_of=_absolute)),
    Mistake("one_seed_unknown", _one_seed_unknown),
    Mistake("sides_exchanged", _sides_exchanged),
    *(
        Mistake("normal_for_student", _gap(quantile=quantile, means=means))
        for quantile in (_normal, _rounded_normal)
        for means in (_means, _images_only)
    ),
    Mistake("one_sided_interval", _gap(quantile=_one_sided)),
    Mistake("one_sided_interval", _gap(quantile=_one_sided, means=_images_only)),
    Mistake("variance_of_all", _gap(ddof=0)),
    Mistake("variance_of_all", _gap(ddof=0, means=_images_only)),
    Mistake("freedom_of_one_term", _gap(freedom=_of_first)),
    Mistake("freedom_of_one_term", _gap(freedom=_of_last)),
    Mistake("seeds_ignored", _gap(means=_images_only), "1/2"),
    Mistake("images_ignored", _gap(means=_seeds_first), "1/2"),
    *(Mistake("pairs_ignored", _unpaired(each)) for each in (_normal, _rounded_normal, _student)),
]


@compared("ex23.paired_gap", mistakes=GAPS)
def ask_paired_gap(ask: Ask) -> list:
    """Compare des réponses à une graine, puis à plusieurs, puis ce qui n'a pas de réponse.

    NumPy refuse de lui-même deux formes qui ne vont pas ensemble ; il étend (1, 9) à (3, 9).
    """

    def draw(num_seeds, num_images):
        hard = ask.rng.random(num_images)  # chaque image a sa difficulté, commune aux deux réseaux
        skill = ask.rng.normal(0, 0.1, (num_seeds, 1))
        first = ask.rng.random((num_seeds, num_images)) < hard + 0.1 + skill
        return (first, ask.rng.random((num_seeds, num_images)) < hard), {}

    def alike(*shapes):
        return tuple(np.ones(shape, bool) for shape in shapes), {}

    one, several = [draw(1, 60), draw(1, 45)], [draw(3, 50), draw(5, 40)]
    refused = [alike((2, 9), (2, 8)), alike((1, 9), (3, 9))]
    refused += [alike((3, 1), (3, 1)), alike((1, 1), (1, 1))]
    never_varies = [alike((1, 9), (1, 9)), alike((3, 9), (3, 9))]
    return [
        ("1/4", one + several, lambda gap: as_floats(gap)[0]),
        ("1/2", one),
        ("3/4", several),
        ("1", refused + never_varies),
    ]


def _sign_of_difference(gap: Ingredient) -> int:
    return int(np.sign(gap.options["difference"]))


def _sign_without_bounds(gap: Ingredient) -> int:
    return int(gap.options["low"] >= 0) - int(gap.options["high"] <= 0)


def _verdict_reversed(gap: Ingredient) -> int:
    return int(gap.options["high"] < 0) - int(gap.options["low"] > 0)


def _above_only(gap: Ingredient) -> int:
    return int(gap.options["low"] > 0)


def _bounds_exchanged(gap: Ingredient) -> int:
    return 1 if gap.options["high"] > 0 else -int(gap.options["low"] < 0)


def _whether_shown(gap: Ingredient) -> int:
    return int(gap.options["low"] > 0 or gap.options["high"] < 0)


SIGNS = [
    # D'abord celles qui se trompent le moins souvent : d'autres font de même aux mêmes appels.
    Mistake("bound_left_out", _sign_without_bounds),
    Mistake("sides_together", _whether_shown),
    Mistake("bounds_exchanged", _bounds_exchanged),
    Mistake("verdict_reversed", _verdict_reversed),
    Mistake("above_only", _above_only),
    Mistake("interval_ignored", _sign_of_difference),
]


@compared("ex23.sign", mistakes=SIGNS)
def ask_sign(ask: Ask) -> list:
    """Donne des différences établies, et d'autres qui ne le sont pas."""
    centers = ask.rng.uniform(0.02, 0.2, 8) * np.repeat([1, -1], 4)
    gaps = [
        {"difference": center, "low": center - reach, "high": center + reach}
        for center in centers
        for reach in (0.5 * abs(center), 2 * abs(center))
    ]
    edge = float(ask.rng.uniform(0.02, 0.2))  # un intervalle dont une borne est zéro
    gaps.append({"difference": edge, "low": 0.0, "high": 2 * edge})
    gaps.append({"difference": -edge, "low": -2 * edge, "high": 0.0})
    return [("1", [((Ingredient("record", gap),), {}) for gap in gaps])]


# --- Des réseaux ---------------------------------------------------------------------


def _parameters(input_shape, facts, *, halvings=2, dense=True, output=False) -> int:
    """Compte les paramètres de la référence, sans sa sortie, avec, au choix, une erreur.

    Args:
        input_shape: hauteur, largeur et couleurs des images.
        facts: ce dont la référence est faite (`kernel_px`, `filters`, `units`, `classes`).
        halvings: nombre de poolings.
        dense: compter la couche dense.
        output: compter aussi la sortie.
    """
    height, width, read = input_shape
    count = 0
    for filters in facts["filters"]:
        count, read = count + (facts["kernel_px"] ** 2 * read + 1) * filters, filters
    if dense:
        count += ((height >> halvings) * (width >> halvings) * read + 1) * facts["units"]
    return count + (facts["units"] + 1) * facts["classes"] * output


def _values(input_shape) -> int:
    return int(np.prod(input_shape))


def _pixels(input_shape) -> int:
    return _values(input_shape[:2])


def _width(input_shape, facts, *, inputs_of=_values, reader="units", more=0, **counted) -> int:
    """Refait `equal_units` avec, au choix, une erreur.

    Args:
        input_shape: hauteur, largeur et couleurs des images.
        facts: ce dont la référence est faite.
        inputs_of: rend le nombre d'entrées d'un neurone, d'après la forme des images.
        reader: le fait qui est la largeur de la couche suivante ; None : elle n'est pas comptée.
        more: ce qui est ajouté à la largeur.
        counted: ce que demande de plus `_parameters`.
    """
    wanted = _parameters(input_shape, facts, **counted) - facts["units"]
    return more + round(wanted / (inputs_of(input_shape) + 1 + facts.get(reader, 0)))


WIDTHS = [  # l'erreur, et ce qu'elle change de `_width`
    *(("poolings_miscounted", {"halvings": count}) for count in (0, 1, 3)),
    ("dense_forgotten", {"dense": False}),
    *(("units_unread", {"reader": None, "output": output}) for output in (False, True)),
    ("units_unread", {"reader": "classes"}),  # lue par la sortie
    ("colours_forgotten", {"inputs_of": _pixels}),
    ("one_unit_more", {"more": 1}),
]


@question("ex23.equal_units")
def ask_equal_units(ask: Ask) -> Credit:
    """Compare la largeur rendue à la bonne : les paramètres lui sont proportionnels.

    Les deux écarts permis par `same` s'ajoutent : chacun est la moitié de celui du barème.
    """
    sides = ask.rng.permutation([20, 24, 28, 32])[:3].tolist()
    calls = [(((side, side, depth),), {}) for side, depth in zip(sides, (1, 3, 3), strict=True)]
    # L'écart relatif de la racine cinquième est cinq fois moindre : un dixième y passe pour 2 %.
    groups = [("1/2", calls, lambda units: as_floats(units) ** 0.2), ("1", calls)]
    facts = ask.settings
    mistakes = [
        Mistake(reason, partial(_width, facts=facts, **changed)) for reason, changed in WIDTHS
    ]
    for output in (False, True):
        parameters = partial(_parameters, facts=facts, output=output)
        mistakes.append(Mistake("parameters_for_width", parameters))
    return ask.compare("equal_units", groups, mistakes=mistakes, tolerance=facts["percent"] / 200)
