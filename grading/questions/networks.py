"""Juger un réseau des exercices 02 à 05, d'après ce que le programme du rendu a fait.

`grading/recorder.py` exécute le rendu comme son auteur, et appelle les fonctions de l'énoncé que le
programme n'appelle pas ; ces fonctions lisent ce qu'il a noté. Des réseaux d'un même programme,
celui qui répond le mieux à la question est jugé.
"""

import functools
from collections.abc import Callable

import numpy as np

from convnets.core.cli import percent
from convnets.core.paths import data_cache_dir
from convnets.datasets import sources
from grading import copies, pupil, submission
from grading.questions import RIGHT, Ask, Credit, as_bytes, as_floats, credit, question

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
SMALL = 5  # des images dont les valeurs sont plus petites sont à l'échelle
NUM_CLASSES = 10
OTHER_LOSSES = set("mse mae meansquarederror meanabsoluteerror binarycrossentropy hinge".split())
MIN_PAIRS = 8  # images reconnues : en deçà, leurs étiquettes ne prouvent rien
# Les niveaux de gris des jeux de l'essai : d'où vient une image se lit sur elle.
LEVELS = {"train": (5, 80), "val": (82, 130), "test": (170, 240)}
DATASETS = {"ex02": "fashion_mnist", "ex03": "cifar10", "ex04": "mnist", "ex05": "cifar10"}
SIZES = {"ex02": (784,), "ex03": (3072,), "ex04": (784, 1024)}  # pixels ; la figure en a 32 × 32
ASKED = {  # ce que le recorder appelle, par module
    "ex02_fashion": ["build_model", "train", "evaluate"],
    "ex03_cifar10": ["build_model", "train", "evaluate"],
    "ex04_lenet": ["build_lenet", "build_dense", "train"],
    "ex05_inception.features": ["make_generator", "frozen_base"],
    "ex05_inception.head": ["build_head"],
}
KERAS = {"keras", "tensorflow", "tensorflow_datasets", "convnets", "exercises"}
OTHERS = {"torch": "PyTorch", "torchvision": "PyTorch", "jax": "JAX", "ultralytics": "YOLO"} | {
    "sklearn": "scikit-learn",
    "mxnet": "MXNet",
}
SECONDS = 60  # de processeur, pour tout le programme, puis pour chaque fonction
BRIGHTER = 4.0  # écarts-types ; les niveaux des deux jeux sont à sept l'un de l'autre
UNDONE = {"not_trained", "no_measure", "base_missing", "no_convolution", "not_dense"}


# --- Ce que le programme a fait ------------------------------------------------------


