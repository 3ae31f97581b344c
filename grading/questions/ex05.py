"""Exercice 05 : lire les images comme InceptionV3 les attend, figer la base, poser une tête."""

import numpy as np

from grading.questions import RIGHT, Ask, Credit, as_floats, credit, networks, question, same

NUM, FEATURES = 20, 12  # images du dossier, exemples donnés à une tête
MIN_CONVOLUTIONS = 10  # un réseau repris en a des dizaines ; VGG16, treize
MAX_HEAD = 12  # couches : au-delà, c'est la base


def _network(ask: Ask) -> dict:
    """Rend le réseau qui reprend une base : de plusieurs, celui qui a été entraîné."""
    return networks.chosen(ask, lambda facts: credit(len(_convolutions(facts)) >= MIN_CONVOLUTIONS))


def _convolutions(facts: dict) -> list[dict]:
    return [each for each in facts["layers"] if each["class"] in networks.CONVOLUTIONS]


# --- Lire les images -----------------------------------------------------------------


@question("ex05.make_generator")
def ask_make_generator(ask: Ask) -> Credit:
    """Regarde l'échelle des pixels, puis l'ordre, si c'est le dossier du correcteur."""

    def judge():
        found = networks.called(ask, "make_generator")
        if found:
            first = as_floats(found[""]["passes"][0])
            return _scale_credit(first, None) or _order_credit(first, found["drawn"])
        network = _network(ask)
        given = [as_floats(each["train"]["x"]) for each in network["fits"] if each.get("train")]
        if not given:
            return credit("1/2", "images_unseen") if network["fits"] else credit(0, "not_trained")
        return _scale_credit(given[-1], network["facts"]) or RIGHT

    return networks.judged(ask, "make_generator", judge)


def _scale_credit(images: np.ndarray, facts: dict | None) -> Credit | None:
    """Juge l'échelle des images lues ; None si elle est bonne."""
    if not np.isfinite(images).all():
        return credit(0, "not_a_number")
    if images.min(initial=0) < 0:  # entre -1 et 1, ou centré comme le veut VGG16
        return None
    if images.max(initial=0) <= 2:
        return credit("1/2", "divided_by_255")
    return None if facts and _prepares(facts) else credit("1/2", "preprocess_missing")


def _prepares(facts: dict) -> bool:
    """Dit si le réseau met lui-même ses pixels à l'échelle."""
    names = [layer["class"] for layer in facts["layers"]]
    first = next((k for k, name in enumerate(names) if name in networks.CONVOLUTIONS), 0)
    seen = facts.get("seen")
    small = bool(seen) and np.abs(seen).max() < networks.MAX_SCALED
    return small or bool({"Rescaling", "Normalization"} & set(names[:first]))


def _order_credit(first: np.ndarray, drawn: np.ndarray) -> Credit:
    expected = drawn / 127.5 - 1
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

    def judge():
        found = networks.called(ask, "make_generator")
        if found:
            return _judge_validation(found)
        fits = _network(ask)["fits"]
        if not fits:
            return credit(0, "not_trained")
        reason = networks.validation_reason(fits[-1])
        if reason == "validation_augmented":
            return credit("1/2", reason)
        return credit(0, reason) if reason in ("no_validation", "validation_is_train") else RIGHT

    return networks.judged(ask, "make_generator", judge)


def _judge_validation(found: dict) -> Credit:
    numbers, others = (set(found[part]["numbers"]) for part in ("validation", "training"))
    if len(numbers) != NUM // 5 or numbers & others or len(numbers | others) != NUM:
        return credit(0, "wrong_share")
    first, second = map(as_floats, found["validation"]["passes"])
    if not same(first, second, tolerance=1e-4):
        shuffled = _same_set(first, second)
        return credit("1/2", "images_shuffled" if shuffled else "validation_augmented")
    drawn = found["drawn"][found["validation"]["numbers"]].astype(float)
    scales = (drawn, drawn / 255, drawn / 127.5 - 1)
    if not any(same(first, each, tolerance=1e-3) or _same_set(first, each) for each in scales):
        return credit("1/2", "validation_augmented")
    return RIGHT


