"""Exercice 04 : LeNet, et un réseau complètement connecté qui a autant de paramètres."""

from grading.questions import Ask, Credit, credit, first_fault, networks, question
from grading.scale import read_scale

ORDER = "CMCMDDD"  # C1, S2, C3, S4, C5, F6, sortie
FIGURE = {  # ce que rend chaque couche
    **{"C1": [28, 28, 6], "S2": [14, 14, 6], "C3": [10, 10, 16], "S4": [5, 5, 16]},
    **{"C5": [120], "F6": [84], "la sortie": [10]},
}
OUTPUTS = {"lenet", "dense"}  # du modèle que rend `train`
PX = 28  # côté d'un chiffre
OLD_POOLING, OLD_ACTIVATION = "A", "tanh"  # la variante de 1998
VARIANT, BOTH = "variant", "both"  # ce que note `calling.Asked.call_apart`
FOLDED = "l'image entre dans la première couche dense sans `Flatten`"
UNSCALED = {"scaling_forgotten", "scaling_untaught", "scaling_twice", "scaling_multiplied"}
NOT_DENSE = {"LSTM", "GRU", "SimpleRNN", "Bidirectional", "Conv1D", "Conv2DTranspose"}
PARAMETERS = read_scale()["ex04"].rules[0].settings["parameters"]


def judge_lenet(found: dict) -> Credit:
    """Juge un réseau qui devrait être LeNet.

    Args:
        found: une description (voir `models.described`).
    """
    layers = [
        {**each, "class": "Dense", "shapes": {}} if _sees_all(each) else each
        for each in found["layers"]
    ]
    judged = networks.judge_architecture({**found, "layers": layers}, ORDER)
    if judged.level == 1 and found["num_parameters"] != PARAMETERS:
        said = f"{found['num_parameters']} paramètres ; {_first_unlike(layers)}"
        return credit("3/4", "wrong_sizes", said)
    return judged


def _first_unlike(layers: list[dict]) -> str:
    """Dit la première couche dont la sortie n'a pas la forme de la figure."""
    kept = [each for each in layers if networks.sequence([each])]
    for name, layer in zip(FIGURE, kept, strict=True):
        shape = layer["shapes"].get("output", (None, *FIGURE[name]))[1:]
        if list(shape) != FIGURE[name]:
            sides = " × ".join(map(str, shape))
            return f"la première couche qui diffère est {name}, qui rend {sides}"
    return "leurs sorties ont ces tailles : un noyau, un biais ou une autre couche diffère"


def _sees_all(layer: dict) -> bool:
    """Dit si une convolution lit toute la carte : elle vaut une couche dense, comme C5."""
    sizes = layer["shapes"]
    small = tuple(sizes.get("output", ())[1:3]) == (1, 1) != tuple(sizes.get("input", ())[1:3])
    return layer["class"] in networks.CONVOLUTIONS and small


networks.ask_common("ex04", "build_lenet", "lenet", judge_lenet)


@question("ex04.lenet")
def ask_lenet(ask: Ask) -> Credit:
    """Juge la structure de LeNet ; d'une fonction qui reçoit `variant`, ses images et 1998."""

    def judge():
        network = networks.chosen(ask, judge_lenet)
        found = networks.of_which(ask, network, lambda each: judge_lenet(each["facts"]))
        old = networks.record(ask)["calls"].get(VARIANT)
        if found.level < 1 or old is None:
            return found
        side = [n for n in network["facts"]["input_shape"][1:3] if n != PX]
        said = f"il lit des images de {side[0]} pixels de côté, et non de {PX}" if side else ""
        return credit("3/4", "wrong_input", said) if side else judge_variant(old)

    return networks.judged(ask, "build_lenet", judge)


def judge_variant(made: dict) -> Credit:
    """Juge la variante de 1998 : pooling par moyenne, et tangente hyperbolique.

    Args:
        made: `{"value": …}`, une description (voir `models.described`), ou `{"error": …}`.
    """
    if "error" in made:
        failure = networks.own_failure(made["error"])
        return credit("3/4", failure.reason, failure.detail)
    layers = made["value"]["layers"]
    asked = ORDER.replace("M", OLD_POOLING)
    said = [
        "son pooling est un maximum" * ("M" in networks.sequence(layers)),
        "ses couches n'ont pas toutes tanh" * (_count_tanh(layers) < len(asked) - 3),
    ]
    said = " ; ".join(filter(None, said))
    return first_fault(
        ("3/4", "wrong_variant", said, said),
        ("3/4", "wrong_variant", networks.sequence(layers) != asked, "ses couches sont autres"),
    )


def _count_tanh(layers: list[dict]) -> int:
    """Compte les couches qui sont, ou portent, une tangente hyperbolique."""
    return sum(OLD_ACTIVATION in (each["activation"], each["class"].lower()) for each in layers)


@question("ex04.scaling")
def ask_scaling(ask: Ask) -> Credit:
    """Juge la mise à l'échelle, même d'un réseau qui refuse les images uint8 faute de les lire."""
    return networks.judged(
        ask, "build_lenet", lambda: networks.of_which(ask, _lenet(ask), networks.judge_raw_scaling)
    )


@question("ex04.output")
def ask_output(ask: Ask) -> Credit:
    """Juge la sortie de LeNet."""
    return networks.judged(
        ask, "build_lenet", lambda: networks.of_which(ask, _lenet(ask), networks.judge_output)
    )


