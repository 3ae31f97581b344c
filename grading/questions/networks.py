"""Ce que les exercices 02 à 04 ont en commun : juger un réseau, son essai, ses poids."""

import functools
from fractions import Fraction

import numpy as np

from convnets.core.cli import percent
from convnets.core.paths import data_cache_dir
from convnets.datasets import sources
from grading import copies, messages, pupil, submission
from grading.questions import RIGHT, Ask, Credit, as_bytes, as_floats, credit

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
NUM_CLASSES = 10
OTHER_LOSSES = set("mse mae meansquarederror meanabsoluteerror binarycrossentropy hinge".split())
MIN_PAIRS = 8  # images reconnues : en deçà, leurs étiquettes ne prouvent rien
# Les niveaux de gris des jeux de l'essai : d'où vient une image se lit sur elle.
LEVELS = {"train": (5, 80), "val": (90, 160), "test": (170, 240)}


# --- Le réseau -----------------------------------------------------------------------


def facts(ask: Ask, shape: tuple[int, ...], function: str = "build_model") -> dict:
    """Décrit un modèle du rendu, relu dans un processus qui n'a pas vu le rendu.

    Args:
        ask: la question.
        shape: forme d'une image.
        function: la fonction qui le construit.

    Returns:
        Voir `probes.inspect`.

    Raises:
        pupil.Failure: pas de modèle, ou il ne se relit pas.
    """
    images = np.random.default_rng(0).integers(0, 256, (4, *shape)).astype(np.uint8)
    found = ask.clean("inspect", content=ask.model(function, shape=shape), images=images)
    if not isinstance(found, dict) or not isinstance(found.get("layers"), list):
        raise pupil.Failure("forged_answer")
    if found.get("refused"):
        raise pupil.Failure("wrong_input", pupil.quoted(found["refused"], who="Keras"))
    return found


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
        found: rendu par `facts`.
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
        found: rendu par `facts`.
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


def judge_scaling(ask: Ask, found: dict) -> Credit:
    """Regarde ce que la première couche à poids reçoit d'une image noire et d'une blanche."""
    seen = found["seen"]
    if any(layer["class"] == "Normalization" for layer in found["layers"]):
        seen = _seen_once_adapted(ask, found) or seen
    return scaling_credit(found, seen, _scales_outside(ask))


def scaling_credit(found: dict, seen: list | None, outside: bool) -> Credit:
    """Juge la mise à l'échelle.

    Args:
        found: rendu par `facts`.
        seen: ce que voit la première couche à poids d'une image noire, puis d'une blanche.
        outside: les images données à `fit` ont déjà de petites valeurs.
    """
    if found.get("first") == "BatchNormalization":
        return RIGHT
    # Un modèle dans un modèle : rien ne permet de dire non.
    if not seen or np.allclose(seen, CENTRED, atol=0.1):
        return RIGHT
    (black, _), (_, white) = seen
    span = abs(white - black)
    if span > MAX_SCALED:
        return credit("1/2", "scaling_outside") if outside else credit(0, "scaling_forgotten")
    if span < MIN_SCALED or outside:
        return credit(0, "scaling_twice")
    return RIGHT


def _seen_once_adapted(ask: Ask, found: dict):
    """Rend ce que voit la première couche quand `train` a appelé `Normalization.adapt`."""
    try:
        content = trial(ask).get("model")
    except pupil.Failure:
        return None
    if not isinstance(content, bytes):
        return None
    images = np.zeros((4, *found["input_shape"][1:]), np.uint8)
    return ask.clean("inspect", content=content, images=images)["seen"]


def _scales_outside(ask: Ask) -> bool:
    """Dit si les images passées à `fit` ont déjà de petites valeurs."""
    try:
        return scaled_outside(trial(ask)["fitted"])
    except pupil.Failure:
        return False


def scaled_outside(fits: list[dict]) -> bool:
    """Dit si des images passées à `fit` ont de petites valeurs."""
    samples = [as_floats(each["train"]["x"]) for each in fits if each.get("train")]
    return any(x is not None and x.size and np.abs(x).max() < 5 for x in samples)


def judge_output(ask: Ask, found: dict) -> Credit:
    """Regarde la sortie : dix nombres, un softmax ou des logits dits tels à la perte."""
    try:
        tried = trial(ask)
        losses = [each["loss"] for each in tried["compiled"]] or tried["losses"]
        by_hand = not losses and not tried["error"] and bool(tried.get("is_model"))
    except pupil.Failure:
        losses, by_hand = [], False
    return output_credit(found, losses, by_hand=by_hand)