# --- Figer la base -------------------------------------------------------------------


@question("ex05.frozen_base")
def ask_frozen_base(ask: Ask) -> Credit:
    """Juge ce que le rendu fait d'une petite base ; à défaut, la base de son réseau."""

    def judge():
        found = networks.called(ask, "frozen_base")
        return _judge_frozen(found) if found else _judge_base(ask)

    return networks.judged(ask, "frozen_base", judge)


def _judge_frozen(found: dict) -> Credit:
    output, maps = as_floats(found["output"]), as_floats(found["maps"])
    if output.ndim != 2:
        return credit(0, "maps_not_averaged")
    if not same(output, maps.mean(axis=(1, 2)), tolerance=1e-4):
        largest = same(output, maps.max(axis=(1, 2)), tolerance=1e-4)
        return credit(0, "maps_not_averaged" if largest else "wrong_layer")
    return credit("1/2", "base_not_frozen") if found["trainable"] else RIGHT


def _judge_base(ask: Ask) -> Credit:
    network = _network(ask)
    facts, base = network["facts"], _convolutions(network["facts"])
    if len(base) < MIN_CONVOLUTIONS or not networks.record(ask).get("reuses"):
        return credit(0, "base_missing")
    # Affiner la base après avoir appris la tête est permis : le premier apprentissage est jugé.
    learned = [layer for layer in base if layer.get("trainable")]
    frozen = not learned or any(each["learning"] == 0 for each in network["fits"])
    if len(facts["output_shape"] or ()) != 2:
        return credit("1/4", "maps_not_averaged")
    if not frozen:
        return credit("1/2", "base_not_frozen")
    averaged = any("AveragePooling2D" in each["class"] for each in facts["layers"][-MAX_HEAD:])
    return RIGHT if averaged else credit("3/4", "maps_not_averaged")


# --- Poser une tête ------------------------------------------------------------------


@question("ex05.build_head")
def ask_build_head(ask: Ask) -> Credit:
    """Juge les têtes faites pour deux, puis trois classes ; à défaut, la sortie du réseau."""

    def judge():
        heads = networks.called(ask, "build_head")
        if not heads:
            network = _network(ask)
            return _judge_head(network, (network["facts"]["output_shape"] or [0])[-1])
        found = [_judge_own_head(head, num) for num, head in zip((2, 3), heads, strict=True)]
        return min(found, key=lambda each: each.level)

    return networks.judged(ask, "build_head", judge)


def _judge_own_head(head: dict, num_classes: int) -> Credit:
    """Juge une tête dont on sait le nombre de classes, et les étiquettes que le rendu lui donne."""
    given = (head["fits"][-1].get("train") or {}).get("y") if head["fits"] else None
    labels = np.arange(FEATURES) % num_classes
    if given is not None:
        writings = (labels[:, None], np.eye(num_classes)[labels])
        if not any(same(np.reshape(given, (FEATURES, -1)), each) for each in writings):
            return credit("1/2", "wrong_targets")
    return _judge_head(head, num_classes)


def _judge_head(network: dict, num_classes: int) -> Credit:
    facts, compiled = network["facts"], network["compiled"]
    outputs = as_floats(facts.get("outputs"))
    if outputs is None or outputs.ndim != 2 or outputs.shape[1] != num_classes:
        return credit(0, "wrong_number_of_classes")
    if not compiled:
        return credit("1/2", "not_compiled")
    loss = compiled[-1]["loss"]
    name = networks.plain(loss["name"])
    if num_classes == 1:  # class_mode="binary", comme dans l'énoncé
        if "binary" not in name:
            return credit("1/2", "wrong_loss")
        in_range = bool((outputs >= 0).all() and (outputs <= 1).all())
        return RIGHT if in_range or loss["from_logits"] else credit("1/2", "logits_unsaid")
    if "binary" in name:
        return RIGHT
    fit = network["fits"][-1] if network["fits"] else {}
    reason = networks.labels_reason(fit.get("train") or {"y": None}, compiled)
    if reason:
        return credit("1/2", reason)
    return networks.output_credit(facts, [loss], num_classes=num_classes)
