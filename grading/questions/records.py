"""Juger un réseau d'après ce que le programme a fait, quels que soient les noms de ses fonctions.

`grading/recorder.py` exécute le rendu comme son auteur ; ces fonctions lisent ce qu'il a noté. Des
réseaux d'un même programme, celui qui répond le mieux à la question est jugé.
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from grading import pupil
from grading.questions import RIGHT, Ask, Credit, credit, networks

DATASETS = {"ex02": "fashion_mnist", "ex03": "cifar10", "ex04": "mnist", "ex05": "cifar10"}
SIZES = {"ex02": 784, "ex03": 3072, "ex04": 784}  # pixels d'une image
KERAS = {"keras", "tensorflow", "tensorflow_datasets", "convnets", "exercises"}
OTHERS = {"torch": "PyTorch", "torchvision": "PyTorch", "jax": "JAX", "ultralytics": "YOLO"} | {
    "sklearn": "scikit-learn",
    "mxnet": "MXNet",
}
SECONDS = 80  # de processeur, pour tout le programme
BRIGHTER = 4.0  # écarts-types ; les niveaux des deux jeux sont à sept l'un de l'autre
OWN = {"not_done", "exception", "timeout"}  # la fonction demandée est là, et ne va pas au bout
UNNAMED = OWN | {"missing_name", "missing_package", "missing_module", "wrong_type"}
UNNAMED |= {"saving_fails", "loading_fails"}  # un réseau se juge sans être enregistré


def record(ask: Ask) -> dict:
    """Exécute le rendu, une fois ; rend ce que `recorder.record` a noté.

    Raises:
        pupil.Failure: le programme a été arrêté, ou ne s'exécute pas.
    """
    levels = {name: list(networks.LEVELS[name]) for name in ("train", "test")}
    exercise = ask.rule.exercise
    module = min(each for each in ask.submission.modules if each.startswith(exercise))
    found = ask.op(
        "record", module=module, dataset=DATASETS[exercise], levels=levels, seconds=SECONDS
    )
    if not isinstance(found, dict) or not isinstance(found.get("networks"), list):
        raise pupil.Failure("forged_answer")
    return found


def best(ask: Ask, by_name: Callable[[Ask], Credit], by_record: Callable[[Ask], Credit]) -> Credit:
    """Juge les fonctions que l'énoncé nomme ; si elles manquent, ce que le programme a fait.

    Args:
        ask: la question.
        by_name: juge les fonctions.
        by_record: juge ce qui a été noté.

    Raises:
        pupil.Failure: ni l'une ni l'autre ne trouve quoi juger.
    """
    try:
        first, reason = by_name(ask), None
    except pupil.Failure as failure:
        first, reason = failure, failure.reason
    if isinstance(first, Credit):
        reason = first.reason if first.level == 0 else None
    at_import = isinstance(first, pupil.Failure) and first.detail.startswith("dès l'import")
    own = reason in OWN and not at_import  # ce que ferait le programme dit alors mieux
    if reason not in UNNAMED:
        return _given(first)
    try:
        second = by_record(ask)
        return _given(first) if second.level == 0 and own else second
    except pupil.Failure as failure:
        return _given(first if failure.reason == "no_network" and own else failure)


def _given(found: Credit | pupil.Failure) -> Credit:
    if isinstance(found, pupil.Failure):
        raise found
    return found


def built(ask: Ask) -> list[dict]:
    """Rend les réseaux du programme qui pourraient répondre à l'exercice.

    Raises:
        pupil.Failure: il n'y en a pas ; la raison dit ce qu'est ce programme.
    """
    found = record(ask)
    networks_ = [each for each in found["networks"] if each["facts"].get("layers")]
    if not networks_:
        imports = set(found.get("imports", ()))
        if imports and not imports & KERAS:
            names = [OTHERS[each] for each in OTHERS if each in imports]
            raise pupil.Failure("other_library", ", ".join(names[:1]))
        if found.get("error") and found.get("builds"):
            raise pupil.failure_of(found["error"])
        raise pupil.Failure("no_network")
    kept = [each for each in networks_ if not is_foreign(ask.rule.exercise, each["facts"])]
    if not kept:
        shape = [n for n in networks_[-1]["facts"]["input_shape"][1:] if n]
        raise pupil.Failure("other_subject", " × ".join(map(str, shape)))
    return kept


def is_foreign(exercise: str, facts: dict) -> bool:
    """Dit si un réseau ne peut pas lire les images de l'exercice, ni n'en a les dix classes."""
    shape = facts.get("input_shape")
    if exercise == "ex05" or not shape or None in shape[1:]:
        return False
    size, own = int(np.prod(shape[1:])), SIZES[exercise]
    ten = (facts.get("output_shape") or [0])[-1] == networks.NUM_CLASSES
    return size != own and (size in SIZES.values() or len(shape) < 3 or not ten)


def chosen(ask: Ask, judge: Callable[[dict], Credit]) -> dict:
    """Rend le réseau qui répond le mieux à une question ; à égalité, le dernier entraîné.

    Raises:
        pupil.Failure: le programme n'a construit aucun réseau qui réponde à l'exercice.
    """
    found = built(ask)
    ranked = [(judge(each["facts"]).level, bool(each["fits"]), k) for k, each in enumerate(found)]
    return found[max(ranked)[2]]


def judge_scaling(network: dict) -> Credit:
    """Juge la mise à l'échelle de ce qui a été donné à `fit`."""
    outside = networks.scaled_outside(network["fits"])
    facts = network["facts"]
    found = networks.scaling_credit(facts, facts.get("seen"), outside)
    if found.reason == "scaling_forgotten" and not _was_given(network):
        # Ce qu'aurait donné un fichier ou un paquet absent ; sans `fit`, rien ne met à l'échelle.
        return credit("1/2" if network["fits"] else 0, "scaling_unseen")
    return found


