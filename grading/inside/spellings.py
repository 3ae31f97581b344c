"""Lire aujourd'hui un programme écrit pour un Keras plus ancien, ou pour une autre machine.

Importé par `recorder`, dans le processus enfermé d'un rendu : arguments et méthodes qui ont changé
de nom (`modernised`), modules de Keras qui ont déménagé, paquets qui ne sont pas installés ici, que
remplace un objet inerte (`install`).
"""

import ast
import collections.abc
import contextlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types

import keras
import numpy as np
import tensorflow as tf

FEWER = 20  # fois moins d'images dans les jeux de l'essai
OLDER = {  # arguments d'autrefois, par fonction, en minuscules
    **dict.fromkeys(
        ("adam", "sgd", "rmsprop", "adagrad", "adadelta", "adamax", "nadam"),
        {"lr": "learning_rate"},
    ),
    **{name: {"l": name} for name in ("l1", "l2")},
}
METHODS = {f"{name}_generator": name for name in ("fit", "evaluate", "predict")}
RENAMED = {"nb_epoch": "epochs", "samples_per_epoch": "steps_per_epoch"} | {
    "nb_val_samples": "validation_steps",
    "val_samples": "steps",
    "generator": "x",
    "border_mode": "padding",
    "subsample": "strides",
    "nb_filter": "filters",
    "output_dim": "units",
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "W_constraint": "kernel_constraint",
    "b_regularizer": "bias_regularizer",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
    "p": "rate",
    "nb_row": "kernel_size",  # et nb_col, toujours égal
    "input": "inputs",
    "output": "outputs",
}
DROPPED = set(
    "workers use_multiprocessing max_queue_size max_q_size pickle_safe show_accuracy decay "
    "schedule_decay data_format dim_ordering nb_col clipnorm clipvalue "
    "stratify".split()
)
FIRST_KERAS = ("Convolution2D", "Conv2D")  # (32, 3, 3) : deux tailles, et non une taille et un pas
OF_BACKEND = (
    "image_dim_ordering set_session get_session set_image_dim_ordering set_image_data_format"
)
WRITERS = "ModelCheckpoint TensorBoard CSVLogger"
INERT = {  # ce qui écrit, ou vient de TensorFlow 1 et d'anciens Keras : sans effet sur un réseau
    "tensorflow": "ConfigProto GPUOptions Session set_random_seed logging reset_default_graph "
    "estimator gfile contrib summary variable_scope get_default_graph",
    "tensorflow._api.v2.distribute": "TPUStrategy",
    "tensorflow._api.v2.distribute.experimental": "TPUStrategy",
    "tensorflow._api.v2.distribute.cluster_resolver": "TPUClusterResolver",
    "tensorflow._api.v2.config": "experimental_connect_to_cluster",
    "tensorflow._api.v2.tpu.experimental": "initialize_tpu_system",
    "tensorflow._api.v2.compat.v1": "disable_eager_execution disable_v2_behavior",
    "keras._tf_keras.keras": "estimator",
    "keras.backend": f"{OF_BACKEND} set_learning_phase",
    "keras._tf_keras.keras.backend": f"{OF_BACKEND} set_learning_phase",
    "keras.config": OF_BACKEND,
    "keras.callbacks": WRITERS,
    "keras._tf_keras.keras.callbacks": WRITERS,
    "tensorflow.keras.callbacks": WRITERS,
    "subprocess": "Popen run call check_call check_output",
    **dict.fromkeys(
        ("tensorflow._api.v2.train", "tensorflow._api.v2.compat.v1.train"),
        "AdamOptimizer RMSPropOptimizer GradientDescentOptimizer MomentumOptimizer",
    ),
}
OLD_KERAS = "tensorflow.python.keras"  # encore dans TensorFlow, et incompatible avec Keras 3
KERAS = (
    OLD_KERAS,
    *("tensorflow.contrib.keras.api.keras", "tensorflow.contrib.keras", "tensorflow.keras"),
    *("keras.api._v2.keras", "keras.api._v1.keras", "keras.api.keras"),
    *("keras.api._v2", "keras.api._v1", "tf_keras", "keras"),
)
LOOKS, EXITS = ("exists", "isdir", "isfile", "is_dir"), ("exit", "quit")
PLACES = (
    "layers models utils optimizers callbacks losses metrics regularizers initializers constraints "
    "applications datasets preprocessing.image preprocessing.sequence backend"
).split()


