"""Exercice 04 : LeNet, et un réseau complètement connecté qui a autant de paramètres."""

from collections.abc import Callable

from grading import pupil
from grading.questions import RIGHT, Ask, Credit, credit, networks, question, records
from grading.scale import read_scale

SHAPE = (28, 28)
ORDER = "CMCMDDD"  # C1, S2, C3, S4, C5, F6, sortie
PARAMETERS = read_scale()["ex04"].rules[0].settings["parameters"]
LENET, DENSE = "build_lenet", "build_dense"


FIGURE = (32, 32, 1)  # la figure part d'images de 32 pixels de côté


def _network(ask: Ask) -> dict:
    return records.chosen(ask, lambda facts: judge_lenet(ask, facts))


def _lenet(ask: Ask) -> dict:
    try:
        return networks.facts(ask, SHAPE, LENET)
    except pupil.Failure as failure:
        if failure.reason != "wrong_input":
            raise
        return networks.facts(ask, FIGURE, LENET)


@question("ex04.lenet")
def ask_lenet(ask: Ask) -> Credit:
    """Compare les couches à celles de la figure, puis compte les paramètres."""
    return records.best(
        ask,
        lambda ask: judge_lenet(ask, _lenet(ask)),
        lambda ask: judge_lenet(ask, _network(ask)["facts"]),
    )


def judge_lenet(ask: Ask, found: dict) -> Credit:
    """Juge un réseau qui devrait être LeNet.

    Args:
        ask: la question.
        found: rendu par `networks.facts`.
    """
    dense = {"class": "Dense", "shapes": {}}
    layers = [{**each, **dense} if _sees_all(each) else each for each in found["layers"]]
    judged = networks.judge_architecture({**found, "layers": layers}, ORDER)
    if judged.level == 1 and found["num_parameters"] != PARAMETERS:
        return credit("3/4", "wrong_sizes", f"{found['num_parameters']} paramètres")
    return judged


def _sees_all(layer: dict) -> bool:
    """Dit si une convolution lit toute la carte : elle vaut une couche dense, comme C5."""
    sizes = layer["shapes"]
    small = tuple(sizes.get("output", ())[1:3]) == (1, 1) != tuple(sizes.get("input", ())[1:3])
    return layer["class"] in networks.CONVOLUTIONS and small


@question("ex04.non_linearity")
def ask_non_linearity(ask: Ask) -> Credit:
    """Cherche les fonctions non linéaires."""
    return records.best(
        ask,
        lambda ask: networks.judge_non_linearity(_lenet(ask)),
        lambda ask: networks.judge_non_linearity(_network(ask)["facts"]),
    )


@question("ex04.scaling")
def ask_scaling(ask: Ask) -> Credit:
    """Regarde l'échelle des pixels."""
    return records.best(
        ask,
        lambda ask: networks.judge_scaling(ask, _lenet(ask)),
        lambda ask: records.judge_scaling(_network(ask)),
    )


@question("ex04.output")
def ask_output(ask: Ask) -> Credit:
    """Regarde la sortie."""
    return records.best(
        ask,
        lambda ask: networks.judge_output(ask, _lenet(ask)),
        lambda ask: records.judge_output(_network(ask)),
    )


@question("ex04.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare le nombre de paramètres du réseau dense à celui du LeNet rendu par l'élève."""
    return records.best(ask, _dense_by_name, _dense_by_record)


def _dense_by_name(ask: Ask) -> Credit:
    found = networks.facts(ask, SHAPE, DENSE)
    return judge_dense(ask, found, lambda: _lenet(ask))


def _dense_by_record(ask: Ask) -> Credit:
    lenet = _network(ask)["facts"]
    dense = records.chosen(ask, lambda facts: judge_dense(ask, facts, lambda: lenet))
    return judge_dense(ask, dense["facts"], lambda: lenet)


def judge_dense(ask: Ask, found: dict, lenet_facts: Callable[[], dict]) -> Credit:
    """Juge un réseau qui devrait être complètement connecté.

    Args:
        ask: la question.
        found: rendu par `networks.facts`.
        lenet_facts: rend de même ce qui décrit le LeNet de l'élève.
    """
    if set(networks.sequence(found["layers"])) != {"D"}:
        return credit(0, "not_dense")
    if found["output_shape"] != [None, networks.NUM_CLASSES]:
        return credit(0, "wrong_number_of_classes")
    lenet = lenet_facts()["num_parameters"]
    if 100 * abs(found["num_parameters"] - lenet) > ask.settings["percent"] * lenet:
        return credit("1/2", "unequal_networks", f"{found['num_parameters']} contre {lenet}")
    return RIGHT


@question("ex04.train")
def ask_train(ask: Ask) -> Credit:
    """Essaie l'entraînement, puis cherche des convolutions dans ce qui a appris."""
    return records.best(ask, _train_by_name, lambda ask: records.judge_train(_network(ask)))


def _train_by_name(ask: Ask) -> Credit:
    judged = networks.judge_train(ask)
    if judged.level == 1 and not networks.trains_convolutions(networks.trial(ask)):
        return credit("1/2", "lenet_not_trained")
    return judged


@question("ex04.weights")
def ask_weights(ask: Ask) -> Credit:
    """Mesure les poids rendus."""
    return networks.judge_weights(ask, "mnist", SHAPE, network="lenet")