def record(ask: Ask) -> dict:
    """Exécute le rendu, une fois ; rend ce que `recorder.record` a noté.

    Raises:
        pupil.Failure: le programme a été arrêté, ou ne s'exécute pas.
    """
    exercise = ask.rule.exercise
    modules = [each for each in sorted(ask.submission.modules) if each.startswith(exercise)]
    found = ask.op(
        "record",
        module=modules[0],
        asked={each: ASKED[each] for each in modules if each in ASKED},
        dataset=DATASETS[exercise],
        levels={name: list(pair) for name, pair in LEVELS.items()},
        seconds=SECONDS,
    )
    if not isinstance(found, dict) or not isinstance(found.get("networks"), list):
        raise pupil.Failure("forged_answer")
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
        pupil.Failure: rien ne peut être jugé.
    """
    error = record(ask)["calls"].get(function, {}).get("error")
    try:
        found = judge()
    except pupil.Failure as failure:
        if error is not None and failure.reason == "no_network":
            raise own_failure(error) from None
        raise
    if error is not None and found.reason in UNDONE and found.level == 0:
        raise own_failure(error)
    return found


def own_failure(error: dict) -> pupil.Failure:
    """Traduit l'erreur d'une fonction de l'énoncé ; vide, c'est le temps qui a manqué."""
    return pupil.failure_of(error) if error else pupil.Failure("timeout")


def ask_common(exercise: str, function: str, pick: Callable[[Ask], dict], names: str) -> None:
    """Inscrit les questions que plusieurs exercices posent d'un réseau.

    Args:
        exercise: `"ex02"`.
        function: la fonction de l'énoncé qui construit le réseau.
        pick: choisit le réseau.
        names: parmi `non_linearity`, `scaling`, `output` et `train`.
    """
    judges = {"scaling": judge_scaling, "output": judge_output, "train": judge_train}
    judges["non_linearity"] = lambda ask, found: judge_non_linearity(facts_of(ask, found))
    for name in names.split():
        asked = "train" if name == "train" else function

        def answer(ask: Ask, asked=asked, judge=judges[name]) -> Credit:
            return judged(ask, asked, lambda: judge(ask, pick(ask)))

        question(f"{exercise}.{name}")(answer)


def built(ask: Ask) -> list[dict]:
    """Rend les réseaux du programme qui pourraient répondre à l'exercice.

    Raises:
        pupil.Failure: il n'y en a pas ; la raison dit ce qu'est ce programme.
    """
    found = record(ask)
    networks = [each for each in found["networks"] if each["facts"].get("layers")]
    if not networks:
        imports = set(found.get("imports", ()))
        if imports and not imports & KERAS:
            names = [OTHERS[each] for each in OTHERS if each in imports]
            raise pupil.Failure("other_library", ", ".join(names[:1]))
        if found.get("error") and found.get("builds"):
            raise pupil.failure_of(found["error"])
        raise pupil.Failure("no_network")
    kept = [each for each in networks if not _is_foreign(ask.rule.exercise, each["facts"])]
    if not kept:
        shape = [n for n in networks[-1]["facts"]["input_shape"][1:] if n]
        raise pupil.Failure("other_subject", " × ".join(map(str, shape)))
    return kept


def _num_pixels(facts: dict) -> int | None:
    """Compte les valeurs que lit un réseau ; None s'il accepte toute taille."""
    shape = facts.get("input_shape")
    return None if not shape or None in shape[1:] else int(np.prod(shape[1:]))


def _is_foreign(exercise: str, facts: dict) -> bool:
    """Dit si un réseau ne peut pas lire les images de l'exercice, ni n'en a les dix classes."""
    size = _num_pixels(facts)
    if exercise not in SIZES or size is None or size in SIZES[exercise]:
        return False
    ten = (facts.get("output_shape") or [0])[-1] == NUM_CLASSES
    others = {own for several in SIZES.values() for own in several} - {1024}
    return size in others or len(facts["input_shape"]) < 3 or not ten


def chosen(ask: Ask, judge: Callable[[dict], Credit]) -> dict:
    """Rend le réseau qui répond le mieux à une question ; à égalité, le dernier entraîné.

    Raises:
        pupil.Failure: le programme n'a construit aucun réseau qui réponde à l'exercice.
    """
    found = built(ask)
    ranked = [(judge(each["facts"]).level, bool(each["fits"]), k) for k, each in enumerate(found)]
    return found[max(ranked)[2]]


