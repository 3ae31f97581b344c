"""Exercice 14 : le contenu, la matrice de Gram, et les deux ensemble."""

import numpy as np

from grading import messages, pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    dreams,
    judge,
    question,
)

TOLERANCE = 1e-4  # float32
SHAPES = {"a": (1, 5, 7, 3), "b": (1, 4, 3, 6)}
STEPS = 20
PATCH = (12, 16, 3)  # de l'image transformée


def _maps(ask: Ask) -> dict[str, np.ndarray]:
    return {
        name: ask.rng.uniform(-1, 3, shape).astype(np.float32) for name, shape in SHAPES.items()
    }


def _losses(between, reduce=np.mean):
    """Fait d'une comparaison de deux tableaux celle de deux dictionnaires."""
    return lambda maps, target: reduce([between(maps[name], target[name]) for name in target])


def _distance_mistakes() -> list[Mistake]:
    """Les erreurs que le contenu et le style ont en commun."""
    return [
        Mistake("layers_summed", _losses(dreams.relative_distance, np.sum), "3/4"),
        *(
            Mistake(each.reason, _losses(each.compute, reduce), each.level)
            for each in dreams.DISTANCE_MISTAKES
            for reduce in (np.mean, np.sum)
        ),
    ]


@question("ex14.content_loss")
def ask_content_loss(ask: Ask) -> Credit:
    """Compare des cartes, sur une couche puis sur deux."""
    maps, target = _maps(ask), _maps(ask)
    single = [(({"a": maps["a"]}, {"a": target["a"]}), {})]
    groups = [("3/4", single), ("1", [((maps, target), {})])]
    right = _losses(dreams.relative_distance)
    answers = ask.calls("content_loss", [call for _, calls in groups for call in calls])
    return judge(answers, groups, right, _distance_mistakes(), tolerance=TOLERANCE)


# --- Le style ------------------------------------------------------------------------


def _gram(maps: np.ndarray) -> np.ndarray:
    places = maps.reshape(-1, maps.shape[-1])
    return places.T @ places / len(places)


@question("ex14.gram_matrix")
def ask_gram_matrix(ask: Ask) -> Credit:
    """Calcule des matrices de Gram, pour des cartes de deux tailles."""
    calls = [((maps,), {}) for maps in _maps(ask).values()]

    def rows(maps):
        return maps.reshape(-1, maps.shape[-1])

    def of_places(maps):
        return rows(maps) @ rows(maps).T

    def mixed(maps):
        channels = maps.reshape(maps.shape[-1], -1)
        return channels @ channels.T

    def centred(maps):
        return np.cov(rows(maps), rowvar=False, bias=True)

    def correlated(maps):
        return np.corrcoef(rows(maps), rowvar=False)

    def size(maps):
        return maps.shape[1] * maps.shape[2]

    def divided(by):
        return lambda maps: _gram(maps) * size(maps) / by(maps)

    mistakes = [
        Mistake("gram_not_divided", divided(lambda maps: 1), "1/2"),
        Mistake("gram_divided_otherwise", divided(lambda maps: maps.shape[-1]), "1/2"),
        Mistake("gram_divided_otherwise", divided(lambda maps: maps.size), "1/2"),
        *(
            Mistake("gram_of_places", lambda maps, by=by: of_places(maps) / by(maps), "1/4")
            for by in (lambda maps: 1, size, lambda maps: maps.shape[-1], np.size)
        ),
        *(
            Mistake("gram_mixed", lambda maps, by=by: mixed(maps) / by(maps), "1/4")
            for by in (lambda maps: 1, size, np.size)
        ),
        Mistake("gram_centred", centred, "1/2"),
        Mistake("gram_centred", correlated, "1/4"),
    ]
    answers = ask.calls("gram_matrix", calls)
    return judge(answers, [("1", calls)], _gram, mistakes, tolerance=TOLERANCE)


