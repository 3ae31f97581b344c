"""Exercice 05 : lire les images comme InceptionV3 les attend, figer la base, poser une tête."""

import numpy as np

from grading import messages, pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    as_floats,
    credit,
    networks,
    question,
    records,
    same,
)

CLASSES = ["chat", "chien"]
NUM, SIDE_PX, STEP_PX = 20, 150, 10  # images, côté, un pixel gardé sur dix
MIN_CONVOLUTIONS = 10  # un réseau repris en a des dizaines ; VGG16, treize
MAX_HEAD = 12  # couches : au-delà, c'est la base
NUM_LAYERS = 250  # l'énoncé d'une autre question en fige 249
BASE_LAYERS = ["mixed2", "mixed8", "mixed9", "mixed10"]


def _images(ask: Ask) -> np.ndarray:
    return ask.rng.integers(0, 256, (NUM, SIDE_PX, SIDE_PX, 3)).astype(np.uint8)


def _read(ask: Ask, images: np.ndarray, **named) -> dict:
    found = ask.op("generator_facts", images=images, classes=CLASSES, named=named)
    if not isinstance(found, dict) or as_floats(found.get("first")) is None:
        raise pupil.Failure("forged_answer")
    return found


def _network(ask: Ask) -> dict:
    """Rend le réseau qui reprend une base : de plusieurs, celui qui a été entraîné."""
    return records.chosen(ask, lambda facts: credit(len(_convolutions(facts)) >= MIN_CONVOLUTIONS))


def _convolutions(facts: dict) -> list[dict]:
    return [each for each in facts["layers"] if each["class"] in networks.CONVOLUTIONS]


@question("ex05.make_generator")
def ask_make_generator(ask: Ask) -> Credit:
    """Lit tout le dossier et regarde l'échelle des pixels, puis l'ordre."""
    return records.best(ask, _generator_by_name, _generator_by_record)


def _generator_by_record(ask: Ask) -> Credit:
    network = _network(ask)
    given = [as_floats(each["train"]["x"]) for each in network["fits"] if each.get("train")]
    if not given:
        return credit("1/2", "images_unseen") if network["fits"] else credit(0, "not_trained")
    low, high = given[-1].min(), given[-1].max()
    if low < 0:  # entre -1 et 1, ou centré comme le veut VGG16
        return RIGHT
    if high > 2:
        return RIGHT if _prepares(network["facts"]) else credit("1/2", "preprocess_missing")
    return credit("1/2", "divided_by_255")


def _prepares(facts: dict) -> bool:
    """Dit si le réseau met lui-même ses pixels à l'échelle."""
    names = [layer["class"] for layer in facts["layers"]]
    first = next((k for k, name in enumerate(names) if name in networks.CONVOLUTIONS), 0)
    seen = facts.get("seen")
    small = bool(seen) and np.abs(seen).max() < networks.MAX_SCALED
    return small or bool({"Rescaling", "Normalization"} & set(names[:first]))


def _generator_by_name(ask: Ask) -> Credit:
    images = _images(ask)
    found = _read(ask, images)
    first = as_floats(found["first"])
    if not np.isfinite(first).all():
        return credit(0, "not_a_number")
    if first.max(initial=0) > 2:
        return credit("1/2", "preprocess_missing")
    if first.min(initial=0) >= 0:
        return credit("1/2", "divided_by_255")
    expected = images[:, ::STEP_PX, ::STEP_PX] / 127.5 - 1
    if first.shape != expected.shape:
        return credit(0, "wrong_shape")
    if same(first, expected, tolerance=1e-3):
        return RIGHT
    return credit("1/2", "images_shuffled" if _same_set(first, expected) else "wrong_values")


def _same_set(first: np.ndarray, second: np.ndarray) -> bool:
    sums = [np.sort(each.reshape(len(each), -1).sum(1)) for each in (first, second)]
    return first.shape == second.shape and np.allclose(*sums, atol=0.1)