def facts_of(ask: Ask, network: dict) -> dict:
    """Rend la description d'un réseau.

    Raises:
        pupil.Failure: il n'accepte pas les images de l'exercice, que le programme lui donne.
    """
    error = network["fits"][-1].get("error") if network["fits"] else None
    size = _num_pixels(network["facts"])
    if error and size and size not in SIZES[ask.rule.exercise]:
        message = pupil.quoted(error.get("message") or "", who="Keras")
        raise pupil.Failure("wrong_input", message)
    return network["facts"]


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
        found: une description (voir `probes.inspect`).
        expected: lettres de `sequence`.

    Returns:
        Le crédit.
    """
    layers = found["layers"]
    letters = sequence(layers)
    if "C" not in letters:
        return credit(0, "no_convolution")
    if len(found["output_shape"] or ()) != 2:
        return credit("1/4", "flatten_forgotten")
    if any(
        len(layer["shapes"].get("input", ())) > 2 for layer in layers if layer["class"] == "Dense"
    ):
        return credit("1/2", "flatten_forgotten")
    if letters == expected:
        pools = [layer for layer in layers if layer["class"] == "MaxPooling2D"]
        kept = [
            p
            for p in pools
            if p["shapes"]["output"][1:3] == p["shapes"]["input"][1:3]
            or list(p.get("strides") or [2]) == [1, 1]
        ]
        return credit("1/2", "pooling_stride") if kept else RIGHT
    if letters.replace("A", "M") == expected:
        return credit("1/2", "average_for_max")
    if sorted(letters) == sorted(expected):
        return credit("1/2", "wrong_order")
    missing = sum(max(0, expected.count(c) - letters.count(c)) for c in "CMD")
    extra = sum(max(0, letters.count(c) - expected.count(c)) for c in "CMAD")
    level = "1/2" if missing + extra == 1 else "1/4"
    return credit(level, "missing_layer" if missing else "extra_layer")


def judge_non_linearity(found: dict, *, free: bool = False) -> Credit:
    """Cherche une fonction non linéaire sur chaque chemin d'une couche à poids à la suivante.

    Args:
        found: une description (voir `probes.inspect`).
        free: l'architecture est libre ; une convolution 1×1 ou par canal peut alors être linéaire,
            comme dans MobileNet.

    Returns:
        Le crédit.
    """
    layers = found["layers"]
    if "C" not in sequence(layers):
        return credit(0, "no_convolution")
    after: dict[int, list[int]] = {}
    for number, layer in enumerate(layers):
        for parent in layer.get("parents", [number - 1]):
            after.setdefault(parent, []).append(number)
    weighted = [k for k, layer in enumerate(layers) if layer["class"] in WEIGHTED]
    hidden = [k for k in weighted if _reaches(layers, after, k, through=True)]
    bare = [k for k in hidden if not bends(layers[k]) and _reaches(layers, after, k)]
    if free:
        bare = [k for k in bare if not _may_be_linear(layers[k])]
    if not bare:
        return RIGHT
    return credit("1/2", "relu_partly") if len(bare) < len(hidden) else credit(0, "relu_forgotten")


def bends(layer: dict) -> bool:
    """Dit si une couche est, ou porte, une fonction non linéaire."""
    if layer["class"] in WEIGHTED:
        return layer["activation"] not in (None, "linear")
    return layer["class"] in ACTIVATIONS and layer["activation"] != "linear"


def _may_be_linear(layer: dict) -> bool:
    size = layer.get("kernel_size")
    return layer["class"] == "DepthwiseConv2D" or (size is not None and list(size) == [1, 1])


def _reaches(layers: list[dict], after: dict, start: int, *, through: bool = False) -> bool:
    """Dit si un chemin mène à une couche à poids ; `through` traverse aussi les non linéaires."""
    waiting, seen = list(after.get(start, [])), set()
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        if layers[number]["class"] in WEIGHTED:
            return True
        if through or not bends(layers[number]):
            waiting += after.get(number, [])
    return False


def judge_scaling(ask: Ask, network: dict) -> Credit:
    """Regarde ce que la première couche à poids reçoit d'une image noire et d'une blanche."""
    facts, fits = facts_of(ask, network), network["fits"]
    seen = facts.get("seen")
    if facts.get("first") == "BatchNormalization":
        return RIGHT
    # Un modèle dans un modèle : rien ne permet de dire non.
    if not seen or np.allclose(seen, CENTRED, atol=0.1):
        return RIGHT
    samples = [as_floats(each["train"]["x"]) for each in fits if each.get("train")]
    outside = any(x is not None and x.size and np.abs(x).max() < SMALL for x in samples)
    (black, _), (_, white) = seen
    span = abs(white - black)
    if span > MAX_SCALED:
        if outside:
            return credit("1/2", "scaling_outside")
        if samples or (network["moved"] and not fits):
            return credit(0, "scaling_forgotten")
        # Ce qu'aurait donné un fichier ou un paquet absent ; sans `fit`, rien ne met à l'échelle.
        return credit("1/2" if fits else 0, "scaling_unseen")
    return credit(0, "scaling_twice") if span < MIN_SCALED or outside else RIGHT


def judge_output(ask: Ask, network: dict) -> Credit:
    """Regarde la sortie : dix nombres, un softmax ou des logits dits tels à la perte."""
    facts = facts_of(ask, network)
    if facts.get("outputs") is None:
        return credit(0, "wrong_input", facts.get("refused", ""))
    return output_credit(facts, [each["loss"] for each in network["compiled"]])


def output_credit(found: dict, losses: list[dict], *, num_classes: int = NUM_CLASSES) -> Credit:
    """Juge la sortie.

    Args:
        found: une description (voir `probes.inspect`).
        losses: les pertes, décrites. S'il n'y en a pas, c'est une boucle à la main dont la perte
            n'est pas un objet de Keras : rien ne permet de dire non.
        num_classes: nombre de sorties attendues.
    """
    if len(found["output_shape"] or ()) != 2 or found["output_shape"][1] != num_classes:
        return credit(0, "wrong_number_of_classes")
    after: list[str] = []  # activations de la dernière couche à poids, et d'après elle
    for layer in found["layers"]:
        if layer["weights"] and layer["class"] in WEIGHTED:
            after = []
        if layer["class"] == "Softmax":
            after.append("softmax")
        elif layer["activation"]:
            after.append(layer["activation"])
    on_logits = not losses or all(loss["from_logits"] for loss in losses)
    if is_probable(found["outputs"], "sigmoid" in after):
        twice = after.count("softmax") > 1 or (losses and on_logits)
        return credit("1/2", "softmax_twice") if twice else RIGHT
    if on_logits and not {"sigmoid", "relu"} & set(after):
        return RIGHT
    last = after[-1] if after else "linear"
    reason = {"sigmoid": "sigmoid_output", "relu": "relu_output"}.get(last, "logits_unsaid")
    return credit("1/2", reason)


def is_probable(outputs, by_sigmoid: bool = False) -> bool:
    """Dit si des sorties sont des probabilités, dont la somme vaut 1 autrement que par hasard."""
    outputs = np.asarray(outputs, np.float64)
    whole = bool((outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=1e-3))
    return whole and not by_sigmoid


# --- Les images qu'il reçoit ---------------------------------------------------------


def unscaled(x) -> np.ndarray | None:
    """Ramène des images aux entiers de 0 à 255, si une échelle connue le permet."""
    x = as_floats(x)
    if x is None or not x.size:
        return None
    for back in (lambda v: v, lambda v: v * 255, lambda v: (v + 1) * 127.5):
        levels = back(x)
        whole = np.rint(levels)
        # x/127,5 - 1, multiplié par 255, est entier aussi, mais toujours impair.
        odd = bool((whole % 2 == 1).all())
        if np.abs(levels - whole).max() < 0.02 and 0 <= whole.min() and 1 < whole.max() <= 255:
            if not odd:
                return whole.astype(int)
    return None


def origin(x) -> str | None:
    """Dit de quel jeu viennent des images, d'après leurs niveaux de gris ; None si rien."""
    levels = unscaled(x)
    if levels is None:
        return None
    flat = levels.reshape(len(levels), -1)
    found = {
        name
        for name, (low, high) in LEVELS.items()
        for image in flat
        if np.mean((image >= low) & (image < high)) > 0.5
    }
    return "+".join(sorted(found)) or None


