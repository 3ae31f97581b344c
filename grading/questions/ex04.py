"""Exercice 04 : LeNet, et un réseau complètement connecté qui a autant de paramètres."""

from grading.questions import RIGHT, Ask, Credit, credit, networks, question

SHAPE = (28, 28)
ORDER = "CMCMDDD"  # C1, S2, C3, S4, C5, F6, sortie
LENET, DENSE = "build_lenet", "build_dense"


@question("ex04.lenet")
def ask_lenet(ask: Ask) -> Credit:
    """Compare les couches à celles de la figure, puis compte les paramètres."""
    found = networks.facts(ask, SHAPE, LENET)
    judged = networks.judge_architecture(found, ORDER)
    if judged.level == 1 and found["num_parameters"] != ask.settings["parameters"]:
        return credit("3/4", "wrong_sizes", f"{found['num_parameters']} paramètres")
    return judged


@question("ex04.non_linearity")
def ask_non_linearity(ask: Ask) -> Credit:
    """Cherche les fonctions non linéaires."""
    return networks.judge_non_linearity(networks.facts(ask, SHAPE, LENET))


@question("ex04.scaling")
def ask_scaling(ask: Ask) -> Credit:
    """Regarde l'échelle des pixels."""
    return networks.judge_scaling(ask, networks.facts(ask, SHAPE, LENET))


@question("ex04.output")
def ask_output(ask: Ask) -> Credit:
    """Regarde la sortie."""
    return networks.judge_output(ask, networks.facts(ask, SHAPE, LENET))


@question("ex04.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare le nombre de paramètres du réseau dense à celui du LeNet rendu par l'élève."""
    found = networks.facts(ask, SHAPE, DENSE)
    if set(networks.sequence(found["layers"])) != {"D"}:
        return credit(0, "not_dense")
    if found["output_shape"] != [None, networks.NUM_CLASSES]:
        return credit(0, "wrong_number_of_classes")
    lenet = networks.facts(ask, SHAPE, LENET)["num_parameters"]
    if 100 * abs(found["num_parameters"] - lenet) > ask.settings["percent"] * lenet:
        return credit("1/2", "unequal_networks", f"{found['num_parameters']} contre {lenet}")
    return RIGHT


@question("ex04.train")
def ask_train(ask: Ask) -> Credit:
    """Essaie l'entraînement, puis cherche des convolutions dans ce qui a appris."""
    judged = networks.judge_train(ask)
    if judged.level == 1 and not networks.trains_convolutions(networks.trial(ask)):
        return credit("1/2", "lenet_not_trained")
    return judged


@question("ex04.weights")
def ask_weights(ask: Ask) -> Credit:
    """Mesure les poids rendus."""
    return networks.judge_weights(ask, "mnist", SHAPE, network="lenet")