def output_credit(found: dict, losses: list[dict], *, by_hand: bool) -> Credit:
    """Juge la sortie.

    Args:
        found: rendu par `facts`.
        losses: les pertes, décrites.
        by_hand: c'est une boucle à la main dont la perte n'est pas un objet de Keras : rien ne
            permet de dire non.
    """
    if len(found["output_shape"] or ()) != 2 or found["output_shape"][1] != NUM_CLASSES:
        return credit(0, "wrong_number_of_classes")
    after: list[str] = []  # activations de la dernière couche à poids, et d'après elle
    for layer in found["layers"]:
        if layer["weights"] and layer["class"] in CONVOLUTIONS | {"Dense"}:
            after = []
        if layer["class"] == "Softmax":
            after.append("softmax")
        elif layer["activation"]:
            after.append(layer["activation"])
    outputs = np.asarray(found["outputs"], np.float64)
    probable = bool((outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=1e-3))
    if after.count("softmax") > 1:
        return credit("1/2", "softmax_twice")
    on_logits = by_hand or (bool(losses) and all(loss["from_logits"] for loss in losses))
    if probable:
        return credit("1/2", "softmax_twice") if on_logits and not by_hand else RIGHT
    if on_logits and not {"sigmoid", "relu"} & set(after):
        return RIGHT
    last = after[-1] if after else "linear"
    reason = {"sigmoid": "sigmoid_output", "relu": "relu_output"}.get(last, "logits_unsaid")
    return credit("1/2", reason)


# --- L'essai -------------------------------------------------------------------------


def trial(ask: Ask) -> dict:
    """Lance `train` sur quelques images (voir `probes.trial`) ; une fois par rendu.

    Raises:
        pupil.Failure: le rendu n'a rien rendu.
    """
    shape = (32, 32, 3) if ask.rule.exercise == "ex03" else (28, 28)
    rng = np.random.default_rng(7)
    data = {}
    for name, num in (("train", 48), ("val", 16), ("test", 16)):
        data[f"x_{name}"] = rng.integers(*LEVELS[name], (num, *shape)).astype(np.uint8)
        labels = rng.permutation(np.arange(num) % NUM_CLASSES).astype(np.uint8)
        data[f"y_{name}"] = labels[:, None] if ask.rule.exercise == "ex03" else labels
    found = ask.op("trial", data=data)
    if not isinstance(found, dict) or not {
        "compiled",
        "fitted",
        "built",
        "losses",
        "steps",
        "error",
    } <= set(found):
        raise pupil.Failure("forged_answer")
    return {**found, "data": data}


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


def judge_train(ask: Ask) -> Credit:
    """Note l'essai : perte et étiquettes, validation, ce qui est rendu."""
    found = trial(ask)
    done = Fraction(0) if found["error"] else Fraction(1, 4)
    fitted, compiled = found["fitted"], found["compiled"]
    for each in fitted:
        reason = labels_reason(each.get("train"), compiled)
        if reason:
            return Credit(done, reason)
    if found["error"]:
        failure = pupil.failure_of(found["error"])
        return credit(0, failure.reason, failure.detail)
    for each in fitted:
        sources = origin((each.get("train") or {}).get("x")) or ""
        if "test" in sources:
            return credit("1/4", "trained_on_test")
        if "val" in sources:
            return credit("1/4", "trained_on_validation")
        if _pairs_broken(each.get("train"), found["data"]):
            return credit("1/4", "pairs_broken")
    half = Fraction(1, 2)
    for each in fitted:
        reason = _validation_reason(each, found["data"]["x_val"])
        if reason:
            return Credit(half, reason)
        if _pairs_broken(each.get("validation"), found["data"]):
            return Credit(half, "pairs_broken")
    if not found.get("is_model") or found.get("history") is None:
        return Credit(half, "no_history")
    return RIGHT if _has_learned(found) else Credit(half, "no_training")


