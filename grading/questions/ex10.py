"""Exercice 10 : découper l'image, cacher des morceaux, ajuster un modèle linéaire local."""

import itertools

import numpy as np
from scipy import ndimage

from grading import messages, pupil
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
from grading.questions.heatmaps import CLASS, NUM_CLASSES, ask_bounded, glance, probabilities

PENALTY, WIDTH = 0.01, 0.25  # la pénalité et le noyau, que disent les docstrings
MANY = 8000  # variantes, pour que le hasard du rendu ne compte plus
MAX_PIECES = 10  # au-delà, on ne peut plus essayer toutes les façons de cacher


# --- Découper ------------------------------------------------------------------------


def _two_colors(rng, height=24, width=30) -> tuple[np.ndarray, np.ndarray]:
    """Tire une image de deux couleurs, dont la frontière n'est pas celle d'une grille."""
    side = np.zeros((height, width), bool)
    side[:, int(rng.choice([12, 13, 17, 18])) :] = True
    side[7 : int(rng.integers(16, 18)), 5 : int(rng.integers(22, 24))] ^= True
    image = np.where(side[..., None], [210, 180, 90], [30, 50, 110])
    return (image + rng.integers(-8, 9, image.shape)).astype(np.uint8), side


@question("ex10.segment")
def ask_segment(ask: Ask) -> Credit:
    """Fait découper des images de deux couleurs, et regarde ce qu'un morceau contient."""
    num, drawn = 30, [_two_colors(ask.rng) for _ in range(2)]
    answers = ask.calls("segment", [((image,), {"num_segments": num}) for image, _ in drawn])
    worst = RIGHT
    for (_, side), answer in zip(drawn, answers, strict=True):
        found = _credit_segments(answer, side, num)
        worst = min(worst, found, key=lambda each: each.level)
    return worst


def _credit_segments(answer: pupil.Answer, side: np.ndarray, num: int) -> Credit:
    if answer.error:
        return failed(answer)
    labels = as_floats(answer.value)
    if labels is None:
        return credit(0, "wrong_type")
    if labels.shape != side.shape:
        return credit(0, "wrong_shape")
    if not np.isfinite(labels).all():
        return credit(0, "not_a_number")
    pieces = np.unique(labels)
    if not same(pieces, np.arange(len(pieces))):
        return credit("1/4", "labels_with_holes")
    if not num / 2 <= len(pieces) <= 2 * num:
        return credit("1/4", "wrong_number_of_pieces", f"{len(pieces)} pour {num}")
    masks = [labels == each for each in pieces]
    mixed = sum(min(side[mask].sum(), (~side[mask]).sum()) for mask in masks)
    if mixed > side.size / 25:
        return credit("1/2", "colors_mixed")
    if any(ndimage.label(mask, np.ones((3, 3)))[1] > 1 for mask in masks):
        return credit("3/4", "piece_in_parts")
    return RIGHT


# --- Cacher, ajuster -----------------------------------------------------------------


def _pieces(rng, height=9, width=13) -> tuple[np.ndarray, np.ndarray]:
    """Tire une image, et un découpage en cinq morceaux de tailles différentes."""
    image = (rng.integers(0, 256, (height, width, 3)) * [1, 0.7, 0.4]).astype(np.uint8)
    segments = np.searchsorted([2, 3, 7, 11], np.arange(width), side="right")
    return image, np.tile(segments, (height, 1))


def _hidden(image, segments, visible, *, ground=None, turned=False):
    ground = image.mean((0, 1)) if ground is None else ground(image)
    return np.where(np.asarray(visible)[:, segments, None] ^ turned, image, ground)


