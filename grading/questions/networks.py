"""Juger un réseau des exercices 02 à 05, d'après ce que le programme du rendu a fait.

`inside/running.py` exécute le rendu comme son auteur, et appelle les fonctions de l'énoncé que le
programme n'appelle pas ; ces fonctions lisent ce qu'il a noté. Des réseaux d'un même programme,
celui qui répond le mieux à la question est jugé.
"""

import functools
import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from convnets.core.cli import percent
from convnets.core.paths import data_cache_dir
from convnets.datasets import sources
from grading.asking import failures
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    as_bytes,
    as_floats,
    copies,
    credit,
    first_fault,
    question,
)
from grading.questions.programs import LEVELS, as_run, stop_failure
from grading.reading import notebooks, submission
from grading.scale import read_reasons, read_scale

CONVOLUTIONS = {"Conv2D", "SeparableConv2D", "DepthwiseConv2D"}
WEIGHTED = CONVOLUTIONS | {"Dense"}
ACTIVATIONS = {"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU"} | set(  # couches, puis keras.ops
    "Relu Relu6 LeakyRelu Elu Selu Celu Gelu Silu HardSilu Sigmoid HardSigmoid Softplus Softsign "
    "Tanh HardTanh Glu Maximum Clip".split()
)
# Noir et blanc après le `preprocess_input` de ResNet et de VGG, qui ne fait que centrer.
CENTRED = ((-123.68, -103.939), (131.32, 151.061))
MAX_SCALED = 20.0  # écart entre noir et blanc, vu par la première couche à poids : au-delà, brut
MIN_SCALED = 0.1  # en deçà, divisé deux fois
MAX_RAW = 300.0  # au-delà, multiplié
SMALL = 5  # des images dont les valeurs sont plus petites sont à l'échelle
NUM_CLASSES = 10
OTHER_LOSSES = set("mse mae meansquarederror meanabsoluteerror binarycrossentropy hinge".split())
MAX_VIEWS = 10  # d'une image, moyennées par `evaluate`
MIN_PAIRS = 8  # images reconnues : en deçà, leurs étiquettes ne prouvent rien
DATASETS = {"ex02": "fashion_mnist", "ex03": "cifar10", "ex04": "mnist", "ex05": "cifar10"}
SIZES = {"ex02": (784,), "ex03": (3072,), "ex04": (784, 1024)}  # pixels ; la figure en a 32 × 32
ASKED = {  # ce que `running` appelle, par module
    "ex02_fashion": ["build_model", "train", "evaluate"],
    "ex03_cifar10": ["build_model", "train", "evaluate"],
    "ex04_lenet": ["build_lenet", "build_dense", "train"],
    "ex05_inception.features": ["make_generator", "frozen_base"],
    "ex05_inception.head": ["build_head"],
}
OTHERS = notebooks.OTHERS | {"sklearn": "scikit-learn"}
RAW = ((0.0, 0.0), (255.0, 255.0))  # une image noire, puis blanche, données telles quelles
UNCHANGING = {"InputLayer", "Reshape", "ExpandDims", "ZeroPadding2D"}  # laissent les pixels
LIKE_SHADES = 0.5  # corrélation de la clarté et de l'étiquette : si elles vont ensemble, bien plus
KINDS = {  # ce que dit chaque lettre de `sequence`
    "C": "convolutions",
    "M": "max-pooling",
    "A": "pooling par moyenne",
    "D": "couches denses, sortie comprise",
}
SECONDS = 60  # de processeur, pour tout le programme, puis pour chaque fonction
NO_MODEL = re.compile(r"keras\.Model attendu, reçu (\w+)$")  # ce que dit `calling` d'une fonction
STAGES = {  # ce que le programme devait avoir fait avant de s'arrêter, par fonction de l'énoncé
    "make_generator": "opened",
    "train": "learned",
    "evaluate": "measured",
}
ELSEWHERE = {  # des arrêts dont la cause peut être ici, ou qui cachent le réseau
    "exception",
    "forbidden",
    "missing_file",
    "missing_package",
    "syntax_error",
}
UNDONE = set(
    "no_network not_trained no_measure base_missing no_convolution not_dense "
    "model_not_handed_in stopped_early stops_before".split()
)


# --- Ce que le programme a fait ------------------------------------------------------


def record(ask: Ask) -> dict:
    """Exécute le rendu, une fois ; rend ce que `running.record` a noté.

    Raises:
        failures.Failure: le programme a été arrêté, ou ne s'exécute pas.
    """
    exercise = ask.rule.exercise
    modules = [each for each in sorted(ask.desk.submission.modules) if each.startswith(exercise)]
    found = ask.op(
        "record",
        module=modules[0],
        asked={each: ASKED[each] for each in modules if each in ASKED},
        dataset=DATASETS[exercise],
        levels={name: list(pair) for name, pair in LEVELS.items()},
        seconds=SECONDS,
    )
    if not isinstance(found, dict) or not isinstance(found.get("networks"), list):
        raise failures.Failure("forged_answer")
    return found


def called(ask: Ask, function: str):
    """Rend ce qu'a donné une fonction de l'énoncé ; None si elle manque, ou a échoué."""
    return record(ask)["calls"].get(function, {}).get("value")


def judged(ask: Ask, function: str, judge: Callable[[], Credit]) -> Credit:
    """Juge ; si le programme ne répond pas à la question, dit pourquoi sa fonction échoue.

    Args:
        ask: la question.
        function: la fonction de l'énoncé.
        judge: juge ce que le programme a fait.

    Raises:
        failures.Failure: la fonction échoue, et rien d'autre ne répond à la question.
    """
    try:
        found = judge()
    except failures.Failure as failure:
        found = credit(0, failure.reason, failure.detail)
        error = record(ask)["calls"].get(function, {}).get("error")
        if error and NO_MODEL.match(str(error["message"])) and failure.reason == "missing_module":
            raise own_failure(error) from None  # un fichier manque ici, et n'y est pour rien
    if found.reason in UNDONE and found.level == 0:
        return _undone(ask, function, found)
    return _as_run(ask, function, found)


