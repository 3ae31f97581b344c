"""Exécuter un rendu comme son auteur l'exécute, et noter ce qu'il fait de ses réseaux.

Importé par `probes`, dans le processus enfermé. Le programme est lancé comme un script, ou cellule
après cellule ; une instruction qui échoue n'arrête pas les suivantes. `fit` apprend quelques lots,
les jeux de données sont ceux du correcteur. Rien n'est jugé ici : voir `questions/records.py`.
"""

import ast
import builtins
import contextlib
import inspect
import json
import linecache
import os
import signal
import sys
from pathlib import Path

import spellings

SIZES = {"mnist": (60_000, 10_000), "fashion_mnist": (60_000, 10_000), "cifar10": (50_000, 10_000)}
FEW = (600, 200)  # images d'un jeu, si le programme ne les compte pas
COUNTS = 1_000  # dans un programme, un nombre plus grand compte des images
KEPT, LEARNED, BATCH = 32, 24, 8  # images gardées, images apprises, et par lot
LARGE_PX, FEWER = 64, 4  # d'images plus grandes, quatre fois moins
PICTURES, NUM_PICTURES, SIDE_PX = "images", 40, 32  # par classe
NUM_FOLDERS, FREE_PX = 2, 96
KEY_VALUES = 24  # premières valeurs d'une image : assez pour la reconnaître
WHOLE_SET = 50  # images : en deçà, une prédiction n'est pas une mesure
MAX_NETWORKS, MAX_FITS, MAX_STEPS = 6, 2, 40
MAIN = "main run build create make get define model cnn lenet net train fit learn entra app".split()
BUILDERS = {"Sequential", "Model", "Dense", "Conv2D", "Convolution2D", "load_model"}
YES = {"y", "yes", "o", "oui", "1", "true", "t", "train"}
SIDES = {"height": 0, "width": 1, "depth": 2, "rows": 0, "cols": 1, "channels": 2}
OF_CLASS = (staticmethod, classmethod)
PATCHED = "compile fit evaluate predict train_on_batch save save_weights load_weights export"


class OutOfTimeError(BaseException):
    """Le temps de l'exécution est passé ; ce qui est déjà noté reste."""


class Answer(str):
    """La réponse à `input()` : un nombre, et un oui."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        """Est égal à tout ce qui veut dire oui."""
        return str(other).lower() in YES


class Names(dict):
    """Les noms d'un programme ; après un échec, ceux qui manquent sont inertes."""

    failed = False

    def __missing__(self, name: str):
        """Rend un nom de Python, ou un objet inerte si une instruction a échoué."""
        if hasattr(builtins, name):
            return getattr(builtins, name)
        if self.failed:
            return spellings.Nothing()
        raise KeyError(name)