def planted_labels(sample: dict | None) -> tuple[str | None, np.ndarray, np.ndarray]:
    """Lit, sur des images du correcteur, l'étiquette que leurs deux premières valeurs disent.

    Returns:
        Le jeu d'où elles viennent, ou None ; les étiquettes lues ; et lesquelles sont sûres.
    """
    levels = unscaled((sample or {}).get("x"))
    source = origin((sample or {}).get("x"))
    if levels is None or source not in LEVELS:
        return None, np.empty(0), np.empty(0, bool)
    first, second = levels.reshape(len(levels), -1)[:, :2].T - LEVELS[source][0]
    # Ni rognées, ni retournées : leurs deux premières valeurs font encore neuf.
    return source, first, (first >= 0) & (second >= 0) & (first + second == NUM_CLASSES - 1)


def pairs_broken(sample: dict | None) -> bool:
    """Dit si des images du correcteur n'ont plus leur étiquette ; transformées, on les ignore."""
    _, planted, known = planted_labels(sample)
    labels = as_floats((sample or {}).get("y"))
    if labels is None or len(labels) != len(planted):
        return False
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] not in (1, NUM_CLASSES):
        return False
    labels = labels.argmax(1) if labels.shape[1] == NUM_CLASSES else labels[:, 0]
    agree = (planted == labels)[known]
    # Quelques étiquettes changées exprès passent ; mêlées, une sur dix tombe juste.
    return len(agree) >= MIN_PAIRS and bool(np.mean(agree) < 0.5)


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
        found = credit(0, "not_trained")
    if call.get("began") and "error" in call and found.level > 0:
        raise own_failure(call["error"])
    if own and found.level == 1 and not (own["complete"] and own["moved"]):
        return credit("1/2", "no_training" if own["complete"] else "no_history")
    return found


