"""Exercice 19 : des morceaux, des places, l'attention, et où elle regarde."""

import itertools

import numpy as np
from scipy import special

from grading.questions import (
    TENSORS,
    TOLERANCE,
    VAGUE,
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
    same,
)

PATCH_PX, DEPTH = 4, 3  # ce que dit l'énoncé
SIDE_PX, NUM_PATCHES, WIDTH, NUM_CLASSES = 28, 49, 48, 10
# Ce que change de décaler les morceaux, réseaux qui n'ont rien appris : 0,004 au moins si les
# places comptent, moins d'un millionième sinon.
SEEN = 1e-4

# --- Des morceaux et des places ------------------------------------------------------


def _cut(sides: str, order: str, *, exchanged=False):
    """Rend une façon de couper : les côtés donnés à l'image, et l'ordre où ils sont lus.

    h et w sont le rang d'un morceau, p et q celui d'un de ses pixels. `exchanged` prend la hauteur
    de l'image pour sa largeur, et l'inverse.
    """

    def cut(images):
        num, height, width = images.shape
        height, width = (width, height) if exchanged else (height, width)
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
    Mistake("sides_of_patches_swapped", _cut("hpwq", "hwpq", exchanged=True)),
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


def _softmax(axis: int):
    """Rend le softmax sur un axe des scores."""

    def weigh(scores: np.ndarray) -> np.ndarray:
        return special.softmax(scores, axis)

    return weigh


OF_ONE_TOKEN = _softmax(-1)  # ce qu'un jeton prend aux autres fait 1


def _as_scores(scores: np.ndarray) -> np.ndarray:
    return scores


def _of_tokens_before(scores: np.ndarray) -> np.ndarray:
    """Cache à chaque jeton ceux qui le suivent."""
    return OF_ONE_TOKEN(np.where(np.tri(scores.shape[-1]), scores, -np.inf))


ATTENTIONS = (  # ce qui change dans `_attention`, et ce qui s'en dit
    (None, {}),
    ("softmax_axis", {"weigh": _softmax(-2)}),
    ("softmax_axis", {"weigh": _softmax(1)}),
    ("softmax_forgotten", {"weigh": _as_scores}),
    ("sigmoid_for_softmax", {"weigh": special.expit}),
    ("tokens_after_hidden", {"weigh": _of_tokens_before}),
    ("heads_mixed", {"orders": ("hts", "hts", "ths")}),
    ("heads_mixed", {"orders": ("tsh", "hts", "ths")}),
    ("heads_mixed", {"orders": ("ths", "hts", "hts")}),
    ("heads_mixed", {"orders": ("hts", "hts", "hts")}),
    ("one_head", {"heads": 1}),
    ("value_layer_missing", {"value": False}),
    ("output_layer_missing", {"last": False}),
)