def _undone(ask: Ask, function: str, found: Credit) -> Credit:
    """Dit pourquoi le programme ne répond pas : sa fonction échoue, ou le temps a manqué.

    Raises:
        failures.Failure: voir `judged`.
    """
    known = record(ask)
    error = known["calls"].get(function, {}).get("error")
    if error is not None:
        raise own_failure(error)
    if known["late"]:  # ce qui manque venait peut-être ensuite
        raise failures.Failure("timeout")
    unseen = unseen_place(ask, found.reason)
    return credit(0, "not_seen", unseen) if unseen else found


def _as_run(ask: Ask, function: str, found: Credit) -> Credit:
    """Ôte d'un crédit ce que coûte un programme qui, lancé tel quel, n'arrive pas jusque-là."""
    known, stage = record(ask), STAGES.get(function, "built")
    before, stop, halt = known["before"], known["stop"], known["halt"]
    if found.reason and known["fallen"] and stage == "built" and function not in known["calls"]:
        where = failures.failure_of(known["fallen"]).detail
        found = credit(found.level, found.reason, f"sans la couche qui s'arrête : {where}")
    forgotten = known["forgotten"] if before and not before[stage] else ()
    if function in known["calls"]:  # définie avant l'arrêt, et appelée par le correcteur
        return as_run(found, forgotten=forgotten)
    return as_run(
        found,
        forgotten=forgotten,
        stop=stop["error"] if stop and not stop[stage] else None,
        error=known["error"] if halt and not halt[stage] else None,
    )


def unseen_place(ask: Ask, reason: str) -> str:
    """Dit où est, dans le programme, ce qui peut être là sans avoir été vu ; "" si rien n'y est.

    Une question posée au clavier mène ailleurs selon la réponse ; une fonction que rien n'appelle
    construit peut-être le réseau. Aucune réponse ne construit une convolution que rien n'écrit.
    """
    found = record(ask)
    if reason == "no_convolution" and not found["convolves"]:
        return ""
    if found["asks"]:
        return f"{found['asks']}, une question posée au clavier, à qui le correcteur répond 1"
    if reason == "no_network" and found["builds"]:
        return f"{found['builds']}, une couche ou un réseau, dans ce que rien n'appelle"
    return ""


def first_error(ask: Ask) -> str:
    """Dit la première erreur du programme, ou rien."""
    error, stop = record(ask)["error"], record(ask)["stop"]
    said = failures.failure_of(error).detail if error else ""
    if stop and said == failures.failure_of(stop["error"]).detail:
        return f"une ligne l'arrête : {said}"
    return f"première erreur vue par le correcteur, peut-être sans rapport : {said}" if said else ""


def unwritten_call(network: dict) -> str:
    """Dit à quelle ligne le dernier `fit` d'un réseau n'a que `...` pour argument ; ou ""."""
    error = network["fits"][-1]["error"] if network["fits"] else None
    failure = failures.failure_of(error) if error else None
    return failure.detail if failure and failure.reason == "unwritten_call" else ""


def own_failure(error: dict) -> failures.Failure:
    """Traduit l'erreur d'une fonction de l'énoncé ; vide, c'est le temps qui a manqué."""
    if not error:
        return failures.Failure("timeout")
    found = NO_MODEL.match(str(error["message"]))
    if found is None:
        return failures.failure_of(error)
    if found[1] == "NoneType":
        return failures.Failure("nothing_returned")
    return failures.Failure("wrong_type", f"un modèle attendu, {failures.clean(found[1])} reçu")


def ask_common(
    exercise: str,
    function: str,
    first: str,
    judge: Callable[[dict], Credit],
    *,
    scaling: Callable[[dict], Credit] | None = None,
) -> None:
    """Inscrit les questions que plusieurs exercices posent d'un réseau.

    Args:
        exercise: `"ex02"`.
        function: la fonction de l'énoncé qui construit le réseau.
        first: nom de la question sur son architecture.
        judge: juge cette architecture, d'après la description d'un réseau. Des réseaux du
            programme, celui qu'elle préfère répond à toutes les questions.
        scaling: juge la mise à l'échelle d'un réseau ; `judge_scaling` par défaut.
    """
    judges = {
        first: _of_facts(judge),
        "non_linearity": _of_facts(judge_non_linearity),
        "scaling": scaling or judge_scaling,
        "output": judge_output,
    }
    known = {rule.name for rule in read_scale()[exercise].rules}
    for name in judges.keys() & known:

        def answer(ask: Ask, judge_network=judges[name]) -> Credit:
            def judge_chosen() -> Credit:
                return of_which(ask, chosen(ask, judge), judge_network)

            return judged(ask, function, judge_chosen)

        question(f"{exercise}.{name}")(answer)

    @question(f"{exercise}.train")
    def ask_train(ask: Ask) -> Credit:
        def judge_chosen() -> Credit:
            return of_which(ask, chosen(ask, judge), functools.partial(judge_train, ask))

        return judged(ask, "train", judge_chosen)

    question(f"{exercise}.weights")(judge_weights)


def of_which(ask: Ask, network: dict, judge_network: Callable[[dict], Credit]) -> Credit:
    """Juge un réseau ; si le programme en a d'autres à convolution, dit lequel est jugé."""
    found = judge_network(network)
    single = [each for each in built(ask) if each["facts"]["output_shape"]]  # et non leur réunion
    others = [each for each in single if "C" in sequence(each["facts"]["layers"])]
    sizes = {each["facts"]["num_parameters"] for each in others}
    if not found.reason or network not in others or len(sizes) < 2:  # une taille n'en dit aucun
        return found
    size = network["facts"]["num_parameters"]
    which = f"de plusieurs réseaux vus, celui qui est jugé a {size} paramètres"
    return found._replace(detail=" ; ".join(filter(None, [found.detail, which])))