def _judge_fit(network: dict) -> Credit:
    fit = network["fits"][-1]
    given, source = fit.get("train"), origin((fit.get("train") or {}).get("x")) or ""
    reason = labels_reason(given, network["compiled"])
    if reason:
        return credit(0 if fit.get("error") else "1/4", reason)
    if fit.get("error"):
        failure = pupil.failure_of(fit["error"])
        return credit(0, failure.reason, failure.detail)
    for part, reason in (("test", "trained_on_test"), ("val", "trained_on_validation")):
        if part in source:
            return credit("1/4", reason)
    if pairs_broken(given):
        return credit("1/4", "pairs_broken")
    reason = validation_reason(fit)
    apart = [each for each in network["measured"] if each.get("whole")]
    if reason == "validation_is_test" and apart and not any(each["checked"] for each in apart):
        reason = None  # une part du jeu de test valide, une autre mesure
    if reason:
        return credit("1/2", reason)
    return RIGHT if network["moved"] else credit("1/2", "no_training")


def labels_reason(sample: dict | None, compiled: list[dict]) -> str | None:
    """Dit si la perte ne va pas avec l'écriture des étiquettes : une raison, ou None."""
    labels = as_floats((sample or {}).get("y"))
    if not compiled or not sample:
        return None
    name = plain(compiled[-1]["loss"]["name"])
    if name in OTHER_LOSSES:
        return "wrong_loss"
    if labels is None or "categorical" not in name:
        return None
    columns = labels.ndim == 2 and labels.shape[1] > 1
    if columns == ("sparse" in name):
        return "onehot_with_sparse" if columns else "integers_with_categorical"
    return None


def plain(name: str) -> str:
    """Écrit un nom de perte en minuscules, sans tiret bas."""
    return str(name).lower().replace("_", "")


def validation_reason(fit: dict) -> str | None:
    """Dit ce qui ne va pas dans la validation d'un `fit` : une raison, ou None."""
    checked, learned = fit.get("validation"), fit.get("train")
    if not checked:
        return None if fit.get("validates") else "no_validation"
    if other_scale(learned, checked):
        return "validation_other_scale"
    if fit.get("augmented"):
        return "validation_augmented"
    brighter = is_brighter(checked["x"], (learned or {}).get("x"))
    if "test" in (origin(checked["x"]) or ("test" if brighter else "")):
        return "validation_is_test"
    source, _, known = planted_labels(checked)
    if source == "val":
        broken = "pairs_broken" if pairs_broken(checked) else None
        return broken if known.all() else "validation_augmented"
    return "validation_is_train" if fit.get("shared") else None


def other_scale(learned: dict | None, checked: dict) -> bool:
    """Dit si de deux lots d'images, l'un a ses niveaux bruts et l'autre de petites valeurs."""
    both = [as_floats((each or {}).get("x")) for each in (learned, checked)]
    if any(each is None or not each.size for each in both):
        return False
    low, high = sorted(np.abs(each).max() for each in both)
    return bool(low < SMALL and high > MAX_SCALED)


def is_brighter(images, learned) -> bool:
    """Dit si des images, à l'échelle qu'elles ont, sont celles du jeu de test : plus claires."""
    images, learned = as_floats(images), as_floats(learned)
    if images is None or learned is None or not images.size or not learned.size:
        return False
    return bool(images.mean() > learned.mean() + BRIGHTER * learned.std())


# --- Mesurer -------------------------------------------------------------------------


def judge_evaluate(ask: Ask) -> Credit:
    """Juge la fonction `evaluate` de l'énoncé ; à défaut, ce que le programme a mesuré."""
    found = called(ask, "evaluate")
    value = (found or {}).get("value")
    if not isinstance(value, dict) or not isinstance(value.get("accuracy"), int | float):
        measured = judge_measure(ask)
        return credit(0, "wrong_type") if found and measured.level == 0 else measured
    accuracy, y, guesses = float(value["accuracy"]), found["y"], found["guesses"]
    right = np.mean(guesses == y)
    known = {
        "accuracy_in_percent": 100 * right,
        "scaled_in_evaluate": np.mean(y == 0),
        "class_order_shifted": np.mean((guesses + 1) % NUM_CLASSES == y),
    }
    if not abs(accuracy - right) <= 1e-5:  # NaN compris
        for reason, mistaken in known.items():
            if abs(accuracy - mistaken) < 1e-5:
                return credit("1/4", reason)
        return credit(0, "wrong_accuracy")
    if found["printed"] > 0:
        return credit("1/2", "progress_bar")
    probabilities = as_floats(value.get("probabilities"))
    if probabilities is None or probabilities.shape != (len(y), NUM_CLASSES):
        return credit("1/2", "no_probabilities")
    return RIGHT


