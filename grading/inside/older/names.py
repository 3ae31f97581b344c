"""Récrire un programme d'autrefois, ou d'une autre machine, pour le Keras d'aujourd'hui.

Une règle est une fonction : elle reçoit un nœud du programme, et le change s'il est de ceux
qu'elle connaît.
"""

import ast

import keras

from ..trial import FEWER

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
LOOKS, EXITS = ("exists", "isdir", "isfile", "is_dir"), ("exit", "quit")
DRAWS = ("plot", "draw", "show", "visuali")


def modernised(tree: ast.AST) -> ast.AST:
    """Rend un programme où arguments et méthodes d'autrefois ont leur nom d'aujourd'hui.

    Les canaux y sont en dernier, un `if` dont une seule branche apprend la prend, ce qui dessine
    n'arrête pas la suite, et ce qui compte des images en compte `FEWER` fois moins :
    `x_train[:50000]`, mais pas `Dense(2000)`.
    """
    return ast.fix_missing_locations(_Modern().visit(tree))


def channels_last(shape):
    """Met à la fin les canaux d'une forme d'images qui les a au début : `(1, 28, 28)`."""
    if isinstance(shape, int):
        return (shape,)
    if not isinstance(shape, tuple | list) or len(shape) < 3:
        return shape
    *batch, channels, height, width = shape
    first = channels in (1, 3) and all(n is None or n > 3 for n in (height, width))
    return (*batch, height, width, channels) if first else shape


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
        if _learns(node.body) != _learns(node.orelse) and "__name__" not in ast.unparse(node.test):
            node.test = ast.Constant(_learns(node.body))
        elif not node.orelse and _gives_up(node):
            node.test = ast.Constant(False)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        self.generic_visit(node)
        name = called(node.value)
        if name in ("text", "annotate"):  # ceux d'une grande matrice prennent des gigaoctets
            return ast.Pass()
        if name.startswith(DRAWS):
            tried = ast.parse("try: pass\nexcept Exception: pass").body[0]
            tried.body = [node]  # dont les lignes restent celles du rendu
            return tried
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if called(node)[:1].isupper():
            self.sizes |= {id(each) for each in ast.walk(node)}
        self.generic_visit(node)
        for rule in RULES:
            rule(node)
        return node


def called(node: ast.expr) -> str:
    """Rend le dernier nom de la fonction qu'une expression appelle, ou ""."""
    function = getattr(node, "func", None)
    return getattr(function, "attr", getattr(function, "id", ""))


def _learns(nodes: list[ast.stmt]) -> bool:
    names = [called(each) for node in nodes for each in ast.walk(node)]
    return any(name.startswith(("fit", "train")) and "split" not in name for name in names)


def _gives_up(node: ast.If) -> bool:
    """Dit si un `if` s'arrête faute d'un fichier ou d'un argument : rien ne manque ici."""
    last = node.body[-1]
    if called(getattr(last, "value", None)) in EXITS:
        return True
    test = ast.unparse(node.test)
    return isinstance(last, ast.Return | ast.Raise) and any(word in test for word in LOOKS)


# --- Les appels, une règle après l'autre ---------------------------------------------


def _rename_method(node: ast.Call) -> None:
    """Écrit `fit` pour `fit_generator`."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
        node.func.attr = METHODS[node.func.attr]


def _join_sizes(node: ast.Call) -> None:
    """Écrit `Conv2D(32, (3, 3))` pour `Convolution2D(32, 3, 3)`."""
    if called(node) in FIRST_KERAS and len(node.args) == 3:
        filters, height, width = node.args
        if ast.dump(height) == ast.dump(width):
            node.args = [filters, ast.Tuple([height, width], ast.Load())]


def _give_pool_size(node: ast.Call) -> None:
    """Écrit la taille que prenait `AveragePooling2D()`."""
    if called(node) == "AveragePooling2D" and not node.args:
        if "pool_size" not in [each.arg for each in node.keywords]:
            node.args = [ast.Constant(2)]


def _lower_padding(node: ast.Call) -> None:
    """Écrit `padding="same"` pour `padding="SAME"`, sauf pour les fonctions de `tf.nn`."""
    if ".nn." in f".{ast.unparse(node.func)}":
        return
    for each in node.keywords:
        value = getattr(each.value, "value", 0)
        if each.arg == "padding" and isinstance(value, str):
            each.value.value = value.lower()


def _move_channels(node: ast.Call) -> None:
    """Écrit à la fin les canaux d'une forme d'entrée."""
    takes_shape = called(node) == "Input"
    for each in node.keywords:
        if each.arg == "input_shape" or (each.arg == "shape" and takes_shape):
            each.value = _moved(each.value)
    if takes_shape:
        node.args = [_moved(each) for each in node.args]


def _moved(shape: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("channels_last", ast.Load()), [shape], [])


def _rename_arguments(node: ast.Call) -> None:
    """Écrit `epochs` pour `nb_epoch`, et ôte ce qui n'a plus d'effet : `workers`, `decay`."""
    name = called(node)
    method = isinstance(node.func, ast.Attribute) and name in METHODS.values()
    aged = method or hasattr(keras.layers, name) or name in AGED
    names = OLDER.get(name.lower(), RENAMED if aged else {})
    if not names:
        return
    kept = [each for each in node.keywords if each.arg not in DROPPED]
    kept = [each for each in kept if ast.unparse(each) != "epsilon=None"]
    node.keywords = [ast.keyword(names.get(each.arg, each.arg), each.value) for each in kept]


AGED = ("Model", "ImageDataGenerator", "train_test_split")
RULES = (
    _rename_method,
    _join_sizes,
    _give_pool_size,
    _lower_padding,
    _move_channels,
    _rename_arguments,
)