MOVED = {
    **dict.fromkeys(("sklearn.cross_validation", "sklearn.grid_search"), "sklearn.model_selection"),
    "fashion_mnist": "keras.datasets.fashion_mnist",  # le fichier que publiaient ses auteurs
}
USUAL = {  # noms que tous donnent à des modules, et que certains oublient d'importer
    "np": "numpy",
    "plt": "matplotlib.pyplot",
    "tf": "tensorflow",
    "keras": "keras",
    **{name: name for name in "os sys time math random".split()},
}


def modernised(tree: ast.AST) -> ast.AST:
    """Rend un programme où arguments et méthodes d'autrefois ont leur nom d'aujourd'hui.

    Les canaux y sont en dernier, un `if` dont une seule branche apprend la prend, ce qui dessine
    n'arrête pas la suite, et ce qui compte des images en compte `FEWER` fois moins :
    `x_train[:50000]`, mais pas `Dense(2000)`.
    """
    return ast.fix_missing_locations(_Modern().visit(tree))


def channels_last(shape):
    """Met à la fin les canaux d'une forme d'images qui les a au début : `(1, 28, 28)`."""
    if not isinstance(shape, tuple | list) or len(shape) < 3:
        return (shape,) if isinstance(shape, int) else shape
    *batch, channels, height, width = shape
    first = channels in (1, 3) and all(n is None or n > 3 for n in (height, width))
    return (*batch, height, width, channels) if first else shape


def _learns(nodes: list[ast.stmt]) -> bool:
    return any(
        _called(each).startswith(("fit", "train")) and "split" not in _called(each)
        for node in nodes
        for each in ast.walk(node)
    )


class _Modern(ast.NodeTransformer):
    def __init__(self):
        self.sizes = set()  # nombres d'une couche, ou d'un autre objet, par identité

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        counts = type(node.value) is int and node.value >= 1000 and node.value % 100 == 0
        if counts and id(node) not in self.sizes:
            node.value //= FEWER
        return node

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        learns, last, test = _learns(node.body), node.body[-1], ast.unparse(node.test)
        missing = isinstance(last, ast.Return | ast.Raise) and any(map(test.__contains__, LOOKS))
        if learns != _learns(node.orelse) and "__name__" not in test:
            node.test = ast.Constant(learns)
        elif not node.orelse and (missing or _called(getattr(last, "value", None)) in EXITS):
            node.test = ast.Constant(False)  # rien ne manque, ni fichier, ni argument
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        self.generic_visit(node)
        tried = ast.parse(f"try: {ast.unparse(node)}\nexcept Exception: pass").body[0]
        return (  # les nombres d'une grande matrice de confusion prennent des gigaoctets
            ast.Pass()
            if _called(node.value) in ("text", "annotate")
            else tried
            if _called(node.value).startswith(("plot", "draw", "show", "visuali"))
            else node
        )

    def visit_Call(self, node: ast.Call) -> ast.Call:
        named, name = isinstance(node.func, ast.Attribute), _called(node)
        self.sizes |= {id(each) for each in ast.walk(node) if name[:1].isupper()}
        self.generic_visit(node)
        if named and name in METHODS:
            node.func.attr = name = METHODS[name]
        if (
            name in FIRST_KERAS
            and len(node.args) == 3
            and ast.dump(node.args[1]) == ast.dump(node.args[2])
        ):
            node.args = [node.args[0], ast.Tuple(node.args[1:], ast.Load())]
        if name == "AveragePooling2D" and "pool_size" not in [each.arg for each in node.keywords]:
            node.args = node.args or [ast.Constant(2)]  # ce qu'elle valait
        for each in node.keywords:
            if each.arg == "padding" and isinstance(getattr(each.value, "value", 0), str):
                each.value.value = each.value.value.lower()
            if each.arg == "input_shape" or (each.arg == "shape" and name == "Input"):
                each.value = _moved(each.value)
        if name == "Input":
            node.args = [_moved(each) for each in node.args]
        method = named and name in METHODS.values()
        aged = (
            method
            or hasattr(keras.layers, name)
            or name in ("Model", "ImageDataGenerator", "train_test_split")
        )
        names = OLDER.get(name.lower(), RENAMED if aged else {})
        if names:
            given = [  # sans `decay`, `workers`, ou `epsilon=None`
                each
                for each in node.keywords
                if each.arg not in DROPPED and ast.unparse(each) != "epsilon=None"
            ]
            node.keywords = [ast.keyword(names.get(k.arg, k.arg), k.value) for k in given]
        return node


