"""Ce que le processus d'un rendu sait faire des modèles de Keras.

Importé par `worker`, une fois Keras chargé. Aucune de ces fonctions ne juge.
"""

import contextlib
import importlib
import inspect as inspection
import io
import zipfile
from pathlib import Path
from traceback import walk_tb

import h5py
import keras
import numpy as np
from keras import layers, ops

from . import probes
from .probes import MAX_TEXT

BATCH = 50  # images prédites à la fois
SURE = 0.4  # la plus grande probabilité de `planted_model`


def through(module: str, function: str, calls: list, weights: list) -> list:
    """Appelle une fonction du rendu sur des entrées de Keras, et donne des valeurs au réseau fait.

    Args:
        module: nom du module.
        function: nom d'une fonction de tenseurs.
        calls: `[positionnels, nommés]` de chaque appel ; chaque tableau `(n, …)` devient une
            entrée du réseau.
        weights: tableaux ; chaque poids du réseau prend celui qui a sa forme, ou garde sa valeur.

    Returns:
        Pour chaque appel, `{"value": …}` ou `{"error": …}`.
    """
    target = probes.found(module, function)

    def use(positional, named):
        arrays = [each for each in positional if isinstance(each, np.ndarray)]
        inputs = [keras.Input(each.shape[1:], dtype=each.dtype.name) for each in arrays]
        waiting = iter(inputs)
        positional = [
            next(waiting) if isinstance(each, np.ndarray) else probes.prepared(each)
            for each in positional
        ]
        keras.utils.set_random_seed(0)
        with _written_places() as places:
            made = target(*positional, **named)
        if made is None:  # un `return` oublié
            return None
        model = keras.Model(inputs, made)
        given = {each.shape: each for each in weights}
        model.set_weights([given.get(each.shape, each) for each in model.get_weights()])
        try:
            outputs = model(arrays, training=False)
        except Exception as error:  # aucune ligne du rendu n'est en cours
            error.places = _place_of(model, arrays, places)
            raise
        several = isinstance(outputs, list | tuple)
        return list(map(np.asarray, outputs)) if several else np.asarray(outputs)

    return probes.results(use, calls, ready=False)


@contextlib.contextmanager
def _written_places():
    """Retient quelles lignes du rendu ont demandé chaque opération d'un réseau."""
    places, plain = {}, keras.Operation.symbolic_call

    def symbolic_call(operation, *positional, **named):
        places[id(operation)] = probes.own_places()
        return plain(operation, *positional, **named)

    keras.Operation.symbolic_call = symbolic_call
    try:
        yield places
    finally:
        keras.Operation.symbolic_call = plain


def _place_of(model: keras.Model, arrays: list, places: dict) -> list[tuple[int, str, str]]:
    """Rend les lignes qui ont demandé l'opération où un réseau s'arrête ; [] si rien ne le dit."""
    keras.config.disable_traceback_filtering()  # sans quoi l'opération n'est plus dans la trace
    try:
        model(arrays, training=False)
    except Exception as error:
        inside = [frame.f_locals.get("self") for frame, _ in walk_tb(error.__traceback__)]
        return next((places[id(each)] for each in inside[::-1] if id(each) in places), [])
    finally:
        keras.config.enable_traceback_filtering()
    return []


def slopes(module: str, function: str, calls: list) -> list:
    """Dérive ce que rend une fonction de tenseurs par rapport à son premier argument.

    Args:
        module: nom du module.
        function: nom de la fonction.
        calls: `[positionnels, nommés]` de chaque appel, des tableaux.

    Returns:
        Pour chaque appel, `{"value": …}`, la pente, ou None si rien ne les relie ; ou
        `{"error": …}`.
    """
    import tensorflow as tf

    target = probes.found(module, function)

    def use(positional, named):
        x, *rest = map(tf.constant, positional)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = target(x, *rest, **named)
        slope = tape.gradient(value, x) if tf.is_tensor(value) else None
        return None if slope is None else np.asarray(slope)

    return probes.results(use, calls)


def export(module: str, function: str, positional: list, named: dict, shape: list) -> bytes:
    """Appelle une fonction qui rend un modèle Keras ; rend son fichier `.keras`.

    Args:
        module: nom du module.
        function: nom de la fonction.
        positional: ses arguments positionnels.
        named: ses arguments nommés.
        shape: forme d'une image uint8, pour un modèle qui ne la dit pas ; vide s'il la dit.

    Returns:
        Le contenu du fichier.
    """
    positional = [probes.prepared(each) for each in positional]
    named = {key: probes.prepared(each) for key, each in named.items()}
    keras.utils.set_random_seed(0)
    return _file_of(probes.found(module, function)(*positional, **named), shape)


def convert(module: str, content: bytes, shape: list) -> bytes:
    """Relit un modèle avec les classes du rendu ; rend le même, fait des couches de Keras."""
    importlib.import_module(f"exercises.{module}")
    return _file_of(_load(content), shape)


