"""Exercice 23 : changer une pièce d'un réseau, et savoir si l'on a montré quelque chose."""

import numpy as np

from grading.inside.messages import Ingredient
from grading.questions import Ask, Credit, Mistake, as_floats, compared, question

# --- Des intervalles -----------------------------------------------------------------


@compared("ex23.paired_gap")
def ask_paired_gap(ask: Ask) -> list:
    """Compare des réponses à une graine, puis à plusieurs : la différence, puis l'intervalle."""

    def draw(num_seeds, num_images):
        hard = ask.rng.random(num_images)  # chaque image a sa difficulté, commune aux deux réseaux
        skill = ask.rng.normal(0, 0.1, (num_seeds, 1))
        first = ask.rng.random((num_seeds, num_images)) < hard + 0.1 + skill
        return (first, ask.rng.random((num_seeds, num_images)) < hard), {}

    def alike(*shapes):
        return tuple(np.ones(shape, bool) for shape in shapes), {}

    one, several = [draw(1, 60), draw(1, 45)], [draw(3, 50), draw(5, 40)]
    refused = [alike((2, 9), (2, 8)), alike((3, 1), (3, 1)), alike((1, 1), (1, 1))]
    return [
        ("1/4", one + several, lambda gap: as_floats(gap)[0]),
        ("1/2", one),
        ("1", several + refused),
    ]


def _sign_of_difference(gap: Ingredient) -> int:
    return int(np.sign(gap.options["difference"]))


def _sign_without_bounds(gap: Ingredient) -> int:
    return int(gap.options["low"] >= 0) - int(gap.options["high"] <= 0)


SIGNS = [
    Mistake("bound_left_out", _sign_without_bounds),  # l'autre rend de même aux bornes
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


@question("ex23.equal_units")
def ask_equal_units(ask: Ask) -> Credit:
    """Compare la largeur rendue à la bonne : les paramètres lui sont proportionnels.

    Les deux écarts permis par `same` s'ajoutent : chacun est la moitié de celui du barème.
    """
    sides = ask.rng.permutation([20, 24, 28, 32])[:3].tolist()
    calls = [(((side, side, depth),), {}) for side, depth in zip(sides, (1, 3, 3), strict=True)]
    # L'écart relatif de la racine cinquième est cinq fois moindre : un dixième y passe pour 2 %.
    groups = [("1/2", calls, lambda units: as_floats(units) ** 0.2), ("1", calls)]
    return ask.compare("equal_units", groups, tolerance=ask.settings["percent"] / 200)