def _called(node: ast.expr) -> str:
    """Rend le dernier nom de la fonction qu'une expression appelle, ou ""."""
    function = getattr(node, "func", None)
    return getattr(function, "attr", getattr(function, "id", ""))


def _moved(shape: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("channels_last", ast.Load()), [shape], [])


# --- Ce qui n'est pas là -------------------------------------------------------------


class _Kind(type):
    """Une classe absente, dont les noms sont absents aussi : `Adapter.PANDAS`."""

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing(name)


class Nothing(metaclass=_Kind):
    """Ce qui tient lieu d'un objet absent : tout s'y lit, s'y appelle et s'y calcule, sans effet.

    Un tableau NumPy fait d'un tel objet contient les images de l'essai.
    """

    images = None  # donné par `recorder`

    def __init__(self, *_, **__):
        pass

    def __getattr__(self, name: str):
        """Rend un autre objet inerte, ou une classe si le nom est celui d'une classe."""
        trusted = ("is_tensor_like", "fit")  # TensorFlow et scikit-learn s'y fieraient
        if name.startswith("__") or (name in trusted and not _is_asked_by_hand_in()):
            raise AttributeError(name)
        return nothing(name)

    def __call__(self, *given, **_):
        """Rend la fonction reçue, comme un décorateur, ou un objet inerte."""
        decorates = (
            len(given) == 1
            and isinstance(given[0], types.FunctionType | type)
            and "<lambda>" not in given[0].__name__
            and given[0].__module__ != "builtins"
        )
        return given[0] if decorates else Nothing()

    def __array__(self, dtype=None, copy=None):
        """Rend les images de l'essai."""
        return self.images if dtype is None else self.images.astype(dtype)

    __len__ = __index__ = lambda self: len(self.images)  # un nombre absent compte ces images
    __fspath__ = object.__repr__  # un dossier absent, où rien n'est

    def __iter__(self):
        """N'énumère rien."""
        return iter(())

    __bool__ = __exit__ = lambda *_: False  # faux, et laisse passer une exception


for _operation in (
    "enter getitem setitem neg add radd sub rsub mul rmul truediv rtruediv floordiv mod pow matmul "
    "lt le gt ge and or xor invert array_function"  # le dernier : ce que NumPy en calcule
).split():
    setattr(Nothing, f"__{_operation}__", lambda *_: Nothing())


def nothing(name: str):
    """Rend de quoi tenir lieu de `name` : une classe si le nom en a la majuscule, ou un objet."""
    return type(name, (Nothing,), {}) if name[:1].isupper() else Nothing()


class Table(np.ndarray):
    """Une table de MNIST, l'étiquette puis les pixels, qui se lit comme celles de pandas."""

    values = iloc = property(lambda self: self)
    label = property(lambda self: self[:, 0])
    to_numpy = sample = reset_index = dropna = fillna = lambda self, *_, **__: self
    drop, unique = (lambda self, *_, **__: self[:, 1:]), np.unique
    # À qui regarde la table.
    head = tail = info = describe = columns = index = isnull = value_counts = dtypes = Nothing()

    def __getitem__(self, key):
        """Rend une colonne, s'il s'agit d'un nom, ou une part du tableau."""
        return self.label if isinstance(key, str) else super().__getitem__(key)


