"""Exercice 02 : Fashion-MNIST et l'architecture imposée."""

from grading.questions import RIGHT, Ask, Credit, credit, networks, question, records

SHAPE = (28, 28)
ORDER = "CMCMCDD"  # convolution, max-pooling, deux fois, convolution, dense, sortie
NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


def _network(ask: Ask) -> dict:
    return records.chosen(ask, lambda facts: networks.judge_architecture(facts, ORDER))


@question("ex02.architecture")
def ask_architecture(ask: Ask) -> Credit:
    """Compare les couches à celles de l'énoncé."""
    return records.best(
        ask,
        lambda ask: networks.judge_architecture(networks.facts(ask, SHAPE), ORDER),
        lambda ask: networks.judge_architecture(_network(ask)["facts"], ORDER),
    )


@question("ex02.non_linearity")
def ask_non_linearity(ask: Ask) -> Credit:
    """Cherche les fonctions non linéaires."""
    return records.best(
        ask,
        lambda ask: networks.judge_non_linearity(networks.facts(ask, SHAPE)),
        lambda ask: networks.judge_non_linearity(_network(ask)["facts"]),
    )


@question("ex02.scaling")
def ask_scaling(ask: Ask) -> Credit:
    """Regarde l'échelle des pixels."""
    return records.best(
        ask,
        lambda ask: networks.judge_scaling(ask, networks.facts(ask, SHAPE)),
        lambda ask: records.judge_scaling(_network(ask)),
    )


@question("ex02.output")
def ask_output(ask: Ask) -> Credit:
    """Regarde la sortie."""
    return records.best(
        ask,
        lambda ask: networks.judge_output(ask, networks.facts(ask, SHAPE)),
        lambda ask: records.judge_output(_network(ask)),
    )


@question("ex02.train")
def ask_train(ask: Ask) -> Credit:
    """Essaie l'entraînement."""
    return records.best(ask, networks.judge_train, lambda ask: records.judge_train(_network(ask)))


@question("ex02.evaluate")
def ask_evaluate(ask: Ask) -> Credit:
    """Mesure un modèle dont on sait l'exactitude, puis lit les noms des classes."""
    return records.best(ask, _evaluate_by_name, _evaluate_by_record)


def _evaluate_by_name(ask: Ask) -> Credit:
    found = networks.judge_evaluate(ask, SHAPE)
    if found.level < 1:
        return found
    names = ask.op("get", name="class_names")
    if names == NAMES:
        return found
    if isinstance(names, list | tuple) and sorted(map(str, names)) == sorted(NAMES):
        return credit("3/4", "class_order_shifted")
    return credit("3/4", "class_names_changed")


def _evaluate_by_record(ask: Ask) -> Credit:
    found = records.judge_measure(ask)
    if found.level < 1:
        return found
    names = records.record(ask)["names"]
    plain = [[_plain(each) for each in group] for group in (*names, NAMES)]
    return RIGHT if plain[-1] in plain[:-1] else credit("3/4", "class_names_changed")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace(" ", "").partition("/")[0]


@question("ex02.weights")
def ask_weights(ask: Ask) -> Credit:
    """Mesure les poids rendus."""
    return networks.judge_weights(ask, "fashion_mnist", SHAPE)