def _of_facts(judge: Callable[[dict], Credit]) -> Callable[[dict], Credit]:
    """Fait, de ce qui juge une description, ce qui juge un réseau."""

    def judge_network(network: dict) -> Credit:
        return judge(network["facts"])

    return judge_network


def built(ask: Ask) -> list[dict]:
    """Rend les réseaux du programme qui pourraient répondre à l'exercice.

    Raises:
        failures.Failure: il n'y en a pas ; la raison dit ce qu'est ce programme.
    """
    known = record(ask)
    networks = [each for each in known["networks"] if each["facts"].get("layers")]
    if not networks:
        raise _without_network(known)
    foreign = [
        _is_foreign(ask.rule.exercise, each["facts"], cifar=known["cifar"]) for each in networks
    ]
    if all(foreign):
        shape = [n for n in networks[-1]["facts"]["input_shape"][1:] if n]
        raise failures.Failure("other_subject", f"il lit {' × '.join(map(str, shape))}")
    outputs = [(each["facts"]["output_shape"] or [None])[1:] for each in networks]
    drawn = [each for each in outputs if _is_picture(ask.rule.exercise, each)]
    if drawn and [NUM_CLASSES] not in outputs:
        raise failures.Failure("other_subject", f"il rend {' × '.join(map(str, drawn[0]))}")
    return [each for each, other in zip(networks, foreign, strict=True) if not other]


def _without_network(known: dict) -> failures.Failure:
    """Dit ce qu'est un programme qui ne construit aucun réseau."""
    imports = set(known["imports"])
    others = [OTHERS[each] for each in OTHERS if each in imports]
    if others and not imports & notebooks.KERAS:
        return failures.Failure("other_library", others[0])
    if known["bare"] and not known["builds"]:
        return failures.Failure("other_library", "TensorFlow, sans les couches de Keras")
    if known["absent"]:
        return failures.Failure("model_not_handed_in", known["absent"])
    if not known["error"]:
        return failures.Failure("no_network")
    own = stop_failure(known["stop"]["error"]) if known["stop"] else None
    if own and own.reason != "syntax_error":
        return failures.Failure("stops_before", own.detail)
    failure = failures.failure_of(known["error"])
    # Il lui manque ici un fichier, un argument, ou des données : rien ne dit que c'est sa faute.
    return (
        failure
        if failure.reason not in ELSEWHERE
        else failures.Failure("stopped_early", failure.detail)
    )


def _is_picture(exercise: str, output: list) -> bool:
    """Dit si un réseau rend une image de l'exercice : un autoencodeur, un générateur."""
    return bool(output) and None not in output and np.prod(output) in SIZES.get(exercise, ())


def _num_pixels(facts: dict) -> int | None:
    """Compte les valeurs que lit un réseau ; None s'il accepte toute taille."""
    shape = facts["input_shape"]
    return None if not shape or None in shape[1:] else int(np.prod(shape[1:]))


def _is_foreign(exercise: str, facts: dict, *, cifar: bool) -> bool:
    """Dit si un réseau ne peut pas lire les images de l'exercice, ni n'en a les dix classes."""
    size = _num_pixels(facts)
    if size in (None, *SIZES.get(exercise, (size,))):
        return False
    ten = (facts["output_shape"] or [0])[-1] == NUM_CLASSES
    others = {own for several in SIZES.values() for own in several} - {1024}
    others -= set() if cifar else {3072}  # des images grises, lues en couleur
    return size in others or len(facts["input_shape"]) < 3 or not ten


def chosen(ask: Ask, judge: Callable[[dict], Credit]) -> dict:
    """Rend le réseau qui répond le mieux ; à égalité, le mieux suivi, puis le dernier.

    Un réseau qui n'a pas pu être compilé, ou appris, vient après. Le dernier `fit` est jugé ; ceux
    qui échouent sont rangés avant ceux qui aboutissent.

    Raises:
        failures.Failure: aucun réseau ne répond à l'exercice.
    """
    found = built(ask)
    ranked = [
        (
            judge(each["facts"]).level,
            bool(each["compiled"]),
            [
                (not fit["error"], fit["validates"], not (fit["error"] or validation_reason(fit)))
                for fit in each["fits"][-1:]
            ],
            k,
        )
        for k, each in enumerate(found)
    ]
    return found[max(ranked)[-1]]


# --- Le réseau -----------------------------------------------------------------------


def sequence(layers: list[dict]) -> str:
    """Écrit les couches imposées d'une lettre : `"CMCMCDD"`."""
    letters = {
        "MaxPooling2D": "M",
        "AveragePooling2D": "A",
        "Dense": "D",
        **dict.fromkeys(CONVOLUTIONS, "C"),
    }
    return "".join(letters.get(layer["class"], "") for layer in layers)


