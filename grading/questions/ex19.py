"""Exercice 19 : des morceaux, des places, l'attention, et où elle regarde."""

import numpy as np

from grading import pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same

PATCH_PX, HEADS, DEPTH = 4, 4, 3  # ce que dit l'énoncé
SIDE_PX, NUM_PATCHES, WIDTH, NUM_CLASSES = 28, 49, 48, 10
TOLERANCE = 1e-4  # TensorFlow calcule en float32
# Ce que change de mêler les morceaux, réseaux qui n'ont rien appris : 0,004 au moins si les places
# comptent, moins d'un millionième sinon.
SEEN = 1e-4

# --- Des morceaux et des places ------------------------------------------------------


def _patches(images, *, by_column=False, turned=False) -> np.ndarray:
    """Refait `cut_patches`, morceau par morceau."""
    num, height, width = images.shape
    corners = [(i, j) for i in range(0, height, PATCH_PX) for j in range(0, width, PATCH_PX)]
    corners = sorted(corners, key=lambda corner: corner[::-1]) if by_column else corners
    found = [images[:, i : i + PATCH_PX, j : j + PATCH_PX] for i, j in corners]
    found = [each.swapaxes(1, 2) if turned else each for each in found]
    return np.stack([each.reshape(num, -1) for each in found], axis=1)


@question("ex19.cut_patches")
def ask_cut_patches(ask: Ask) -> Credit:
    """Coupe des images, carrées ou non."""
    sizes = [(2, 8, 8), (2, 12, 20), (1, 28, 28)]
    calls = [((ask.rng.normal(size=size).astype(np.float32),), {}) for size in sizes]

    def stripes(images):
        return images.reshape(len(images), -1, PATCH_PX**2)

    mistakes = [
        Mistake("reshaped_only", stripes, "1/4"),
        Mistake("patches_by_column", lambda images: _patches(images, by_column=True), "1/2"),
        Mistake("transposed_axes", lambda images: _patches(images, turned=True), "1/2"),
        Mistake(
            "transposed_axes", lambda images: _patches(images, by_column=True, turned=True), "1/4"
        ),
    ]
    answers = ask.calls("cut_patches", calls, operation="through", weights=[])
    return judge(answers, [("1", calls)], _patches, mistakes, tolerance=TOLERANCE)


@question("ex19.add_positions")
def ask_add_positions(ask: Ask) -> Credit:
    """Regarde ce qui est ajouté à deux lots de jetons."""
    rng, shape = ask.rng, (3, 5, 8)
    batches = [rng.normal(size=shape).astype(np.float32) for _ in range(2)]
    answers = ask.calls(
        "add_positions", [((each,), {}) for each in batches], operation="through", weights=[]
    )
    added = []
    for tokens, answer in zip(batches, answers, strict=True):
        if answer.error:
            raise pupil.failure_of(answer.error)
        found = as_floats(answer.value)
        if found is None or found.shape != shape:
            return credit(0, "wrong_shape")
        added.append(found - tokens)
    first, second = added
    if np.abs(first).max() < 1e-5:
        return credit(0, "nothing_added")
    # Deux réseaux de la même graine : un vecteur appris y est le même, quels que soient les jetons.
    if not all(same(each, first[:1].repeat(3, axis=0), tolerance=TOLERANCE) for each in added):
        return credit("1/4", "positions_read_tokens")
    if np.abs(first[0] - first[0, :1]).max() < 1e-5:
        return credit("1/4", "same_for_every_place")
    return RIGHT


# --- L'attention ---------------------------------------------------------------------


