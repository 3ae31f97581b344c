"""Exercice 10 : découper l'image, cacher des morceaux, ajuster un modèle linéaire local."""

import itertools
from functools import partial

import numpy as np
from scipy import ndimage

from exercises.ex10_lime import fit_linear, variants
from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, credit, numbers, question, same
from grading.questions.heatmaps import CLASS, NUM_CLASSES, ask_bounded, glance, probabilities

WIDTH = 0.25  # du noyau, que dit la docstring de `lime_coefficients`
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
    found = [
        _credit_segments(numbers(answer, side.shape), side, num)
        for (_, side), answer in zip(drawn, answers, strict=True)
    ]
    return min(found, key=lambda each: each.level)


def _credit_segments(labels: np.ndarray, side: np.ndarray, num: int) -> Credit:
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


@question("ex10.variants")
def ask_variants(ask: Ask) -> Credit:
    """Cache des morceaux d'un découpage donné."""
    image, segments = _pieces(ask.rng)
    some = ask.rng.permutation(_every_way(5)[1:-1])[:12]
    calls = [((image, segments, visible), {}) for visible in (np.ones((1, 5), bool), some)]

    def under(color):
        return lambda image, segments, visible: np.where(visible[:, segments, None], image, color)

    mistakes = [
        Mistake("visible_for_hidden", lambda i, s, visible: variants(i, s, ~visible), "1/2"),
        Mistake("hidden_in_black", under(0), "1/2"),
        Mistake("hidden_in_grey", under(128), "3/4"),
    ]
    groups = [("1/4", calls[:1]), ("1", calls[1:])]
    # Arrondie ou coupée, la couleur moyenne convient.
    return ask.judge("variants", groups, variants, mistakes, tolerance=0.005)


def _every_way(num: int) -> np.ndarray:
    """Rend toutes les façons de cacher `num` morceaux."""
    return np.array(list(itertools.product([False, True], repeat=num)))


def _fitted(visible, outputs, weights, *, penalty=0.0, constant_penalty=0.0):
    """Résout les équations normales de la régression, constante comprise, en dernier."""
    design = np.column_stack([visible, np.ones(len(visible))])
    penalties = [penalty] * visible.shape[1] + [constant_penalty]
    gram = (design.T * weights) @ design + np.diag(penalties)
    return np.linalg.lstsq(gram, (design.T * weights) @ outputs, rcond=None)[0][:-1]


@question("ex10.fit_linear")
def ask_fit_linear(ask: Ask) -> Credit:
    """Ajuste des réponses qui ne sont pas tout à fait une somme."""
    rng = ask.rng

    def draw(weights, num=40, pieces=6):
        visible = rng.random((num, pieces)) < 0.5
        outputs = 0.6 + visible @ rng.normal(0, 0.3, pieces) + rng.normal(0, 0.1, num)
        return (visible, outputs, weights(num)), {}

    equal = [draw(np.ones) for _ in range(2)]
    unequal = [draw(lambda num: rng.random(num) ** 2) for _ in range(4)]
    unequal[-1][0][0][:, 2] = True  # un morceau jamais caché : la pénalité seule tranche
    kept = partial(_fitted, penalty=0.01, constant_penalty=0.01)
    none = partial(_fitted, penalty=0.01, constant_penalty=1e8)
    mistakes = [
        Mistake("weights_ignored", lambda v, y, w: fit_linear(v, y, np.ones(len(v)))),
        Mistake("no_constant", none, "1/4"),
        Mistake("constant_penalised", kept, "3/4"),
        Mistake("no_penalty", _fitted, "1/2"),
    ]
    groups = [("1/2", equal), ("3/4", unequal[:-1]), ("1", unequal[-1:])]
    return ask.judge("fit_linear", groups, fit_linear, mistakes, tolerance=1e-5)


# --- Le tout -------------------------------------------------------------------------


