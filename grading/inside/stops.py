"""Dire où le programme d'un rendu s'arrête, si c'est de sa faute, et lire ce qui suit.

Importé par `running`, dans le processus enfermé. Un programme qui s'arrête ici parce qu'il lui
manque un fichier ou un paquet n'y est pour rien. Il y est pour quelque chose s'il lève lui-même une
exception ou appelle `exit`, si ce n'est pas du Python, s'il lit un nom qui n'est défini nulle part,
s'il importe d'un de ses fichiers un nom qui n'y est pas, s'il écrit mal un nom de Keras, ou s'il
donne à `fit` ou à `compile` un argument que Keras n'a jamais connu, ou `...` seul.
"""

import ast
import inspect
import os
import re
import sys
import types
from traceback import walk_tb

import keras
from keras.src import activations, initializers, losses, metrics, optimizers

from .older.names import DROPPED, RENAMED
from .packages import near_name

LIBRARIES = ("keras", "tensorflow")
# Ce que dit Keras d'un nom entre guillemets qu'il ne connaît pas, et où il le cherche.
IDENTIFIER = re.compile(r"Could not interpret (\w+)(?: function)? identifier: (\w+)")
REGISTERS = {
    "activation": activations,
    "initializer": initializers,
    "loss": losses,
    "metric": metrics,
    "optimizer": optimizers,
}
# Ce que dit Python d'un nom qui n'est pas dans un module, et Keras d'un argument.
IMPORTED = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
UNRECOGNISED = re.compile(r"Unrecognized keyword arguments passed to (\w+): \{'(\w+)'")
EXITS = {"exit", "quit", "sys.exit", "os._exit"}
ONCE = {  # arguments de `fit`, de `compile` et des couches que Keras n'a plus
    *("mode", "fused", "virtual_batch_size", "weights", "input_length"),
    *("sample_weight_mode", "target_tensors", "experimental_run_tf_function", "distribute"),
    *("class_mode", "theano_mode", "nb_worker"),
}


class UnknownArgument(TypeError):
    """Un argument que Keras n'a jamais connu."""

    def __init__(self, method: str, argument: str):
        super().__init__(f"{method}() got an unexpected keyword argument {argument!r}")
        self.argument = argument


class UnwrittenCall(TypeError):
    """Un appel qui n'a que `...` pour argument, recopié d'une documentation."""


def check_written(method: str, given) -> None:
    """Refuse un appel dont l'argument est `...`.

    Raises:
        UnwrittenCall: c'est le cas.
    """
    if given is ...:
        raise UnwrittenCall(f"{method}(...)")


forgiven = set()  # les arguments et les noms inconnus que la suite, lue malgré eux, ne regarde plus


def misspelled(error: Exception) -> tuple[types.ModuleType, str, str] | None:
    """Trouve le nom de Keras qu'un programme a mal écrit.

    Returns:
        Le module, le nom écrit, et le vrai ; None si l'erreur n'est pas celle-là.
    """
    module, name = getattr(error, "obj", None), getattr(error, "name", None)
    if wanted := isinstance(error, ImportError) and IMPORTED.match(str(error)):
        module, name = sys.modules.get(wanted[2]), wanted[1]
    if not isinstance(module, types.ModuleType):
        return None
    if not module.__name__.lstrip("_").startswith(LIBRARIES):
        return None
    near = near_name(name, dir(module))
    return (module, name, near) if near else None


def mend(error: Exception, names: dict, node: ast.stmt) -> bool:
    """Donne à un nom mal écrit le sens du nom le plus proche, pour lire la suite.

    Args:
        error: ce qui arrête le programme.
        names: ses variables globales, où est mis le vrai nom de `Conv2d`.
        node: l'instruction, où est récrit l'argument inconnu d'une couche.

    Returns:
        Vrai si c'est fait : l'instruction qui a échoué peut être exécutée à nouveau.
    """
    if variable := missing_variable(error):
        os.environ[variable] = "0"  # se lit comme un nombre, et comme un chemin
        return True
    if found := misspelled(error):
        module, wrong, right = found
        setattr(module, wrong, getattr(module, right))
        return True
    if isinstance(error, NameError) and (near := near_name(error.name, dir(keras.layers))):
        names[error.name] = getattr(keras.layers, near)
        return True
    if isinstance(error, UnknownArgument):
        forgiven.add(error.argument)
        return True
    if found := misquoted(error):
        known, wrong, right = found
        known[wrong] = known[right]
        forgiven.add(wrong)
        return True
    return _rename_argument(error, node)


def missing_variable(error: Exception) -> str:
    """Rend la variable d'environnement qu'un programme n'a pas trouvée ; "" sinon."""
    if not isinstance(error, KeyError):
        return ""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return error.args[0] if frame.f_code is type(os.environ).__getitem__.__code__ else ""