@question("ex05.validation")
def ask_validation(ask: Ask) -> Credit:
    """Lit deux fois la validation, et vérifie qu'elle n'est pas apprise."""
    return records.best(ask, _validation_by_name, _validation_by_record)


def _validation_by_record(ask: Ask) -> Credit:
    fits = _network(ask)["fits"]
    if not fits:
        return credit(0, "not_trained")
    reason = records.validation_reason(fits[-1])
    if reason == "validation_augmented":
        return credit("1/2", reason)
    return credit(0, reason) if reason in ("no_validation", "validation_is_train") else RIGHT


def _validation_by_name(ask: Ask) -> Credit:
    images = _images(ask)
    found, learned = (_read(ask, images, subset=name) for name in ("validation", "training"))
    names, others = set(map(str, found["names"])), set(map(str, learned["names"]))
    if len(names) != NUM // 5 or names & others or len(names | others) != NUM:
        return credit(0, "wrong_share")
    first, second = as_floats(found["first"]), as_floats(found["second"])
    if not same(first, second, tolerance=1e-4):
        shuffled = _same_set(first, second)
        return credit("1/2", "images_shuffled" if shuffled else "validation_augmented")
    indices = [int(name.split(".")[0]) for name in found["names"]]
    plain = images[indices][:, ::STEP_PX, ::STEP_PX].astype(float)
    scales = (plain, plain / 255, plain / 127.5 - 1)
    if not any(same(first, each, tolerance=1e-3) or _same_set(first, each) for each in scales):
        return credit("1/2", "validation_augmented")
    return RIGHT


@question("ex05.frozen_base")
def ask_frozen_base(ask: Ask) -> Credit:
    """Fait figer une petite base, coupée à une couche nommée."""
    return records.best(ask, _base_by_name, _base_by_record)


def _base_by_record(ask: Ask) -> Credit:
    network = _network(ask)
    layers = network["facts"]["layers"]
    base = _convolutions(network["facts"])
    if len(base) < MIN_CONVOLUTIONS or not records.record(ask).get("reuses"):
        return credit(0, "base_missing")
    # Affiner la base après avoir appris la tête est permis : le premier apprentissage est jugé.
    learned = [layer for layer in base if layer.get("trainable")]
    frozen = not learned or any(each["learning"] == 0 for each in network["fits"])
    if len(network["facts"]["output_shape"] or ()) != 2:
        return credit("1/4", "maps_not_averaged")
    if not frozen:
        return credit("1/2", "base_not_frozen")
    averaged = any("AveragePooling2D" in layer["class"] for layer in layers[-MAX_HEAD:])
    return RIGHT if averaged else credit("3/4", "maps_not_averaged")


def _base_by_name(ask: Ask) -> Credit:
    base = {"size_px": 30, "names": BASE_LAYERS, "num_layers": NUM_LAYERS}
    ingredient = messages.Ingredient("tiny_base", base)
    content = ask.model("frozen_base", ingredient, layer_name="mixed8")
    found = ask.clean("frozen_facts", content=content, base=base, layer_name="mixed8")
    output, maps = as_floats(found.get("output")), as_floats(found.get("maps"))
    if output is None or maps is None:
        raise pupil.Failure("forged_answer")
    if output.ndim != 2:
        return credit(0, "maps_not_averaged")
    if not same(output, maps.mean(axis=(1, 2)), tolerance=1e-4):
        largest = same(output, maps.max(axis=(1, 2)), tolerance=1e-4)
        return credit(0, "maps_not_averaged" if largest else "wrong_layer")
    if found["trainable"]:
        return credit("1/2", "base_not_frozen")
    if not same(found["training"], output, tolerance=1e-4):
        return credit("3/4", "base_in_training_mode")
    return RIGHT


@question("ex05.build_head")
def ask_build_head(ask: Ask) -> Credit:
    """Construit une tête pour deux, puis trois classes, et lui donne les étiquettes du rendu."""
    return records.best(ask, _head_by_name, _head_by_record)