def _softmax(scores, axis=-1) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _heads(tokens, *, heads=HEADS, mixed=False) -> np.ndarray:
    """Partage des jetons `(n, t, w)` en têtes `(n, h, t, w / h)` ; `mixed` les mêle."""
    num, count, width = tokens.shape
    if mixed:
        return tokens.reshape(num, heads, count, width // heads)
    return tokens.reshape(num, count, heads, width // heads).swapaxes(1, 2)


def _attend(tokens, kernel, *, scale=None, axis=-1, heads=HEADS, mixed=False, joined=True):
    """Refait `attend`, dont les quatre couches denses ont le même noyau.

    Args:
        tokens: `(n, t, w)`.
        kernel: `(w, w)`.
        scale: ce qui divise les scores, la racine de la taille d'une tête sinon.
        axis: axe du softmax.
        heads: nombre de têtes.
        mixed: partager les valeurs sans échanger les axes.
        joined: remettre les têtes à leur place avant de les lire.
    """
    read = _heads(tokens @ kernel, heads=heads, mixed=mixed)
    scores = read @ read.swapaxes(-1, -2) / (scale or np.sqrt(read.shape[-1]))
    found = _softmax(scores, axis) @ read  # (n, h, t, w / h)
    found = found if mixed or not joined else found.swapaxes(1, 2)
    return found.reshape(tokens.shape)


@question("ex19.attend")
def ask_attend(ask: Ask) -> Credit:
    """Donne aux couches denses un noyau connu, et refait le calcul."""
    rng, width = ask.rng, 8
    kernel = (rng.normal(size=(width, width)) * 0.7).astype(np.float32)
    weights = [kernel, np.tile(kernel, 3)]  # une seule couche peut faire les trois lectures
    calls = [((rng.normal(size=(2, num, width)).astype(np.float32),), {}) for num in (5, 7)]

    def right(tokens, **changes):
        return _attend(tokens, kernel, **changes) @ kernel

    def changed(**changes):
        return lambda tokens: right(tokens, **changes)

    def unread(tokens):
        return _attend(tokens, kernel)

    def itself(tokens):
        read = _heads(tokens @ kernel)
        scores = read @ read.swapaxes(-1, -2) / np.sqrt(read.shape[-1])
        found = _softmax(scores) @ _heads(tokens)
        return found.swapaxes(1, 2).reshape(tokens.shape) @ kernel

    def added(tokens):
        return tokens + right(tokens)

    def linear(tokens):
        read = _heads(tokens @ kernel)
        scores = read @ read.swapaxes(-1, -2) / np.sqrt(read.shape[-1])
        return (scores @ read).swapaxes(1, 2).reshape(tokens.shape) @ kernel

    mistakes = [
        Mistake("scores_not_scaled", changed(scale=1.0), "1/2"),
        Mistake("scores_scaled_by_width", changed(scale=np.sqrt(width)), "3/4"),
        Mistake("scores_scaled_by_width", changed(scale=width / HEADS), "1/2"),
        Mistake("softmax_over_the_readers", changed(axis=-2), "1/4"),
        Mistake("softmax_missing", linear, "1/4"),
        Mistake("one_head", changed(heads=1), "1/2"),
        Mistake("heads_mixed", changed(mixed=True), "1/4"),
        Mistake("heads_mixed", changed(joined=False), "1/2"),
        Mistake("last_layer_missing", unread, "1/2"),
        Mistake("values_not_read", itself, "1/2"),
        Mistake("tokens_added_inside", added, "3/4"),
    ]
    named = [(tokens, {**options, "name": "attention"}) for tokens, options in calls]
    answers = ask.calls("attend", named, operation="through", weights=weights)
    return judge(answers, [("1", calls)], right, mistakes, tolerance=TOLERANCE)


@question("ex19.build_transformer")
def ask_build_transformer(ask: Ask) -> Credit:
    """Montre au réseau des images, puis les mêmes, morceaux mêlés."""
    images = ask.rng.integers(0, 256, (4, SIDE_PX, SIDE_PX)).astype(np.uint8)
    whole = images.reshape(4, 7, PATCH_PX, 7, PATCH_PX).swapaxes(2, 3).reshape(4, 49, 4, 4)
    mixed = np.stack([each[ask.rng.permutation(NUM_PATCHES)] for each in whole])
    mixed = mixed.reshape(4, 7, 7, PATCH_PX, PATCH_PX).swapaxes(2, 3).reshape(images.shape)
    found = {}
    for positions in (True, False):
        content = ask.model("build_transformer", positions=positions)
        facts = ask.clean("inspect", content=content, images=np.concatenate([images, mixed]))
        outputs = as_floats(facts.get("outputs"))
        if facts["refused"]:
            return credit(0, "wrong_input")
        if outputs is None or outputs.shape != (8, NUM_CLASSES):
            return credit(0, "wrong_number_of_classes")
        found[positions] = facts, outputs
    facts, outputs = found[True]
    if (outputs < 0).any() or not np.allclose(outputs.sum(1), 1, atol=1e-3):
        return credit("1/4", "not_probabilities")
    maps = [each["shapes"].get("output") for each in facts["layers"] if each["class"] == "Softmax"]
    maps = [shape for shape in maps if shape and len(shape) == 4]
    if len(maps) != DEPTH:
        return credit("1/4", "attention_layers_missing")
    if any(shape[2:] == [NUM_PATCHES, NUM_PATCHES] for shape in maps):
        return credit("1/2", "class_token_forgotten")
    changes = {key: np.abs(outputs[:4] - outputs[4:]).max() for key, (_, outputs) in found.items()}
    if changes[False] > SEEN:
        return credit("1/2", "places_without_positions")
    if changes[True] < SEEN:
        return credit("1/2", "positions_useless")
    counts = {key: facts["num_parameters"] for key, (facts, _) in found.items()}
    expected = ask.settings["parameters"]
    if counts != {True: expected, False: expected - NUM_PATCHES * WIDTH}:
        return credit("3/4", "wrong_parameters", f"{counts[True]} et {counts[False]} reçus")
    return RIGHT


# --- Où il regarde -------------------------------------------------------------------


def _rollout(weights, *, skip=0.5, reverse=False, heads=np.mean) -> np.ndarray:
    """Refait `rollout`, image par image ; `skip` est la part du jeton lui-même."""
    found = []
    for blocks in weights:
        product = np.eye(blocks.shape[-1])
        for block in blocks:
            taken = heads(block, axis=0)
            step = (1 - skip) * taken + skip * np.eye(len(taken))
            product = product @ step if reverse else step @ product
        found.append(product)
    return np.stack(found)


@question("ex19.rollout")
def ask_rollout(ask: Ask) -> Credit:
    """Suit des attentions tirées au hasard : un bloc, puis plusieurs."""
    rng = ask.rng

    def draw(*shape):
        return (_softmax(rng.normal(size=shape) * 2),), {}

    one, several = [draw(2, 1, 3, 5, 5)], [draw(2, 3, 2, 6, 6), draw(1, 2, 4, 10, 10)]

    def added(weights):
        return _rollout(weights) * 2 ** weights.shape[1]

    def averaged(weights):
        return np.mean([_rollout(weights[:, k : k + 1]) for k in range(weights.shape[1])], axis=0)

    def last(weights):
        return _rollout(weights[:, -1:])

    def highest(block, axis):
        taken = block.max(axis)
        return taken / taken.sum(-1, keepdims=True)

    mistakes = [
        Mistake("token_itself_forgotten", lambda w: _rollout(w, skip=0), "1/2"),
        Mistake("blocks_in_reverse", lambda w: _rollout(w, reverse=True), "3/4"),
        Mistake("blocks_not_multiplied", averaged, "1/2"),
        Mistake("blocks_not_multiplied", last, "1/2"),
        Mistake("halves_forgotten", added, "1/2"),
        Mistake("heads_maximum", lambda w: _rollout(w, heads=np.max), "1/2"),
        Mistake("heads_maximum", lambda w: _rollout(w, heads=highest), "1/2"),
        Mistake("transposed_axes", lambda w: _rollout(w).swapaxes(1, 2), "1/2"),
    ]
    answers = ask.calls("rollout", one + several)
    return judge(answers, [("1/2", one), ("1", several)], _rollout, mistakes, tolerance=TOLERANCE)


def _class_map(weights) -> np.ndarray:
    """Refait `class_map`."""
    side = int(np.sqrt(weights.shape[-1] - 1))
    return weights[..., 0, 1:].reshape(*weights.shape[:-2], side, side)


@question("ex19.class_map")
def ask_class_map(ask: Ask) -> Credit:
    """Lit la ligne du jeton de classe : d'une image, puis de plusieurs, blocs et têtes compris."""
    rng = ask.rng

    def draw(*shape):
        return (_softmax(rng.normal(size=shape) * 2),), {}

    one, several = [draw(10, 10)], [draw(3, 17, 17), draw(2, 3, 2, 5, 5)]

    def column(weights):
        return _class_map(np.swapaxes(weights, -1, -2))

    def scaled(weights):
        found = _class_map(weights)
        return found / found.sum((-1, -2), keepdims=True)

    def brightest(weights):
        found = _class_map(weights)
        return found / found.max((-1, -2), keepdims=True)

    def last(weights):
        return _class_map(weights[..., ::-1, :])

    mistakes = [
        Mistake("column_for_row", column, "1/4"),
        Mistake("map_rescaled", scaled, "1/2"),
        Mistake("map_rescaled", brightest, "1/2"),
        Mistake("transposed_axes", lambda w: _class_map(w).swapaxes(-1, -2), "1/2"),
        Mistake("wrong_token", last, "1/4"),
    ]
    answers = ask.calls("class_map", one + several)
    return judge(answers, [("1/2", one), ("1", several)], _class_map, mistakes, tolerance=TOLERANCE)
