"""Exercice 02 : Fashion-MNIST et l'architecture imposée."""

from functools import partial

from grading.questions import Ask, Credit, first_fault, networks, question

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


def _judge_architecture(facts: dict) -> Credit:
    return networks.judge_architecture(facts, ORDER)


networks.ask_common(
    "ex02", "build_model", "architecture", _judge_architecture, scaling=networks.judge_raw_scaling
)


@question("ex02.evaluate")
def ask_evaluate(ask: Ask) -> Credit:
    """Mesure un modèle dont on sait l'exactitude, puis lit les noms des classes."""
    return networks.judged(ask, "evaluate", partial(_judge_evaluate, ask))


def _judge_evaluate(ask: Ask) -> Credit:
    found = networks.judge_evaluate(ask)
    if found.level < 1:
        return found
    # Dix nombres, ou dix fois la même chose, ne nomment rien.
    names = [
        [_plain(each) for each in group]
        for group in networks.record(ask)["names"]
        if len({*group}) > 1 and all(each[:1].isalpha() for each in group)
    ]
    right = [_plain(each) for each in NAMES]
    named = first_fault(
        ("3/4", "class_order_shifted", right not in names and sorted(right) in map(sorted, names)),
        ("3/4", "class_names_missing", not names),
        ("3/4", "class_names_changed", right not in names),
    )
    return found if named.level == 1 else named


def _plain(name: str) -> str:
    """Écrit un nom sans ce qui ne le change pas : majuscules, tirets, pluriel."""
    return name.lower().translate(str.maketrans("", "", " _-")).partition("/")[0].rstrip("s")
