"""Ce que le processus d'un rendu sait faire quand le correcteur le demande.

Importé par `worker` seul. Aucune de ces fonctions ne juge : elles appellent le rendu et
rapportent ce qui s'est passé. TensorFlow et Keras ne sont importés que par celles qui s'en
servent.
"""

import collections
import contextlib
import importlib
import io
import os
import runpy
import sys
import types
from pathlib import Path

import recorder
from messages import Ingredient

MAX_TEXT = 300  # caractères d'un message d'erreur ou d'un nom
MAX_OUTPUT_BYTES = 2**16  # gardés de ce qu'une commande affiche


def answer(request: dict) -> dict:
    """Fait ce qui est demandé.

    Args:
        request: `op`, le nom d'une fonction de ce fichier inscrite dans `OPERATIONS`, et ses
            arguments.

    Returns:
        `{"value": …, "printed": nombre d'octets}` ou `{"error": …}` (voir `describe_error`).
    """
    arguments = {key: value for key, value in request.items() if key not in ("op", "token")}
    try:
        with captured_stdout() as printed:
            value = OPERATIONS[request["op"]](**arguments)
        return {"value": value, "printed": printed[0]}
    except BaseException as error:  # y compris SystemExit et KeyboardInterrupt
        return {"error": describe_error(error)}


def describe_error(error: BaseException) -> dict:
    """Résume une exception : son type, son message, l'endroit dans le rendu.

    L'endroit est la ligne de l'élève, même si l'exception vient du code commun qu'elle appelle.
    """
    line, file, trace = None, "", error.__traceback__
    here = os.getcwd()
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        own = name.startswith(here) and not name.endswith("/_cellules.py")  # le nôtre
        if own and not (file and name.startswith(f"{here}/convnets/")):
            line, file = trace.tb_lineno, os.path.basename(name)
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line, file = error.lineno, os.path.basename(str(error.filename))
    try:
        message = str(error).replace(f"{here}/", "")[:MAX_TEXT]
    except BaseException:  # un __str__ qui échoue
        message = ""
    found = {
        "type": type(error).__name__[:MAX_TEXT],
        "message": message,
        "line": line,
        "file": file[:MAX_TEXT],
        "missing": "",
    }
    if isinstance(error, ModuleNotFoundError):
        found["missing"] = str(error.name)[:MAX_TEXT]
    found["families"] = [kind.__name__ for kind in type(error).__mro__[:-2]][:8]
    return found


@contextlib.contextmanager
def captured_stdout(path: str = "sortie.txt"):
    """Détourne la sortie standard, descripteur compris ; rend ensuite `[taille, texte]`."""
    found, kept = [0, ""], os.dup(1)
    target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    sys.stdout.flush()
    os.dup2(target, 1)
    try:
        yield found
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        found[:] = os.fstat(target).st_size, os.pread(target, MAX_OUTPUT_BYTES, 0)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(target)


# --- Appeler une fonction du rendu ---------------------------------------------------


def load(module: str) -> list[str]:
    """Importe un module du rendu ; rend les noms publics qu'il définit.

    Un fichier posé à côté de lui s'importe par son seul nom, s'il n'est pas celui d'un autre.
    """
    sys.path.append(os.path.join(os.getcwd(), "exercises", *module.split(".")[:-1]))
    loaded = importlib.import_module(f"exercises.{module}")
    return [name for name in vars(loaded) if not name.startswith("_")][:200]


def _found(module: str, function: str):
    return getattr(importlib.import_module(f"exercises.{module}"), function)


def call(module: str, function: str, calls: list) -> list:
    """Appelle une fonction du rendu plusieurs fois.

    Args:
        module: nom du module.
        function: nom de la fonction.
        calls: `[positionnels, nommés]` de chaque appel.

    Returns:
        Pour chaque appel, `{"value": …}` ou `{"error": …}`.
    """
    target = _found(module, function)
    return _results(lambda positional, named: target(*positional, **named), calls)


def _results(use, calls: list, *, ready: bool = True) -> list:
    """Fait chaque appel, `use(positionnels, nommés)` ; une erreur n'arrête pas les suivants.

    Les ingrédients ne sont préparés (`ready`) qu'au fur et à mesure : l'un d'eux peut fixer la
    graine de Keras.
    """
    results = []
    for positional, named in calls:
        try:
            if ready:
                positional = [_prepared(each) for each in positional]
                named = {key: _prepared(each) for key, each in named.items()}
            results.append({"value": use(positional, named)})
        except MemoryError:
            raise
        except Exception as error:
            results.append({"error": describe_error(error)})
    return results


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
    target = _found(module, function)
    return _results(
        lambda positional, named: _outputs(target, positional, named, weights), calls, ready=False
    )