def labels_reason(sample: dict | None, compiled: list[dict]) -> str | None:
    """Dit si la perte ne va pas avec l'écriture des étiquettes : une raison, ou None."""
    if not compiled:
        return None
    name = str(compiled[-1]["loss"]["name"]).lower().replace("_", "")
    if name in OTHER_LOSSES:
        return "wrong_loss"
    labels = as_floats((sample or {}).get("y"))
    if labels is None:
        return None
    columns = labels.ndim == 2 and labels.shape[1] == NUM_CLASSES
    if "sparse" in name and columns:
        return "onehot_with_sparse"
    if "categoricalcrossentropy" in name and "sparse" not in name and not columns:
        return "integers_with_categorical"
    return None


def _pairs_broken(sample: dict | None, data: dict) -> bool:
    """Dit si des images du correcteur n'ont plus leur étiquette ; transformées, on les ignore."""
    levels, labels = unscaled((sample or {}).get("x")), as_floats((sample or {}).get("y"))
    if levels is None or labels is None or labels.shape[:1] != levels.shape[:1]:
        return False
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] not in (1, NUM_CLASSES):
        return False
    labels = labels.argmax(1) if labels.shape[1] == NUM_CLASSES else labels[:, 0]
    known = {
        image.astype(int).tobytes(): label
        for part in ("train", "val")
        for image, label in zip(data[f"x_{part}"], data[f"y_{part}"].reshape(-1), strict=True)
    }
    keys = [image.tobytes() for image in levels]
    kept = [known[key] == label for key, label in zip(keys, labels, strict=True) if key in known]
    # Quelques étiquettes changées exprès passent ; mêlées, une sur dix tombe juste.
    return len(kept) >= MIN_PAIRS and bool(np.mean(kept) < 0.5)


def _validation_reason(each: dict, x_val: np.ndarray) -> str | None:
    checked = each.get("validation")
    if not checked:
        return "no_validation"
    if other_scale(each.get("train"), checked):
        return "validation_other_scale"
    source = origin(checked["x"])
    if source is None:
        return None
    if "test" in source:
        return "validation_is_test"
    if "train" in source:
        return "validation_is_train" if _share_images(each["train"], checked) else None
    known = {image.tobytes() for image in x_val.reshape(len(x_val), -1).astype(int)}
    levels = unscaled(checked["x"])
    ours = [image.tobytes() in known for image in levels.reshape(len(levels), -1)]
    return None if all(ours) else "validation_augmented"


def other_scale(learned: dict | None, checked: dict) -> bool:
    """Dit si de deux lots d'images, l'un a ses niveaux bruts et l'autre de petites valeurs."""
    both = [as_floats((each or {}).get("x")) for each in (learned, checked)]
    if any(each is None or not each.size for each in both):
        return False
    low, high = sorted(np.abs(each).max() for each in both)
    return bool(low < 5 and high > MAX_SCALED)


def _share_images(learned: dict | None, checked: dict) -> bool:
    """Dit si une image de la validation sert aussi à l'entraînement."""
    ours, theirs = (unscaled((each or {}).get("x")) for each in (learned, checked))
    if ours is None or theirs is None:
        return True
    known = {image.tobytes() for image in ours.reshape(len(ours), -1)}
    return any(image.tobytes() in known for image in theirs.reshape(len(theirs), -1))


def _has_learned(found: dict) -> bool:
    """Dit si les poids ont changé, et si ceux qui sont rendus sont ceux d'un modèle entraîné."""

    def close(a, b, tolerance):
        a, b = as_floats(a), as_floats(b)
        if a is None or b is None or a.shape != b.shape:
            return False
        # Sur si peu d'images, un taux élevé diverge, et des poids sur 16 bits débordent.
        usual = np.isfinite(a) & np.isfinite(b) & (np.abs(a) < 1e4)
        return np.allclose(a[usual], b[usual], rtol=tolerance, atol=tolerance)

    if not found["fitted"]:  # une boucle à la main, ou `train_on_batch`
        if not found.get("weights"):
            return False
        starts = [each for each in found["built"] if len(each) == len(found["weights"])]
        if not starts:
            return found["steps"] > 0
        return not any(close(each, found["weights"], 1e-7) for each in starts)
    moved = any(not close(each["before"], each["after"], 1e-7) for each in found["fitted"])
    ends = [each["all_after"] for each in found["fitted"]]
    sizes = {len(end) for end in ends}
    if len(found["weights"]) not in sizes:  # un autre modèle : moyenné, à deux sorties…
        return moved
    return moved and any(close(found["weights"], end, 1e-2) for end in ends)