def record(module: str, dataset: str, levels: dict, seconds: int) -> dict:
    """Exécute le rendu d'un module.

    Args:
        module: `"ex02_fashion"` ; son fichier, ou les cellules dont il a été fait.
        dataset: `"fashion_mnist"`, le jeu qu'il devrait charger.
        levels: niveaux de gris des images, `"train"` et `"test"` : `(plus petit, plus grand)`.
        seconds: temps de processeur accordé.

    Returns:
        `networks`, une description par modèle ; `absent`, les paquets qui manquent ; `names`, les
        listes de dix textes ; `error`, la première exception, ou None ; `imports`, les paquets que
        le programme importe ; `builds`, s'il nomme une couche ou un modèle de Keras.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)  # quelques lots : construire un graphe coûte plus
    cells = _cells(module)
    trees = [spellings.modernised(ast.parse(text)) for _, text in cells]
    counted = any(
        isinstance(each, ast.Constant) and isinstance(each.value, int) and each.value > COUNTS
        for tree in trees
        for each in ast.walk(tree)
    )
    whole = _images(dataset, SIZES[dataset] if counted else FEW, levels)
    spellings.Nothing.images = whole["x_test"][:256]
    spellings.READERS["tensorflow_datasets.load"] = _tensorflow_datasets(whole)
    seen, names = _Seen(), Names(__name__="__main__", display=lambda *_, **__: None)
    names["__file__"] = os.path.abspath(cells[0][0]) if cells else ""
    sys.argv[:] = [names["__file__"]]
    error = None
    with spellings.installed() as absent, _patched(seen, whole), _alarm(seconds):
        error = _execute(cells, trees, names)
        if not any(each.fits for each in seen.networks):
            _call_main(names, whole, seen)
    for value in list(names.values()):
        seen.keep(value)
    return {
        "networks": [each.described(whole["x_test"]) for each in seen.networks],
        "steps": seen.steps,
        "reuses": seen.reuses,
        "absent": sorted(absent)[:20],
        "names": [list(map(str, v)) for v in names.values() if _is_class_list(v)][:4],
        "error": error,
        "imports": sorted(_imported(trees))[:50],
        "builds": any(_word(each) in BUILDERS for tree in trees for each in ast.walk(tree)),
    }


def _imported(trees: list) -> set[str]:
    """Rend les noms des paquets qu'un programme importe."""
    nodes = [each for tree in trees for each in ast.walk(tree)]
    found = {alias.name for each in nodes if isinstance(each, ast.Import) for alias in each.names}
    found |= {each.module or "" for each in nodes if isinstance(each, ast.ImportFrom)}
    return {name.partition(".")[0] for name in found}


def _word(node: ast.AST) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _images(dataset: str, sizes: tuple[int, int], levels: dict) -> dict:
    """Tire des images au hasard ; leur premier pixel dit leur étiquette, ses niveaux leur jeu."""
    import numpy as np

    rng, found = np.random.default_rng(7), {}
    colour = dataset == "cifar10"
    for part, size in zip(("train", "test"), sizes, strict=True):
        low, high = levels[part]
        x = rng.integers(low, high, (size, *((32, 32, 3) if colour else (28, 28))), np.uint8)
        y = rng.permutation(size).astype(np.int64) % 10
        x.reshape(size, -1)[:, 0] = low + y
        y = y.astype(np.uint8)
        found |= {f"x_{part}": x, f"y_{part}": y[:, None] if colour else y}
    return found


def _cells(module: str) -> list[tuple[str, str]]:
    """Rend les cellules d'un module, couples (étiquette, texte), ou son fichier."""
    path = Path("exercises", *module.split(".")).with_suffix(".py")
    plan = path.with_suffix(".cells.json")
    if plan.is_file():
        return [tuple(each) for each in json.loads(plan.read_text(encoding="utf-8"))["cells"]]
    return [(str(path), path.read_text(encoding="utf-8"))]


def _is_class_list(value) -> bool:
    return isinstance(value, list | tuple) and len(value) == 10 and isinstance(value[0], str)


def _execute(cells: list, trees: list, names: Names) -> dict | None:
    """Exécute chaque instruction de premier niveau ; rend la première exception, décrite."""
    import probes

    error = None
    for (label, text), tree in zip(cells, trees, strict=True):
        file = os.path.abspath(label)
        linecache.cache[file] = len(text), None, text.splitlines(True), file
        for node in tree.body:
            try:
                exec(compile(ast.Module([node], []), file, "exec"), names)  # noqa: S102
            except OutOfTimeError:
                return error
            except SystemExit:
                break
            except Exception as raised:
                names.failed, error = True, error or probes.describe_error(raised)
                if isinstance(raised, NameError) and "fit" in map(_word, ast.walk(node)):
                    with contextlib.suppress(Exception, SystemExit):  # le nom manquant est inerte
                        exec(compile(ast.Module([node], []), file, "exec"), names)  # noqa: S102
    return error


