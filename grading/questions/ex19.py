"""Exercice 19 : des morceaux, des places, l'attention, et où elle regarde."""

import itertools

import numpy as np
from scipy import special

from grading.questions import (
    TENSORS,
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    compared,
    credit,
    first_fault,
    networks,
    pixels,
    question,
)

PATCH_PX, DEPTH = 4, 3  # ce que dit l'énoncé
SIDE_PX, NUM_PATCHES, WIDTH, NUM_CLASSES = 28, 49, 48, 10
# Ce que change de décaler les morceaux, réseaux qui n'ont rien appris : 0,004 au moins si les
# places comptent, moins d'un millionième sinon.
SEEN = 1e-4

# --- Des morceaux et des places ------------------------------------------------------


def _cut(sides: str, order: str):
    """Rend une façon de couper : les côtés donnés à l'image, et l'ordre où ils sont lus.

    h et w sont le rang d'un morceau, p et q celui d'un de ses pixels.
    """

    def cut(images):
        num, height, width = images.shape
        sizes = {"h": height // PATCH_PX, "w": width // PATCH_PX, "p": PATCH_PX, "q": PATCH_PX}
        split = images.reshape(num, *(sizes[side] for side in sides))
        found = split.transpose(0, *(1 + sides.index(side) for side in order))
        return found.reshape(num, -1, PATCH_PX**2)

    return cut


CUTS = [
    Mistake("rows_cut", _cut("hpwq", "hpwq")),  # un seul `reshape`
    Mistake("rows_cut", _cut("hwpq", "hpwq")),
    Mistake("pixels_by_column", _cut("hpwq", "hwqp")),
    Mistake("patches_by_column", _cut("hpwq", "whpq")),
    Mistake("patches_by_column", _cut("hpwq", "whqp")),
    Mistake("pixels_apart", _cut("phqw", "hwpq")),
]


@compared("ex19.cut_patches", mistakes=CUTS, tolerance=TOLERANCE, **TENSORS)
def ask_cut_patches(ask: Ask) -> list:
    """Coupe des images, carrées ou non."""
    calls = [
        ((ask.rng.normal(size=size).astype(np.float32),), {})
        for size in ((2, 8, 8), (2, 12, 20), (1, 28, 28))
    ]
    # D'abord sans voir l'ordre des pixels, ni celui des morceaux.
    return [("1/2", calls, lambda each: np.sort(np.sort(each, axis=2), axis=1)), ("1", calls)]


# --- L'attention ---------------------------------------------------------------------


HEADS = 4  # ce que dit l'énoncé
SCALES = (  # ce qui divise les scores, exposants des jetons, de la largeur et des têtes
    (None, (0, 0.5, -0.5)),
    ("whole_width", (0, 0.5, 0)),
    ("scores_not_scaled", (0, 0, 0)),
    ("scores_badly_scaled", (0, 1, -1)),
    ("scores_badly_scaled", (0, 0, 0.5)),
    ("scores_badly_scaled", (0.5, 0, 0)),
    ("scores_badly_scaled", (0, -0.5, 0.5)),
)
ATTENTIONS = (  # ce qui change dans `_attention`, et ce qui s'en dit
    (None, {}),
    ("softmax_axis", {"axis": -2}),
    ("softmax_axis", {"axis": 1}),
    ("softmax_forgotten", {"axis": None}),
    ("heads_mixed", {"orders": ("hts", "hts", "ths")}),
    ("heads_mixed", {"orders": ("tsh", "hts", "ths")}),
    ("heads_mixed", {"orders": ("ths", "hts", "hts")}),
    ("one_head", {"heads": 1}),
    ("output_layer_missing", {"last": False}),
)


def _attention(kernel, powers, *, heads=HEADS, axis=-1, orders=("ths", "hts", "ths"), last=True):
    """Rend `attend`, dont toutes les couches denses ont ce noyau, avec, au choix, des erreurs.

    Args:
        kernel: `(largeur, largeur)`.
        powers: ce qui divise les scores, comme dans `SCALES`.
        heads: nombre de têtes.
        axis: axe du softmax ; None, sans softmax.
        orders: ordre des côtés (têtes, jetons, taille) d'une lecture coupée, de ce que lisent les
            têtes, et de ce qui est mis bout à bout.
        last: lire le résultat par la dernière couche.
    """
    cut, read, joined = orders

    def attend(tokens, name):
        num, num_tokens, width = tokens.shape
        sizes = {"h": heads, "t": num_tokens, "s": width // heads}
        values = (tokens @ kernel).reshape(num, *(sizes[side] for side in cut))
        values = np.einsum(f"n{cut}->n{read}", values)
        divisor = np.prod(np.float_power((num_tokens, width, heads), powers))
        scores = values @ values.swapaxes(2, 3) / divisor
        weights = scores if axis is None else special.softmax(scores, axis)
        found = np.einsum(f"nhts->n{joined}", weights @ values).reshape(tokens.shape)
        return found @ kernel if last else found

    return attend


@question("ex19.attend")
def ask_attend(ask: Ask) -> Credit:
    """Donne aux couches denses un noyau connu ; renverse les jetons, puis en change d'autres."""
    kernel = (ask.rng.normal(size=(8, 8)) * 0.7).astype(np.float32)
    weights = [kernel, np.tile(kernel, 3)]  # une seule couche peut faire les trois lectures
    tokens, others = ask.rng.normal(size=(2, 2, 5, 8)).astype(np.float32)
    longer = np.concatenate([tokens[:, :1], others], axis=1)  # le premier jeton est le même
    calls = [((each,), {"name": "attention"}) for each in (tokens, tokens[:, ::-1], longer)]
    mistakes = [
        Mistake(scaled or other, _attention(kernel, powers, **changed))
        for (scaled, powers), (other, changed) in itertools.product(SCALES, ATTENTIONS)
        if scaled or other
    ]
    how = {"tolerance": TOLERANCE, "operation": "through", "weights": weights}
    return ask.compare("attend", [("1", calls)], mistakes=mistakes, **how)


@question("ex19.build_transformer")
def ask_build_transformer(ask: Ask) -> Credit:
    """Montre à deux réseaux, sans puis avec positions, des images, puis leurs morceaux décalés."""
    images = pixels(ask.rng, 4, SIDE_PX, SIDE_PX)
    images = np.concatenate([images, np.roll(images, PATCH_PX, axis=1)])
    models = [ask.model("build_transformer", positions=each) for each in (False, True)]
    facts = [ask.clean("inspect", content=each, images=images) for each in models]
    outputs = [as_floats(each.get("outputs")) for each in facts]
    if any(np.shape(each) != (8, NUM_CLASSES) for each in outputs):
        refused = any(each["refused"] for each in facts)
        return credit(0, "wrong_input" if refused else "wrong_number_of_classes")
    without, changed = (np.abs(each[:4] - each[4:]).max() for each in outputs)
    maps = _attention_sizes(facts[1]["layers"])
    counts, wanted = [each["num_parameters"] for each in facts], ask.settings["parameters"]
    of_places = counts[1] - counts[0]
    received = f"{counts[1]} et {counts[0]} reçus"
    return first_fault(
        ("0", "not_probabilities", not networks.are_probabilities(outputs[1])),
        ("1/4", "attention_layers_missing", maps != [[NUM_PATCHES + 1] * 2] * DEPTH),
        ("1/2", "places_without_positions", without > SEEN),
        ("1/2", "positions_useless", changed < SEEN),
        ("3/4", "positions_of_pixels", of_places == NUM_PATCHES * PATCH_PX**2, received),
        ("3/4", "class_token_placed", of_places == (NUM_PATCHES + 1) * WIDTH, received),
        ("3/4", "wrong_parameters", counts != [wanted - NUM_PATCHES * WIDTH, wanted], received),
    )


def _attention_sizes(layers: list[dict]) -> list:
    """Rend la taille des cartes d'attention : ce que rend un softmax à quatre dimensions."""
    softmax = [each["shapes"] for each in layers if each["class"] == "Softmax"]
    return [each["output"][2:] for each in softmax if len(each.get("output") or ()) == 4]


# --- Où il regarde -------------------------------------------------------------------


def _weights(rng, *shape) -> tuple:
    """Tire des poids d'attention, dont chaque ligne fait 1 ; rend l'appel qui les donne."""
    powers = np.exp(rng.normal(size=shape) * 2)
    return (powers / powers.sum(-1, keepdims=True),), {}


def _rolled(*, own=0.5, taken=0.5, multiply=np.matmul, heads=np.mean, forward=False):
    """Rend `rollout` avec, au choix, une erreur.

    Args:
        own: ce qui multiplie le jeton lui-même.
        taken: de même, l'attention.
        multiply: le produit de deux blocs.
        heads: résume les têtes.
        forward: multiplier les blocs dans l'autre ordre.
    """

    def rollout(weights):
        blocks = taken * heads(weights, axis=2) + own * np.eye(weights.shape[-1])
        found = blocks[:, 0]
        for block in np.moveaxis(blocks, 1, 0)[1:]:
            found = multiply(found, block) if forward else multiply(block, found)
        return found

    return rollout


ROLLED = [
    Mistake("token_itself_forgotten", _rolled(own=0, taken=1)),
    Mistake("token_itself_forgotten", _rolled(own=0)),
    Mistake("shares_not_halved", _rolled(own=1, taken=1)),
    Mistake("blocks_multiplied_by_cell", _rolled(multiply=np.multiply), "1/2"),
    Mistake("blocks_added", _rolled(multiply=np.add), "1/2"),
    Mistake("blocks_in_reverse", _rolled(forward=True), "1/2"),
    Mistake("strongest_head_only", _rolled(heads=np.max)),
]


@compared("ex19.rollout", mistakes=ROLLED, tolerance=TOLERANCE)
def ask_rollout(ask: Ask) -> list:
    """Suit des attentions tirées au hasard : un bloc, puis plusieurs."""
    return [
        ("1/2", [_weights(ask.rng, 2, 1, 3, 5, 5)]),
        ("1", [_weights(ask.rng, 2, 3, 2, 6, 6), _weights(ask.rng, 1, 2, 4, 10, 10)]),
    ]


def _squared(tokens: np.ndarray) -> np.ndarray:
    """Range en carré ce qui est dit de chaque morceau."""
    side = round(tokens.shape[-1] ** 0.5)
    return tokens.reshape(*tokens.shape[:-1], side, side)


def _one_token_early(weights) -> np.ndarray:
    return _squared(weights[..., 0, :-1])


def _of_last_token(weights) -> np.ndarray:
    return _squared(weights[..., -1, :-1])


def _given_by_class(weights) -> np.ndarray:
    return _squared(weights[..., 1:, 0])


def _of_first_patch(weights) -> np.ndarray:
    return _squared(weights[..., 1, 1:])


def _of_all_tokens(weights) -> np.ndarray:
    return _squared(weights.mean(axis=-2)[..., 1:])


def _without_class(weights) -> np.ndarray:
    """Refait une somme de un, sans ce que le jeton de classe garde."""
    taken = weights[..., 0, 1:]
    return _squared(taken / taken.sum(-1, keepdims=True))


CLASS_MAPS = [
    Mistake("one_token_early", _one_token_early),
    Mistake("class_token_last", _of_last_token),
    Mistake("given_for_taken", _given_by_class),
    Mistake("another_row_read", _of_first_patch),
    Mistake("another_row_read", _of_all_tokens),
    Mistake("map_normalised_again", _without_class),
]


@compared("ex19.class_map", mistakes=CLASS_MAPS, tolerance=TOLERANCE)
def ask_class_map(ask: Ask) -> list:
    """Lit la ligne du jeton de classe : d'une image, puis de plusieurs, blocs et têtes compris."""
    return [
        ("1/2", [_weights(ask.rng, 10, 10)]),
        ("1", [_weights(ask.rng, 3, 17, 17), _weights(ask.rng, 2, 3, 2, 5, 5)]),
    ]