def trains_convolutions(found: dict) -> bool:
    """Dit si un modèle qui a des convolutions a appris, ou si cela ne peut pas se savoir."""
    fitted = found["fitted"]
    by_hand = not fitted or found["steps"] > sum(each["steps"] for each in fitted)
    # De cellules rejouées, l'une a pu échouer ici sans que ce soit la faute de l'élève.
    return by_hand or not found["own_train"] or any(each["convolves"] for each in fitted)


# --- Mesurer -------------------------------------------------------------------------


def judge_evaluate(ask: Ask, shape: tuple[int, ...]) -> Credit:
    """Donne à `evaluate` un modèle dont la classe prédite est la valeur du premier pixel."""
    # Les exactitudes d'erreurs différentes doivent différer quel que soit le tirage : classe juste
    # une fois sur deux, la suivante quatre fois sur dix, la première sinon, en effectifs exacts.
    rng, num = ask.rng, 240
    x = rng.integers(0, 256, (num, *shape)).astype(np.uint8)
    guesses = np.arange(num) % NUM_CLASSES
    x.reshape(num, -1)[:, 0] = guesses
    parts = np.repeat([0, 1, 2], [120, 96, 24])
    y = np.choose(rng.permutation(parts), [guesses, (guesses + 1) % NUM_CLASSES, 0 * guesses])
    order = rng.permutation(num)
    x, guesses, y = x[order], guesses[order], y[order].astype(np.uint8)
    right = float(np.mean(guesses == y))
    if ask.rule.exercise == "ex03":
        y = y[:, None]
    model = messages.Ingredient("planted_model", {"shape": list(shape)})
    answer = ask.answer("call", function="evaluate", calls=[[[model, x, y], {}]])
    found = answer["value"][0]
    if found.get("error"):
        failure = pupil.failure_of(found["error"])
        return credit(0, failure.reason, failure.detail)
    value = found["value"]
    if not isinstance(value, dict) or not isinstance(value.get("accuracy"), int | float):
        return credit(0, "wrong_type")
    flat, accuracy = y.reshape(-1), float(value["accuracy"])
    known = {
        "accuracy_in_percent": 100 * right,
        "scaled_in_evaluate": np.mean(flat == 0),
        "class_order_shifted": np.mean((guesses + 1) % NUM_CLASSES == flat),
    }
    if not abs(accuracy - right) <= 1e-5:  # NaN compris
        for reason, mistaken in known.items():
            if abs(accuracy - mistaken) < 1e-5:
                return credit("1/4", reason)
        return credit(0, "wrong_accuracy")
    if answer["printed"] > 0:
        return credit("1/2", "progress_bar")
    probabilities = as_floats(value.get("probabilities"))
    if probabilities is None or probabilities.shape != (num, NUM_CLASSES):
        return credit("1/2", "no_probabilities")
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


def judge_weights(ask: Ask, dataset: str, shape: tuple[int, ...], *, network: str = "") -> Credit:
    """Mesure le modèle enregistré par le rendu, dans un processus qui n'a pas vu son code.

    Args:
        ask: la question.
        dataset: `"fashion_mnist"`, par exemple.
        shape: forme d'une image.
        network: voir `probes.learn`.

    Returns:
        Le crédit.
    """
    if ask.with_training:
        content = _train(ask, dataset, network)
    else:
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
    if any(np.mean((guesses + k) % NUM_CLASSES == y) >= half for k in range(1, NUM_CLASSES)):
        return credit("1/4", "class_order_shifted", detail)
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


def _train(ask: Ask, dataset: str, network: str) -> bytes:
    """Entraîne vraiment le rendu, sur le jeu entier ; rend le modèle."""
    (x, y), _ = getattr(sources, f"load_{dataset}")()
    (x_train, y_train), (x_val, y_val) = sources.split_validation(
        x, y, num_val=len(x) // 25, seed=0
    )
    parts = {"x_train": x_train, "y_train": y_train, "x_val": x_val, "y_val": y_val}
    epochs = ask.settings["epochs"]
    return as_bytes(ask.op("learn", data=parts, epochs=epochs, network=network))


def _guesses(ask: Ask, content: bytes, x: np.ndarray) -> np.ndarray:
    outputs = as_floats(ask.clean("predict", content=content, images=x))
    if outputs is None or outputs.shape != (len(x), NUM_CLASSES):
        raise pupil.Failure("wrong_number_of_classes")
    return outputs.argmax(1)