def _call_main(names: Names, whole: dict, seen: "_Seen") -> None:
    """Appelle les fonctions qui construisent un réseau et l'entraînent, si rien ne l'a fait."""
    for function in sorted(_own_functions(names), key=lambda each: _rank(each.__name__)):
        if _rank(function.__name__) < len(MAIN):
            with contextlib.suppress(Exception, SystemExit, OutOfTimeError):
                seen.keep(function(**_arguments(function, names, whole, seen)))
    if not seen.networks:
        for kind in [each for each in list(names.values()) if _is_model_class(each)]:
            with contextlib.suppress(Exception):
                seen.keep(kind(**_arguments(kind, names, whole, seen)))


def _own_functions(names: Names) -> list:
    """Rend les fonctions du programme, et celles de ses classes qui n'ont pas besoin d'objet."""
    values = list(names.values())
    for kind in [each for each in values if inspect.isclass(each)]:
        own = [(key, each) for key, each in vars(kind).items() if key in vars(kind)]
        values += [getattr(kind, key) for key, each in own if isinstance(each, OF_CLASS)]
    functions = [getattr(each, "__func__", each) for each in values]
    return [
        each
        for each, function in zip(values, functions, strict=True)
        if inspect.isfunction(function) and function.__globals__ is names
    ]


def _is_model_class(value) -> bool:
    import keras

    own = inspect.isclass(value) and value.__module__ == "__main__"
    return own and issubclass(value, keras.Model)


def _rank(name: str) -> int:
    return next((k for k, each in enumerate(MAIN) if each in name.lower()), len(MAIN))


def _arguments(function, names: Names, whole: dict, seen: "_Seen") -> dict:
    """Devine les arguments d'une fonction : une variable du même nom, ou ce que le nom dit."""
    shape = whole["x_train"].shape[1:]
    shape = (*shape, 1) if len(shape) == 2 else shape
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        key = name.lower()
        if name in names:
            found[name] = names[name]
            continue
        part = "test" if "test" in key or "val" in key else "train"
        if key in SIDES:
            found[name] = shape[SIDES[key]]
        elif key.startswith(("mod", "net", "cnn")) and seen.networks:
            found[name] = seen.networks[-1].model
        elif "shape" in key or "dim" in key or "size" in key:
            found[name] = shape
        elif "class" in key or key.startswith(("n", "num")):
            found[name] = 10
        elif key.startswith("y") or "label" in key:
            found[name] = whole[f"y_{part}"][:KEPT]
        elif "epoch" in key or "batch" in key:
            found[name] = BATCH
        else:
            found[name] = whole[f"x_{part}"][:KEPT].reshape(-1, *shape)
    return found


# --- Ce qui est noté -----------------------------------------------------------------


class Network:
    """Ce qu'un modèle a subi.

    Args:
        model: le modèle.
    """

    def __init__(self, model):
        self.model, self.compiled, self.fits, self.measured = model, [], [], []
        self.checked = None  # les dernières images de validation

    def described(self, images) -> dict:
        """Décrit le modèle par des données, et ce qui lui a été donné."""
        import numpy as np
        import probes

        facts, model = {"layers": [], "error": ""}, self.model
        with contextlib.suppress(Exception):
            _build(model)
        try:
            model = _functional(model, images)
            for side in (images.shape[1], FREE_PX):  # d'un réseau qui accepte toute taille
                shape = tuple(n or side for n in model.input_shape[1:])
                few = images[:4]
                if np.prod(shape) != np.prod(images.shape[1:]):  # d'autres que celles de l'exercice
                    few = np.resize(few, (4, *shape))
                facts = probes.described(model, few.reshape(4, *shape).astype(np.uint8))
                if not facts["refused"]:
                    break
        except Exception as error:
            facts["error"] = str(error)[:300]
        return {
            "facts": facts,
            "compiled": self.compiled[-1:],
            "fits": self.fits,
            "measured": self.measured[-MAX_FITS:],
        }