class _Choices(dict):
    """Les réglages que propose keras_tuner : de chacun, la première valeur."""

    values = property(dict.copy)

    def __getattr__(self, kind: str):
        """Rend ce que donne `Choice`, `Int`, `Float`, `Boolean` ou `Fixed`."""

        def choose(name="", first=False, *_, **named):
            kept = {"values", "min_value", "value"} & named.keys()
            return self.setdefault(name, np.ravel(named[min(kept)] if kept else first).tolist()[0])

        return choose


class _Tuner(Nothing):
    """Ce qui tient lieu de keras_tuner : un seul réseau est construit, puis appris."""

    def __init__(self, hypermodel, *_, **__):
        build, found = getattr(hypermodel, "build", hypermodel), _Choices()
        self.hypermodel, self.model = types.SimpleNamespace(build=build), build(found)
        self.search = self.model.fit
        self.get_best_models = lambda *_, **__: [self.model]
        self.get_best_hyperparameters = lambda *_, **__: [found]


GIVEN = {  # ce qui, d'un paquet absent, est donné ; `recorder` y ajoute `("pandas", "read_csv")`
    (place, name): _Tuner
    for place in ("keras_tuner", "kerastuner", "keras_tuner.tuners", "kerastuner.tuners")
    for name in ("RandomSearch", "Hyperband", "BayesianOptimization", "GridSearch")
}


class _Missing(types.ModuleType):
    """Un module qui n'existe pas ici."""

    __version__ = "0"

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if (self.__name__, name) in GIVEN:
            return GIVEN[self.__name__, name]
        found = getattr(keras.applications, name, None)  # d'un paquet comme efficientnet
        if self.__name__.startswith(KERAS):
            found = _from_keras(self.__name__, name)
        return nothing(name) if found is None else found


class _OnSymbols(tf.__internal__.dispatch.GlobalOpDispatcher):
    """Fait une couche de toute fonction de TensorFlow, comme tf.keras : `tf.nn.relu(x)`."""

    def handle(self, op, args, kwargs):
        """Rend la sortie d'une couche, si un argument est un tenseur symbolique de Keras."""
        flat = tf.nest.flatten((args, kwargs))
        symbols = [each for each in flat if isinstance(each, keras.KerasTensor)]
        name = op.__name__.removesuffix("_v2")

        def use(values):
            rest = iter(values)
            filled = [next(rest) if isinstance(k, keras.KerasTensor) else k for k in flat]
            positional, named = tf.nest.pack_sequence_as((args, kwargs), filled)
            return op(*positional, **named)

        if not symbols:
            return self.NOT_SUPPORTED
        if len(symbols) == 1 and hasattr(keras.activations, name):
            return keras.layers.Activation(name)(symbols[0])
        return keras.layers.Lambda(use)(symbols)


def usual(name: str):
    """Rend ce que désigne partout un nom qui n'est pas importé ; None si rien ne le dit."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(USUAL[name]) if name in USUAL else _from_keras("keras", name)
    return None


def _from_keras(module: str, name: str):
    """Cherche dans le Keras d'aujourd'hui ce qu'un ancien module contenait, ou rend None."""
    if name == "keras":  # `from keras.api._v2 import keras`
        return importlib.import_module("keras")
    inside = next(module[len(root) :] for root in KERAS if module.startswith(root)).strip(".")
    for place in (inside, inside.rpartition(".")[0], *PLACES, ""):
        with contextlib.suppress(ImportError, AttributeError):
            found = importlib.import_module(f"keras.{place}".rstrip("."))
            if not isinstance(found, _Missing):
                return getattr(found, name)
    return None


