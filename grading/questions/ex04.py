"""Exercice 04 : LeNet, et un réseau complètement connecté qui a autant de paramètres."""

import itertools

from grading.questions import Ask, Credit, credit, first_fault, networks, question
from grading.scale import read_scale

ORDER = "CMCMDDD"  # C1, S2, C3, S4, C5, F6, sortie
UNCHANGING = {"InputLayer", "Reshape", "ExpandDims", "ZeroPadding2D"}  # laissent les pixels
RAW = [[0.0, 0.0], [255.0, 255.0]]  # ce que reçoit d'une image noire, puis blanche, ce qui suit
NOT_DENSE = {"LSTM", "GRU", "SimpleRNN", "Bidirectional", "Conv1D", "Conv2DTranspose"}
PARAMETERS = read_scale()["ex04"].rules[0].settings["parameters"]


def judge_lenet(found: dict) -> Credit:
    """Juge un réseau qui devrait être LeNet.

    Args:
        found: une description (voir `models.described`).
    """
    layers = [
        {**each, "class": "Dense", "shapes": {}} if _sees_all(each) else each
        for each in found["layers"]
    ]
    judged = networks.judge_architecture({**found, "layers": layers}, ORDER)
    if judged.level == 1 and found["num_parameters"] != PARAMETERS:
        return credit("3/4", "wrong_sizes", f"{found['num_parameters']} paramètres")
    return judged


def _sees_all(layer: dict) -> bool:
    """Dit si une convolution lit toute la carte : elle vaut une couche dense, comme C5."""
    sizes = layer["shapes"]
    small = tuple(sizes.get("output", ())[1:3]) == (1, 1) != tuple(sizes.get("input", ())[1:3])
    return layer["class"] in networks.CONVOLUTIONS and small


networks.ask_common("ex04", "build_lenet", "lenet", judge_lenet)


@question("ex04.scaling")
def ask_scaling(ask: Ask) -> Credit:
    """Juge la mise à l'échelle, même d'un réseau qui refuse les images uint8 faute de les lire."""

    def judge():
        network = networks.chosen(ask, judge_lenet)
        facts = network["facts"]
        if facts["refused"] and _changes_nothing(facts["layers"]):
            facts = {**facts, "seen": RAW}
        return networks.judge_scaling({**network, "facts": facts})

    return networks.judged(ask, "build_lenet", judge)


def _changes_nothing(layers: list[dict]) -> bool:
    """Dit si la première couche à poids reçoit les pixels tels quels."""
    before = itertools.takewhile(lambda each: each["class"] not in networks.WEIGHTED, layers)
    return {each["class"] for each in before} <= UNCHANGING


@question("ex04.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare le nombre de paramètres du réseau dense à celui du LeNet de l'élève."""

    def judge():
        lenet = networks.chosen(ask, judge_lenet)["facts"]
        convolves = "C" in networks.sequence(lenet["layers"])
        size = lenet["num_parameters"] if convolves else PARAMETERS
        dense = networks.chosen(ask, lambda facts: judge_dense(ask, facts, size))
        return judge_dense(ask, dense["facts"], size)

    return networks.judged(ask, "build_dense", judge)


def judge_dense(ask: Ask, found: dict, size: int) -> Credit:
    """Juge un réseau qui devrait être complètement connecté.

    Args:
        ask: la question.
        found: une description (voir `models.described`).
        size: nombre de paramètres de LeNet.
    """
    unequal = 100 * abs(found["num_parameters"] - size) > ask.settings["percent"] * size
    detail = f"{found['num_parameters']} contre {size}"
    return first_fault(
        (0, "not_dense", set(networks.sequence(found["layers"])) != {"D"}),
        (0, "not_dense", any(each["class"] in NOT_DENSE for each in found["layers"])),
        (0, "wrong_number_of_classes", found["output_shape"] != [None, networks.NUM_CLASSES]),
        ("1/2", "unequal_networks", unequal, detail),
        ("3/4", "relu_forgotten", networks.without_bend(found["layers"])),
    )


@question("ex04.train")
def ask_train(ask: Ask) -> Credit:
    """Juge l'entraînement de LeNet ; entraîner seulement l'autre réseau en est la moitié."""

    def judge():
        found = networks.judge_train(ask, networks.chosen(ask, judge_lenet))
        if found.reason == "not_trained" and any(each["moved"] for each in networks.built(ask)):
            return credit("1/2", "lenet_not_trained")
        return found

    return networks.judged(ask, "train", judge)