class _Seen:
    """Les réseaux d'un programme, du premier au dernier."""

    def __init__(self):
        self.networks: list[Network] = []
        self.steps = 0  # appels d'un optimiseur
        self.reuses = False  # des poids déjà appris ont été demandés
        self.fitting = False  # `fit` est en cours

    def keep(self, value) -> Network | None:
        """Rend ce qui est noté d'un modèle ; le note s'il est nouveau."""
        import keras

        if not isinstance(value, keras.Model):
            return None
        found = next((each for each in self.networks if each.model is value), None)
        if found is None:
            found = Network(value)
            self.networks = [*self.networks, found][-MAX_NETWORKS:]
        return found


class _History(dict):
    """Les courbes de `fit`, que l'on peut encore appeler `acc` et `val_acc`."""

    def __missing__(self, name: str):
        """Rend la courbe qui porte l'autre nom, ou une courbe plate."""
        other = name.replace("acc", "accuracy") if "accuracy" not in name else "acc"
        return dict.get(self, other) or [0.0] * len(next(iter(self.values()), [0.0]))


def sample(x, y=None, num: int = KEPT):
    """Rend les premiers exemples de données de toute sorte, en tableaux.

    Returns:
        `(images, étiquettes)` ; None si elles ne se lisent pas.
    """
    import itertools

    import keras
    import numpy as np

    if isinstance(x, spellings.Nothing):
        return None
    if isinstance(x, keras.utils.PyDataset):
        batches = [x[0]]
    elif hasattr(x, "element_spec"):  # tf.data
        batches = list(x.take(1).as_numpy_iterator())
    elif hasattr(x, "__next__"):
        batches = list(itertools.islice(x, 1))
    else:
        batches = [(_first(x, num), None if y is None else _first(y, num))]
    try:
        images, labels = batches[0] if isinstance(batches[0], tuple) else (batches[0], None)
        labels = None if labels is None else np.asarray(labels)[:num]
        return np.asarray(images)[:num], labels
    except Exception:
        return None


def _first(values, num: int):
    """Rend les premiers exemples ; un tableau de tableaux d'objets devient un vrai tableau."""
    import numpy as np

    if isinstance(values, spellings.Nothing):
        raise ValueError("données absentes")
    return np.stack([np.asarray(each) for each in list(values[:num])])


def _build(model) -> None:
    """Construit un modèle qui attend ses données, pour des images de l'exercice."""
    if not model.built:
        shape = spellings.Nothing.images.shape[1:]
        model.build((None, *(shape if len(shape) == 3 else (*shape, 1))))


def _functional(model, images):
    """Rend un modèle dont les couches se lisent : d'une classe d'élève, celui que fait son `call`.

    Ses images sont celles de l'exercice, ou les mêmes bordées jusqu'à 32 pixels.
    """
    import keras

    if getattr(model, "inputs", None) or isinstance(model, keras.Sequential):
        return model
    height, width, *channels = images.shape[1:]
    for shape in ((height, width, *(channels or [1])), (32, 32, *(channels or [1]))):
        with contextlib.suppress(Exception):
            given = keras.Input(shape)
            return keras.Model(given, model.call(given))
    return model


def _invented(model, num: int = LEARNED):
    """Invente des images et des étiquettes qui conviennent à un modèle."""
    import numpy as np

    _build(model)
    rng = np.random.default_rng(0)
    shape = [n or 32 for n in model.input_shape[1:]]
    num = num // FEWER if len(shape) == 3 and shape[0] > LARGE_PX else num
    outputs = model.output_shape[-1]
    labels = np.arange(num) % max(2, outputs)
    loss = str(getattr(model, "loss", "")).lower()
    if outputs > 1 and "sparse" not in loss:
        labels = np.eye(outputs, dtype=np.float32)[labels]
    return rng.random((num, *shape), np.float32), labels


# --- Ce qui est remplacé -------------------------------------------------------------