def _head_by_record(ask: Ask) -> Credit:
    network = _network(ask)
    outputs = as_floats(network["facts"].get("outputs"))
    if outputs is None or outputs.ndim != 2:
        return credit(0, "wrong_number_of_classes")
    if not network["compiled"]:
        return credit("1/2", "not_compiled")
    loss = network["compiled"][-1]["loss"]
    on_logits, name = loss["from_logits"], str(loss["name"]).lower().replace("_", "")
    in_range = bool((outputs >= 0).all() and (outputs <= 1).all())
    if outputs.shape[1] == 1:  # class_mode="binary", comme dans l'énoncé
        if "binary" not in name:
            return credit("1/2", "wrong_loss")
        return RIGHT if in_range or on_logits else credit("1/2", "logits_unsaid")
    if name in networks.OTHER_LOSSES - {"binarycrossentropy"}:
        return credit("1/2", "wrong_loss")
    # Les images de l'élève ont peut-être d'autres classes que les nôtres : leur nombre est le sien.
    fit = network["fits"][-1] if network["fits"] else {}
    labels = as_floats((fit.get("train") or {}).get("y"))
    if labels is not None and "categorical" in name:
        columns = labels.ndim == 2 and labels.shape[1] > 1
        if columns == ("sparse" in name):
            return credit("1/2", "onehot_with_sparse" if columns else "integers_with_categorical")
    probable = in_range and np.allclose(outputs.sum(1), 1, atol=1e-3)
    if probable or "binary" in name:
        return credit("1/2", "softmax_twice") if on_logits and probable else RIGHT
    if in_range:
        return credit("1/2", "sigmoid_output")
    return RIGHT if on_logits else credit("1/2", "logits_unsaid")


def _head_by_name(ask: Ask) -> Credit:
    x = ask.rng.normal(size=(12, 16)).astype(np.float32)
    for num_classes in (2, 3):
        labels = np.arange(len(x)) % num_classes
        writings = [labels.astype(np.float32), np.eye(num_classes, dtype=np.float32)[labels]]
        own = _own_targets(ask, labels, num_classes)
        if own is not None:
            if not any(same(own.reshape(len(own), -1), y.reshape(len(y), -1)) for y in writings):
                return credit("1/2", "wrong_targets")
            writings = [own]
        content = ask.model("build_head", x, num_classes, seed=0)
        found = ask.clean("head_facts", content=content, x=x, labels=writings)
        outputs = as_floats(found.get("outputs"))
        if outputs is None or outputs.shape != (len(x), num_classes):
            return credit(0, "wrong_number_of_classes")
        if not found["loss"]:
            return credit("1/2", "not_compiled")
        on_logits = found["loss"]["from_logits"]
        probable = (outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=1e-3)
        if probable and found["last"] == "softmax" and on_logits:
            return credit("1/2", "softmax_twice")
        if not probable and not on_logits:
            sigmoid = found["last"] == "sigmoid"
            return credit("1/2", "sigmoid_output" if sigmoid else "logits_unsaid")
        name = found["loss"]["name"].lower().replace("_", "")
        if "crossentropy" not in name or name.startswith("binary"):
            return credit("1/2", "wrong_loss")
        if not any(found["accepts"]):
            columns = "sparse" in name
            reason = "onehot_with_sparse" if columns else "integers_with_categorical"
            return credit("1/2", reason)
    return RIGHT


def _own_targets(ask: Ask, labels: np.ndarray, num_classes: int) -> np.ndarray | None:
    """Rend les étiquettes qu'écrit le rendu ; None s'il laisse faire le générateur."""
    try:
        (answer,) = ask.calls("targets", [((labels, num_classes), {})])
    except pupil.Failure as failure:
        if failure.reason in ("missing_name", "not_done"):
            return None
        raise
    own = as_floats(answer.value)
    if own is None or len(own) != len(labels):
        raise pupil.Failure("wrong_type", detail="targets")
    return own