def judge_architecture(found: dict, expected: str) -> Credit:
    """Compare les couches imposées, dans l'ordre, à celles de l'énoncé.

    Args:
        found: une description (voir `models.described`).
        expected: lettres de `sequence`.

    Returns:
        Le crédit.
    """
    layers = found["layers"]
    letters = sequence(layers)
    dense = [each["shapes"].get("input", ()) for each in layers if each["class"] == "Dense"]
    right, alike = letters == expected, sorted(letters) == sorted(expected)
    gaps = {name: letters.count(c) - expected.count(c) for c, name in KINDS.items()}
    missing, extra = (sum(max(0, sign * gap) for gap in gaps.values()) for sign in (-1, 1))
    level = "1/2" if max(missing, extra) == 1 else "1/4"  # une couche pour une autre : une faute
    said = _said_gaps(gaps, letters, expected)
    folded = any(len(shape) > 2 for shape in dense)
    return first_fault(
        (0, "no_convolution", "C" not in letters),
        ("1/4", "flatten_forgotten", len(found["output_shape"] or ()) != 2),
        ("1/2", "pooling_stride", right and any(map(_keeps_size, layers))),
        ("1/2", "average_for_max", not right and letters.replace("A", "M") == expected),
        ("1/2", "wrong_order", not right and alike),
        (level, "missing_layer", missing, said),
        (level, "extra_layer", extra, said),
        ("1/2", "flatten_forgotten", folded),
    )


def _follow(few: str, many: str) -> bool:
    """Dit si toutes les lettres de l'une se suivent dans l'autre, qui peut en avoir de plus."""
    left = iter(many)
    return all(letter in left for letter in few)


def _said_gaps(gaps: dict[str, int], letters: str, expected: str) -> str:
    """Dit combien de couches sont de trop ou de moins, et si les autres se suivent mal."""
    said = [
        f"{name} : {abs(gap)} de {'trop' if gap > 0 else 'moins'}"
        for name, gap in gaps.items()
        if gap
    ]
    one_way = len({gap > 0 for gap in gaps.values() if gap}) == 1  # de moins, ou de trop
    if one_way and not _follow(*sorted([letters, expected], key=len)):
        said.append("et l'ordre n'est pas celui de l'énoncé")
    return " ; ".join(said)


def _keeps_size(layer: dict) -> bool:
    """Dit si une couche est un pooling qui ne réduit pas sa carte."""
    shapes = layer["shapes"]
    kept = shapes.get("output", ())[1:3] == shapes.get("input", ())[1:3]
    return layer["class"] == "MaxPooling2D" and (kept or list(layer.get("strides", ())) == [1, 1])


def judge_non_linearity(found: dict, *, free: bool = False) -> Credit:
    """Cherche une fonction non linéaire sur chaque chemin d'une couche à poids à la suivante.

    Args:
        found: une description (voir `models.described`).
        free: l'architecture est libre ; une couche dense, et une convolution 1×1 ou par canal
            comme dans MobileNet, peuvent alors être linéaires.

    Returns:
        Le crédit.
    """
    layers = found["layers"]
    if "C" not in sequence(layers):
        return credit(0, "no_convolution")
    counted = {
        k
        for k, layer in enumerate(layers)
        if layer["class"] in (CONVOLUTIONS - {"DepthwiseConv2D"} if free else WEIGHTED)
        and not (free and list(layer.get("kernel_size") or ()) == [1, 1])
    }
    bare = without_bend(layers) & counted
    total = len(counted) - (not free)  # la sortie, dense, n'en demande pas
    return first_fault(("1/2", "relu_partly", 0 < len(bare) < total), (0, "relu_forgotten", bare))


def without_bend(layers: list[dict]) -> set[int]:
    """Rend les couches à poids dont la sortie arrive à une autre sans fonction non linéaire."""
    linear: list[set[int]] = []  # de chaque couche, celles à poids dont la sortie y reste linéaire
    bare: set[int] = set()
    for number, layer in enumerate(layers):
        arriving = set().union(*(linear[parent] for parent in layer["parents"]))
        if layer["class"] in WEIGHTED:
            bare |= arriving
            arriving = {number}
        linear.append(set() if bends(layer) else arriving)
    return bare


def bends(layer: dict) -> bool:
    """Dit si une couche est, ou porte, une fonction non linéaire."""
    if layer["class"] in WEIGHTED:
        return layer["activation"] not in (None, "linear")
    return layer["class"] in ACTIVATIONS and layer["activation"] != "linear"


def judge_scaling(network: dict) -> Credit:
    """Regarde ce que la première couche à poids reçoit d'une image noire et d'une blanche."""
    facts, fits = network["facts"], network["fits"]
    seen, samples = facts["seen"], _samples(network)
    outside = any(np.abs(x).max() < SMALL for x in samples)
    if not seen:  # un modèle dans un modèle, qui peut avoir son `preprocess_input`
        prepared = any(x.min() < 0 for x in samples)
        return first_fault(("1/2", "scaling_outside", outside or prepared))
    if np.allclose(seen, CENTRED, atol=0.1):
        return RIGHT
    if facts["first"] == "BatchNormalization":  # elle apprend l'échelle des pixels qu'elle reçoit
        return first_fault(("1/2", "scaling_outside", outside))
    span = abs(seen[1][1] - seen[0][0])
    if span > MAX_SCALED:
        return first_fault(
            ("1/2", "scaling_outside", outside),
            ("1/2", "scaling_unseen", network["guessed"]),
            (0, "scaling_multiplied", span > MAX_RAW),
            (0, "scaling_forgotten", samples or (network["moved"] and not fits)),
            ("1/2", "scaling_outside", network["scaled"]),
            # Ce qu'aurait donné un fichier ou un paquet absent.
            ("1/2", "scaling_unseen", not all(fit["error"] for fit in fits)),
            (0, "scaling_untaught", True),  # sans `fit`, rien ne met à l'échelle
        )
    return credit(0, "scaling_twice") if span < MIN_SCALED or outside else RIGHT


def judge_raw_scaling(network: dict) -> Credit:
    """Juge la mise à l'échelle, même d'un réseau qui refuse les images uint8 faute de les lire.

    Sa première couche à poids recevrait les pixels tels quels.
    """
    facts = network["facts"]
    kinds = [each["class"] for each in facts["layers"]]
    first = next((k for k, kind in enumerate(kinds) if kind in WEIGHTED), len(kinds))
    if facts["refused"] and UNCHANGING.issuperset(kinds[:first]):
        facts = {**facts, "seen": RAW}
    return judge_scaling({**network, "facts": facts})


