"""Exercice 19 : des morceaux, des places, l'attention, et où elle regarde."""

import numpy as np

from grading.questions import (
    TENSORS,
    TOLERANCE,
    Ask,
    Credit,
    as_floats,
    compared,
    credit,
    first_fault,
    pixels,
    question,
)

PATCH_PX, DEPTH = 4, 3  # ce que dit l'énoncé
SIDE_PX, NUM_PATCHES, WIDTH, NUM_CLASSES = 28, 49, 48, 10
# Ce que change de décaler les morceaux, réseaux qui n'ont rien appris : 0,004 au moins si les
# places comptent, moins d'un millionième sinon.
SEEN = 1e-4

# --- Des morceaux et des places ------------------------------------------------------


@compared("ex19.cut_patches", tolerance=TOLERANCE, **TENSORS)
def ask_cut_patches(ask: Ask) -> list:
    """Coupe des images, carrées ou non."""
    calls = [
        ((ask.rng.normal(size=size).astype(np.float32),), {})
        for size in ((2, 8, 8), (2, 12, 20), (1, 28, 28))
    ]
    # D'abord sans voir l'ordre des pixels, ni celui des morceaux.
    return [("1/2", calls, lambda each: np.sort(np.sort(each, axis=2), axis=1)), ("1", calls)]


# --- L'attention ---------------------------------------------------------------------


@question("ex19.attend")
def ask_attend(ask: Ask) -> Credit:
    """Donne aux couches denses un noyau connu ; renverse les jetons, puis en change d'autres."""
    kernel = (ask.rng.normal(size=(8, 8)) * 0.7).astype(np.float32)
    weights = [kernel, np.tile(kernel, 3)]  # une seule couche peut faire les trois lectures
    tokens, others = ask.rng.normal(size=(2, 2, 5, 8)).astype(np.float32)
    longer = np.concatenate([tokens[:, :1], others], axis=1)  # le premier jeton est le même
    calls = [((each,), {"name": "attention"}) for each in (tokens, tokens[:, ::-1], longer)]
    return ask.compare(
        "attend", [("1", calls)], tolerance=TOLERANCE, operation="through", weights=weights
    )


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
    likely = (outputs[1] >= 0).all() and np.allclose(outputs[1].sum(1), 1, atol=1e-3)
    counts, wanted = [each["num_parameters"] for each in facts], ask.settings["parameters"]
    received = f"{counts[1]} et {counts[0]} reçus"
    return first_fault(
        ("0", "not_probabilities", not likely),
        ("1/4", "attention_layers_missing", maps != [[NUM_PATCHES + 1] * 2] * DEPTH),
        ("1/2", "places_without_positions", without > SEEN),
        ("1/2", "positions_useless", changed < SEEN),
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


@compared("ex19.rollout", tolerance=TOLERANCE)
def ask_rollout(ask: Ask) -> list:
    """Suit des attentions tirées au hasard : un bloc, puis plusieurs."""
    return [
        ("1/2", [_weights(ask.rng, 2, 1, 3, 5, 5)]),
        ("1", [_weights(ask.rng, 2, 3, 2, 6, 6), _weights(ask.rng, 1, 2, 4, 10, 10)]),
    ]


@compared("ex19.class_map", tolerance=TOLERANCE)
def ask_class_map(ask: Ask) -> list:
    """Lit la ligne du jeton de classe : d'une image, puis de plusieurs, blocs et têtes compris."""
    return [
        ("1/2", [_weights(ask.rng, 10, 10)]),
        ("1", [_weights(ask.rng, 3, 17, 17), _weights(ask.rng, 2, 3, 2, 5, 5)]),
    ]