def _attention(
    kernel,
    powers,
    *,
    heads=HEADS,
    weigh=OF_ONE_TOKEN,
    orders=("ths", "hts", "ths"),
    value=True,
    last=True,
):
    """Rend `attend`, dont toutes les couches denses ont ce noyau, avec, au choix, des erreurs.

    Args:
        kernel: `(largeur, largeur)`.
        powers: ce qui divise les scores, comme dans `SCALES`.
        heads: nombre de têtes.
        weigh: tire les poids des scores `(n, têtes, jetons, jetons)`.
        orders: ordre des côtés (têtes, jetons, taille) d'une lecture coupée, de ce que lisent les
            têtes, et de ce qui est mis bout à bout.
        value: lire la valeur par une couche dense ; sinon, c'est le jeton lui-même.
        last: lire le résultat par la dernière couche.
    """
    cut, read, joined = orders

    def attend(tokens, name):
        num, num_tokens, width = tokens.shape
        sizes = {"h": heads, "t": num_tokens, "s": width // heads}

        def split(values):
            split = values.reshape(num, *(sizes[side] for side in cut))
            return np.einsum(f"n{cut}->n{read}", split)

        keys = split(tokens @ kernel)
        divisor = np.prod(np.float_power((num_tokens, width, heads), powers))
        weights = weigh(keys @ keys.swapaxes(2, 3) / divisor)
        found = weights @ (keys if value else split(tokens))
        found = np.einsum(f"nhts->n{joined}", found).reshape(tokens.shape)
        return found @ kernel if last else found

    return attend


RIGHT_SCALE = SCALES[0][1]
REFUSED_NAME = "attention/1"  # Keras lève ValueError pour une couche de ce nom


@question("ex19.attend")
def ask_attend(ask: Ask) -> Credit:
    """Donne aux couches denses un noyau connu, en change les jetons ; puis les laisse au hasard."""
    kernel = (ask.rng.normal(size=(8, 8)) * 0.7).astype(np.float32)
    weights = [kernel, np.tile(kernel, 3)]  # une seule couche peut faire les trois lectures
    tokens, others = ask.rng.normal(size=(2, 2, 5, 8)).astype(np.float32)
    longer = np.concatenate([tokens[:, :1], others], axis=1)  # le premier jeton est le même
    calls = [((each,), {"name": "attention"}) for each in (tokens, longer)]
    mistakes = [
        Mistake(scaled or other, _attention(kernel, powers, **changed))
        for (scaled, powers), (other, changed) in itertools.product(SCALES, ATTENTIONS)
        if scaled or other
    ]
    how = {"tolerance": TOLERANCE, "operation": "through", "weights": weights}
    found = ask.compare("attend", [("3/4", calls)], mistakes=mistakes, **how)
    if found.reason in VAGUE and _is_keras_attention(ask, calls, kernel):
        return found._replace(reason="keras_attention", detail="")
    if found.level < 1:
        return found
    of_layers = first_fault(
        ("3/4", "name_unused", not _uses_name(ask, tokens)),
        ("3/4", "query_is_key", _query_is_key(ask)),
        ("3/4", "value_is_key", _value_is_key(ask)),
    )
    return found if of_layers.level == 1 else of_layers


def _is_keras_attention(ask: Ask, calls: list, kernel: np.ndarray) -> bool:
    """Dit si la réponse est bonne dès que la couche d'attention de Keras a ce noyau."""
    size = len(kernel) // HEADS
    shapes = (len(kernel), HEADS, size), (HEADS, size, len(kernel))
    answers = _attended(ask, calls, [kernel.reshape(each) for each in shapes])
    right = _attention(kernel, RIGHT_SCALE)
    pairs = zip(answers, calls, strict=True)
    return all(
        same(each, right(*call, **named), tolerance=TOLERANCE) for each, (call, named) in pairs
    )


def _attended(ask: Ask, calls: list, weights: list) -> list:
    """Rend ce que répond `attend` ; les poids qui n'ont pas ces formes restent tirés au hasard."""
    return [each.value for each in ask.calls("attend", calls, operation="through", weights=weights)]


def _uses_name(ask: Ask, tokens: np.ndarray) -> bool:
    """Dit si une couche prend le nom reçu : Keras en refuse un."""
    calls = [((tokens,), {"name": name}) for name in ("attention", REFUSED_NAME)]
    _, refused = ask.calls("attend", calls, operation="through", weights=[])
    return refused.is_refused


def _query_is_key(ask: Ask) -> bool:
    """Dit si chaque jeton ne lit que lui-même, quand l'autre est son opposé.

    Le produit de la question et de la clé est alors un carré. D'assez grands jetons rendent le
    softmax tranché. Deux couches différentes ont, d'un jeton sur deux, un produit négatif.
    """
    tokens = (100 * ask.rng.normal(size=(16, 1, 8))).astype(np.float32)
    calls = [((each,), {"name": "attention"}) for each in (tokens, np.hstack([tokens, -tokens]))]
    alone, both = _attended(ask, calls, [])
    return same(both[:, 0], alone[:, 0], tolerance=0.01)


NUM_PATHS, NUM_STEPS = 6, 500
LARGEST_STEP = 0.05  # part de l'étendue : sans saut, un pas en fait un centième environ


def _value_is_key(ask: Ask) -> bool:
    """Dit si la réponse ne saute jamais, quand la clé la plus proche de la question change.

    Un premier jeton lit un jeton qui tourne d'un demi-tour, ou son opposé. Avec un nombre par
    tête, chacune passe de l'un à l'autre quand leurs clés sont nulles. La valeur saute alors de
    signe, sauf si elle est la clé, nulle aussi.
    """
    first, start, side = ask.rng.normal(size=(3, NUM_PATHS, 1, HEADS))
    angles = np.linspace(0, np.pi, NUM_STEPS)[:, None]
    path = 1000 * (np.cos(angles) * start + np.sin(angles) * side)
    tokens = np.stack([np.broadcast_to(first, path.shape), path, -path], axis=2)
    call = (tokens.reshape(-1, 3, HEADS).astype(np.float32),), {"name": "attention"}
    (found,) = _attended(ask, [call], [])
    found = found[:, 0].reshape(path.shape)
    steps = np.abs(np.diff(found, axis=1)).max(axis=1) / np.ptp(found, axis=1).max()
    return bool(steps.max() < LARGEST_STEP)


@question("ex19.build_transformer")
def ask_build_transformer(ask: Ask) -> Credit:
    """Montre à deux réseaux, sans puis avec positions, des images, puis leurs morceaux décalés."""
    images = pixels(ask.rng, 4, SIDE_PX, SIDE_PX)
    images = np.concatenate([images, *(np.roll(images, PATCH_PX, axis) for axis in (1, 2))])
    models = [ask.model("build_transformer", positions=each) for each in (False, True)]
    facts = [ask.clean("inspect", content=each, images=images) for each in models]
    outputs = [as_floats(each.get("outputs")) for each in facts]
    if any(np.shape(each) != (len(images), NUM_CLASSES) for each in outputs):
        refused = any(each["refused"] for each in facts)
        return credit(0, "wrong_input" if refused else "wrong_number_of_classes")
    without, changed = (np.abs(each[:4] - each[4:8]).max() for each in outputs)
    without_sideways = np.abs(outputs[0][:4] - outputs[0][8:]).max()
    maps = _attention_sizes(facts[1]["layers"])
    counts, wanted = [each["num_parameters"] for each in facts], ask.settings["parameters"]
    of_places, span = counts[1] - counts[0], _span_seen(facts[0])
    received = f"{counts[1]} et {counts[0]} reçus"
    of_parameters = [
        ("1/2", "positions_useless", changed < SEEN),
        ("3/4", "positions_of_pixels", of_places == NUM_PATCHES * PATCH_PX**2, received),
        ("3/4", "class_token_placed", of_places == (NUM_PATCHES + 1) * WIDTH, received),
        ("3/4", "wrong_parameters", counts != [wanted - NUM_PATCHES * WIDTH, wanted], received),
    ]
    return first_fault(
        ("0", "not_probabilities", not networks.are_probabilities(outputs[1])),
        ("1/4", "attention_layers_missing", maps != [[NUM_PATCHES + 1] * 2] * DEPTH),
        ("1/2", "scaling_forgotten", span > networks.MAX_SCALED),
        ("1/2", "scaling_twice", span < networks.MIN_SCALED),
        ("1/2", "places_without_positions", without > SEEN),
        ("1/2", "tokens_not_patches", without_sideways > SEEN),
        *of_parameters,
        ("3/4", "tokens_bent", any(map(_bends_tokens, facts[1]["layers"]))),
    )


def _span_seen(facts: dict) -> float:
    """Rend l'écart du noir au blanc que voit la couche dense des morceaux ; 1 si rien ne le dit."""
    if not facts["seen"] or facts["first"] != "Dense":
        return 1.0
    black, white = facts["seen"]
    return abs(white[1] - black[0])


def _bends_tokens(layer: dict) -> bool:
    """Dit si une couche fait des jetons, avant celui de classe, par une fonction non linéaire."""
    made = (layer["shapes"].get("output") or ())[1:]
    return made == [NUM_PATCHES, WIDTH] and networks.bends(layer)


def _attention_sizes(layers: list[dict]) -> list:
    """Rend la taille des cartes d'attention : ce que rend un softmax à quatre dimensions."""
    softmax = [each["shapes"] for each in layers if each["class"] == "Softmax"]
    return [each["output"][2:] for each in softmax if len(each.get("output") or ()) == 4]


# --- Où il regarde -------------------------------------------------------------------


def _weights(rng, *shape) -> tuple:
    """Tire des poids d'attention, dont chaque ligne fait 1 ; rend l'appel qui les donne."""
    powers = np.exp(rng.normal(size=shape) * 2)
    return (powers / powers.sum(-1, keepdims=True),), {}


def _first(weights: np.ndarray, axis: int) -> np.ndarray:
    return weights.take(0, axis)


def _rolled(
    *,
    own=0.5,
    taken=0.5,
    multiply=np.matmul,
    heads=np.mean,
    axis=2,
    kept=slice(None),
    from_token=False,
    forward=False,
):
    """Rend `rollout` avec, au choix, une erreur.

    Args:
        own: ce qui multiplie le jeton lui-même.
        taken: de même, l'attention.
        multiply: le produit de deux blocs.
        heads: résume les têtes.
        axis: leur axe.
        kept: les blocs suivis.
        from_token: commencer par chaque jeton lui-même, et non par le premier bloc.
        forward: multiplier les blocs dans l'autre ordre.
    """

    def rollout(weights):
        same = np.eye(weights.shape[-1])
        blocks = np.moveaxis(taken * heads(weights, axis=axis) + own * same, 1, 0)[kept]
        found, blocks = (same, blocks) if from_token else (blocks[0], blocks[1:])
        for block in blocks:
            found = multiply(found, block) if forward else multiply(block, found)
        return found

    return rollout


ROLLED = [
    Mistake("token_itself_forgotten", _rolled(own=0, taken=1)),
    Mistake("token_itself_forgotten", _rolled(own=0)),
    Mistake("shares_not_halved", _rolled(own=1, taken=1)),
    Mistake("blocks_multiplied_by_cell", _rolled(multiply=np.multiply), "1/2"),
    Mistake("blocks_multiplied_by_cell", _rolled(multiply=np.multiply, from_token=True)),
    Mistake("one_block_followed", _rolled(kept=slice(0, 1)), "1/2"),
    Mistake("one_block_followed", _rolled(kept=slice(-1, None)), "1/2"),
    Mistake("blocks_added", _rolled(multiply=np.add), "1/2"),
    Mistake("blocks_in_reverse", _rolled(forward=True), "1/2"),
    Mistake("strongest_head_only", _rolled(heads=np.max)),
    Mistake("first_head_only", _rolled(heads=_first)),
    Mistake("blocks_for_heads", _rolled(axis=1)),
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


def _of_first_image(weights) -> np.ndarray:
    return _squared(weights[0][..., 1:])


def _by_column(weights) -> np.ndarray:
    return _squared(weights[..., 0, 1:]).swapaxes(-1, -2)


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
    Mistake("map_by_column", _by_column),
    Mistake("first_image_read", _of_first_image, "1/2"),
]


@compared("ex19.class_map", mistakes=CLASS_MAPS, tolerance=TOLERANCE)
def ask_class_map(ask: Ask) -> list:
    """Lit la ligne du jeton de classe : d'une image, puis de plusieurs, blocs et têtes compris."""
    return [
        ("1/2", [_weights(ask.rng, 10, 10)]),
        ("1", [_weights(ask.rng, 3, 17, 17), _weights(ask.rng, 2, 3, 2, 5, 5)]),
    ]