def applied(module: str, function: str, calls: list, num_first: int) -> list:
    """Appelle une fonction du rendu qui en rend une autre, puis celle-ci.

    Args:
        module: nom du module.
        function: nom de la première.
        calls: `[positionnels, nommés]` de chaque appel ; les nommés sont pour la première.
        num_first: nombre de positionnels de la première ; les autres sont pour la seconde.

    Returns:
        Pour chaque appel, `{"value": …}` ou `{"error": …}`.
    """
    target = _found(module, function)

    def use(positional, named):
        made = target(*positional[:num_first], **named)
        return made(*positional[num_first:])

    return _results(use, calls)


def layer(module: str, function: str, calls: list, wanted: str) -> list:
    """Fait passer des données dans une couche écrite par le rendu, à l'aller puis au retour.

    Args:
        module: nom du module.
        function: nom d'une classe qui a `forward(x)`, `backward(dy)` et `gradients`.
        calls: `[[x, dy, *arguments], nommés]` de chaque couche à construire.
        wanted: `"y"`, ce que rend l'aller ; `"dx"`, ce que rend le retour ; ou le numéro, en
            texte, d'un gradient noté au retour.

    Returns:
        Pour chaque couche, `{"value": …}`, qui est None pour un gradient non noté, ou
        `{"error": …}`.
    """
    kind = _found(module, function)

    def use(positional, named):
        x, dy, *arguments = positional
        made = kind(*arguments, **named)
        value = made.forward(x)
        if wanted != "y":
            value = made.backward(dy)
        return _noted(made, int(wanted)) if wanted.isdigit() else value

    return _results(use, calls)


def _noted(made, rank: int):
    """Rend un gradient que le retour a noté ; None s'il n'est pas où l'énoncé le dit."""
    try:
        return made.gradients[rank]
    except (AttributeError, LookupError, TypeError):
        return None


def descend(module: str, function: str, calls: list) -> list:
    """Fait faire des pas à une descente de gradient écrite par le rendu.

    Args:
        module: nom du module.
        function: nom d'une classe, construite avec une liste de couches, et qui a `step()`.
        calls: `[[poids, gradients de chaque pas], nommés]` de chaque descente ; une couche par
            poids.

    Returns:
        Pour chaque descente, les poids à la fin, bout à bout, ou une erreur.
    """
    import numpy as np

    kind = _found(module, function)

    def use(positional, named):
        weights, steps = positional
        made = [types.SimpleNamespace(weights=[each], gradients=[]) for each in weights]
        descent = kind(made, **named)
        for gradients in steps:
            for layer, gradient in zip(made, gradients, strict=True):
                layer.gradients = [gradient]
            descent.step()
        return np.concatenate([np.ravel(layer.weights[0]) for layer in made])

    return _results(use, calls)


def _outputs(target, positional: list, named: dict, weights: list):
    import keras
    import numpy as np

    arrays = [each for each in positional if isinstance(each, np.ndarray)]
    inputs = [keras.Input(each.shape[1:], dtype=each.dtype.name) for each in arrays]
    waiting = iter(inputs)
    positional = [
        next(waiting) if isinstance(each, np.ndarray) else _prepared(each) for each in positional
    ]
    keras.utils.set_random_seed(0)
    model = keras.Model(inputs, target(*positional, **named))
    given = {each.shape: each for each in weights}
    model.set_weights([given.get(each.shape, each) for each in model.get_weights()])
    outputs = model(arrays, training=False)
    several = isinstance(outputs, list | tuple)
    return list(map(np.asarray, outputs)) if several else np.asarray(outputs)


def _prepared(value):
    return INGREDIENTS[value.name](**value.options) if type(value) is Ingredient else value


# --- Modèles -------------------------------------------------------------------------


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
    import keras

    positional = [_prepared(each) for each in positional]
    named = {key: _prepared(each) for key, each in named.items()}
    keras.utils.set_random_seed(0)
    made = _found(module, function)(*positional, **named)
    if isinstance(made, keras.KerasTensor):  # ce qui prolonge un réseau
        made = keras.Model(positional[0], made)
    return _file_of(made, shape)