@contextlib.contextmanager
def _patched(seen: _Seen, whole: dict):
    """Remplace, le temps d'un rendu, ce qui apprend, ce qui lit des données et ce qui écrit."""
    import keras

    model, optimizer = keras.Model, keras.optimizers.Optimizer
    kept = {name: getattr(model, name) for name in PATCHED.split()}
    replaced = [(builtins, "input", lambda *_: Answer("1"))]
    replaced += [(model, name, value) for name, value in _methods(seen, kept).items()]
    replaced.append((optimizer, "apply", _counted(seen, optimizer.apply)))
    replaced += [*_readers(whole, seen), *_absent_files()]
    before = [(place, name, vars(place).get(name)) for place, name, _ in replaced]
    for place, name, value in replaced:
        setattr(place, name, value)
    os.environ["MPLBACKEND"] = "Agg"
    try:
        yield
    finally:
        for place, name, value in before:
            if value is None:
                delattr(place, name)
            else:
                setattr(place, name, value)


def _counted(seen: _Seen, original):
    def apply(self, *given, **named):
        seen.steps += 1
        return original(self, *given, **named)

    return apply


def _methods(seen: _Seen, kept: dict) -> dict:
    """Rend les méthodes de `keras.Model` qui notent ce qu'elles reçoivent."""

    def bound(method):
        return lambda model, *given, **named: method(model, *given, **named)

    watched, nothing = _Watched(seen, kept), lambda model, *_, **__: seen.keep(model)
    silent = dict.fromkeys(("save", "save_weights", "export"), nothing)
    methods = "compile fit evaluate predict train_on_batch load_weights predict_classes".split()
    noted = {name: bound(getattr(watched, name)) for name in methods}
    return {**noted, **silent, "predict_proba": noted["predict"]}


