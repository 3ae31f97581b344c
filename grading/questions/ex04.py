"""Exercice 04 : LeNet, et un réseau complètement connecté qui a autant de paramètres."""

from collections.abc import Callable

from grading.questions import RIGHT, Ask, Credit, credit, networks, question, records
from grading.scale import read_scale

SHAPE = (28, 28)
ORDER = "CMCMDDD"  # C1, S2, C3, S4, C5, F6, sortie
PARAMETERS = read_scale()["ex04"].rules[0].settings["parameters"]
LENET, DENSE = "build_lenet", "build_dense"


def _network(ask: Ask) -> dict:
    return records.chosen(ask, lambda facts: judge_lenet(ask, facts))


@question("ex04.lenet")
def ask_lenet(ask: Ask) -> Credit:
    """Compare les couches à celles de la figure, puis compte les paramètres."""
    return records.best(
        ask,
        lambda ask: judge_lenet(ask, networks.facts(ask, SHAPE, LENET)),
        lambda ask: judge_lenet(ask, _network(ask)["facts"]),
    )


def judge_lenet(ask: Ask, found: dict) -> Credit:
    """Juge un réseau qui devrait être LeNet.

    Args:
        ask: la question.
        found: rendu par `networks.facts`.
    """
    judged = networks.judge_architecture(found, ORDER)
    if judged.level == 1 and found["num_parameters"] != PARAMETERS:
        return credit("3/4", "wrong_sizes", f"{found['num_parameters']} paramètres")
    return judged


@question("ex04.non_linearity")
def ask_non_linearity(ask: Ask) -> Credit:
    """Cherche les fonctions non linéaires."""
    return records.best(
        ask,
        lambda ask: networks.judge_non_linearity(networks.facts(ask, SHAPE, LENET)),
        lambda ask: networks.judge_non_linearity(_network(ask)["facts"]),
    )


@question("ex04.scaling")
def ask_scaling(ask: Ask) -> Credit:
    """Regarde l'échelle des pixels."""
    return records.best(
        ask,
        lambda ask: networks.judge_scaling(ask, networks.facts(ask, SHAPE, LENET)),
        lambda ask: records.judge_scaling(_network(ask)),
    )


@question("ex04.output")
def ask_output(ask: Ask) -> Credit:
    """Regarde la sortie."""
    return records.best(
        ask,
        lambda ask: networks.judge_output(ask, networks.facts(ask, SHAPE, LENET)),
        lambda ask: records.judge_output(_network(ask)),
    )


@question("ex04.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare le nombre de paramètres du réseau dense à celui du LeNet rendu par l'élève."""
    return records.best(ask, _dense_by_name, _dense_by_record)


def _dense_by_name(ask: Ask) -> Credit:
    found = networks.facts(ask, SHAPE, DENSE)
    return judge_dense(ask, found, lambda: networks.facts(ask, SHAPE, LENET))


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