def _was_given(network: dict) -> bool:
    return any(each.get("train") for each in network["fits"])


def judge_output(network: dict) -> Credit:
    """Juge la sortie."""
    if network["facts"].get("outputs") is None:
        return credit(0, "wrong_input", network["facts"].get("refused", ""))
    losses = [each["loss"] for each in network["compiled"]]
    return networks.output_credit(network["facts"], losses, by_hand=not losses)


def judge_train(network: dict) -> Credit:
    """Juge l'entraînement : perte et étiquettes, validation, poids qui ont changé."""
    if not network["fits"]:
        return credit(0, "not_trained")
    fit, compiled = network["fits"][-1], network["compiled"]
    failed, given = bool(fit.get("error")), fit.get("train")
    done = Fraction(0) if failed else Fraction(1, 4)
    if given and (reason := networks.labels_reason(given, compiled)):
        return Credit(done, reason)
    if failed:
        failure = pupil.failure_of(fit["error"])
        return credit(0, failure.reason, failure.detail)
    if given and "test" in (networks.origin(given["x"]) or ""):
        return credit("1/4", "trained_on_test")
    if given and pairs_broken(given):
        return credit("1/4", "pairs_broken")
    reason = validation_reason(fit)
    apart = [each for each in network["measured"] if each.get("whole")]
    if reason == "validation_is_test" and apart and not any(each["checked"] for each in apart):
        reason = None  # une part du jeu de test valide, une autre mesure
    if reason:
        return credit("1/2", reason)
    return RIGHT if fit["moved"] else credit("1/2", "no_training")


def validation_reason(fit: dict) -> str | None:
    """Dit ce qui ne va pas dans la validation d'un `fit` : une raison, ou None."""
    checked, learned = fit.get("validation"), fit.get("train")
    if not checked:
        return None if fit.get("validates") else "no_validation"
    if networks.other_scale(learned, checked):
        return "validation_other_scale"
    if fit.get("augmented"):
        return "validation_augmented"
    if learned and is_brighter(checked["x"], learned["x"]):
        return "validation_is_test"
    if "test" in (networks.origin(checked["x"]) or ""):
        return "validation_is_test"
    return "validation_is_train" if fit.get("shared") else None


def is_brighter(images, learned) -> bool:
    """Dit si des images, à l'échelle qu'elles ont, sont celles du jeu de test : plus claires."""
    images, learned = networks.as_floats(images), networks.as_floats(learned)
    if images is None or learned is None or not images.size or not learned.size:
        return False
    return bool(images.mean() > learned.mean() + BRIGHTER * learned.std())


def pairs_broken(sample: dict) -> bool:
    """Dit si des images n'ont plus leur étiquette : leur premier pixel la dit (`recorder`)."""
    levels, labels = networks.unscaled(sample["x"]), networks.as_floats(sample.get("y"))
    source = networks.origin(sample["x"])
    if levels is None or labels is None or source not in networks.LEVELS:
        return False
    labels = labels.reshape(len(labels), -1)
    labels = labels.argmax(1) if labels.shape[1] == networks.NUM_CLASSES else labels[:, 0]
    planted = levels.reshape(len(levels), -1)[:, 0] - networks.LEVELS[source][0]
    known = (planted >= 0) & (planted < networks.NUM_CLASSES)  # ni rognées, ni retournées
    agree = planted[known] == labels[known]
    return len(agree) >= networks.MIN_PAIRS and bool(np.mean(agree) < 0.2)


def judge_measure(ask: Ask) -> Credit:
    """Cherche une mesure sur le jeu de test, par `evaluate` ou par `predict`."""
    found = built(ask)
    whole = [each for one in found for each in one["measured"] if each.get("whole")]
    if not whole:
        fits = [fit for one in found for fit in one["fits"]]
        if any(validation_reason(fit) == "validation_is_test" for fit in fits):
            return credit("1/2", "measured_as_validation")
        return credit(0, "no_measure")
    sources = [networks.origin(each["data"]["x"]) if each["data"] else None for each in whole]
    if all(source == "train" for source in sources):
        return credit("1/2", "measured_on_train")
    return RIGHT