def functional(model, shapes: list):
    """Rend un modèle dont les couches se lisent : d'une classe du rendu, ce que fait son `call`.

    Args:
        model: un modèle de Keras.
        shapes: formes d'une image, à essayer l'une après l'autre.
    """
    if type(model).__module__.startswith("keras."):
        return model
    if getattr(model, "inputs", None):
        return keras.Model(model.inputs, model.outputs)
    for shape in shapes:
        with contextlib.suppress(Exception):
            images = keras.Input(tuple(shape))
            _call(model, images, model)  # construit ses poids
            return keras.Model(images, _call(model, images))
    return model


def _opened(layer):
    """Rend ce que contient une couche : un modèle, ou ce que fait la classe du rendu ; ou None."""
    if isinstance(layer, keras.Sequential) or hasattr(layer, "operations"):
        return layer
    with contextlib.suppress(Exception):
        if not type(layer).__module__.startswith("keras."):
            read = layer._inbound_nodes[-1].input_tensors
            given = [keras.Input(batch_shape=each.shape, dtype=each.dtype) for each in read]
            return keras.Model(given, _call(layer, given if len(given) > 1 else given[0]))
    return None


def _call(layer, given, function=None):
    """Appelle ce qu'une classe du rendu fait de ses entrées, ou la classe elle-même."""
    asked = inspection.signature(layer.call).parameters
    return (function or layer.call)(given, **({"training": False} if "training" in asked else {}))


def _file_of(model, shape: list) -> bytes:
    if not isinstance(model, keras.Model):
        raise TypeError(f"keras.Model attendu, reçu {type(model).__name__}")
    try:
        functional(model, [shape] if shape else []).save("modele.keras")
    except Exception as error:
        raise SavingError(f"{type(error).__name__} : {error}") from error
    return Path("modele.keras").read_bytes()


class SavingError(Exception):
    """Le modèle du rendu ne s'enregistre pas."""


class LoadingError(Exception):
    """Le fichier du rendu ne se relit pas avec Keras seul."""


def _load(content: bytes):

    Path("recu.keras").write_bytes(content)
    try:
        return keras.saving.load_model("recu.keras", compile=False, safe_mode=True)
    except Exception as error:
        raise LoadingError(f"{type(error).__name__} : {error}"[:MAX_TEXT]) from error


def inspect(content: bytes, images) -> dict:
    """Décrit un modèle enregistré, dans un processus où aucun rendu n'a été importé.

    Args:
        content: fichier `.keras`.
        images: lot d'images uint8 à lui donner.

    Returns:
        Formes, couches dans l'ordre, ce que voit la première couche à poids, sorties.
    """
    return described(_load(content), images)


def described(model, images) -> dict:
    """Décrit un modèle ; rend ce que rend `inspect`."""
    layers = []
    _flatten(model, [], layers)
    shapes = [model.input_shape, model.output_shape]
    shapes = [list(each) if isinstance(each, tuple) else None for each in shapes]
    facts = {
        "input_shape": shapes[0],
        "output_shape": shapes[1],
        "num_parameters": int(model.count_params()),
        "layers": [{**_describe(node), "parents": parents} for node, parents in layers],
        "seen": None,
        "outputs": None,
        "first": "",
        "refused": "",
    }
    try:
        facts["outputs"] = np.asarray(model(images, training=False), np.float32)
    except Exception as error:
        facts["refused"] = str(error)[:MAX_TEXT]
        return facts
    weighted = [each for each in model.layers if each.weights]
    first = next((each for each in weighted if type(each).__name__ != "Normalization"), None)
    facts["first"] = type(first).__name__
    with contextlib.suppress(Exception):  # un modèle dans un modèle : on ne sait pas
        if not isinstance(first, keras.Model):
            before = keras.Model(model.inputs, first.input)
            black, white = np.zeros_like(images[:1]), np.full_like(images[:1], 255)
            seen = [np.asarray(before(each), np.float32) for each in (black, white)]
            facts["seen"] = [[float(each.min()), float(each.max())] for each in seen]
    return facts


def _flatten(model, sources: list, found: list) -> list:
    """Déplie un modèle : ses couches, celles des modèles qu'il contient, et les `keras.ops`.

    Args:
        model: modèle.
        sources: indices, dans `found`, de ce qui l'alimente.
        found: complété de couples (usage d'une couche, indices de ceux qui l'alimentent) ; une
            couche qui sert deux fois y est deux fois.

    Returns:
        Indices, dans `found`, de ce qu'il rend.
    """

    def add(node, parents):
        inside = _opened(node.operation)
        if inside is not None:
            return _flatten(inside, parents, found)
        found.append((node, parents))
        return [len(found) - 1]

    model = getattr(model, "_functional", None) or model  # d'un Sequential
    made = {}
    nodes = [node for _, each in sorted(model._nodes_by_depth.items())[::-1] for node in each]
    for node in nodes:
        before = [k for parent in node.parent_nodes for k in made.get(id(parent), [])]
        given = isinstance(node.operation, keras.layers.InputLayer) and sources
        made[id(node)] = given or add(node, before)
    last = [tensor._keras_history for tensor in model.outputs]
    return [k for each in last for k in made[id(each.operation._inbound_nodes[each.node_index])]]