@question("ex10.variants")
def ask_variants(ask: Ask) -> Credit:
    """Cache des morceaux d'un découpage donné."""
    rng = ask.rng
    image, segments = _pieces(rng)
    whole = np.ones((1, 5), bool)
    some = rng.permutation(np.array(list(itertools.product([False, True], repeat=5)))[1:-1])
    mistakes = [
        Mistake("visible_for_hidden", lambda *a: _hidden(*a, turned=True), "1/2"),
        Mistake("hidden_in_black", lambda *a: _hidden(*a, ground=np.zeros_like), "1/2"),
        Mistake("hidden_in_grey", lambda *a: _hidden(*a, ground=np.mean), "3/4"),
        Mistake("hidden_in_grey", lambda *a: _hidden(*a, ground=lambda i: 128), "3/4"),
    ]
    calls = [((image, segments, visible), {}) for visible in (whole, some[:12])]
    groups = [("1/4", calls[:1]), ("1", calls[1:])]
    # Arrondie ou coupée, la couleur moyenne convient.
    return judge(ask.calls("variants", calls), groups, _hidden, mistakes, tolerance=0.005)


def _fitted(visible, outputs, weights, *, penalty=PENALTY, constant="free"):
    """Résout les équations normales de la régression, constante comprise, en dernier."""
    design = np.column_stack([visible, np.ones(len(visible))]).astype(float)
    penalties = np.full(design.shape[1], penalty)
    if constant == "free":
        penalties[-1] = 0
    if constant == "none":
        design, penalties = design[:, :-1], penalties[:-1]
    gram = (design.T * weights) @ design + np.diag(penalties)
    found = np.linalg.lstsq(gram, (design.T * weights) @ outputs, rcond=None)[0]
    return found[: visible.shape[1]]


@question("ex10.fit_linear")
def ask_fit_linear(ask: Ask) -> Credit:
    """Ajuste des réponses qui ne sont pas tout à fait une somme."""
    rng = ask.rng

    def draw(weights, num=40, pieces=6):
        visible = rng.random((num, pieces)) < 0.5
        outputs = 0.6 + visible @ rng.normal(0, 0.3, pieces) + rng.normal(0, 0.1, num)
        return (visible, outputs, weights(num)), {}

    def unequal(num):
        return rng.random(num) ** 2

    always = draw(unequal)
    always[0][0][:, 2] = True  # un morceau jamais caché : la pénalité seule tranche
    groups = [
        ("1/2", [draw(np.ones) for _ in range(2)]),
        ("3/4", [draw(unequal) for _ in range(3)]),
        ("1", [always]),
    ]
    mistakes = [
        Mistake("weights_ignored", lambda v, y, w: _fitted(v, y, np.ones(len(v))), "1/2"),
        Mistake("weights_squared", lambda v, y, w: _fitted(v, y, w**2), "1/2"),
        Mistake("no_constant", lambda v, y, w: _fitted(v, y, w, constant="none"), "1/4"),
        Mistake("constant_penalised", lambda v, y, w: _fitted(v, y, w, constant="kept"), "3/4"),
        Mistake("no_penalty", lambda v, y, w: _fitted(v, y, w, penalty=0), "1/2"),
        Mistake("penalty_changed", lambda v, y, w: _fitted(v, y, w, penalty=1), "1/2"),
        Mistake("penalty_changed", lambda v, y, w: _fitted(v, y, w / w.sum()), "1/2"),
    ]
    answers = ask.calls("fit_linear", [call for _, calls in groups for call in calls])
    return judge(answers, groups, _fitted, mistakes, tolerance=1e-5)


# --- Le tout -------------------------------------------------------------------------


def _sum_network(rng, image) -> messages.Ingredient:
    """Tire un réseau dont les réponses sont une somme, que tout modèle linéaire retrouve."""
    kernel = rng.normal(0, 1 / np.sqrt(image.size), (*image.shape, NUM_CLASSES))
    bias = np.full(NUM_CLASSES, 0.5) - np.tensordot(image / 255, kernel, 3)
    return messages.Ingredient("glance", {"kernel": kernel, "bias": bias, "softmax": False})


def _expected(model, image, segments, *, weighted=True, explained=CLASS) -> np.ndarray:
    """Ajuste les réponses à toutes les façons de cacher, chacune aussi probable."""
    pieces = int(segments.max()) + 1
    visible = np.array(list(itertools.product([False, True], repeat=pieces)))
    outputs = probabilities(model, np.rint(_hidden(image, segments, visible)))[:, explained]
    distances = 1 - np.sqrt(visible.mean(1))
    weights = np.exp(-((distances / WIDTH) ** 2)) if weighted else np.ones(len(visible))
    return _fitted(visible, outputs, weights, penalty=0)


