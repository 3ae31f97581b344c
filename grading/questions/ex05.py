"""Exercice 05 : lire les images comme InceptionV3 les attend, figer la base, poser une tête."""

from operator import attrgetter

import numpy as np

from grading.questions import Ask, Credit, as_floats, credit, first_fault, networks, question, same

NUM, FEATURES = 20, 12  # images du dossier, exemples donnés à une tête
NUM_FEATURES = 16  # de chaque exemple
SHAPE, BATCH = [150, 150, 3], 64  # d'une image, et d'un lot, que l'énoncé demande
NORMALISED = 0.05  # écart permis à une moyenne nulle, et à un écart-type de 1
MIN_CONVOLUTIONS = 10  # un réseau repris en a des dizaines ; VGG16, treize
# Ce qui met à l'échelle : des couches, ou les opérations d'un `preprocess_input`.
SCALERS = {"Rescaling", "Normalization", "TrueDivide", "Subtract", "Stack", "Lambda"}
MIN_RANGE = 1.2  # écart de pixels de -1 à 1, même lissés : en deçà, divisés deux fois
MAX_HEAD = 12  # couches : au-delà, c'est la base


def _network(ask: Ask) -> dict:
    """Rend le réseau qui reprend une base : de plusieurs, celui qui a été entraîné.

    De plusieurs entraînés, c'est celui qui répond le mieux à l'ensemble des questions. Une base qui
    n'a fait que lire les images d'une tête apprise à part est jugée avec cette tête.
    """
    others = networks.built(ask)
    whole = [k for k in others if k["fits"] and len(_convolutions(k["facts"])) >= MIN_CONVOLUTIONS]
    if len(whole) > 1:
        judges = (_judge_reading, _judge_checked, _judge_base, _judge_output)
        return max(
            reversed(whole), key=lambda each: sum(judge(ask, each).level for judge in judges)
        )
    network = networks.chosen(
        ask,
        lambda facts: credit(
            len(_convolutions(facts)) >= MIN_CONVOLUTIONS
            and ("1/2" if len(facts["output_shape"] or ()) > 2 else 1)  # la base seule
        ),
    )
    heads = [each for each in others if each["fits"] and not _convolutions(each["facts"])]
    if network["fits"] or not heads:
        return network
    base, own = network["facts"], heads[-1]["facts"]
    facts = {**own, "layers": base["layers"] + own["layers"], "seen": base["seen"]}
    return {**heads[-1], "facts": facts, "read": [each["data"] for each in network["measured"]]}


def _convolutions(facts: dict) -> list[dict]:
    return [each for each in facts["layers"] if each["class"] in networks.CONVOLUTIONS]


# --- Lire les images -----------------------------------------------------------------


@question("ex05.make_generator")
def ask_make_generator(ask: Ask) -> Credit:
    """Regarde l'échelle des pixels, puis l'ordre, si c'est le dossier du correcteur."""

    def judge():
        found = networks.called(ask, "make_generator")
        return _judge_generator(found) if found else _judge_reading(ask, _network(ask))

    return networks.judged(ask, "make_generator", judge)