class _Watched:
    """Ce qui remplace les méthodes d'un modèle, le premier argument de chacune.

    Args:
        seen: où noter.
        kept: les vraies méthodes, par nom.
    """

    def __init__(self, seen: _Seen, kept: dict):
        self.seen, self.kept = seen, kept

    def compile(self, model, optimizer="rmsprop", loss=None, *given, **named):
        """Note la perte, puis compile."""
        import probes

        network = self.seen.keep(model)
        described = {"loss": probes._describe_loss(loss), "last": ""}
        network.compiled.append(described)
        return self.kept["compile"](model, optimizer, loss, *given, **named)

    def fit(self, model, x=None, y=None, *given, **named):
        """Note ce que reçoit `fit`, puis apprend quelques lots."""
        names = ("batch_size", "epochs", "verbose", "callbacks", "validation_split")
        names += ("validation_data",)
        named = {**dict(zip(names, given, strict=False)), **named}
        x, y, validation = _split(x, y, named)
        learned = _widened(model, _safe_sample(x, y))
        checked = None
        if validation is not None:
            pair = validation if isinstance(validation, tuple | list) else (validation, None)
            checked = _widened(model, _safe_sample(*pair[:2]))
        found = {
            "train": _as_dict(learned),
            "validation": _as_dict(checked),
            "validates": validation is not None,
            "shared": validation is not None and _are_shared(x, pair[0]),
            "augmented": validation is not None and _is_augmented(pair[0]),
            "learning": _learning_convolutions(model),
            "moved": False,
            "error": None,
        }
        network = self.seen.keep(model)
        network.checked = pair[0] if validation is not None else network.checked
        network.fits = [*network.fits[: MAX_FITS - 1], found]
        self.seen.fitting = True
        try:
            history = self._fit_few(model, learned, checked, found)
        finally:
            self.seen.fitting = False
        epochs = max(1, int(named.get("epochs") or 1))
        curves = {name: list(values) * epochs for name, values in history.history.items()}
        history.history, history.epoch = _History(curves), list(range(epochs))
        return history

    def _fit_few(self, model, learned, checked, found):
        import probes

        try:
            few = _fewer(learned, LEARNED)
            before = probes._summary(model, trainable=True)
            options = {"batch_size": BATCH, "epochs": 1, "verbose": 0}
            some = _fewer(checked, BATCH) if checked else None
            history = self.kept["fit"](model, *few, validation_data=some, **options)
        except Exception as error:
            if learned is not None:
                found["error"] = probes.describe_error(error)
                raise
            few = _invented(model)
            before = probes._summary(model, trainable=True)
            history = self.kept["fit"](
                model,
                *few,
                batch_size=BATCH,
                epochs=1,
                verbose=0,
                validation_data=few if found["validates"] else None,
            )
        found["moved"] = not before or before != probes._summary(model, trainable=True)
        found["convolves"] = any(len(each.shape) == 4 for each in model.weights)
        return history

    def evaluate(self, model, x=None, y=None, *given, **named):
        """Note ce qui est mesuré, puis mesure quelques images."""
        if self.seen.fitting:  # la validation de `fit`
            return self.kept["evaluate"](model, x, y, *given, **named)
        measured, network = _widened(model, _safe_sample(x, y)), self.seen.keep(model)
        checked = _are_shared(x, network.checked)
        entry = {"data": _as_dict(measured), "whole": True, "checked": checked}
        network.measured.append(entry)
        few = _fewer(measured or _invented(model), KEPT)
        return self.kept["evaluate"](
            model, *few, verbose=0, return_dict=named.get("return_dict", False)
        )

    def predict(self, model, x, *_, **__):
        """Note ce qui est prédit ; rend quelques réponses, répétées."""
        import numpy as np

        measured = _safe_sample(x)
        num = len(x) if hasattr(x, "shape") else KEPT
        whole = num >= WHOLE_SET or not hasattr(x, "shape")
        network = self.seen.keep(model)
        checked = _are_shared(x, network.checked)
        entry = {"data": _as_dict(measured), "whole": whole, "checked": checked}
        network.measured.append(entry)
        images, _ = _fewer(measured or _invented(model), KEPT)
        found = np.asarray(self.kept["predict"](model, images, verbose=0))
        return np.resize(found, (num, *found.shape[1:]))

    def train_on_batch(self, model, x, y=None, *_, **named):
        """Note le premier lot, et en apprend quelques-uns."""
        network = self.seen.keep(model)
        if not network.fits:
            found = {"train": _as_dict(_safe_sample(x, y)), "validation": None, "moved": True}
            network.fits.append({**found, "validates": False, "error": None, "convolves": True})
        if self.seen.steps > MAX_STEPS:
            return [0.0] * 2
        return self.kept["train_on_batch"](model, x, y, **named)

    def load_weights(self, model, *_, **__):
        """Note que des poids sont repris."""
        self.seen.keep(model)
        self.seen.reuses = True

    def predict_classes(self, model, x, **_):
        """Rend les classes, comme l'ancien Keras."""
        return self.predict(model, x).argmax(-1)


def _split(x, y, named: dict):
    """Sépare la validation que `fit` prendrait aux images d'entraînement : les dernières."""
    share, validation = named.get("validation_split"), named.get("validation_data")
    if share and validation is None and hasattr(x, "__len__"):
        cut = int(len(x) * (1 - share))
        return x[:cut], y[:cut], (x[cut:], y[cut:])
    return x, y, validation


def _are_shared(x, x_val) -> bool:
    """Dit si une image de la validation, des cent premières, est aussi apprise."""
    import numpy as np

    if not all(isinstance(each, np.ndarray) and each.size for each in (x, x_val)):
        return False
    keys = [
        np.ascontiguousarray(each.reshape(len(each), -1)[:, :KEY_VALUES])
        for each in (x, x_val[:100])
    ]
    learned = {key.tobytes() for key in keys[0]}
    return any(key.tobytes() in learned for key in keys[1])