@question("ex10.lime_coefficients")
def ask_lime_coefficients(ask: Ask) -> Credit:
    """Explique un réseau qui est une somme, puis un autre, par les morceaux du rendu."""
    image, _ = _two_colors(ask.rng, 12, 20)
    models = _sum_network(ask.rng, image), _bent_network(ask.rng, image)
    options = {"num_samples": MANY, "num_segments": 6, "seed": int(ask.rng.integers(1000))}
    calls = [((model, image, CLASS), options) for model in models]
    calls.append((calls[0][0], {**options, "seed": -1}))
    *answers, refused = ask.calls("lime_coefficients", calls)
    found = []
    for answer in answers:
        if answer.error:
            return failed(answer)
        pair = answer.value if isinstance(answer.value, tuple | list) else ()
        values = [as_floats(each) for each in pair]
        if len(values) != 2 or any(each is None for each in values):
            return credit(0, "wrong_type")
        if not all(np.isfinite(each).all() for each in values):
            return credit(0, "not_a_number")
        coefficients, segments = values[0], values[1].astype(int)
        if segments.shape != image.shape[:2] or segments.min() < 0:
            return credit(0, "wrong_shape")
        if segments.max() >= MAX_PIECES:
            return credit(0, "wrong_number_of_pieces", f"{segments.max() + 1} pour 6")
        if coefficients.shape != (segments.max() + 1,):
            return credit(0, "wrong_shape")
        found.append((coefficients, segments))
    wrong = _credit_sum(models[0], image, *found[0])
    if wrong:
        return wrong
    if not refused.error:
        return credit("1/2", "no_error")
    near, flat = (_expected(models[1], image, found[1][1], weighted=w) for w in (True, False))
    mine, away = (abs(found[1][0] - each).max() / abs(near - flat).max() for each in (near, flat))
    if mine < 1 / 3:  # l'écart que laisse le hasard, au plus
        return RIGHT
    return credit("3/4", "weights_ignored" if away < 1 / 3 else "wrong_weights")


def _bent_network(rng, image) -> messages.Ingredient:
    """Tire un réseau sûr de lui : près de l'image, il ne répond pas comme loin d'elle."""
    model = glance(rng, image)
    away = image.astype(float) - image.mean((0, 1))
    kernel = np.zeros_like(model.options["kernel"])
    kernel[..., CLASS] = 20 * away * 255 / (away**2).sum()  # de 0 à 20, du fond à l'image
    bias = -np.tensordot(image / 255, kernel, 3)
    return messages.Ingredient("glance", {"kernel": kernel, "bias": bias})


def _credit_sum(model, image, coefficients, segments) -> Credit | None:
    right = _expected(model, image, segments)
    scale = abs(right).max()

    def near(expected) -> bool:
        return abs(coefficients - expected).max() < scale / 30

    if near(right):
        return None
    if near(-right):
        return credit("1/4", "visible_for_hidden")
    others = [k for k in range(NUM_CLASSES) if k != CLASS]
    if any(near(_expected(model, image, segments, explained=k)) for k in others):
        return credit("1/4", "wrong_class")
    return credit("1/4", "wrong_values")


@question("ex10.lime")
def ask_lime(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres gains ; le dernier réseau ne dit rien."""
    image, _ = _two_colors(ask.rng, 12, 20)
    models = [glance(ask.rng, image), glance(ask.rng, image)]
    mute = np.zeros((*image.shape, NUM_CLASSES))
    models.append(messages.Ingredient("glance", {"kernel": mute, "bias": np.zeros(NUM_CLASSES)}))
    options = {"num_samples": 60, "num_segments": 12, "seed": 3}
    calls = [((model, image, CLASS), options) for model in models]
    return ask_bounded(ask, "lime", "gains", calls)