@question("ex14.style_loss")
def ask_style_loss(ask: Ask) -> Credit:
    """Compare des styles, avec les matrices de Gram du rendu : une erreur n'y compte qu'une fois.

    Les cartes voulues ont d'autres tailles : seule une matrice par couche permet de comparer.
    """
    maps = _maps(ask)
    seen = {
        name: ask.rng.uniform(-1, 3, (1, 6, 8, each.shape[-1])).astype(np.float32)
        for name, each in maps.items()
    }
    both = [((each,), {}) for each in (*maps.values(), *seen.values())]
    grams = [as_floats(answer.value) for answer in ask.calls("gram_matrix", both)]
    if any(each is None or each.ndim != 2 or not each.any() for each in grams):
        return credit(0, "gram_needed")
    found, wanted = (dict(zip(maps, part, strict=True)) for part in (grams[:2], grams[2:]))
    targets = {name: each.astype(np.float32) for name, each in wanted.items()}
    single = {"a": maps["a"]}, {"a": targets["a"]}
    groups = [("3/4", [(single, {})]), ("1", [((maps, targets), {})])]

    def of_grams(loss):
        def compute(maps, target):
            names = list(target)
            return loss({k: found[k] for k in names}, {k: wanted[k] for k in names})

        return compute

    mistakes = [
        Mistake(each.reason, of_grams(each.compute), each.level) for each in _distance_mistakes()
    ]
    answers = ask.calls("style_loss", [call for _, calls in groups for call in calls])
    return judge(
        answers, groups, of_grams(_losses(dreams.relative_distance)), mistakes, tolerance=TOLERANCE
    )


# --- Les deux ensemble ---------------------------------------------------------------


@question("ex14.transfer")
def ask_transfer(ask: Ask) -> Credit:
    """Transforme une petite image sombre en une claire, un poids à la fois."""
    rng = ask.rng
    network = dreams.draw_network(rng)
    noise = rng.normal(0, 12, PATCH)
    content = np.clip(np.array([50, 70, 90]) + noise, 0, 255).astype(np.float32)
    style = np.array([190, 170, 210]) + rng.normal(0, 25, (10, 9, 3))
    style = np.clip(style, 0, 255).astype(np.float32)

    def run(steps=STEPS, **weights):
        options = {"content_weight": 0.0, "style_weight": 0.0, "tv_weight": 0.0, **weights}
        value = dreams.one(
            ask,
            "transfer",
            network.base,
            content,
            style,
            content_layers=("haute",),
            style_layers=("basse",),
            options=messages.Ingredient("namespace", {**options, "steps": steps, "seed": 1}),
        )
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise pupil.Failure("wrong_type", "(image, pertes) attendu")
        return value

    def style_gap(image) -> float:
        grams = (_gram(network.maps(each)["basse"][None]) for each in (image, style))
        return dreams.relative_distance(*grams)

    styled, curves = run(style_weight=1.0)
    if problem := dreams.picture_problem(styled, content.shape):
        return problem
    kept, _ = run(content_weight=1.0)
    kept, styled = as_floats(kept), as_floats(styled)
    if not np.isfinite(kept).all():
        return credit("1/4", "not_a_number")
    before = style_gap(content)
    if style_gap(styled) > 0.9 * before:
        if style_gap(kept) < 0.9 * before:
            return credit("1/4", "weights_swapped")
        return credit("1/4", "style_not_reached")
    # D'abord d'où elle part : une image au hasard peut ressembler au style sans l'avoir cherché.
    first = as_floats(run(1, content_weight=1.0, style_weight=1.0)[0])
    if np.abs(first - content).mean() > 30:
        return credit("1/2", "starts_elsewhere")
    if style_gap(kept) < 0.5 * before:
        return credit("1/4", "style_weight_ignored")
    smooth = as_floats(run(tv_weight=1.0)[0])
    if not (np.isfinite(first).all() and np.isfinite(smooth).all()):
        return credit("1/2", "not_a_number")
    if dreams.total_variation(smooth) > 0.8 * dreams.total_variation(content):
        return credit("1/2", "variation_ignored")
    lengths = [len(each) for each in curves.values()] if isinstance(curves, dict) else []
    if lengths != [STEPS] * 3:
        return credit("3/4", "losses_not_returned")
    return RIGHT
