"""Exercice 19 : des morceaux, des places, l'attention, et où elle regarde."""

import numpy as np

from grading import pupil
from grading.questions import (
    Ask,
    Credit,
    as_floats,
    credit,
    failed,
    first_fault,
    judge,
    question,
    same,
)

PATCH_PX, HEADS, DEPTH = 4, 4, 3  # ce que dit l'énoncé
SIDE_PX, NUM_PATCHES, WIDTH, NUM_CLASSES = 28, 49, 48, 10
TOLERANCE = 1e-4  # TensorFlow calcule en float32
# Ce que change de mêler les morceaux, réseaux qui n'ont rien appris : 0,004 au moins si les places
# comptent, moins d'un millionième sinon.
SEEN = 1e-4
TENSORS = {"operation": "through", "weights": []}  # comment appeler une fonction de tenseurs

# --- Des morceaux et des places ------------------------------------------------------


def _squares(images) -> np.ndarray:
    """Rend les morceaux `(n, lignes, colonnes, PATCH_PX, PATCH_PX)` d'images `(n, h, w)`."""
    num, height, width = images.shape
    cut = images.reshape(num, height // PATCH_PX, PATCH_PX, width // PATCH_PX, PATCH_PX)
    return cut.swapaxes(2, 3)


def _patches(images) -> np.ndarray:
    """Refait `cut_patches`."""
    return _squares(images).reshape(len(images), -1, PATCH_PX**2)


def _unordered(patches) -> np.ndarray:
    """Rend des morceaux où l'ordre des pixels, puis celui des morceaux, ne se voit plus."""
    return np.sort(np.sort(patches, axis=2), axis=1)


@question("ex19.cut_patches")
def ask_cut_patches(ask: Ask) -> Credit:
    """Coupe des images, carrées ou non."""
    sizes = [(2, 8, 8), (2, 12, 20), (1, 28, 28)]
    calls = [((ask.rng.normal(size=each).astype(np.float32),), {}) for each in sizes]
    answers = ask.calls("cut_patches", calls, **TENSORS)
    found = judge(answers, [("1", calls)], _patches, tolerance=TOLERANCE)
    if found.level == 1 or any(np.ndim(each.value) != 3 for each in answers):
        return found
    pieces = [pupil.Answer(_unordered(each.value)) for each in answers]
    loose = judge(pieces, [("1", calls)], lambda x: _unordered(_patches(x)), tolerance=TOLERANCE)
    return credit("1/2", "patches_out_of_order") if loose.level == 1 else found


@question("ex19.add_positions")
def ask_add_positions(ask: Ask) -> Credit:
    """Regarde ce qui est ajouté à deux lots de jetons."""
    batches = ask.rng.normal(size=(2, 3, 5, 8)).astype(np.float32)
    answers = ask.calls("add_positions", [((each,), {}) for each in batches], **TENSORS)
    for tokens, answer in zip(batches, answers, strict=True):
        if answer.error or np.shape(answer.value) != tokens.shape:
            return failed(answer) if answer.error else credit(0, "wrong_shape")
    added = np.stack([as_floats(each.value) for each in answers]) - batches
    # Deux réseaux de la même graine : un vecteur appris y est le même, quels que soient les jetons.
    learned = same(added, np.broadcast_to(added[0, 0], added.shape), tolerance=TOLERANCE)
    return first_fault(
        ("0", "nothing_added", np.abs(added).max() < 1e-5),
        ("1/4", "positions_read_tokens", not learned),
        ("1/4", "same_for_every_place", np.ptp(added[0, 0], axis=0).max() < 1e-5),
    )


# --- L'attention ---------------------------------------------------------------------


def _softmax(scores) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _attend(tokens, kernel) -> np.ndarray:
    """Refait `attend`, dont les quatre couches denses ont le même noyau, sans biais."""
    num, count, width = tokens.shape
    read = (tokens @ kernel).reshape(num, count, HEADS, -1).swapaxes(1, 2)
    weights = _softmax(read @ read.swapaxes(-1, -2) / np.sqrt(width // HEADS))
    return (weights @ read).swapaxes(1, 2).reshape(tokens.shape) @ kernel


@question("ex19.attend")
def ask_attend(ask: Ask) -> Credit:
    """Donne aux couches denses un noyau connu, et refait le calcul."""
    rng, width = ask.rng, 8
    kernel = (rng.normal(size=(width, width)) * 0.7).astype(np.float32)
    weights = [kernel, np.tile(kernel, 3)]  # une seule couche peut faire les trois lectures
    tokens, others = rng.normal(size=(2, 2, 5, width)).astype(np.float32)
    longer = np.concatenate([tokens[:, :1], others], axis=1)  # le premier jeton est le même
    calls = [((each,), {"name": "attention"}) for each in (tokens, tokens[:, ::-1], longer)]
    answers = ask.calls("attend", calls, operation="through", weights=weights)
    found = judge(
        answers, [("1", calls)], lambda tokens, name: _attend(tokens, kernel), tolerance=TOLERANCE
    )
    if found.reason == "wrong_values":
        whole, turned, other = (as_floats(each.value) for each in answers)
        without_order = same(turned[:, ::-1], whole, tolerance=TOLERANCE)
        if without_order and not same(other[:, 0], whole[:, 0], tolerance=TOLERANCE):
            return credit("1/2", "attention_out_of_rule")
    return found


@question("ex19.build_transformer")
def ask_build_transformer(ask: Ask) -> Credit:
    """Montre au réseau des images, puis les mêmes, morceaux mêlés."""
    images = ask.rng.integers(0, 256, (4, SIDE_PX, SIDE_PX)).astype(np.uint8)
    patches = _squares(images).reshape(4, NUM_PATCHES, PATCH_PX, PATCH_PX)
    patches = [each[ask.rng.permutation(NUM_PATCHES)] for each in patches]
    mixed = np.reshape(patches, (4, 7, 7, PATCH_PX, PATCH_PX)).swapaxes(2, 3).reshape(images.shape)
    counts, changes = [], []
    for positions in (False, True):  # les rangs de `counts` et de `changes`
        content = ask.model("build_transformer", positions=positions)
        facts = ask.clean("inspect", content=content, images=np.concatenate([images, mixed]))
        if facts["refused"]:
            return credit(0, "wrong_input")
        outputs = as_floats(facts.get("outputs"))
        if outputs is None or outputs.shape != (8, NUM_CLASSES):
            return credit(0, "wrong_number_of_classes")
        changes.append(np.abs(outputs[:4] - outputs[4:]).max())
        counts.append(facts["num_parameters"])
    maps = [each["shapes"].get("output") for each in facts["layers"] if each["class"] == "Softmax"]
    maps = [shape[2:] for shape in maps if shape and len(shape) == 4]
    likely = (outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=1e-3)
    wanted = [ask.settings["parameters"] - NUM_PATCHES * WIDTH, ask.settings["parameters"]]
    return first_fault(
        ("0", "not_probabilities", not likely),
        ("1/4", "attention_layers_missing", maps != [[NUM_PATCHES + 1] * 2] * DEPTH),
        ("1/2", "places_without_positions", changes[False] > SEEN),
        ("1/2", "positions_useless", changes[True] < SEEN),
        ("3/4", "wrong_parameters", counts != wanted, f"{counts[1]} et {counts[0]} reçus"),
    )


# --- Où il regarde -------------------------------------------------------------------


def _weights(rng, *shape) -> tuple:
    """Tire des poids d'attention ; rend l'appel qui les donne."""
    return (_softmax(rng.normal(size=shape) * 2),), {}


@question("ex19.rollout")
def ask_rollout(ask: Ask) -> Credit:
    """Suit des attentions tirées au hasard : un bloc, puis plusieurs."""

    def right(weights):
        itself = found = np.eye(weights.shape[-1])
        for block in weights.swapaxes(0, 1):
            found = (block.mean(axis=1) + itself) / 2 @ found
        return found

    groups = [
        ("1/2", [_weights(ask.rng, 2, 1, 3, 5, 5)]),
        ("1", [_weights(ask.rng, 2, 3, 2, 6, 6), _weights(ask.rng, 1, 2, 4, 10, 10)]),
    ]
    return ask.judge("rollout", groups, right, tolerance=TOLERANCE)


@question("ex19.class_map")
def ask_class_map(ask: Ask) -> Credit:
    """Lit la ligne du jeton de classe : d'une image, puis de plusieurs, blocs et têtes compris."""

    def right(weights):
        side = int(np.sqrt(weights.shape[-1] - 1))
        return weights[..., 0, 1:].reshape(*weights.shape[:-2], side, side)

    groups = [
        ("1/2", [_weights(ask.rng, 10, 10)]),
        ("1", [_weights(ask.rng, 3, 17, 17), _weights(ask.rng, 2, 3, 2, 5, 5)]),
    ]
    return ask.judge("class_map", groups, right, tolerance=TOLERANCE)