def _judge_generator(found: dict) -> Credit:
    """Juge ce que le générateur du rendu lit du dossier du correcteur."""
    whole, expected = found[""], found["drawn"] / 127.5 - 1
    first, labels = as_floats(whole["passes"][0]), as_floats(whole["labels"])
    size = " × ".join(map(str, whole["shape"]))
    alike, shuffled = _compared(first, expected)
    orders = found["shuffled"]
    mixed = orders and not _compared(orders[0], first)[0]
    of_images = [
        ("1/2", "subset_by_default", len(whole["numbers"]) < NUM, f"{len(first)} sur {NUM}"),
        ("1/2", "wrong_image_size", whole["shape"] != SHAPE, f"{size}, et non 150 × 150 × 3"),
        ("1/2", "images_shuffled", shuffled),
        ("1/2", "wrong_values", not alike),
    ]
    of_batches = [
        ("3/4", "labels_missing", labels is None),
        ("3/4", "labels_otherwise", not same(labels, np.arange(NUM) * 2 // NUM)),
        ("3/4", "batch_size_ignored", whole["batch_size"] not in (0, BATCH)),
        ("3/4", "shuffle_ignored", not mixed),
        ("3/4", "seed_ignored", mixed and not _compared(*orders)[0]),
    ]
    return _scale_credit(first, *of_images, *of_batches)


def _judge_reading(ask: Ask, network: dict) -> Credit:
    read = network.get("read", [each["train"] for each in network["fits"]])
    given = [as_floats(each["x"]) for each in read if each]
    if given:
        return _scale_credit(given[-1], prepares=_prepares(network["facts"]))
    said, why = networks.record(ask)["prepares"], networks.first_error(ask)
    unwritten = networks.unwritten_call(network)
    return first_fault(
        (0, "not_trained", not network["fits"], why),
        ("1/2", "unwritten_call", not said and unwritten, unwritten),
        ("1/2", "images_unseen", not said, why),
    )


def _scale_credit(images: np.ndarray, *faults: tuple, prepares: str = "") -> Credit:
    """Juge l'échelle des images lues, puis d'autres fautes.

    Args:
        images: les images.
        faults: comme pour `first_fault`.
        prepares: ce que rend `_prepares`.
    """
    # Négatif : entre -1 et 1, ou centré comme le veut VGG16.
    negative, small = images.min() < 0, images.max() <= 2
    return first_fault(
        (0, "not_a_number", not np.isfinite(images).all()),
        (  # de part et d'autre de zéro, et trop peu : divisé par 255 après avoir été centré
            "1/2",
            "scaling_twice",
            np.ptp(images) < (MIN_RANGE if negative and images.max() > 0 else networks.MIN_SCALED),
        ),
        (
            "1/2",
            "divided_by_255",
            (small and not negative and prepares != "stretched") or prepares == "positive",
        ),
        (
            "1/2",
            "preprocess_missing",
            not (small or negative or prepares in ("positive", "prepared")),
        ),
        *faults,
    )


def _prepares(facts: dict) -> str:
    """Dit comment le réseau met lui-même ses pixels à l'échelle.

    "", "positive", "prepared", ou, s'il lui faut des pixels de 0 à 1, "stretched".
    """
    places = [k for k, each in enumerate(facts["layers"]) if each["class"] in networks.CONVOLUTIONS]
    # Ce qu'ôte chacune ; une seule, qui n'ôte rien, est du rendu, et non d'une base.
    before = [k for k in facts["layers"][: min(places, default=0)] if k["class"] in SCALERS]
    taken = [each.get("offset", each["class"] != "TrueDivide") for each in before]
    small = taken or (facts["seen"] and np.abs(facts["seen"]).max() < networks.MAX_SCALED)
    return (
        "stretched"
        if any(np.max(each.get("scale", 0)) > 1 for each in before[:1])
        else "positive"
        if taken == [0]
        else "prepared"
        if small
        else ""
    )


def _compared(found: np.ndarray, expected: np.ndarray) -> tuple[bool, bool]:
    """Dit si des images sont celles qu'on attend ; puis si elles n'ont que changé d'ordre."""
    alike = same(found, expected, tolerance=1e-3)
    if alike or found.shape != expected.shape:
        return alike, False
    sums = [np.sort(each.reshape(len(each), -1).sum(1)) for each in (found, expected)]
    return False, np.allclose(*sums, atol=0.1)


@question("ex05.validation")
def ask_validation(ask: Ask) -> Credit:
    """Lit deux fois la validation, et vérifie qu'elle n'est pas apprise."""

    def judge():
        found = networks.called(ask, "make_generator")
        return _judge_validation(found) if found else _judge_checked(ask, _network(ask))

    return networks.judged(ask, "make_generator", judge)


def _judge_checked(ask: Ask, network: dict) -> Credit:
    fits = network["fits"]
    reason = networks.validation_reason(fits[-1]) if fits else "not_trained"
    if reason == "no_validation" and (place := networks.unwritten_call(network)):
        return credit(0, "unwritten_call", place)
    # Les images d'un tableau ne disent pas de quel dossier elles viennent.
    if not reason and fits[-1]["tested"] is None and networks.record(ask)["tests"]:
        reason = "validation_is_test"
    # Des images d'entraînement à la mauvaise échelle ont déjà perdu des points, à leur question.
    if reason == "validation_other_scale" and _judge_reading(ask, network).level < 1:
        reason = None
    # Un autre jeu est mesuré : celui-là est le test.
    apart = any(
        each["whole"] and each["data"] and not (each["checked"] or each["learned"])
        for each in network["measured"]
    )
    return first_fault(
        (0, reason, reason in ("not_trained", "no_validation", "validation_is_train")),
        ("1/2", reason, reason and not (reason == "validation_is_test" and apart)),
    )


def _judge_validation(found: dict) -> Credit:
    numbers, others = (set(found[part]["numbers"]) for part in ("validation", "training"))
    shared = len(numbers) != NUM // 5 or numbers & others or len(numbers | others) != NUM
    first, second = map(as_floats, found["validation"]["passes"])
    alike, shuffled = _compared(first, second)
    drawn = found["drawn"][found["validation"]["numbers"]].astype(float)
    # Une autre taille, ou une autre échelle, a déjà perdu des points, à sa question.
    known = first.shape != drawn.shape or any(_compared(_standard(first), _standard(drawn)))
    return first_fault(
        (0, "wrong_share", shared),
        ("1/2", "images_shuffled", shuffled),
        ("1/2", "validation_augmented", not alike or not known),
    )


def _standard(images: np.ndarray) -> np.ndarray:
    """Centre et réduit des images toutes ensemble : leur échelle ne se voit plus."""
    return (images - images.mean()) / max(images.std(), np.finfo(np.float32).tiny)


# --- Figer la base -------------------------------------------------------------------


@question("ex05.frozen_base")
def ask_frozen_base(ask: Ask) -> Credit:
    """Juge ce que le rendu fait d'une petite base ; à défaut, la base de son réseau."""

    def judge():
        found = networks.called(ask, "frozen_base")
        return _judge_frozen(found) if found else _judge_base(ask, _network(ask))

    return networks.judged(ask, "frozen_base", judge)


def _judge_frozen(found: dict) -> Credit:
    output, maps = as_floats(found["output"]), as_floats(found["maps"])
    means = maps.mean(axis=(1, 2))
    if same(output, means, tolerance=1e-4):
        return first_fault(("1/2", "base_not_frozen", found["trainable"]))
    flat, size = maps.reshape(len(maps), -1), " × ".join(map(str, output.shape[1:]))
    others = {name: as_floats(each).mean(axis=(1, 2)) for name, each in found["others"].items()}
    layer = [name for name, each in others.items() if same(output, each, tolerance=1e-4)]
    largest = same(output, maps.max(axis=(1, 2)), tolerance=1e-4)
    again = as_floats(found["again"]).mean(axis=(1, 2))
    known = [
        (0, "maps_flattened", same(output, flat, tolerance=1e-4)),
        (0, "maps_not_averaged", output.ndim != 2 or largest),
        (0, "wrong_layer", layer, f"{''.join(layer[:1])} est gardée"),
        (0, "summed", same(output, maps.sum(axis=(1, 2)), tolerance=1e-4)),
        (0, "scaling_twice", same(output, again, tolerance=1e-4)),
    ]
    return first_fault(
        *known,
        (0, "wrong_shape", output.shape != means.shape, f"{means.shape[1]} cartes, {size} nombres"),
        (0, "lines_times_a_number", same(_unit(output), _unit(means), tolerance=1e-4)),
        (0, "wrong_values", True),
    )


def _unit(rows: np.ndarray) -> np.ndarray:
    """Divise chaque ligne par sa norme."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _judge_base(ask: Ask, network: dict) -> Credit:
    facts, base = network["facts"], _convolutions(network["facts"])
    reused = len(base) >= MIN_CONVOLUTIONS and networks.record(ask)["reuses"]
    # La base, peut-être : celle d'un autre programme.
    absent, why = networks.record(ask)["absent"], networks.first_error(ask)
    # Affiner la base après avoir appris la tête est permis : le premier apprentissage est jugé.
    learning = sum(bool(layer.get("trainable")) for layer in base)
    frozen = not learning or any(each["learning"] == 0 for each in network["fits"])
    how_many = f"{learning} convolutions sur {len(base)} seraient réapprises"
    averaged = any(map(_averages, *(facts["layers"][k - MAX_HEAD :] for k in (-1, 0))))
    return first_fault(
        (0, "model_not_handed_in", not reused and absent, absent),
        (0, "not_trained", not (reused or network["fits"]) and why, why),
        (0, "base_missing", not reused),
        (
            "1/4",
            "head_missing" if network["fits"] else "not_trained",
            len(facts["output_shape"] or ()) != 2,
        ),
        (
            0,
            "base_not_frozen",
            not frozen and not averaged,
            f"{how_many} ; de plus, ses cartes ne sont pas résumées par leur moyenne",
        ),
        ("1/2", "base_not_frozen", not frozen, how_many),
        ("1/2", "maps_not_averaged", not averaged),
    )


def _averages(before: dict, layer: dict) -> bool:
    """Dit si une couche fait la moyenne de chaque carte ; d'un seul pixel, c'est lui.

    Un max-pooling de plus de 2 × 2, celui de VGG16, en prend le plus grand : ce n'est pas elle.
    """
    single = layer["class"] == "Flatten" and list(layer["shapes"]["input"][1:3]) == [1, 1]
    small = max(before.get("pool_size", (0,))) <= 2
    return (single and small) or "AveragePooling2D" in layer["class"]


# --- Poser une tête ------------------------------------------------------------------


@question("ex05.build_head")
def ask_build_head(ask: Ask) -> Credit:
    """Juge les têtes faites pour deux, puis trois classes ; à défaut, la sortie du réseau."""

    def judge():
        heads = networks.called(ask, "build_head")
        if not heads:
            return _judge_output(ask, _network(ask))
        found = [_judge_own_head(head, num) for num, head in zip((2, 3), heads, strict=True)]
        return min(found, key=attrgetter("level"))

    error = networks.record(ask)["calls"].get("build_head", {}).get("error")
    if error and networks.NO_MODEL.match(str(error["message"])):
        raise networks.own_failure(error)
    return networks.judged(ask, "build_head", judge)


def _judge_output(ask: Ask, network: dict) -> Credit:
    found = _judge_head(network, (network["facts"]["output_shape"] or [0])[-1])
    return (  # la base seule : la tête n'a peut-être pas pu être posée ici
        found
        if network["fits"] or found.reason != "head_missing"
        else credit(0, "not_trained", networks.first_error(ask))
    )


def _judge_own_head(head: dict, num_classes: int) -> Credit:
    """Juge une tête dont on sait le nombre de classes, et les étiquettes que le rendu lui donne."""
    own = head["own"]
    if own["num_features"] not in (None, NUM_FEATURES):
        said = f"elle attend {own['num_features']} nombres, et x_train en a {NUM_FEATURES}"
        return credit(0, "wrong_num_features", said)
    given = head["fits"][-1]["train"] if head["fits"] else None
    labels = np.arange(FEATURES) % num_classes
    writings = (labels[:, None], np.eye(num_classes)[labels])
    columns = np.reshape(given["y"], (FEATURES, -1)) if given else labels[:, None]
    if not any(same(columns, each) for each in writings):
        return credit("1/2", "wrong_targets")
    found = _judge_head(head, num_classes)
    refused = given and all(fit["error"] for fit in head["fits"])
    return found if found.level < 1 else _judge_features(own, refused=refused)


def _judge_features(own: dict, *, refused: bool) -> Credit:
    """Juge ce que la tête fait des caractéristiques qui la fixent, et son hasard."""
    means, deviations, outputs = map(as_floats, (own["means"], own["deviations"], own["outputs"]))
    known = means is not None
    raw = known and (np.abs(means).max() > NORMALISED or np.ptp(deviations) > NORMALISED)
    return first_fault(
        ("1/2", "wrong_loss", refused),
        ("1/2", "dropout_last", outputs is not None and not networks.are_probabilities(outputs)),
        ("3/4", "features_raw", raw or (known and np.abs(deviations - 1).max() > NORMALISED)),
        ("3/4", "seed_ignored", not own["drawn_alike"]),
    )


def _judge_one_output(outputs: np.ndarray, losses: list[dict], *, binary: bool) -> Credit:
    in_range = bool((outputs >= 0).all() and (outputs <= 1).all())
    return first_fault(
        ("1/2", "wrong_loss", losses and not binary),
        ("1/2", "logits_unsaid", not (in_range or all(k["from_logits"] for k in losses))),
    )


def _judge_binary(outputs: np.ndarray, losses: list[dict]) -> Credit:
    """Juge plusieurs sorties dont la perte est une entropie croisée binaire."""
    on_logits = all(loss["from_logits"] for loss in losses)
    twice = on_logits and networks.are_probabilities(outputs)
    return first_fault(("1/2", "softmax_twice", twice))


def _judge_head(network: dict, num_classes: int) -> Credit:
    facts, compiled = network["facts"], network["compiled"]
    outputs = as_floats(facts["outputs"])
    if outputs is None or outputs.ndim != 2 or outputs.shape[1] != num_classes:
        return credit(  # des cartes, et non des nombres
            0, "head_missing" if np.size(facts["output_shape"]) > 2 else "wrong_number_of_classes"
        )
    if not compiled and all(fit["error"] for fit in network["fits"]):
        return credit("1/2", "not_compiled")
    losses = [each["loss"] for each in compiled[-1:]]  # aucune, si la boucle est écrite à la main
    binary = any("binary" in networks.plain(each["name"]) for each in losses)
    if num_classes == 1:  # class_mode="binary", comme dans l'énoncé
        return _judge_one_output(outputs, losses, binary=binary)
    if binary:
        return _judge_binary(outputs, losses)
    fit = network["fits"][-1] if network["fits"] else {"train": None}
    reason = networks.labels_reason(fit["train"] or {"y": None}, compiled)
    return (
        credit("1/2", reason)
        if reason
        else networks.output_credit(facts, losses, num_classes=num_classes)
    )