def _lenet(ask: Ask) -> dict:
    """Rend le réseau qui répond le mieux pour LeNet.

    Raises:
        failures.Failure: il n'a pas de convolution, car `build_lenet` s'est arrêtée.
    """
    network = networks.chosen(ask, judge_lenet)
    error = networks.record(ask)["calls"].get("build_lenet", {}).get("error")
    if error is not None and "C" not in networks.sequence(network["facts"]["layers"]):
        raise networks.own_failure(error)
    return network


@question("ex04.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare le nombre de paramètres du réseau dense à celui du LeNet de l'élève."""

    def judge():
        lenet = networks.chosen(ask, judge_lenet)["facts"]
        convolves = "C" in networks.sequence(lenet["layers"])
        size = lenet["num_parameters"] if convolves else PARAMETERS
        dense = networks.chosen(ask, lambda facts: _rank_dense(ask, facts, size))
        found = judge_dense(ask, dense["facts"], size)
        return judge_dense_ends(dense) if found.level == 1 else found

    return networks.judged(ask, "build_dense", judge)


def _rank_dense(ask: Ask, found: dict, size: int) -> Credit:
    """Range les réseaux du programme : un réseau fait de couches denses vient avant LeNet."""
    judged = judge_dense(ask, found, size)
    return judged if judged.level or judged.reason == "not_dense" else judged._replace(level=0.1)


def judge_dense(ask: Ask, found: dict, size: int) -> Credit:
    """Juge un réseau qui devrait être complètement connecté.

    Args:
        ask: la question.
        found: une description (voir `models.described`).
        size: nombre de paramètres de LeNet.
    """
    unequal = 100 * abs(found["num_parameters"] - size) > ask.settings["percent"] * size
    detail = f"{found['num_parameters']} contre {size}"
    return first_fault(
        (0, "not_dense", set(networks.sequence(found["layers"])) != {"D"}),
        (0, "not_dense", any(each["class"] in NOT_DENSE for each in found["layers"])),
        (0, "flatten_forgotten", len(found["output_shape"] or ()) > 2, FOLDED),
        (0, "wrong_number_of_classes", found["output_shape"] != [None, networks.NUM_CLASSES]),
        ("1/2", "unequal_networks", unequal, detail),
        ("3/4", "relu_forgotten", networks.without_bend(found["layers"])),
    )


def judge_dense_ends(network: dict) -> Credit:
    """Juge ce que reçoit et ce que rend un réseau complètement connecté."""
    scaling = networks.judge_raw_scaling(network)
    output, layers = networks.judge_output(network), network["facts"]["layers"]
    last = max(k for k, each in enumerate(layers) if each["class"] == "Dense")
    hidden = any("softmax" in (each["activation"], each["class"].lower()) for each in layers[:last])
    return first_fault(
        ("3/4", scaling.reason, scaling.reason in UNSCALED),
        ("3/4", "softmax_hidden", hidden),
        ("3/4", output.reason, output.level < 1, output.detail),
    )


@question("ex04.train")
def ask_train(ask: Ask) -> Credit:
    """Juge l'entraînement de LeNet ; entraîner seulement l'autre réseau en est la moitié."""

    def judge():
        found = networks.judge_train(ask, networks.chosen(ask, judge_lenet))
        fails = "error" in networks.record(ask)["calls"].get("train", {})
        moved = any(each["moved"] for each in networks.built(ask))
        if found.reason == "not_trained" and moved and not fails:
            return credit("1/2", "lenet_not_trained")
        both = networks.called(ask, BOTH)
        return judge_both(both) if both and found.level == 1 else found

    return networks.judged(ask, "train", judge)


def judge_both(own: dict) -> Credit:
    """Juge ce que `train`, appelée par le correcteur, fait des deux réseaux, et ce qu'elle rend.

    Args:
        own: ce qui est noté de cet appel (voir `calling`).
    """
    found = own["networks"]
    letters = [networks.sequence(each["facts"]["layers"]) for each in found]
    taught = [  # de ceux qui apprennent, lesquels sont LeNet seul, et non les deux réunis
        "C" in kinds and bool(each["facts"]["output_shape"])
        for each, kinds in zip(found, letters, strict=True)
        if each["fits"]
    ]
    told = ["C" in kinds for each, kinds in zip(found, letters, strict=True) if each["told"]]
    epochs = {each["num_epochs"] for each in found} - {0, own["wanted"]}
    asked = f"`fit` en demande {min(epochs, default=0)}, et l'option vaut {own['wanted']}"
    names = own["outputs"]
    return first_fault(
        ("1/2", "dense_not_trained", taught == [True]),
        ("3/4", "epochs_of_each", epochs, asked),
        ("3/4", "wrong_outputs", names is not None and not OUTPUTS <= {*names}, _said(names)),
        ("3/4", "wrong_curves", not own["lists"], "ce n'est pas un dictionnaire de listes"),
        ("3/4", "wrong_curves", told and not any(told), "ce sont celles du réseau dense"),
    )


def _said(names: list[str] | None) -> str:
    """Dit quelles sorties a un modèle."""
    names = names or []
    if not any(names):
        return f"{len(names)} sorties, sans nom" if len(names) > 1 else "une seule sortie, sans nom"
    return ", ".join(names)