def _rename_argument(error: Exception, node: ast.stmt) -> bool:
    """Récrit l'argument qu'une couche ne connaît pas, ou l'ôte ; rend vrai si c'est fait."""
    layer, wrong = _unknown_argument(error)
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    named = [
        (call, keyword)
        for call in calls
        if ast.unparse(call.func).endswith(layer)
        for keyword in call.keywords
        if keyword.arg == wrong
    ]
    for call, keyword in named:
        keyword.arg = _near_argument(layer, wrong)
        call.keywords = [each for each in call.keywords if each.arg or each is not keyword]
    return bool(named)


def _unknown_argument(error: Exception) -> tuple[str, str]:
    """Rend la couche qui refuse un argument, et cet argument ; deux textes vides sinon."""
    said = UNRECOGNISED.match(str(error))
    return (said[1], said[2]) if said and said[1] in _of_layers else ("", "")


def _near_argument(layer: str, wrong: str) -> str | None:
    """Rend l'argument d'une couche que son auteur voulait écrire, ou None."""
    return near_name(wrong.lower(), _of_layers.get(layer, ()))


def misquoted(error: Exception) -> tuple[dict, str, str] | None:
    """Trouve le nom entre guillemets qu'un programme a mal écrit : `"softmx"`, `"adamm"`.

    Returns:
        Les noms que Keras connaît, le nom écrit, et le vrai ; None si l'erreur n'est pas celle-là.
    """
    said = IDENTIFIER.match(str(error))
    if not said or said[1] not in REGISTERS:
        return None
    known = REGISTERS[said[1]].ALL_OBJECTS_DICT
    near = near_name(said[2], known)
    return (known, said[2], near) if near else None


def check_names(loss, measures) -> None:
    """Cherche une perte et des mesures dès `compile` : Keras ne le fait qu'au premier `fit`.

    Raises:
        ValueError: Keras ne connaît pas un de ces noms, qui ressemble à un autre.
    """
    named = [(losses, loss)]
    if isinstance(measures, list | tuple):
        named += [(metrics, each) for each in measures]
    for register, name in named:
        try:
            register.get(name if isinstance(name, str) else None)
        except ValueError as error:
            if misquoted(error):
                raise


def check_arguments(method: str, named: dict) -> None:
    """Refuse un argument de `fit` ou de `compile` que Keras ne connaît pas, et n'a jamais connu.

    Raises:
        UnknownArgument: Keras ne connaît pas cet argument.
    """
    today = inspect.signature(_real[method]).parameters
    for name in named:
        if name not in {*today, *ONCE, *DROPPED, *RENAMED, *forgiven}:
            raise UnknownArgument(method, name)


_of_layers = {  # les arguments de chaque couche, avant que `replaced` n'en remplace
    name: [*inspect.signature(kind).parameters]
    for name, kind in vars(keras.layers).items()
    if inspect.isclass(kind)
}
_real = {method: getattr(keras.Model, method) for method in ("fit", "compile")}


def is_own(error: Exception, node: ast.stmt, names: dict, known: set | None) -> bool:
    """Dit si un programme s'arrête de sa faute.

    Args:
        error: ce qui l'arrête.
        node: l'instruction de premier niveau qui échoue.
        names: les variables globales du programme.
        known: les noms qu'il définit quelque part ; None s'il importe `*`.
    """
    if isinstance(node, ast.Raise) or isinstance(error, SystemExit):
        return not isinstance(error, OSError | ImportError)
    if isinstance(error, NameError):
        *_, (frame, _) = walk_tb(error.__traceback__)
        return known is not None and frame.f_globals is names and error.name not in known
    if isinstance(error, ImportError) and _is_absent_from_its_file(error):
        return True
    _, argument = _unknown_argument(error)
    never_had = isinstance(error, UnknownArgument | UnwrittenCall) or (
        argument and argument not in ONCE
    )
    return bool(misspelled(error) or misquoted(error) or never_had)


def exits(node: ast.stmt) -> bool:
    """Dit si une instruction met fin au programme, quoi qu'il arrive : `sys.exit()`, seul."""
    call = getattr(node, "value", None)
    return isinstance(call, ast.Call) and ast.unparse(call.func) in EXITS


def _is_absent_from_its_file(error: ImportError) -> bool:
    """Dit si un nom est importé d'un fichier du rendu où il n'est écrit nulle part."""
    wanted = IMPORTED.match(str(error))
    if not wanted or not str(error.path).startswith(os.path.abspath("exercises")):
        return False
    with open(error.path, encoding="utf-8", errors="replace") as file:
        return re.search(rf"\b{wanted[1]}\b", file.read()) is None


def defined(nodes: list[ast.AST]) -> set | None:
    """Rend les noms qu'un programme définit quelque part ; None s'il importe `*`."""
    aliases = [each.asname or each.name for each in nodes if isinstance(each, ast.alias)]
    if "*" in aliases:
        return None
    kept = {
        each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }
    kept |= {name.partition(".")[0] for name in aliases}
    return kept | {
        each.name
        for each in nodes
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
