"""Exercice 02 : Fashion-MNIST et l'architecture imposée."""

from grading.questions import RIGHT, Ask, Credit, credit, networks, question

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
    return networks.chosen(ask, lambda facts: networks.judge_architecture(facts, ORDER))


@question("ex02.architecture")
def ask_architecture(ask: Ask) -> Credit:
    """Compare les couches à celles de l'énoncé."""

    def judge():
        facts = networks.facts_of(ask, _network(ask))
        return networks.judge_architecture(facts, ORDER)

    return networks.judged(ask, "build_model", judge)


networks.ask_common("ex02", "build_model", _network, "non_linearity scaling output train")


@question("ex02.evaluate")
def ask_evaluate(ask: Ask) -> Credit:
    """Mesure un modèle dont on sait l'exactitude, puis lit les noms des classes."""
    found = networks.judged(ask, "evaluate", lambda: networks.judge_evaluate(ask))
    if found.level < 1:
        return found
    names = [[_plain(each) for each in group] for group in networks.record(ask)["names"]]
    expected = [_plain(each) for each in NAMES]
    if expected in names:
        return RIGHT
    if sorted(expected) in map(sorted, names):
        return credit("3/4", "class_order_shifted")
    return credit("3/4", "class_names_changed")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace(" ", "").partition("/")[0]


@question("ex02.weights")
def ask_weights(ask: Ask) -> Credit:
    """Mesure les poids rendus."""
    return networks.judge_weights(ask, "fashion_mnist", SHAPE)
