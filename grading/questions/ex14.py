"""Exercice 14 : le contenu, la matrice de Gram, et les deux ensemble."""

import numpy as np

from grading import pupil
from grading.questions import Ask, Credit, as_floats, credit, dreams, first_fault, judge, question

TOLERANCE = 1e-4  # float32
SHAPES = {"a": (1, 5, 7, 3), "b": (1, 4, 3, 6)}
STEPS = 20
PATCH = (12, 16, 3)  # de l'image transformée


def _maps(ask: Ask, shapes: dict = SHAPES) -> dict[str, np.ndarray]:
    return {
        name: ask.rng.uniform(-1, 3, shape).astype(np.float32) for name, shape in shapes.items()
    }


def _mean_distance(maps: dict, target: dict) -> float:
    return np.mean([dreams.relative_distance(maps[name], target[name]) for name in target])


@question("ex14.content_loss")
def ask_content_loss(ask: Ask) -> Credit:
    """Compare des cartes, sur une couche puis sur deux."""
    maps, target = _maps(ask), _maps(ask)
    single = {"a": maps["a"]}, {"a": target["a"]}
    groups = [("3/4", [(single, {})]), ("1", [((maps, target), {})])]
    return ask.judge("content_loss", groups, _mean_distance, tolerance=TOLERANCE)


# --- Le style ------------------------------------------------------------------------


def _gram(maps: np.ndarray) -> np.ndarray:
    places = maps.reshape(-1, maps.shape[-1])
    return places.T @ places / len(places)


def _unit(matrix) -> np.ndarray | None:
    """Rend une matrice à un facteur près : divisée par sa norme ; None si elle n'en a pas."""
    values = as_floats(matrix)
    return values / np.linalg.norm(values) if values is not None and values.any() else None


@question("ex14.gram_matrix")
def ask_gram_matrix(ask: Ask) -> Credit:
    """Calcule des matrices de Gram, pour des cartes de deux tailles."""
    calls = [((maps,), {}) for maps in _maps(ask).values()]
    answers = ask.calls("gram_matrix", calls)
    found = judge(answers, [("1", calls)], _gram, tolerance=TOLERANCE)
    units = [pupil.Answer(_unit(answer.value)) for answer in answers]
    alike = judge(units, [("1", calls)], lambda maps: _unit(_gram(maps)), tolerance=TOLERANCE)
    return credit("1/2", "gram_not_divided") if found.level < alike.level else found


@question("ex14.style_loss")
def ask_style_loss(ask: Ask) -> Credit:
    """Compare des styles, avec les matrices de Gram du rendu : une erreur n'y compte qu'une fois.

    Les cartes voulues ont d'autres tailles : seule une matrice par couche permet de comparer.
    """
    maps, seen = _maps(ask), _maps(ask, {"a": (1, 6, 8, 3), "b": (1, 6, 8, 6)})
    both = [((each,), {}) for each in (*maps.values(), *seen.values())]
    grams = [as_floats(answer.value) for answer in ask.calls("gram_matrix", both)]
    if [np.shape(each) for each in grams] != [(3, 3), (6, 6)] * 2:
        return credit(0, "gram_needed")
    grams = [each.astype(np.float32) for each in grams]
    found, wanted = (dict(zip(SHAPES, part, strict=True)) for part in (grams[:2], grams[2:]))
    single = {"a": maps["a"]}, {"a": wanted["a"]}
    groups = [("3/4", [(single, {})]), ("1", [((maps, wanted), {})])]

    def right(maps, target):
        return _mean_distance(found, target)

    return ask.judge("style_loss", groups, right, tolerance=TOLERANCE)


# --- Les deux ensemble ---------------------------------------------------------------


@question("ex14.transfer")
def ask_transfer(ask: Ask) -> Credit:
    """Transforme une petite image sombre en une claire, un poids à la fois."""
    network = dreams.draw_network(ask.rng)
    content = np.array([50, 70, 90]) + ask.rng.normal(0, 12, PATCH)
    style = np.array([190, 170, 210]) + ask.rng.normal(0, 25, (10, 9, 3))
    content, style = (np.clip(each, 0, 255).astype(np.float32) for each in (content, style))
    names = ("content_weight", "style_weight", "tv_weight", "steps")
    settings = [(0.0, 1.0, 0.0, STEPS), (1.0, 0.0, 0.0, STEPS), (0.0, 0.0, 1.0, STEPS)]
    options = [dict(zip(names, each, strict=True)) for each in [*settings, (1.0, 1.0, 0.0, 1)]]
    results = dreams.pictures(
        ask,
        "transfer",
        (network.base, content, style),
        [{**each, "seed": 1} for each in options],
        content_layers=("haute",),
        style_layers=("basse",),
    )
    (styled, rest), (kept, _), (smooth, _), (first, _) = results
    lengths = [np.size(each) for part in rest if isinstance(part, dict) for each in part.values()]

    def style_gap(image) -> float:
        grams = (_gram(network.maps(each)["basse"]) for each in (image, style))
        return dreams.relative_distance(*grams)

    before = style_gap(content)
    smoother = dreams.total_variation(smooth) <= 0.8 * dreams.total_variation(content)
    return first_fault(
        ("1/4", "style_not_reached", style_gap(styled) > 0.9 * before),
        # Une image au hasard peut ressembler au style sans l'avoir cherché.
        ("1/2", "starts_elsewhere", np.abs(first - content).mean() > 30),
        ("1/4", "style_weight_ignored", style_gap(kept) < 0.5 * before),
        ("1/2", "variation_ignored", not smoother),
        ("3/4", "losses_not_returned", lengths != [STEPS] * 3),
    )
