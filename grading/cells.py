"""Rejouer les cellules d'un notebook, dans le processus enfermé d'un rendu.

Ce fichier y est copié sous le nom `exercises/_cellules.py` ; il n'importe rien du correcteur.
`grading/notebooks.py` a écrit le plan, un fichier JSON : les cellules, ce qui est défini à
l'import, ce qui se rejoue à la demande, et d'où vient chaque fonction que l'élève n'a pas écrite.
"""

import ast
import collections
import contextlib
import json
import linecache
import os
import sys
import types

TRAIN_IMAGES = {"mnist": 60_000, "fashion_mnist": 60_000, "cifar10": 50_000}
TEST_IMAGES = 10_000
NUM_TRAIN, NUM_VAL = 48, 16  # images d'un essai, s'il n'est pas le vrai entraînement
NUM_BATCHES = 6  # lots d'un essai, quand les images viennent par lots
KEY_VALUES = 24  # premières valeurs d'une image : assez pour la reconnaître


_SHARED: dict[str, list[dict]] = {}  # fichier de l'élève → les espaces de noms de ses modules


class NotReplayedError(Exception):
    """Un calcul long et inutile ici : mesurer, prédire."""


def define(namespace: dict, file: str) -> None:
    """Définit dans un module ce que le plan posé à côté de lui garde des cellules.

    Args:
        namespace: `globals()` du module.
        file: son `__file__`.
    """
    with open(os.path.splitext(file)[0] + ".cells.json", encoding="utf-8") as content:
        plan = json.load(content)
    if plan["adapters"]:
        return _define(plan, namespace)
    # Les modules d'un même notebook s'importent l'un l'autre : il n'est défini qu'une fois.
    shared = _SHARED.setdefault(plan["notebook"], [])
    shared.append(namespace)
    first = shared[0]
    if namespace is first:
        try:
            _define(plan, first)
        except BaseException:
            del _SHARED[plan["notebook"]]
            raise
    else:
        namespace["__getattr__"] = _lookup(first)  # s'il n'est pas encore défini en entier
    names = {name: value for name, value in first.items() if not name.startswith("__")}
    for other in shared[1:]:
        other.update(names)


def _lookup(namespace: dict):
    def lookup(name):
        try:
            return namespace[name]
        except KeyError:
            raise AttributeError(f"le notebook ne définit pas {name}") from None

    return lookup


def _define(plan: dict, namespace: dict) -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.normpath(os.path.join(here, plan["folder"])))
    codes = Cells(plan["cells"], namespace)
    namespace["display"] = lambda *_, **__: None  # celle d'IPython
    for name, (label, line) in plan["lost"].items():
        namespace[name] = _broken(label, line)
    if plan["broken"]:  # rien d'autre n'est défini : c'est lui qui manque
        namespace["__getattr__"] = _missing(*plan["broken"])
    for number, rank in plan["kept"]:
        tried = [number, rank] in plan["tried"]  # une valeur calculée : les autres s'en passent
        with contextlib.suppress(Exception if tried else ()):
            codes.define(number, rank)
    codes.own = {name: namespace[name] for name in plan["adapters"] if name in namespace}
    for wanted, (kind, name) in plan["adapters"].items():
        own = codes.own.get(name, namespace.get(name))
        codes.given[wanted] = ADAPTERS[kind](plan, codes, own, name)
    namespace.update(codes.given)


class Cells:
    """Les cellules, dont chaque instruction se rejoue à sa ligne.

    Args:
        cells: couples (étiquette, texte).
        namespace: où les exécuter.
    """

    def __init__(self, cells: list, namespace: dict):
        self.namespace = namespace
        self.own: dict = {}  # les fonctions de l'élève dont le nom est pris par les nôtres
        self.given: dict = {}  # les nôtres
        self._files = [os.path.join(os.getcwd(), label) for label, _ in cells]
        self._trees = [ast.parse(source) for _, source in cells]
        for file, (_, source) in zip(self._files, cells, strict=True):
            linecache.cache[file] = len(source), None, source.splitlines(True), file

    def run(self, number: int, rank: int) -> None:
        """Exécute une instruction de premier niveau."""
        tree = ast.Module([self._trees[number].body[rank]], type_ignores=[])
        self._execute(tree, number)

    def define(self, number: int, rank: int) -> None:
        """Exécute une définition ; un import d'un module du cours qui n'est pas rendu attend."""
        node = self._trees[number].body[rank]
        if not (isinstance(node, ast.ImportFrom) and str(node.module).startswith("exercises")):
            return self.run(number, rank)
        for alias in node.names:
            single = ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node)
            tree = ast.Module([single], type_ignores=[])
            try:
                self._execute(tree, number)
            except ImportError as error:  # le notebook la définit peut-être lui-même
                self.namespace[alias.asname or alias.name] = Absent(error, self.namespace)

    def _execute(self, tree: ast.Module, number: int) -> None:
        exec(compile(tree, self._files[number], "exec"), self.namespace)  # noqa: S102