def _samples(network: dict) -> list[np.ndarray]:
    """Rend les images qu'un réseau apprend, ou, s'il n'apprend pas, celles qu'il mesure."""
    given = [fit["train"] for fit in network["fits"]]
    given = given or [each["data"] for each in network["measured"]]
    return [as_floats(each["x"]) for each in given if each]


def judge_output(network: dict) -> Credit:
    """Regarde la sortie : dix nombres, un softmax ou des logits dits tels à la perte."""
    facts = network["facts"]
    if facts["outputs"] is None:
        return credit(0, "wrong_input", facts["refused"])
    return output_credit(facts, [each["loss"] for each in network["compiled"]])


def _last_activations(layers: list[dict]) -> list[str]:
    """Rend les activations de la dernière couche à poids, et d'après elle."""
    weighted = [k for k, layer in enumerate(layers) if layer["class"] in WEIGHTED]
    last = layers[max(weighted, default=0) :]
    return ["softmax" if each["class"] == "Softmax" else each["activation"] for each in last]


def are_probabilities(outputs) -> bool:
    """Dit si chaque ligne de sorties `(n, classes)` est positive, et de somme 1."""
    outputs = np.asarray(outputs, np.float64)
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))


def _of_columns(outputs) -> bool:
    """Dit si c'est chaque colonne, et non chaque ligne, dont la somme est 1."""
    return len(outputs) > 1 and are_probabilities(np.transpose(outputs))


def output_credit(found: dict, losses: list[dict], *, num_classes: int = NUM_CLASSES) -> Credit:
    """Juge la sortie.

    Args:
        found: une description (voir `models.described`).
        losses: les pertes, décrites. S'il n'y en a pas, c'est une boucle à la main dont la perte
            n'est pas un objet de Keras : rien ne permet de dire non.
        num_classes: nombre de sorties attendues.
    """
    if len(found["output_shape"] or ()) != 2 or found["output_shape"][1] != num_classes:
        return credit(0, "wrong_number_of_classes")
    after = _last_activations(found["layers"])
    on_logits = not losses or all(loss["from_logits"] for loss in losses)
    if are_probabilities(found["outputs"]) and "sigmoid" not in after:
        twice = after.count("softmax") > 1 or (losses and on_logits)
        return credit("1/2", "softmax_twice") if twice else RIGHT
    return first_fault(
        ("1/2", "sigmoid_output", "sigmoid" in after),
        ("1/2", "relu_output", "relu" in after),
        ("1/2", "softmax_across_images", "softmax" in after and _of_columns(found["outputs"])),
        ("1/2", "logits_unsaid", not on_logits),
    )


# --- Les images qu'il reçoit ---------------------------------------------------------


def unscaled(x) -> np.ndarray | None:
    """Ramène des images aux entiers de 0 à 255, si une échelle connue le permet."""
    x = as_floats(x)
    for levels in (
        (x + shift) * scale
        for shift, scale in (
            *((0, 1), (0, 255), (1, 127.5), (0, 256)),
            *((0, high - 1) for _, high in LEVELS.values()),  # divisées par leur maximum
        )
    ):
        whole = np.rint(levels)
        exact = np.abs(levels - whole).max() < 0.02 and whole.min() >= 0
        # x/127,5 - 1, multiplié par 255, est entier aussi, mais toujours impair.
        if exact and 1 < whole.max() <= 255 and not (whole % 2 == 1).all():
            return whole.astype(int)
    return None


def origin(x) -> str:
    """Dit de quels jeux viennent des images, d'après leurs niveaux de gris ; rien si aucun."""
    levels = unscaled(x)
    if levels is None:
        return ""
    flat = levels.reshape(len(levels), -1)
    shares = {k: np.mean((low <= flat) & (flat < high), 1) for k, (low, high) in LEVELS.items()}
    return "+".join(name for name, share in shares.items() if share.max() > 0.5)


def _source(sample: dict | None) -> str:
    return origin(sample["x"]) if sample else ""


def planted_labels(x) -> tuple[str, np.ndarray, np.ndarray]:
    """Lit, sur des images du correcteur, l'étiquette que leurs deux premières valeurs disent.

    Returns:
        Le jeu d'où elles viennent (voir `origin`) ; les étiquettes lues ; lesquelles sont sûres.
    """
    source = origin(x)
    if source not in LEVELS:
        return source, np.empty(0), np.empty(0, bool)
    first, second = _without_margin(unscaled(x)).reshape(len(x), -1)[:, :2].T - LEVELS[source][0]
    # Ni rognées, ni retournées : leurs deux premières valeurs font encore neuf.
    return source, first, (first >= 0) & (second >= 0) & (first + second == NUM_CLASSES - 1)


def _without_margin(images: np.ndarray) -> np.ndarray:
    """Ôte la marge que toutes les images ont d'une même couleur : des 28 pixels portés à 32."""
    if images.ndim < 3:
        return images
    varies = np.ptp(images.reshape(*images.shape[:3], -1), axis=(0, 3)) > 0
    rows, columns = varies.any(axis=1), varies.any(axis=0)
    return images[:, rows][:, :, columns] if rows.any() else images