def _fewer(pair, num: int) -> tuple:
    """Rend les premiers exemples d'un lot ; moins s'ils sont grands."""
    large = pair[0].ndim == 4 and pair[0].shape[1] > LARGE_PX
    num = num // FEWER if large else num
    return tuple(None if each is None else each[:num] for each in pair)


def _is_augmented(images) -> bool:
    """Dit si un générateur d'images les transforme."""
    maker = getattr(images, "image_data_generator", None)
    changes = "rotation_range width_shift_range height_shift_range shear_range horizontal_flip"
    changes += " vertical_flip brightness_range channel_shift_range"
    zoomed = maker is not None and list(getattr(maker, "zoom_range", None) or [1, 1]) != [1, 1]
    return zoomed or any(getattr(maker, each, None) for each in changes.split())


def _learning_convolutions(model) -> int:
    """Compte les convolutions dont les poids peuvent changer."""
    layers = model._flatten_layers() if model.built else []
    return sum("Conv" in type(each).__name__ and bool(each.trainable_weights) for each in layers)


def _widened(model, pair):
    """Rend un lot tiré de nos deux dossiers d'images, à qui en attend davantage : des colonnes."""
    import numpy as np

    shape = getattr(model, "output_shape", None) if model.built else None
    if pair is None or pair[1] is None or pair[1].ndim != 2 or not isinstance(shape, tuple):
        return pair
    lacking = (shape[-1] or 0) - pair[1].shape[1]
    ours = pair[1].shape[1] == NUM_FOLDERS and lacking > 0
    return (pair[0], np.pad(pair[1], ((0, 0), (0, lacking)))) if ours else pair


def _safe_sample(x, y=None):
    try:
        return sample(x, y)
    except Exception:
        return None