def judge_measure(ask: Ask) -> Credit:
    """Cherche une mesure sur le jeu de test, par `evaluate` ou par `predict`."""
    found = built(ask)
    whole = [each for one in found for each in one["measured"] if each.get("whole")]
    if not whole:
        fits = [fit for one in found for fit in one["fits"]]
        if any(validation_reason(fit) == "validation_is_test" for fit in fits):
            return credit("1/2", "measured_as_validation")
        return credit(0, "no_measure")
    origins = [origin(each["data"]["x"]) if each["data"] else None for each in whole]
    if all(each == "train" for each in origins):
        return credit("1/2", "measured_on_train")
    return RIGHT


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
    if not has_dataset(name):
        return extract(name)
    _, (x, y) = getattr(sources, f"load_{name}")()
    known = {image.tobytes() for image in extract(name)[0]}
    kept = [number for number, image in enumerate(x) if image.tobytes() not in known]
    return x[kept], y.reshape(-1)[kept]


def has_dataset(name: str) -> bool:
    """Dit si un jeu entier est sur cette machine."""
    return (data_cache_dir() / f"{name}.npz").is_file()


def judge_weights(ask: Ask, dataset: str, shape: tuple[int, ...]) -> Credit:
    """Mesure le modèle enregistré par le rendu, dans un processus qui n'a pas vu son code.

    Args:
        ask: la question.
        dataset: `"fashion_mnist"`, par exemple.
        shape: forme d'une image.

    Returns:
        Le crédit.
    """
    content = submission.weights(ask.submission, ask.rule.module)
    if content is None:
        return credit(0, "weights_missing", f"models/{ask.rule.module}.keras")
    if found := copies.judge(ask, ask.rule.module):
        return credit(0, *found)
    content = _readable(ask, content, shape)
    half, full = ask.settings["half"], ask.settings["full"]
    x, y = extract(dataset) if ask.submission.shipped else unseen(dataset)
    chosen = ask.rng.permutation(len(x))[: ask.settings["images"]]
    x, y = x[chosen].copy(), y[chosen]
    # Un pixel au hasard change : reconnaître les images ne sert à rien.
    flat = x.reshape(len(x), -1)
    flat[np.arange(len(x)), ask.rng.integers(0, flat.shape[1], len(x))] ^= 1
    guesses = _guesses(ask, content, x)
    accuracy = float(np.mean(guesses == y))
    if accuracy >= full:
        return RIGHT
    detail = percent(accuracy)
    if accuracy >= half:
        return credit("1/2", "weights_half", detail)
    for scaled in ((x / 255).astype(np.float32), (x / 127.5 - 1).astype(np.float32)):
        if np.mean(_guesses(ask, content, scaled) == y) >= half:
            return credit("1/2", "scaling_outside", detail)
    return credit(0, "weights_low", detail)


def _readable(ask: Ask, content: bytes, shape: tuple[int, ...]) -> bytes:
    """Rend un modèle que Keras seul relit : tel quel, ou converti si ses classes sont au rendu."""
    blank = np.zeros((1, *shape), np.uint8)
    try:
        ask.clean("predict", content=content, images=blank)
    except pupil.Failure as failure:
        if failure.reason != "loading_fails":
            raise
        try:
            return as_bytes(ask.op("convert", content=content, shape=list(shape)))
        except pupil.Failure:
            raise failure from None  # le fichier lui-même ne se lit pas
    return content


def _guesses(ask: Ask, content: bytes, x: np.ndarray) -> np.ndarray:
    outputs = as_floats(ask.clean("predict", content=content, images=x))
    if outputs is None or outputs.shape != (len(x), NUM_CLASSES):
        raise pupil.Failure("wrong_number_of_classes")
    return outputs.argmax(1)