def _sum_network(rng, image) -> messages.Ingredient:
    """Tire un réseau dont les réponses sont une somme, que tout modèle linéaire retrouve."""
    kernel = rng.normal(0, 1 / np.sqrt(image.size), (*image.shape, NUM_CLASSES))
    bias = np.full(NUM_CLASSES, 0.5) - np.tensordot(image / 255, kernel, 3)
    return messages.Ingredient("glance", {"kernel": kernel, "bias": bias, "softmax": False})


def _bent_network(image) -> messages.Ingredient:
    """Fait un réseau sûr de lui : près de l'image, il ne répond pas comme loin d'elle."""
    away = image.astype(float) - image.mean((0, 1))
    kernel = np.zeros((*image.shape, NUM_CLASSES))
    kernel[..., CLASS] = 20 * away * 255 / (away**2).sum()  # de 0 à 20, du fond à l'image
    bias = -np.tensordot(image / 255, kernel, 3)
    return messages.Ingredient("glance", {"kernel": kernel, "bias": bias})


def _expected(model, image, segments, *, weighted=True) -> np.ndarray:
    """Ajuste les réponses à toutes les façons de cacher, chacune aussi probable."""
    visible = _every_way(int(segments.max()) + 1)
    outputs = probabilities(model, variants(image, segments, visible))[:, CLASS]
    distances = 1 - np.sqrt(visible.mean(1))
    weights = np.exp(-((distances / WIDTH) ** 2)) if weighted else np.ones(len(visible))
    return _fitted(visible, outputs, weights)


def _read_pair(answer: pupil.Answer, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rend les coefficients et les morceaux d'une réponse.

    Raises:
        pupil.Failure: elle n'en a pas, ou ils ne vont pas ensemble.
    """
    pair = answer.value if isinstance(answer.value, tuple | list) else ()
    pair = pair if len(pair) == 2 else (None, None)
    coefficients, segments = (numbers(answer._replace(value=each)) for each in pair)
    if segments.shape != image.shape[:2] or segments.min() < 0:
        raise pupil.Failure("wrong_shape")
    if segments.max() >= MAX_PIECES:
        raise pupil.Failure("wrong_number_of_pieces", f"{segments.max() + 1:.0f} pour 6")
    if coefficients.shape != (int(segments.max()) + 1,):
        raise pupil.Failure("wrong_shape")
    return coefficients, segments.astype(int)


@question("ex10.lime_coefficients")
def ask_lime_coefficients(ask: Ask) -> Credit:
    """Explique un réseau qui est une somme, puis un autre, par les morceaux du rendu."""
    image, _ = _two_colors(ask.rng, 12, 20)
    plain, bent = _sum_network(ask.rng, image), _bent_network(image)
    options = {"num_samples": MANY, "num_segments": 6, "seed": int(ask.rng.integers(1000))}
    calls = [((model, image, CLASS), options) for model in (plain, bent)]
    calls.append(((plain, image, CLASS), {**options, "seed": -1}))
    *answers, refused = ask.calls("lime_coefficients", calls)
    (first, segments), (second, others) = (_read_pair(each, image) for each in answers)
    right = _expected(plain, image, segments)
    if _away(first, right, abs(right).max()) > 1 / 30:
        hidden = _away(first, -right, abs(right).max()) < 1 / 30
        return credit("1/4", "visible_for_hidden" if hidden else "wrong_values")
    if not refused.error:
        return credit("1/2", "no_error")
    near, flat = (_expected(bent, image, others, weighted=each) for each in (True, False))
    scale = abs(near - flat).max()
    if _away(second, near, scale) < 1 / 3:  # l'écart que laisse le hasard, au plus
        return RIGHT
    same_weights = _away(second, flat, scale) < 1 / 3
    return credit("3/4", "weights_ignored" if same_weights else "wrong_weights")


def _away(found, expected, scale) -> float:
    return abs(found - expected).max() / scale


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