def _as_dict(pair) -> dict | None:
    """Rend un échantillon qui voyage ; d'une grande image, un pixel sur quelques-uns."""
    if pair is None:
        return None
    step = max(1, pair[0].shape[1] // 32) if pair[0].ndim == 4 else 1
    return {"x": pair[0][:, ::step, ::step] if step > 1 else pair[0], "y": pair[1]}


def _readers(whole: dict, seen: _Seen) -> list[tuple]:
    """Rend ce qui lit des données, remplacé : `(endroit, nom, valeur)`."""
    import importlib
    import multiprocessing.pool

    import keras
    import probes
    import tensorflow as tf

    pairs = tuple((whole[f"x_{part}"], whole[f"y_{part}"]) for part in ("train", "test"))
    found = []
    for name in SIZES:
        importlib.import_module(f"keras.datasets.{name}")
        importlib.import_module(f"keras._tf_keras.keras.datasets.{name}")
    ends = tuple(f".datasets.{name}" for name in SIZES)
    for name in [each for each in sys.modules if each.endswith(ends)]:
        if hasattr(sys.modules[name], "load_data"):
            found.append((sys.modules[name], "load_data", lambda *_, **__: pairs))
    sources = sys.modules.get("convnets.datasets.sources")
    if sources:
        found += [(sources, f"load_{name}", lambda *_, **__: pairs) for name in SIZES]
    generator = importlib.import_module("keras.src.legacy.preprocessing.image").ImageDataGenerator
    found.append((multiprocessing.pool, "ThreadPool", probes._InlinePool))
    measure = generator.fit  # moyennes et écarts-types des images

    def measure_few(self, x, *given, **named):
        return measure(self, x[: FEW[0]], *given, **named)

    found.append((generator, "fit", measure_few))
    found.append((generator, "flow_from_directory", _from_pictures(generator.flow_from_directory)))
    theirs = tf.keras  # les mêmes fonctions, dans d'autres modules
    for place in (keras.utils, keras.preprocessing, theirs.utils, theirs.preprocessing):
        reader = place.image_dataset_from_directory
        found.append((place, "image_dataset_from_directory", _from_pictures(reader)))
    files = importlib.import_module("keras.src.utils.file_utils")

    def get_file(*given, **_):
        seen.reuses = True
        return str(given[0] if given else "poids.h5")

    def load_weights(*_, **__):
        seen.reuses = True

    found.append((files, "get_file", get_file))
    models = importlib.import_module("keras.src.saving.saving_api")
    found.append((models, "load_weights", load_weights))
    for place in (keras.models, theirs.models):
        found.append((place, "load_model", lambda *_, **__: spellings.Nothing()))
    return found


def _tensorflow_datasets(whole: dict):
    """Rend ce qui tient lieu de `tensorflow_datasets.load` : quelques images du jeu."""
    import re

    import tensorflow as tf

    def part(wanted: str):
        name = "test" if wanted.startswith(("test", "val")) else "train"
        x, y = whole[f"x_{name}"][: FEW[0]], whole[f"y_{name}"][: FEW[0]]
        start, end = (re.findall(r"(\d*)%?:(\d*)%?\]", wanted) or [("", "")])[0]
        cut = slice(len(x) * int(start or 0) // 100, len(x) * min(100, int(end or 100)) // 100)
        x = x if x.ndim == 4 else x[..., None]
        return tf.data.Dataset.from_tensor_slices((x[cut], y.reshape(-1)[cut].astype("int64")))

    def load(*_, split=None, with_info=False, **__):
        if split is None:
            found = {name: part(name) for name in ("train", "test")}
        else:
            found = part(split) if isinstance(split, str) else [part(str(each)) for each in split]
        about, sizes = spellings.Nothing(), dict(zip(("train", "test"), FEW, strict=True))
        about.splits = {name: spellings.Nothing() for name in sizes}
        for name, size in sizes.items():
            about.splits[name].num_examples = size
        return (found, about) if with_info else found

    return load


def _from_pictures(original):
    """Remplace le dossier d'images qu'un programme lit par quelques images au hasard."""

    def read(*given, **named):
        _draw_pictures()
        before = [each for each in given if not isinstance(each, str | Path)]
        named.pop("directory", None)
        after = [each for each in given[len(before) + 1 :]]
        return original(*before, PICTURES, *after, **named)

    return read


def _draw_pictures() -> None:
    """Écrit quelques images au hasard, un dossier par classe."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("chat", "chien"):
        folder = Path(PICTURES, name)
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for number in range(NUM_PICTURES):
                pixels = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")


def _absent_files() -> list[tuple]:
    """Rend ce qui parcourt des dossiers, remplacé : un dossier absent a nos images."""
    import glob

    import numpy as np

    listdir, walk, load = os.listdir, os.walk, np.load

    def listed(path="."):
        if os.path.isdir(path):
            return listdir(path)
        _draw_pictures()
        inside = os.path.join(PICTURES, os.path.basename(os.path.normpath(path)))
        return listdir(inside if os.path.isdir(inside) else PICTURES)

    def walked(top, *given, **named):
        if not os.path.isdir(top):
            _draw_pictures()
            top = PICTURES
        return walk(top, *given, **named)

    def found(pattern, *given, original=glob.glob, **named):
        names = original(pattern, *given, **named)
        if names or "*" not in str(pattern):
            return names
        _draw_pictures()
        files = "." in os.path.basename(str(pattern))
        return original(os.path.join(PICTURES, "*", "*.png") if files else f"{PICTURES}/*")

    def loaded(file, *given, **named):
        there = not isinstance(file, str | Path) or os.path.exists(file)
        return load(file, *given, **named) if there else spellings.Nothing()

    return [
        (os, "listdir", listed),
        (os, "walk", walked),
        (glob, "glob", found),
        (np, "load", loaded),
    ]


@contextlib.contextmanager
def _alarm(seconds: int):
    """Arrête le programme, par une exception, quand son temps de processeur est passé."""

    def ring(*_):
        raise OutOfTimeError

    previous = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        with contextlib.suppress(OutOfTimeError):
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