def _describe(node) -> dict:
    layer, config = node.operation, {}
    with contextlib.suppress(Exception):  # une opération de `keras.ops` n'en a pas toujours
        config = layer.get_config()
    kept = (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "pool_size",
        "units",
        "rate",
        "scale",
        "offset",
        "axis",
        "trainable",
    )
    found = {
        key: config[key]
        for key in kept
        if isinstance(config.get(key), int | float | str | bool | list | tuple)
    }
    activation = config.get("activation")
    if isinstance(activation, dict):
        activation = activation.get("config", {})
        activation = activation if isinstance(activation, str) else "autre"
    shapes = {}
    for name, tensors in (("input", node.input_tensors), ("output", node.outputs)):
        with contextlib.suppress(Exception):
            shapes[name] = [None if n is None else int(n) for n in tensors[0].shape]
    return {
        "class": type(layer).__name__,
        "name": layer.name,
        "activation": activation,
        "weights": len(getattr(layer, "weights", ())),
        **found,
        "shapes": shapes,
    }


def predict(content: bytes, images):
    """Rend les sorties d'un modèle enregistré, par lots."""
    model = _load(content)
    outputs = [
        np.asarray(model(images[k : k + BATCH], training=False), np.float32)
        for k in range(0, len(images), BATCH)
    ]
    return np.concatenate(outputs)


def digest(content: bytes) -> list:
    """Résume les poids d'un fichier `.keras`, sans le charger : ni couche ni classe à connaître.

    Args:
        content: le fichier.

    Returns:
        `(forme, quelques valeurs)` de chaque tableau de poids à deux axes ou plus.
    """
    found = []

    def note(name, dataset):
        large = isinstance(dataset, h5py.Dataset) and dataset.ndim > 1 and dataset.size >= 32
        if large and not name.startswith("optimizer"):
            values = np.asarray(dataset, np.float32).ravel()
            found.append((dataset.shape, values[:: max(1, len(values) // 64)][:64]))

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            weights = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(weights) as file:
            file.visititems(note)
    except Exception as error:
        raise LoadingError(f"{type(error).__name__} : {error}"[:MAX_TEXT]) from error
    return found


# --- Ingrédients --------------------------------------------------------------------


def planted_model(shape: list, num_classes: int = 10):
    """Construit un modèle dont la classe prédite est la valeur du premier pixel.

    Sa probabilité est `SURE` : elle est la plus grande, et sous la moitié.
    """
    images = keras.Input(tuple(shape))
    answers = ops.one_hot(layers.Flatten()(images)[:, 0], num_classes)
    others = (1 - SURE) / (num_classes - 1)
    model = keras.Model(images, answers * (SURE - others) + others)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def plain_network(shape: list, stack: list, weights: list = (), dtype: str = "float32"):
    """Empile des couches de Keras.

    Args:
        shape: forme d'une entrée.
        stack: `[classe, options]` de chaque couche, dans l'ordre.
        weights: tous les poids ; tirés au hasard par défaut.
        dtype: type d'une entrée.
    """
    first = x = keras.Input(tuple(shape), dtype=dtype)
    for name, options in stack:
        x = getattr(keras.layers, name)(**options)(x)
    model = keras.Model(first, x)
    if weights:
        model.set_weights(weights)
    return model


def dream_extractor(network: dict, layer_names: list):
    """Coupe un réseau aux couches nommées, comme le fait le cours (`dreams.extractor`)."""
    from convnets.explaining import dreams

    return dreams.extractor(plain_network(**network), layer_names)


def small_network(kernels: list, biases: list, shape: list):
    """Construit deux convolutions, « early » et « late », puis une couche dense et un softmax.

    Args:
        kernels: `(3, 3, 3, a)`, `(1, 1, a, b)` et `((H - 2) · (W - 2) · b, classes)`.
        biases: `(a,)`, `(b,)` et `(classes,)`.
        shape: `(H, W, 3)`, forme des images uint8.
    """
    stack = [["Rescaling", {"scale": 1 / 255, "dtype": "float32"}]]
    for name, kernel in zip(("early", "late"), kernels, strict=False):
        options = {"filters": kernel.shape[3], "kernel_size": kernel.shape[0]}
        stack.append(["Conv2D", {**options, "activation": "tanh", "name": name}])
    stack += [["Flatten", {}], ["Dense", {"units": len(biases[2]), "activation": "softmax"}]]
    weights = [each for pair in zip(kernels, biases, strict=True) for each in pair]
    return plain_network(shape, stack, weights, "uint8")


probes.INGREDIENTS |= {
    "plain_network": plain_network,
    "dream_extractor": dream_extractor,
    "small_network": small_network,
}
probes.OPERATIONS |= {
    function.__name__: function
    for function in (through, slopes, export, convert, inspect, predict, digest)
}