def there_and_back(module: str, function: str, positional: list, images, numbers) -> dict:
    """Appelle une fonction qui rend deux fonctions, `encode` et son inverse, et s'en sert.

    Args:
        module: nom du module.
        function: nom de la fonction.
        positional: ses arguments.
        images: liste de ce qu'il faut encoder.
        numbers: ce qu'il faut décoder, quand la forme est la bonne.

    Returns:
        `encoded` et `decoded`, une valeur par image, et `drawn`, les nombres décodés.
    """
    import tensorflow as tf

    encode, decode = _found(module, function)(*positional)
    encoded = [encode(tf.constant(each)) for each in images]
    return {
        "encoded": encoded,
        "decoded": [decode(each) for each in encoded],
        "drawn": decode(tf.constant(numbers)) if encoded[0].shape == numbers.shape else None,
    }


def convert(module: str, content: bytes, shape: list) -> bytes:
    """Relit un modèle avec les classes du rendu ; rend le même, fait des couches de Keras."""
    import keras

    importlib.import_module(f"exercises.{module}")
    Path("recu.keras").write_bytes(content)
    return _file_of(keras.saving.load_model("recu.keras", compile=False), shape)


def _as_layers(model, shape: list):
    """Déplie un modèle d'une classe du rendu : ce que fait son `call`, couche par couche."""
    import keras

    if type(model).__module__.startswith("keras.") or not shape:
        return model
    if hasattr(model, "operations"):
        return keras.Model(model.inputs, model.outputs)
    images = keras.Input(tuple(shape), dtype="uint8")
    model(images)  # construit ses poids
    return keras.Model(images, model.call(images))


def _file_of(model, shape: list = ()) -> bytes:
    import keras

    if not isinstance(model, keras.Model):
        raise TypeError(f"keras.Model attendu, reçu {type(model).__name__}")
    try:
        model = _as_layers(model, shape)
        model.save("modele.keras")
    except Exception as error:
        raise SavingError(f"{type(error).__name__} : {error}") from error
    return Path("modele.keras").read_bytes()


class SavingError(Exception):
    """Le modèle du rendu ne s'enregistre pas."""


class LoadingError(Exception):
    """Le fichier du rendu ne se relit pas avec Keras seul."""