class Absent:
    """Ce qu'un import n'a pas trouvé ; s'en servir lève l'erreur de l'import.

    Args:
        error: l'erreur.
        namespace: ce que le notebook définit, où sont peut-être les noms d'un module absent.
    """

    def __init__(self, error: ImportError, namespace: dict):
        self.__dict__.update(error=error, namespace=namespace)

    def __getattr__(self, name: str):
        """Rend ce que le notebook définit sous ce nom, ou lève l'erreur de l'import."""
        found = self.__dict__["namespace"].get(name, self)
        if name.startswith("__") or isinstance(found, Absent):
            raise self.__dict__["error"]
        return found

    def __call__(self, *_, **__):
        """Lève l'erreur de l'import."""
        raise self.__dict__["error"]


def _broken(label: str, line: int):
    def lost(*_, **__):
        raise SyntaxError("invalid syntax", (label, line, 1, ""))

    return lost


def _missing(label: str, line: int):
    def lookup(name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise SyntaxError("invalid syntax", (label, line, 1, ""))

    return lookup


# --- Ce qui tient lieu des fonctions que l'élève n'a pas écrites ---------------------


def variable(plan: dict, cells: Cells, _, name: str):
    """Fait une fonction qui rejoue les cellules sans entraîner, et rend une variable."""

    def build():
        failures = _replay(plan, cells, _no_fit)
        if name not in cells.namespace:
            raise failures[0] if failures else NameError(f"name '{name}' is not defined")
        return cells.namespace[name]

    return build


def function(plan: dict, cells: Cells, own, name: str):
    """Fait notre `train` d'une fonction de l'élève, ou lui donne un autre nom."""
    if not name.lower().startswith(("train", "entra", "fit", "learn", "appren")):
        return own

    def train(x_train, y_train, x_val, y_val, *, seed=0, options=None):
        fitted = []
        arguments = _arguments(own, cells, plan, (x_train, y_train, x_val, y_val), seed, options)
        with _patched(fit=_watched(fitted, options)):
            result = own(**arguments)
        return _model_and_history(result, fitted)

    return train


def play(plan: dict, cells: Cells, *_):
    """Fait notre `train` des cellules elles-mêmes : elles sont rejouées, `fit` compris."""

    def train(x_train, y_train, x_val, y_val, *, seed=0, options=None):
        fitted = []
        real = len(x_train) > 1000  # le vrai entraînement, demandé par l'enseignant
        data = ((x_train, y_train), (x_val, y_val)) if real else _full_size(plan["module"], x_train)
        failures = _replay(plan, cells, _watched(fitted, options, whole=real), data)
        if not fitted:
            raise failures[0] if failures else RuntimeError("aucun appel à fit")
        return _model_and_history(None, fitted)

    return train


ADAPTERS = {"variable": variable, "function": function, "play": play}


def _model_and_history(result, fitted: list):
    """Rend `(modèle, courbes)` de ce que l'élève a rendu, ou de son dernier `fit`."""
    import keras

    results = result if isinstance(result, tuple | list) else [result]
    models = [each for each in results if isinstance(each, keras.Model)]
    model, history = fitted[-1] if fitted else (None, None)
    return (models[0] if models else model), getattr(history, "history", history)


def _arguments(own, cells: Cells, plan: dict, data: tuple, seed: int, options) -> dict:
    """Donne à la fonction de l'élève ce que ses noms d'arguments demandent."""
    import inspect

    x_train, y_train, x_val, y_val = data
    known = {
        **dict.fromkeys(("x", "x_train", "train_x", "images", "train_images", "xs"), x_train),
        **dict.fromkeys(("y", "y_train", "train_y", "labels", "train_labels", "ys"), y_train),
        **dict.fromkeys(
            ("x_val", "x_valid", "val_x", "x_validation", "val_images", "xv", "x_test"), x_val
        ),
        **dict.fromkeys(
            ("y_val", "y_valid", "val_y", "y_validation", "val_labels", "yv", "y_test"), y_val
        ),
        "validation_data": (x_val, y_val),
        "epochs": getattr(options, "epochs", 1),
        "batch_size": getattr(options, "batch_size", None) or 32,
        "seed": seed,
        "options": options,
    }
    found = {}
    for name, parameter in inspect.signature(own).parameters.items():
        key = name.lower()
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if key in known:
            found[name] = known[key]
        elif parameter.default is parameter.empty:
            if not key.startswith(("mod", "net", "cnn", "res", "rés")):
                raise TypeError(f"{own.__name__} : argument « {name} » inconnu du correcteur")
            builder = "build_lenet" if plan["module"] == "ex04_lenet" else "build_model"
            found[name] = cells.namespace[builder]()
    return found


# --- Rejouer -------------------------------------------------------------------------


def _replay(plan: dict, cells: Cells, fit, data=None) -> list[Exception]:
    """Rejoue le plan sans rien mesurer ; les jeux de données sont au hasard, sauf ceux donnés."""
    os.environ["MPLBACKEND"] = "Agg"
    with _patched(fit=fit, data=data or _full_size(plan["module"], None)):
        return replay(plan, cells)


def replay(plan: dict, cells: Cells) -> list[Exception]:
    """Rejoue les instructions du plan, l'une après l'autre ; rend les échecs.

    Pendant ce temps, un nom que nous avons pris (`train`) est à l'élève.
    """
    failures: list[Exception] = []
    cells.namespace.update(cells.own)
    for number, rank in plan["script"]:
        try:
            cells.run(number, rank)
        except NotReplayedError:
            continue
        except Exception as error:
            failures.append(error)
    cells.namespace.update(cells.given)
    return failures


def _full_size(module: str, x_train):
    """Fait des jeux de la taille des vrais, pour que `x_train[:50000]` garde son sens.

    Chaque image est au hasard, dans les niveaux de gris des images données : d'où elle vient, et si
    elle sert deux fois, se voit.
    """
    import keras
    import numpy as np

    name = {"ex02_fashion": "fashion_mnist", "ex03_cifar10": "cifar10"}.get(module, "mnist")
    shape = (32, 32, 3) if name == "cifar10" else (28, 28)
    rng, parts, given = np.random.default_rng(1), [], [np.arange(256), np.arange(256)]
    if x_train is not None:
        (x, _), (x_test, _) = getattr(keras.datasets, name).load_data()
        given = [x, x_test]
    for images, num in zip(given, (TRAIN_IMAGES[name], TEST_IMAGES), strict=True):
        low, high = int(np.min(images)), int(np.max(images)) + 1
        x = rng.integers(low, high, (num, *shape), dtype=np.uint8 if high < 256 else np.uint16)
        y = (np.arange(num) % 10).astype(np.uint8)
        parts.append((x.astype(np.uint8, copy=False), y[:, None] if name == "cifar10" else y))
    return tuple(parts)


@contextlib.contextmanager
def _patched(*, fit, data=None):
    """Remplace `fit`, et ce qui prendrait du temps ; et les jeux de données, s'il le faut."""
    import keras

    model, loaders = keras.Model, _loaders()
    kept = {name: getattr(model, name) for name in ("fit", "evaluate", "predict")}

    def fit_and_validate(self, *given, **options):
        shortened = model.evaluate, model.predict
        model.evaluate, model.predict = kept["evaluate"], kept["predict"]  # fit s'en sert
        try:
            return fit(kept["fit"], self, *given, **options)
        finally:
            model.evaluate, model.predict = shortened

    model.fit = fit_and_validate
    if data is not None:
        model.evaluate = model.predict = _not_replayed
        for module, _ in loaders:
            module.load_data = lambda *_, **__: data
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(model, name, method)
        for module, loader in loaders:
            module.load_data = loader


def _loaders() -> list[tuple]:
    """Rend `(module, load_data)` des jeux de données, sous chacun des noms que Keras leur donne."""
    ends = tuple(f".datasets.{name}" for name in TRAIN_IMAGES)
    found = [sys.modules[name] for name in list(sys.modules) if name.endswith(ends)]
    return [(module, module.load_data) for module in found if hasattr(module, "load_data")]


def _not_replayed(*_, **__):
    raise NotReplayedError


def _no_fit(_, model, *__, **___):
    return types.SimpleNamespace(
        history=collections.defaultdict(lambda: [0.0]), epoch=[0], params={}, model=model
    )


def _watched(fitted: list, options, *, whole: bool = False):
    """Fait un `fit` qui note modèle et courbes, et n'apprend que peu d'images d'un grand jeu."""

    def fit(original, model, x=None, y=None, *given, **named):
        names = ("batch_size", "epochs", "verbose", "callbacks", "validation_split")
        named = {**dict(zip(names, given, strict=False)), **named}
        if not whole and not hasattr(x, "shape"):  # tf.data, générateur
            named |= {"steps_per_epoch": NUM_BATCHES}
            if not isinstance(named.get("validation_data"), tuple | list | None):
                named |= {"validation_steps": 2}
        elif not whole and len(x) > 1000:
            x, y, named = _few(x, y, named)
        history = original(model, x, y, **named)
        fitted.append((model, history))
        return history

    return fit


def _few(x, y, named: dict):
    """Garde quelques images ; une validation qui sert à l'entraînement reste visible."""
    import numpy as np

    x, y = np.asarray(x), np.asarray(y)
    split, validation = named.pop("validation_split", None), named.get("validation_data")
    if split and validation is None:
        cut = int(len(x) * (1 - split))
        x, y, validation = x[:cut], y[:cut], (x[cut:], y[cut:])
    if isinstance(validation, tuple | list):
        x_val, y_val = (np.asarray(each) for each in validation[:2])
        learned = {key.tobytes() for key in _keys(x)}
        shared = any(key.tobytes() in learned for key in _keys(x_val[:1000]))
        named["validation_data"] = (x, y) if shared else (x_val, y_val)
        named["validation_data"] = tuple(each[:NUM_VAL] for each in named["validation_data"])
    return x[:NUM_TRAIN], y[:NUM_TRAIN], {**named, "batch_size": 8}


def _keys(images):
    import numpy as np

    return np.ascontiguousarray(images.reshape(len(images), -1)[:, :KEY_VALUES])