class _Finder:
    """Donne, après tous les autres, un module inerte à qui importe ce qui n'est pas installé.

    Un paquet que le rendu a demandé est remplacé pour tous, modules compris ; comme l'ancien Keras.
    """

    replaced = set()

    def find_spec(self, name: str, path=None, target=None):
        """Rend le module, ou None si ce n'est pas le rendu qui le demande."""
        top = name.partition(".")[0]
        ours = top in ("exercises", "convnets")
        known = top in self.replaced or name.startswith(OLD_KERAS)
        if not known and (ours or not _is_asked_by_hand_in()):
            return None
        if not name.startswith(KERAS):
            self.replaced.add(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        """Rend le module d'aujourd'hui, le fichier du rendu qui a ce nom, ou un module inerte."""
        own = importlib.util.find_spec(spec.name.rpartition(".")[2])
        inside = own and str(own.origin).startswith(os.path.join(os.getcwd(), "exercises"))
        name = MOVED.get(spec.name, own.name if inside else "")
        return importlib.import_module(name) if name else _Missing(spec.name)

    def exec_module(self, module):
        """N'a rien à exécuter."""


def _is_asked_by_hand_in() -> bool:
    """Dit si l'import vient du rendu : les bibliothèques savent se passer de ce qui manque."""
    frame, here = sys._getframe(2), os.getcwd()
    while frame is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(here)


def _older_array(values, *given, make=np.array, **named):
    """Fait un tableau d'objets de listes inégales, comme le faisait NumPy."""
    try:
        return make(values, *given, **named)
    except ValueError:
        return make(values, *given, **{"dtype": object, **named})


def install() -> None:
    """Installe ce qui remplace les absents ; le processus du rendu n'aura rien d'autre à faire."""
    for name in [each for each in sys.modules if f"{each}.".startswith(f"{OLD_KERAS}.")]:
        del sys.modules[name]
    for place in PLACES:  # ce que tf.keras a gardé et que keras n'a plus : ImageDataGenerator
        with contextlib.suppress(ImportError):
            ours = importlib.import_module(f"keras.{place}")
            theirs = importlib.import_module(f"keras._tf_keras.keras.{place}")
            vars(ours).update({**vars(theirs), **vars(ours)})
    keras.utils.np_utils = tf.keras.utils.np_utils = keras.utils
    tf.layers = keras.layers
    keras.layers.experimental = tf.keras.layers.experimental = types.SimpleNamespace(
        preprocessing=keras.layers
    )
    vars(keras.layers).update(
        dict.fromkeys(
            "core convolutional pooling normalization advanced_activations".split(), keras.layers
        )
    )
    vars(collections).update({**vars(collections.abc), **vars(collections)})
    vars(np).update(
        **{each.__name__: each for each in (int, float, object, str, complex)},
        Inf=np.inf,
        NaN=np.nan,
        product=np.prod,
        array=_older_array,
        fromstring=lambda text, *given, real=np.fromstring, **named: (
            real(text, *given, **named) if "sep" in named else np.frombuffer(text, *given, **named)
        ),
    )
    for place in (keras.constraints, keras.optimizers, tf.keras.constraints, tf.keras.optimizers):
        public = {name: each for name, each in vars(place).items() if name[0] != "_"}
        older = {name.lower().replace("_", ""): each for name, each in public.items()}
        # `maxnorm`, `adam`, `legacy.Adam`
        vars(place).update({**older, **vars(place), "legacy": place})
    for module, names in INERT.items():
        for name in names.split():
            setattr(importlib.import_module(module), name, nothing(name))
    for side in ("input", "output"):  # la forme d'une couche, que Keras 3 ne donne plus ainsi
        shape = property(lambda layer, side=side: tuple(getattr(layer, side).shape))
        setattr(keras.Layer, f"{side}_shape", shape)
    keras.Metric.reset_states = keras.Metric.reset_state
    iterator = importlib.import_module("keras.src.legacy.preprocessing.image").Iterator
    iterator.next, iterator.nb_sample = lambda each: next(each), property(lambda each: each.samples)
    _OnSymbols().register()
    finder = _Finder()
    sys.meta_path.append(finder)
    old = importlib.machinery.ModuleSpec(OLD_KERAS, finder, is_package=True)
    parent, _, name = OLD_KERAS.rpartition(".")
    sys.modules[OLD_KERAS] = importlib.util.module_from_spec(old)  # ses modules, à `finder`
    setattr(sys.modules[parent], name, sys.modules[OLD_KERAS])