def _load(content: bytes, *, compiled: bool = False):
    import keras

    Path("recu.keras").write_bytes(content)
    try:
        return keras.saving.load_model("recu.keras", compile=compiled, safe_mode=True)
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
    import keras
    import numpy as np

    layers = []
    _flatten(model, [], layers)
    facts = {
        "input_shape": list(model.input_shape) if isinstance(model.input_shape, tuple) else None,
        "input_dtype": str(model.inputs[0].dtype),
        "output_shape": list(model.output_shape) if isinstance(model.output_shape, tuple) else None,
        "num_parameters": int(model.count_params()),
        "layers": [{**_describe(layer), "parents": parents} for layer, parents in layers],
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
    first = next(
        (
            layer
            for layer in model.layers
            if layer.weights and type(layer).__name__ != "Normalization"
        ),
        None,
    )
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
        found: complété de couples (couche, indices de celles qui l'alimentent).

    Returns:
        Indices, dans `found`, de ce qu'il rend.
    """
    import keras

    def add(layer, parents):
        if isinstance(layer, keras.Sequential) or hasattr(layer, "operations"):
            return _flatten(layer, parents, found)
        found.append((layer, parents))
        return [len(found) - 1]

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            sources = add(layer, sources)
        return sources
    made = {}
    nodes = {id(node) for each in model._nodes_by_depth.values() for node in each}
    for layer in model.operations:
        if isinstance(layer, keras.layers.InputLayer) and sources:
            made[id(layer)] = sources
            continue
        mine = [node for node in layer._inbound_nodes if id(node) in nodes]
        before = [id(parent.operation) for node in mine for parent in node.parent_nodes]
        made[id(layer)] = add(layer, [k for name in before for k in made.get(name, [])])
    return [k for tensor in model.outputs for k in made[id(tensor._keras_history.operation)]]


def _describe(layer) -> dict:
    config = {}
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
    for name in ("input", "output"):
        with contextlib.suppress(Exception):
            shapes[name] = [None if n is None else int(n) for n in getattr(layer, name).shape]
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
    import numpy as np

    model = _load(content)
    outputs = [
        np.asarray(model(images[k : k + 50], training=False), np.float32)
        for k in range(0, len(images), 50)
    ]
    return np.concatenate(outputs)


def digest(content: bytes) -> list:
    """Résume les poids d'un fichier `.keras`, sans le charger : ni couche ni classe à connaître.

    Args:
        content: le fichier.

    Returns:
        `(forme, quelques valeurs)` de chaque tableau de poids à deux axes ou plus.
    """
    import zipfile

    import h5py
    import numpy as np

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


# --- Entraîner -----------------------------------------------------------------------


def learn(module: str, data: list, epochs: int, network: str = "") -> bytes:
    """Lance le vrai entraînement du rendu ; rend le fichier `.keras` du modèle.

    Args:
        module: nom du module, qui a `train(x_train, y_train, x_val, y_val, *, seed, options)`.
        data: `x_train`, `y_train`, `x_val`, `y_val`.
        epochs: nombre d'époques, si le module n'a pas de constante `EPOCHS`.
        network: la sortie notée, si `train` réunit plusieurs réseaux en un modèle.

    Returns:
        Le modèle que `train` a rendu, ou celui qui n'a que cette sortie.
    """
    import keras

    loaded = importlib.import_module(f"exercises.{module}")
    chosen = {"epochs": getattr(loaded, "EPOCHS", None) or epochs}
    chosen |= {"batch_size": None, "precision": "auto"}
    result = loaded.train(*data, seed=0, options=options(**chosen))
    model = result[0] if isinstance(result, tuple) else result
    if isinstance(model, keras.Model) and isinstance(model.output, dict) and network:
        model = keras.Model(model.inputs, model.output[network])
    return _file_of(model)


def options(**chosen):
    """Rend les options que `cli.lesson_parser` donnerait, et quelques anciennes."""
    common = {"limit": None, "minutes": None, "seeds": 1, "module": "rendu", "command": "rendu"}
    return types.SimpleNamespace(**common, output=Path("figures"), **chosen)


# --- La commande ---------------------------------------------------------------------


def command(module: str, pictures: list, script: str) -> list:
    """Lance la commande de prédiction du rendu sur des images, l'une après l'autre.

    Args:
        module: module de l'exercice ; la commande n'en a pas besoin.
        pictures: contenus de fichiers PNG.
        script: un fichier Python du rendu, ou vide pour `convnets.serving.command.main`.

    Returns:
        Pour chacune, `stdout` (texte), `code` de sortie, et `error`, ou None.
    """
    results = []
    for number, content in enumerate(pictures):
        path = Path(f"image{number}.png")
        path.write_bytes(content)
        code, error = 0, None
        with captured_stdout("commande.txt") as printed:
            try:
                code = _run_command(str(path), script)
            except SystemExit as stopped:
                code = stopped.code
            except Exception as raised:
                error = describe_error(raised)
        text = printed[1].decode("utf-8", "replace")
        results.append({"stdout": text, "code": code or 0, "error": error})
    return results


def _run_command(path: str, script: str):
    if not script:
        return importlib.import_module("convnets.serving.command").main([path])
    arguments, sys.argv = sys.argv, [script, path]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        sys.argv = arguments
    return 0


# --- Ingrédients : ce qui ne voyage pas ----------------------------------------------


def planted_model(shape: list, num_classes: int = 10):
    """Construit un modèle dont la classe prédite est la valeur du premier pixel.

    La plus grande des sorties `2ck - k²` est celle dont le numéro k est le plus proche de c.
    """
    import numpy as np

    kernel = np.zeros((int(np.prod(shape)), num_classes), np.float32)
    kernel[0] = 2 * np.arange(num_classes)
    bias = -(np.arange(num_classes, dtype=np.float32) ** 2)
    stack = [["Rescaling", {"scale": 1.0}], ["Flatten", {}]]
    stack.append(["Dense", {"units": num_classes, "activation": "softmax"}])
    model = plain_network(shape, stack, [kernel, bias])
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def plain_network(shape: list, stack: list, weights: list = ()):
    """Empile des couches de Keras.

    Args:
        shape: forme d'une entrée.
        stack: `[classe, options]` de chaque couche, dans l'ordre.
        weights: tous les poids ; tirés au hasard par défaut.
    """
    import keras

    first = x = keras.Input(tuple(shape))
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


def planted_speaker(table, num_words: int):
    """Construit un modèle dont la couche « speaker » dit le mot qu'une table met après l'autre.

    Args:
        table: scores `(mots, mots)` de ce qui suit chaque mot ; la carte y ajoute les siens.
        num_words: longueur des phrases lues.
    """
    import keras
    from keras import layers, ops

    cells, features = 64, 128
    maps = keras.Input((cells, features))
    words = keras.Input((num_words,), dtype="uint8")
    follow = layers.Embedding(len(table), len(table), weights=[table])(words)
    following = ops.softmax(follow + maps[:, :num_words, : len(table)])
    pace = ops.reshape(ops.arange(1, num_words + 1, dtype="float32"), (1, num_words, 1))
    attention = ops.softmax(pace * maps[:, None, :, features - 1])
    speaker = keras.Model([maps, words], [following, attention], name="speaker")
    return keras.Model([maps, words], speaker([maps, words]))


def small_network(kernels: list, biases: list, shape: list):
    """Construit deux convolutions, « early » et « late », puis une couche dense et un softmax.

    Args:
        kernels: `(3, 3, 3, a)`, `(1, 1, a, b)` et `((H - 2) · (W - 2) · b, classes)`.
        biases: `(a,)`, `(b,)` et `(classes,)`.
        shape: `(H, W, 3)`, forme des images uint8.
    """
    import keras
    from keras import layers

    images = keras.Input(tuple(shape), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    for name, kernel in zip(("early", "late"), kernels, strict=False):
        x = layers.Conv2D(kernel.shape[3], kernel.shape[0], activation="tanh", name=name)(x)
    outputs = layers.Dense(len(biases[2]), activation="softmax")(layers.Flatten()(x))
    model = keras.Model(images, outputs, name="essai")
    model.set_weights([each for pair in zip(kernels, biases, strict=True) for each in pair])
    return model


def planted_velocity(gain: float, slope: float):
    """Fait une vitesse qui dépend du point et de l'instant."""
    return lambda x, time: gain * x + slope * time


class Glance:
    """Un réseau d'une couche, vu par ses seules réponses : il se lit comme un modèle de Keras.

    Args:
        kernel: `(H, W, 3, classes)`, ce que chaque pixel ajoute au score de chaque classe.
        bias: `(classes,)`.
        softmax: faux si les réponses sont les scores mêmes.
    """

    def __init__(self, kernel, bias, softmax: bool = True):
        self._kernel, self._bias, self._softmax = kernel, bias, softmax

    def predict(self, images, batch_size=None, verbose="auto", steps=None):
        """Rend les probabilités `(n, classes)` float32 d'images uint8 `(n, H, W, 3)`."""
        import numpy as np

        images = np.asarray(images)
        if images.shape[1:] != self._kernel.shape[:3]:
            raise ValueError(
                f"un lot (n, {', '.join(map(str, self._kernel.shape[:3]))}) est attendu, "
                f"{images.shape} est reçu"
            )
        pixels = images.astype(np.uint8) / 255  # l'entrée d'un modèle du cours est uint8
        scores = np.tensordot(pixels, self._kernel, 3) + self._bias
        if not self._softmax:
            return scores.astype(np.float32)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)

    def predict_on_batch(self, images):
        """Fait comme `predict`."""
        return self.predict(images)

    def __call__(self, images, training=None):
        """Fait comme `predict`, mais rend un tenseur si TensorFlow est chargé."""
        found, tensorflow = self.predict(images), sys.modules.get("tensorflow")
        return tensorflow.constant(found) if tensorflow else found


def random_generator(seed: int):
    """Fait un générateur aléatoire de NumPy."""
    import numpy as np

    return np.random.default_rng(seed)


def network_input(shape: list):
    """Fait l'entrée d'un réseau que le rendu prolonge."""
    import keras

    return keras.Input(tuple(shape))


INGREDIENTS = {
    "input": network_input,
    "plain_network": plain_network,
    "dream_extractor": dream_extractor,
    "planted_speaker": planted_speaker,
    "planted_velocity": planted_velocity,
    "random_generator": random_generator,
    "glance": Glance,
    "small_network": small_network,
    "namespace": lambda **values: types.SimpleNamespace(**values),
    "record": lambda **values: collections.namedtuple("Record", values)(**values),
    "text": lambda content: io.StringIO(content),
    "array": lambda values: values,  # que `through` laisse être un tableau
    "psi": lambda: lambda n_i, n_j, e_ji: 2 * n_i - n_j * e_ji[..., :1] + e_ji[..., 1:],
}
OPERATIONS = {
    function.__name__: function
    for function in (
        load,
        call,
        through,
        applied,
        layer,
        descend,
        export,
        there_and_back,
        convert,
        inspect,
        predict,
        digest,
        learn,
        command,
        recorder.record,
    )
}