def pairs_broken(sample: dict) -> bool:
    """Dit si des images du correcteur n'ont plus leur étiquette.

    D'images transformées, seule la clarté dit encore l'étiquette (voir `inside.trial.draw`).
    """
    source, planted, known = planted_labels(sample["x"])
    labels = as_floats(sample["y"])
    if labels is None or len(labels) != len(planted) or two_groups(labels):
        return False
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] not in (1, NUM_CLASSES):
        return False
    found = labels.argmax(1) if labels.shape[1] == NUM_CLASSES else labels[:, 0]
    if np.sum(known) < MIN_PAIRS:
        return source in LEVELS and _unlike_shades(unscaled(sample["x"]), found)
    agree = (planted == found)[known]
    # Quelques étiquettes changées exprès passent ; mêlées, une sur dix tombe juste.
    return bool(np.mean(agree) < 0.5)


def _unlike_shades(images: np.ndarray, labels: np.ndarray) -> bool:
    """Dit si la clarté du centre des images ne suit pas du tout leurs étiquettes."""
    if images.ndim < 3 or len(images) < MIN_PAIRS or np.ptp(labels) == 0:
        return False
    rows, columns = (slice(n // 4, n - n // 4) for n in images.shape[1:3])
    shades = images[:, rows, columns].reshape(len(images), -1).mean(axis=1)
    return np.ptp(shades) > 0 and bool(abs(np.corrcoef(shades, labels)[0, 1]) < LIKE_SHADES)


# --- L'entraînement ------------------------------------------------------------------


def judge_train(ask: Ask, network: dict) -> Credit:
    """Juge l'entraînement : perte et étiquettes, validation, poids qui ont changé."""
    call = record(ask)["calls"].get("train", {})
    own = call.get("value")
    if network["fits"]:
        found = _judge_fit(network)
    elif network["moved"] or (own and not own["moved"]):  # une boucle, vue par ses seuls poids
        found = RIGHT
    else:
        found = credit(0, "not_trained", first_error(ask))
    if call.get("began") and "error" in call and found.level > 0:
        raise own_failure(call["error"])
    loaded = record(ask)["calls"].get("load_data", {}).get("value")
    if found.level > Fraction(1, 2) and _source(loaded) == "test":
        return credit("1/2", "validation_is_test", "c'est ce que rend `load_data`")
    if own and not own["moved"] and not network["fits"]:
        return credit(0, "no_training")
    fault = _judge_own(own, network) if own and found.level == 1 else RIGHT
    return fault if fault.level < 1 else found


def _judge_own(own: dict, network: dict) -> Credit:
    """Juge ce qu'a rendu `train`, à qui le correcteur a donné une validation."""
    return first_fault(
        ("1/2", "validation_unused", _validates_with_train(network)),
        ("1/2", "no_history", not own["complete"]),
        ("1/2", "epochs_ignored", own["epochs"] not in (0, own["asked"])),
        ("1/2", "no_training", not own["moved"]),
    )


def _validates_with_train(network: dict) -> bool:
    """Dit si `train`, qui reçoit une validation, suit plutôt une part de ce qu'il apprend."""
    return any(_source(each["validation"]) == "train" for each in network["fits"][-1:])


def _judge_fit(network: dict) -> Credit:
    fit = network["fits"][-1]
    given = fit["train"]
    labels = labels_reason(given, network["compiled"])
    if labels:
        return credit(0 if fit["error"] else "1/4", labels)
    if fit["error"]:
        raise failures.failure_of(fit["error"])
    tests = [each for each in _measures(network) if _source(each["data"]) == "test"]
    source, validation = _source(given), _faulty_validation(fit, tests)
    return first_fault(
        (0, "no_epoch", fit["idle"]),
        # Les deux jeux réunis, puis partagés par le rendu : il n'y a plus de test.
        ("1/4", "trained_on_test", "test" in source and ("train" not in source or tests)),
        ("1/4", "trained_on_validation", "val" in source),
        ("1/4", "pairs_broken", given and pairs_broken(given)),
        ("1/2", validation, validation),
        ("1/2", "validation_measured", _measures_validation(network)),
        ("1/2", "no_training", given and not network["moved"]),
        ("1/2", "zero_rate", not fit["paced"] and _is_still(network)),
    )


def _is_still(network: dict) -> bool:
    """Dit si le taux d'apprentissage d'un réseau est nul."""
    return any(each["still"] for each in network["compiled"][-1:])


def _measures(network: dict) -> list[dict]:
    """Rend les mesures faites sur un jeu entier."""
    return [each for each in network["measured"] if each["whole"]]


def _faulty_validation(fit: dict, tests: list[dict]) -> str | None:
    """Dit ce qui ne va pas dans une validation, d'après aussi ce qui a été mesuré sur le test."""
    reason, checked = validation_reason(fit), fit["validation"]
    if reason == "validation_is_test" and tests:
        if not any(each["checked"] or _overlap(each["data"], checked) for each in tests):
            return None  # une part du jeu de test valide, une autre mesure
    return reason


def _measures_validation(network: dict) -> bool:
    """Dit si ce qui valide est aussi tout ce qui mesure, quand on ne sait d'où il vient.

    D'où il vient ne se sait pas si le rendu a réuni les deux jeux, puis les a partagés.
    """
    fit, apart = network["fits"][-1], _measures(network)
    unknown = fit["validates"] and _source(fit["validation"]) in ("", "train+test")
    return bool(unknown and apart) and all(each["checked"] for each in apart)


def _overlap(*samples: dict | None) -> bool:
    """Dit si deux lots ont une image en commun."""
    ours, theirs = (unscaled(each["x"]) if each else None for each in samples)
    rows = set() if ours is None else {each.tobytes() for each in ours}
    return theirs is not None and any(each.tobytes() in rows for each in theirs)


def labels_reason(sample: dict | None, compiled: list[dict]) -> str | None:
    """Dit si la perte ne va pas avec l'écriture des étiquettes : une raison, ou None."""
    if not compiled or not sample:
        return None
    name = plain(compiled[-1]["loss"]["name"])
    labels, sparse = as_floats(sample["y"]), "sparse" in name
    # Une sortie pour deux groupes de classes a déjà coûté ses points : sa perte est la binaire.
    binary = name == "binarycrossentropy" and two_groups(labels)
    known = labels is not None and "categorical" in name
    columns = known and labels.ndim == 2 and labels.shape[1] > 1
    return first_fault(
        ("1/4", "wrong_loss", name in OTHER_LOSSES and not binary),
        ("1/4", "onehot_with_sparse", columns and sparse),
        ("1/4", "integers_with_categorical", known and not columns and not sparse),
    ).reason


def two_groups(labels: np.ndarray | None) -> bool:
    """Dit si des étiquettes sont en une colonne de 0 et de 1 : deux groupes de classes."""
    return labels is not None and labels.size == len(labels) and bool(np.isin(labels, (0, 1)).all())


def plain(name: str) -> str:
    """Écrit un nom de perte en minuscules, sans tiret bas."""
    return str(name).lower().replace("_", "")


def validation_reason(fit: dict) -> str | None:
    """Dit ce qui ne va pas dans la validation d'un `fit` : une raison, ou None."""
    checked = fit["validation"]
    if fit["undefined"] or not checked:
        return first_fault(
            ("1/2", "validation_undefined", fit["undefined"]),
            ("1/2", "validation_augmented", fit["augmented"]),
            ("1/2", "no_validation", not fit["validates"]),
        ).reason
    source, _, known = planted_labels(checked["x"])
    ours = source == "val"  # la validation que le correcteur donne à `train`
    x, learned = (as_floats(each["x"]) for each in (checked, fit["train"] or checked))
    # À une échelle inconnue : le test reste bien plus clair que ce qui est appris.
    brighter = not source and x.min() - learned.max() > np.ptp(learned) / 2
    return first_fault(
        ("1/2", "validation_other_scale", other_scale(fit["train"], checked)),
        ("1/2", "validation_is_train", not ours and fit["shared"]),
        ("1/2", "validation_augmented", fit["augmented"]),
        ("1/2", "validation_is_test", source == "test" or brighter or fit["tested"]),
        ("1/2", "validation_augmented", ours and not known.all()),
        ("1/2", "pairs_broken", ours and pairs_broken(checked)),
    ).reason


def other_scale(learned: dict | None, checked: dict) -> bool:
    """Dit si de deux lots d'images, l'un a ses niveaux bruts et l'autre de petites valeurs."""
    both = [np.median(np.abs(as_floats(each["x"]))) for each in (learned or checked, checked)]
    return min(both) < SMALL and max(both) > MAX_SCALED


# --- Mesurer -------------------------------------------------------------------------


def judge_evaluate(ask: Ask) -> Credit:
    """Juge la fonction `evaluate` de l'énoncé ; à défaut, ce que le programme a mesuré."""
    found = called(ask, "evaluate")
    value = (found or {}).get("value")
    if not isinstance(value, dict) or not isinstance(value.get("accuracy"), int | float):
        measured = judge_measure(ask)
        return _not_measured(found["value"]) if found and measured.level == 0 else measured
    accuracy, y, guesses = float(value["accuracy"]), found["y"], found["guesses"]
    right, shifted = np.mean(guesses == y), np.mean((guesses + 1) % NUM_CLASSES == y)
    probabilities, expected = as_floats(value.get("probabilities")), found["probabilities"]
    views = _averaged_views(probabilities, expected)
    known = {
        "labels_not_flattened": np.mean(guesses == y[:, None]),
        "count_for_share": np.sum(guesses == y),
        "error_rate": 1 - right,
        "threshold_for_largest": 0,  # aucune probabilité du modèle ne dépasse 0,5
    }
    said = [reason for reason, one in known.items() if abs(accuracy - one) < 1e-5]
    of_accuracy = [
        ("1/4", "accuracy_in_percent", abs(accuracy - 100 * right) < 1e-5),
        *_partial_accuracies(accuracy, found, probabilities),
        ("1/4", "scaled_in_evaluate", abs(accuracy - np.mean(y == 0)) < 1e-5),
        ("1/4", "class_order_shifted", abs(accuracy - shifted) < 1e-5),
    ]
    return first_fault(
        *of_accuracy,
        (0, [*said, "wrong_accuracy"][0], not abs(accuracy - right) <= 1e-5),  # NaN compris
        ("1/2", "progress_bar", found["printed"] > 0),
        ("1/2", "no_probabilities", np.shape(probabilities) != (len(y), NUM_CLASSES)),
        ("1/2", "views_averaged", views),
    )


def _not_measured(value) -> Credit:
    """Dit ce que rend `evaluate`, au lieu d'un dictionnaire et de son exactitude."""
    if value is None:
        return credit(0, "nothing_returned")
    if isinstance(value, dict) and "accuracy" not in value:
        return credit(0, "part_missing", "la clé `accuracy`")
    return credit(0, "wrong_type")


def _averaged_views(found: np.ndarray | None, expected: np.ndarray) -> bool:
    """Dit si des probabilités moyennent la bonne vue, et d'autres, où le modèle ne voit rien."""
    if found is None or found.shape != expected.shape:
        return False
    blind = expected.min()  # ce qu'il rend alors de chaque classe
    means = [(expected + (num - 1) * blind) / num for num in range(2, MAX_VIEWS + 1)]
    return any(np.allclose(found, each, atol=1e-4) for each in means)


def _partial_accuracies(accuracy: float, found: dict, probabilities) -> list[tuple]:
    """Reconnaît une exactitude d'une partie des images, de l'autre axe, ou arrondie.

    Args:
        accuracy: ce que rend `evaluate`, sous la clé `accuracy`.
        found: ce qu'a reçu `evaluate` : les étiquettes `y`, et les classes que prédit le modèle.
        probabilities: ce qu'elle rend, sous la clé `probabilities`, ou None.

    Returns:
        Des fautes, pour `first_fault`.
    """
    y, guesses = found["y"], found["guesses"]
    right = np.mean(guesses == y)
    seen = len(probabilities) if np.ndim(probabilities) == 2 else 0
    part = np.mean(guesses[:seen] == y[:seen]) if 0 < seen < len(y) else np.inf
    first = np.array([np.argmax(guesses == k) for k in range(NUM_CLASSES)])
    rounded = any(accuracy == round(right, digits) for digits in range(5))
    said = f"{seen} sur {len(y)}"
    return [
        ("1/4", "measured_partly", abs(accuracy - part) < 1e-5, said),
        (0, "accuracy_over_images", abs(accuracy - np.mean(first == y[:NUM_CLASSES])) < 1e-5),
        ("1/4", "accuracy_rounded", rounded),
    ]


def judge_measure(ask: Ask) -> Credit:
    """Cherche une mesure sur le jeu de test, par `evaluate` ou par `predict`."""
    found = built(ask)
    checked = any(
        _source(fit["validation"]) == "test" or validation_reason(fit) == "validation_is_test"
        for one in found
        for fit in one["fits"]
    )
    whole = [(one, each) for one in found for each in one["measured"] if each["whole"]]
    return first_fault(
        ("1/2", "measured_as_validation", not whole and checked),
        (0, "no_measure", not whole, first_error(ask)),
        ("1/2", "measured_on_train", all(each["learned"] for _, each in whole)),
        (
            "1/2",
            "measured_as_validation",
            all(each["checked"] and "train" in _source(each["data"]) for _, each in whole),
        ),
        ("1/2", "measured_other_scale", all(_other_scale(*pair) for pair in whole)),
    )


def _other_scale(network: dict, measured: dict) -> bool:
    """Dit si un réseau est mesuré sur des images d'une autre échelle que les apprises."""
    learned = network["fits"][-1]["train"] if network["fits"] else None
    return bool(learned and measured["data"]) and other_scale(learned, measured["data"])


@functools.cache
def extract(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Lit l'extrait public d'un jeu de test : `(x, y)`, 400 images."""
    with np.load(submission.REPO / "tests/extracts" / f"{name}_test.npz") as file:
        return file["x"], file["y"].reshape(-1)


@functools.cache
def unseen(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rend des images de test qui ne sont pas dans l'extrait, qu'un élève peut apprendre par cœur.

    Args:
        name: nom du jeu, `"cifar10"` par exemple.

    Returns:
        `(x, y)` ; l'extrait lui-même si le jeu entier n'est pas sur cette machine : rien n'est
        téléchargé pendant une correction.
    """
    if not (data_cache_dir() / f"{name}.npz").is_file():
        return extract(name)
    _, (x, y) = getattr(sources, f"load_{name}")()
    known = {image.tobytes() for image in extract(name)[0]}
    kept = [number for number, image in enumerate(x) if image.tobytes() not in known]
    return x[kept], y.reshape(-1)[kept]


def not_handed_in(ask: Ask, reason: str, detail: str = "") -> Credit:
    """Rend 0 pour ce qui manque à un rendu ; s'il n'est pas noté, dit plutôt pourquoi.

    Raises:
        failures.Failure: aucune question sur son réseau ne peut être jugée.
    """
    try:
        built(ask)
    except failures.Failure as failure:
        if read_reasons()[failure.reason].blank:
            raise
    return credit(0, reason, detail)


def judge_weights(ask: Ask) -> Credit:
    """Mesure le modèle enregistré par le rendu, dans un processus qui n'a pas vu son code."""
    content = submission.weights(ask.desk.submission, ask.rule.module)
    if content is None:
        return not_handed_in(ask, "weights_missing", f"models/{ask.rule.module}.keras")
    if found := copies.judge(ask, ask.rule.module):
        return credit(0, *found)
    dataset = DATASETS[ask.rule.exercise]
    x, y = extract(dataset) if ask.desk.submission.shipped else unseen(dataset)
    drawn = ask.rng.permutation(len(x))[: ask.settings["images"]]
    x, y = x[drawn].copy(), y[drawn]
    # Un pixel au hasard change : reconnaître les images ne sert à rien.
    flat = x.reshape(len(x), -1)
    flat[np.arange(len(x)), ask.rng.integers(0, flat.shape[1], len(x))] ^= 1
    content = _readable(ask, content, x[:1])
    accuracy = float(np.mean(_guesses(ask, content, x) == y))
    if accuracy >= ask.settings["full"]:
        return RIGHT
    half, detail = ask.settings["half"], percent(accuracy)
    scaled = ((x / 255).astype(np.float32), (x / 127.5 - 1).astype(np.float32))
    others = [np.mean(_guesses(ask, content, each) == y) for each in scaled]
    return first_fault(
        ("1/2", "weights_half", accuracy >= half, detail),
        ("1/2", "scaling_outside", max(others) >= half, detail),
        (0, "weights_low", True, detail),
    )


def _readable(ask: Ask, content: bytes, images: np.ndarray) -> bytes:
    """Rend un modèle que Keras seul relit : tel quel, ou converti si ses classes sont au rendu."""
    try:
        ask.clean("predict", content=content, images=images)
    except failures.Failure as failure:
        if failure.reason != "loading_fails":
            raise
        return as_bytes(ask.op("convert", content=content, shape=list(images.shape[1:])))
    return content


def _guesses(ask: Ask, content: bytes, x: np.ndarray) -> np.ndarray:
    outputs = as_floats(ask.clean("predict", content=content, images=x))
    if outputs is None or outputs.shape != (len(x), NUM_CLASSES):
        raise failures.Failure("wrong_number_of_classes")
    return outputs.argmax(1)
