"""Exercice 02 : Fashion-MNIST et l'architecture imposée."""

from grading.questions import Ask, Credit, credit, networks, question

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


@question("ex02.architecture")
def ask_architecture(ask: Ask) -> Credit:
    """Compare les couches à celles de l'énoncé."""
    return networks.judge_architecture(networks.facts(ask, SHAPE), ORDER)


@question("ex02.non_linearity")
def ask_non_linearity(ask: Ask) -> Credit:
    """Cherche les fonctions non linéaires."""
    return networks.judge_non_linearity(networks.facts(ask, SHAPE))


@question("ex02.scaling")
def ask_scaling(ask: Ask) -> Credit:
    """Regarde l'échelle des pixels."""
    return networks.judge_scaling(ask, networks.facts(ask, SHAPE))


@question("ex02.output")
def ask_output(ask: Ask) -> Credit:
    """Regarde la sortie."""
    return networks.judge_output(ask, networks.facts(ask, SHAPE))


@question("ex02.train")
def ask_train(ask: Ask) -> Credit:
    """Essaie l'entraînement."""
    return networks.judge_train(ask)


@question("ex02.evaluate")
def ask_evaluate(ask: Ask) -> Credit:
    """Mesure un modèle dont on sait l'exactitude, puis lit les noms des classes."""
    found = networks.judge_evaluate(ask, SHAPE)
    if found.level < 1:
        return found
    names = ask.op("get", name="class_names")
    if names == NAMES:
        return found
    if isinstance(names, list | tuple) and sorted(map(str, names)) == sorted(NAMES):
        return credit("3/4", "class_order_shifted")
    return credit("3/4", "class_names_changed")


@question("ex02.weights")
def ask_weights(ask: Ask) -> Credit:
    """Mesure les poids rendus."""
    return networks.judge_weights(ask, "fashion_mnist", SHAPE)
