"""Les calculs voisins du corrigé : chacun n'en diffère que d'une opération.

Une réponse fausse est souvent le calcul juste à une opération près : un terme oublié, une moyenne
pour une somme, une soustraction à l'envers. Ce module change le corrigé d'une opération à la fois,
et rend ce qu'il répond alors. `asking.ask` le compare à ce que le rendu a répondu.
"""

import ast
import contextlib
import copy
import importlib
import inspect
import itertools
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np

from . import probes

try:
    from threadpoolctl import threadpool_limits
except ImportError:  # dans une page, qui n'a qu'un fil
    threadpool_limits = None

MAX_TRIED = 300  # calculs voisins ; ceux qui restent ne sont pas faits
MAX_S = 2.0  # de processeur : le secours, si un seul de ces calculs est très long
MAX_VALUES = 4_000_000  # de toutes les réponses
MAX_ROUNDS = 1_000  # d'une boucle `while`, qui pourrait ne pas finir
APART = ("annotation", "returns", "decorator_list", "type_params", "ops")  # ne se changent pas
RESUMES = {  # ce qui résume un axe, et ce qui se prend pour lui
    "mean": ("sum", "max", "median", "min"),
    "sum": ("mean", "max", "prod"),
    "max": ("mean", "min", "sum"),
    "min": ("max", "mean"),
    "median": ("mean",),
    "prod": ("sum",),
    "std": ("var",),
    "var": ("std",),
    "any": ("all",),
    "all": ("any",),
    "amax": ("mean",),
    "argmax": ("argmin", "max"),
    "argmin": ("argmax",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "floor": ("ceil", "rint"),
    "ceil": ("floor", "rint"),
    "rint": ("floor", "ceil"),
    "log": ("log2", "log10"),
    "log2": ("log", "log10"),
    "log10": ("log", "log2"),
    "trapezoid": ("mean", "sum"),
    "zeros": ("ones",),
    "ones": ("zeros",),
}
NAMED = {
    "mean": "la moyenne",
    "sum": "la somme",
    "max": "le maximum",
    "amax": "le maximum",
    "maximum": "le maximum",
    "minimum": "le minimum",
    "min": "le minimum",
    "median": "la médiane",
    "prod": "le produit",
    "trapezoid": "l'aire par trapèzes",
    "std": "l'écart-type",
    "var": "la variance",
    "any": "`any`",
    "all": "`all`",
    "floor": "l'entier au-dessous",
    "ceil": "l'entier au-dessus",
    "rint": "l'entier le plus proche",
    "log": "le logarithme népérien",
    "log2": "le logarithme en base 2",
    "log10": "le logarithme décimal",
}
WRITTEN = {  # ce qu'en écrit, au moins, qui le calcule
    "mean": ("mean", "average", "sum", "+"),
    "sum": ("sum", "add", "dot", "mul", "+", "@"),
    "max": ("max", "sort", ">", "<"),
    "maximum": ("max", ">", "<"),
    "min": ("min", "sort", ">", "<"),
    "minimum": ("min", ">", "<"),
    "median": ("median", "sort", "quantile", "percentile"),
    "prod": ("prod", "mul", "*"),
}
STEPS = {  # ce qui transforme une valeur, et peut s'oublier
    "sqrt": "une racine carrée",
    "log": "un logarithme",
    "log2": "un logarithme",
    "log10": "un logarithme",
    "log1p": "un logarithme",
    "exp": "une exponentielle",
    "abs": "une valeur absolue",
    "square": "un carré",
    "relu": "une ReLU",
    "maximum": "une borne inférieure (`maximum`)",
    "minimum": "une borne supérieure (`minimum`)",
    "clip": "une coupe (`clip`)",
    "round": "un arrondi",
    "rint": "un arrondi",
    "floor": "un arrondi vers le bas",
    "ceil": "un arrondi vers le haut",
    "int": "une partie entière",
    "softmax": "un softmax",
    "sigmoid": "une sigmoïde",
    "tanh": "une tangente hyperbolique",
    "transpose": "une transposition",
    "flip": "un retournement",
    "sort": "un tri",
    "sorted": "un tri",
    "unique": "un retrait des doubles (`unique`)",
    "set": "un retrait des doubles (`set`)",
    "cumsum": "une somme cumulée",
    "cumprod": "un produit cumulé",
    "accumulate": "un cumul",
    "mean": "une moyenne",
    "max": "un maximum",
    "sum": "une somme",
    "roll": "un décalage",
    "pad": "une bordure",
    "stop_gradient": "un arrêt du gradient",
}
EXTREMES = ("maximum", "minimum", "max", "min")
OPPOSITES = {"input": "output", "output": "input"}  # se prennent l'un pour l'autre
SUMMARIES = ("mean", "sum", "max", "min", "std", "var", "median", "prod", "any", "all")
SUMMARIES += ("argmax", "argmin", "argsort", "sort", "cumsum", "softmax", "norm")
EXTRAS = (  # ce qui se fait de trop d'une valeur
    ("une moyenne de tous sert pour chacun", "{0} * 0 + {0}.mean()"),
    ("la valeur du premier sert pour tous", "{0} * 0 + {0}[:1]"),
    ("un carré est de trop", "{0} ** 2"),
    ("une racine carrée est de trop", "{0} ** 0.5"),
)
AXES = (None, 0, 1, -1, (0, 1), (1, 2))
STRICT = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
TURNED |= {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


class Change(NamedTuple):
    """Une opération changée : ce qui s'en dit à l'élève, et ce qui la remplace."""

    said: str
    new: ast.AST
    rank: int = 0  # à résultat égal, la plus petite est dite
    written: tuple[str, ...] = ()  # ne se dit qu'à qui a écrit l'un de ces mots ; () : à tous


# --- Ce qui peut changer -------------------------------------------------------------


def _binary(node: ast.BinOp) -> Iterator[Change]:
    left, right, kind = node.left, node.right, type(node.op)

    def with_(op, a=left, b=right):
        return ast.BinOp(copy.deepcopy(a), op, copy.deepcopy(b))

    if kind in (ast.Add, ast.Sub):
        constant = isinstance(right, ast.Constant)
        verb = "ajouté" if kind is ast.Add else "retranché"
        lost = f"un nombre fixe n'est pas {verb}" if constant else f"un terme n'est pas {verb}"
        yield Change(f"{lost}{_about(right)}", left)
        if kind is ast.Add:
            yield Change(f"un terme n'est pas ajouté{_about(left)}", right)
            yield Change("un terme est retranché au lieu d'être ajouté", with_(ast.Sub()))
        else:
            yield Change("une soustraction est à l'envers", with_(ast.Sub(), right, left))
            yield Change("un terme est ajouté au lieu d'être retranché", with_(ast.Add()))
            yield Change("de deux termes, seul le second est gardé", right, 1)
    elif kind is ast.Mult:
        yield Change(f"un facteur est oublié{_about(right)}", left)
        yield Change(f"un facteur est oublié{_about(left)}", right)
        yield Change("une multiplication est prise pour une division", with_(ast.Div()))
        yield Change("un facteur est mis au carré", with_(ast.Mult(), node, right), 2)
    elif kind in (ast.Div, ast.FloorDiv):
        yield Change(f"une division est oubliée{_about(right, 'celle')}", left)
        yield Change("une division est à l'envers", with_(kind(), right, left))
        yield Change("une division est prise pour une multiplication", with_(ast.Mult()))
        yield Change("on divise deux fois", with_(kind(), node, right), 2)
        yield Change("un diviseur n'a pas sa racine carrée, ou l'a en trop", _power(node, 2), 1)
        yield Change("un diviseur n'a pas sa racine carrée, ou l'a en trop", _power(node, 0.5), 1)
        if kind is ast.FloorDiv:
            yield Change("une division n'est pas arrondie", with_(ast.Div()))
            up = ast.UnaryOp(ast.USub(), with_(kind(), ast.UnaryOp(ast.USub(), left)))
            # `-(-a // b)` arrondit déjà vers le haut.
            other = "vers le bas" if isinstance(left, ast.UnaryOp) else "vers le haut"
            yield Change(f"une division est arrondie {other}", up)
    elif kind is ast.Pow:
        yield Change("une puissance est oubliée : un carré, ou une racine", left)
    elif kind is ast.Mod:
        yield Change("un reste de division (`%`) est oublié", left)
    elif kind is ast.MatMult:
        yield Change("un produit de matrices est dans l'autre ordre", with_(kind(), right, left))
        for a, b in ((_turned(left), right), (left, _turned(right))):
            yield Change("dans un produit de matrices, l'une est transposée", with_(kind(), a, b))
    elif kind in (ast.BitAnd, ast.BitOr):
        other = ast.BitOr() if kind is ast.BitAnd else ast.BitAnd()
        yield Change("« et » est pris pour « ou », ou l'inverse", with_(other))
        yield Change("une de deux conditions est oubliée", left)
        yield Change("une de deux conditions est oubliée", right)


def _power(node: ast.BinOp, power: float) -> ast.BinOp:
    divisor = ast.BinOp(copy.deepcopy(node.right), ast.Pow(), ast.Constant(power))
    return ast.BinOp(copy.deepcopy(node.left), type(node.op)(), divisor)


def _turned(node: ast.expr) -> ast.expr:
    """Transpose une matrice, ou ôte sa transposition."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(copy.deepcopy(node), "T", ast.Load())


def _about(node: ast.AST, pronoun: str = "celui") -> str:
    """Dit de quel argument de la fonction dépend un terme, s'il n'en a qu'un.

    Args:
        node: le terme.
        pronoun: celui qui reprend ce qui vient d'être dit : « celui », ou « celle ».
    """
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    known = sorted(names & _PARAMETERS)
    return f", {pronoun} de `{known[0]}`" if len(known) == 1 and len(names) == 1 else ""


_PARAMETERS: set[str] = set()  # de la fonction demandée
_LOCALS: dict[str, ast.expr] = {}  # ses variables qui n'ont qu'une valeur, et cette valeur


def _remember(each: "Reached", *, is_asked: bool) -> None:
    """Retient les arguments de la fonction demandée, et les variables de celle qui change."""
    _PARAMETERS.clear()
    _PARAMETERS.update(inspect.signature(each.value).parameters if is_asked else ())
    made: dict[str, list] = {}
    for node in ast.walk(each.node):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.setdefault(node.id, []).append(None)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            made.setdefault(node.targets[0].id, []).append(node.value)
    _LOCALS.clear()
    for name, values in made.items():
        known = [value for value in values if isinstance(value, ast.BinOp | ast.Call)]
        if len(values) == 2 and len(known) == 1:
            _LOCALS[name] = known[0]


def _unary(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.operand, ast.Constant):  # -1 : un axe, un indice, ou `[::-1]`
        said = "un axe, un indice ou un retournement (`[::-1]`) n'est pas le bon"
        yield Change(said, node.operand, 1)
        return
    said = "un signe moins" if isinstance(node.op, ast.USub) else "une négation"
    yield Change(f"{said} est oublié{'e' * said.startswith('une')}", node.operand)


def _call(node: ast.Call) -> Iterator[Change]:
    of_object = isinstance(node.func, ast.Attribute)
    name = node.func.attr if of_object else getattr(node.func, "id", "")
    yield from _other_function(node, name, of_object=of_object)
    if name in STEPS or (node.args and name != "range"):
        yield from _forgotten(node, name, of_object=of_object)
    yield from _other_arguments(node, of_object=of_object)
    yield from _other_bounds(node, name)


def _other_bounds(node: ast.Call, name: str) -> Iterator[Change]:
    """Change le nombre de tours d'un `range`, et la dernière des bornes qu'il reçoit."""
    if name != "range" or not node.args:
        return
    place = min(1, len(node.args) - 1)
    for op, said in ((ast.Add(), "de trop"), (ast.Sub(), "de moins")):
        made = copy.deepcopy(node)
        made.args[place] = ast.BinOp(made.args[place], op, ast.Constant(1))
        yield Change(f"une boucle (`range`) va à un {said}", made, 1)
    if len(node.args) == 1:
        made = copy.deepcopy(node)
        made.args = [ast.Constant(1), ast.BinOp(made.args[0], ast.Add(), ast.Constant(1))]
        yield Change("une boucle compte à partir de 1 au lieu de 0", made, 1)


def _other_function(node: ast.Call, name: str, *, of_object: bool) -> Iterator[Change]:
    if of_object:
        for other in RESUMES.get(name, ()):
            made = copy.deepcopy(node)
            made.func.attr = other
            made.keywords = [each for each in made.keywords if each.arg in ("axis", "keepdims")]
            ours, theirs = NAMED.get(name, f"`{name}`"), NAMED.get(other, f"`{other}`")
            said = f"on prend {theirs}, et non {ours}"
            yield Change(said, made, 0, WRITTEN.get(other, ()))
    elif name in ("max", "min"):
        made = copy.deepcopy(node)
        made.func.id = {"max": "min", "min": "max"}[name]
        said = f"on prend {NAMED[made.func.id]}, et non {NAMED[name]}"
        yield Change(said, made, 0, WRITTEN[made.func.id])
    if name == "norm":
        for order, text in ((1, "la somme des écarts"), (float("inf"), "le plus grand écart")):
            made = copy.deepcopy(node)
            made.keywords.append(ast.keyword("ord", ast.Constant(order)))
            yield Change(f"une distance est {text}, et non la racine de leurs carrés", made, 1)
        yield Change("une distance est au carré", ast.BinOp(node, ast.Pow(), ast.Constant(2)), 1)
    if name in SUMMARIES:
        yield from _other_axis(node)
    if name in EXTREMES and len(node.args) == 2:
        added = ast.BinOp(node.args[0], ast.Add(), node.args[1])
        said = f"on prend la somme, et non {NAMED.get(name, f'`{name}`')}"
        yield Change(said, added, 1, WRITTEN["sum"])


def _other_axis(node: ast.Call) -> Iterator[Change]:
    given = [ast.unparse(each.value) for each in node.keywords if each.arg == "axis"]
    for axis in AXES:
        if [repr(axis)] != given and not len(node.args) > 1:
            made = copy.deepcopy(node)
            kept = [each for each in made.keywords if each.arg != "axis"]
            made.keywords = [*kept, ast.keyword("axis", ast.Constant(axis))]
            yield Change("un calcul est fait le long d'un autre axe, ou de tous", made, 2)


def _forgotten(node: ast.Call, name: str, *, of_object: bool) -> Iterator[Change]:
    said, rank = f"l'appel de `{name}`, ou ce qui en tient lieu, est oublié", 1
    if name in STEPS:
        said, rank = f"{STEPS[name]} est oublié{'e' * STEPS[name].startswith('une')}", 0
    is_method = of_object and not _is_module(node.func.value)
    first = [node.func.value] if is_method else node.args[:1]
    other = node.args[1:2] if name in EXTREMES and name in STEPS else []
    for each in first + other:
        if not isinstance(each, ast.Starred | ast.GeneratorExp):
            yield Change(said, each, rank)


def _other_arguments(node: ast.Call, *, of_object: bool) -> Iterator[Change]:
    for index, keyword in enumerate(node.keywords):
        made = copy.deepcopy(node)
        del made.keywords[index]
        if keyword.arg:
            yield Change(f"une option d'une fonction est oubliée : `{keyword.arg}`", made, 1)
    for index, each in enumerate(node.args):
        if isinstance(each, ast.BinOp) and not of_object:
            made = copy.deepcopy(node)
            made.args[index] = ast.Constant(0)
            yield Change("un argument donné à une fonction reste à zéro", made, 1)
    if any(isinstance(each, ast.Starred) for each in node.args):
        return
    for index in range(1, len(node.args)):
        made = copy.deepcopy(node)
        made.args[index - 1 : index + 1] = made.args[index], made.args[index - 1]
        is_of_axes = of_object and node.func.attr == "transpose"
        said = "deux axes" if is_of_axes else "deux arguments d'une fonction"
        yield Change(f"{said} sont échangés", made, 1)
    if len(node.args) > 1:
        made = copy.deepcopy(node)
        del made.args[-1]
        yield Change("le dernier argument d'une fonction est oublié", made, 1)


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "ops", "tf", "keras", "math", "stats")


def _compare(node: ast.Compare) -> Iterator[Change]:
    if len(node.ops) == 1:
        kind = type(node.ops[0])
        said = "une comparaison est stricte au lieu d'être large, ou l'inverse"
        for others, text in ((STRICT, said), (TURNED, "une comparaison est à l'envers")):
            if kind in others:
                yield Change(text, ast.Compare(node.left, [others[kind]()], node.comparators))


def _bool(node: ast.BoolOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Or) and all(map(_is_value, node.values)):
        first, default = node.values[0], node.values[-1]
        name = ast.unparse(first)
        yield Change(f"si `{name}` n'est pas donné, ce qui le remplace n'est pas le bon", first)
        yield Change(f"`{name}`, même donné, est ignoré", default)
        return
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield Change("« et » est pris pour « ou », ou l'inverse", ast.BoolOp(other, node.values))
    for each in node.values:
        yield Change("seule une de plusieurs conditions est regardée", each)


def _is_value(node: ast.expr) -> bool:
    """Dit si un nœud se lit tel quel : `a or b` dit alors ce qui remplace `a`."""
    return isinstance(node, ast.Name | ast.Attribute | ast.Constant)


def _choice(node: ast.IfExp) -> Iterator[Change]:
    for each in (node.body, node.orelse):
        yield Change("de deux cas, l'un est traité comme l'autre", each)


def _constant(node: ast.Constant) -> Iterator[Change]:
    value, said = node.value, "un nombre de la formule, ou un axe, n'est pas le bon"
    if isinstance(value, bool):
        yield Change("un `True` est pris pour un `False`, ou l'inverse", ast.Constant(not value), 1)
    elif isinstance(value, int | float):
        around = (value + 1, value - 1, 2 * value, value / 2, value * value, -value, 0, 1)
        for other in dict.fromkeys(around):
            if other != value:
                is_whole = isinstance(value, int) and other == int(other)
                yield Change(said, ast.Constant(int(other) if is_whole else other), 2)


def _subscript(node: ast.Subscript) -> Iterator[Change]:
    index = node.slice
    if isinstance(index, ast.Slice):
        back = isinstance(index.step, ast.UnaryOp)
        yield Change(
            "un retournement (`[::-1]`) manque" if back else "un découpage manque", node.value
        )
        for bound in ("lower", "upper"):
            yield from _other_slice(node, bound)
    elif isinstance(index, ast.Tuple) and len(index.elts) > 1:
        made = copy.deepcopy(node)
        made.slice.elts[-2:] = made.slice.elts[:-3:-1]
        yield Change("deux indices sont échangés : ligne et colonne, par exemple", made)


def _other_slice(node: ast.Subscript, bound: str) -> Iterator[Change]:
    given = getattr(node.slice, bound)
    if given is None:
        return
    if node.slice.lower and node.slice.upper:
        made = copy.deepcopy(node)
        setattr(made.slice, bound, None)
        yield Change("un découpage n'a qu'une de ses deux bornes", made, 1)
    for op in (ast.Add(), ast.Sub()) if not isinstance(given, ast.Constant) else ():
        made = copy.deepcopy(node)
        setattr(made.slice, bound, ast.BinOp(copy.deepcopy(given), op, ast.Constant(1)))
        yield Change("un découpage a un élément de trop, ou de moins", made, 1)


def _attribute(node: ast.Attribute) -> Iterator[Change]:
    if node.attr == "T":
        yield Change("une transposition est oubliée", node.value)
    elif node.attr == "nan":
        yield Change("ce qui n'existe pas vaut zéro, et non `nan`", ast.Constant(0.0))
    elif node.attr in OPPOSITES:
        other = OPPOSITES[node.attr]
        said = f"`{other}` est lu là où il faut `{node.attr}`"
        yield Change(said, ast.Attribute(node.value, other, node.ctx))


def _exchanged(body: list[ast.stmt]) -> Iterator[Change]:
    """Échange partout deux attributs d'un même objet."""
    fields: dict[str, set[str]] = {}
    read = [each for each in ast.walk(ast.Module(body, [])) if _is_field(each)]
    called = {
        id(each.func) for each in ast.walk(ast.Module(body, [])) if isinstance(each, ast.Call)
    }
    for each in read:
        if id(each) not in called:
            fields.setdefault(each.value.id, set()).add(each.attr)
    for name, attributes in sorted(fields.items()):
        for first, second in itertools.combinations(sorted(attributes), 2):
            mapping = {f"{name}.{first}": second, f"{name}.{second}": first}
            made = [_Exchanged(mapping).visit(copy.deepcopy(each)) for each in body]
            yield Change(f"`{first}` et `{second}` sont échangés", made)


def _is_field(node: ast.AST) -> bool:
    known = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return known and not _is_module(node.value)


class _Exchanged(ast.NodeTransformer):
    """Remplace des attributs, `objet.nom`, par d'autres du même objet."""

    def __init__(self, others: dict[str, str]):
        self.others = others

    def visit_Attribute(self, node):  # noqa: N802 : le nom que veut `ast`
        """Remplace un attribut, ou visite ce qu'il contient."""
        other = self.others.get(ast.unparse(node))
        if other:
            return ast.Attribute(node.value, other, node.ctx)
        return self.generic_visit(node)


def _name(node: ast.Name) -> Iterator[Change]:
    if node.id in _PARAMETERS and isinstance(node.ctx, ast.Load):
        for other in sorted(_PARAMETERS - {node.id}):
            said = f"`{other}` est lu là où il faut `{node.id}`"
            yield Change(said, ast.Name(other, ast.Load()), 1)
    definition = _LOCALS.get(node.id) if isinstance(node.ctx, ast.Load) else None
    if definition is not None:  # la variable n'a qu'une valeur : ailleurs, elle reste juste
        for change in CHANGES[type(definition)](definition):
            yield change._replace(rank=change.rank + 1)


def _tuple(node: ast.Tuple | ast.List) -> Iterator[Change]:
    if len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        yield Change("deux éléments sont échangés", type(node)(node.elts[::-1], node.ctx), 1)


def _comprehension(node: ast.comprehension) -> Iterator[Change]:
    yield from _loop(node)
    for index in range(len(node.ifs)):
        made = copy.deepcopy(node)
        del made.ifs[index]
        yield Change("une condition est oubliée : des éléments de trop sont gardés", made)


def _loop(node: ast.For) -> Iterator[Change]:
    for said, part in (
        ("le dernier tour d'une boucle n'est pas fait", ast.Slice(None, ast.Constant(-1))),
        ("le premier tour d'une boucle n'est pas fait", ast.Slice(ast.Constant(1))),
        ("une boucle s'arrête (`return`) dès son premier tour", ast.Slice(None, ast.Constant(1))),
    ):
        made = copy.copy(node)
        every = ast.Call(ast.Name("list", ast.Load()), [node.iter], [])
        made.iter = ast.Subscript(every, part, ast.Load())
        yield Change(said, made)


def _augmented(node: ast.AugAssign) -> Iterator[Change]:
    said = "un total, ou un compte, n'est pas tenu (`+=`)"
    yield Change(said, ast.Assign([node.target], node.value))
    yield from _lost(node)


def _assigned(node: ast.Assign) -> Iterator[Change]:
    read = [each for each in ast.walk(node.value) if _is_argument(each)]
    for told in dict.fromkeys(map(ast.unparse, read)):
        for other in sorted(_PARAMETERS - {told.partition(".")[0]}):
            made = _Renamed(told, other).visit(copy.deepcopy(node))
            yield Change(f"`{other}` est lu là où il faut `{told}`", made, 1)
    for said, template in EXTRAS:
        made = ast.parse(template.format(f"({ast.unparse(node.value)})"), mode="eval").body
        yield Change(said, ast.Assign(node.targets, made), 2)
    yield from _lost(node)


def _is_argument(node: ast.AST) -> bool:
    """Dit si un nœud est un argument de la fonction, ou un de ses attributs."""
    root = node.value if isinstance(node, ast.Attribute) else node
    return isinstance(root, ast.Name) and root.id in _PARAMETERS


class _Renamed(ast.NodeTransformer):
    """Met un argument à la place d'un autre, partout où il est lu."""

    def __init__(self, told: str, other: str):
        self.told, self.other = told, other

    def visit(self, node):
        """Remplace un nœud, ou visite ce qu'il contient."""
        if _is_argument(node) and ast.unparse(node) == self.told:
            return ast.Name(self.other, ast.Load())
        return self.generic_visit(node)


def _lost(node: ast.stmt) -> Iterator[Change]:
    """Oublie une instruction entière ; la fonction qu'elle appelle, s'il y en a une, est nommée."""
    if isinstance(getattr(node, "value", None), ast.Constant):
        return
    called = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    name = getattr(called[0], "attr", getattr(called[0], "id", "")) if called else ""
    about = f" (`{name}`)" if name and not name.startswith("_") else ""
    yield Change(f"une étape du calcul est oubliée{about}", ast.Pass(), 1)


def _if(node: ast.If) -> Iterator[Change]:
    for value in (True, False):
        made = copy.copy(node)
        made.test = ast.Constant(value)
        yield Change("un cas n'est pas traité à part, ou l'est toujours", made)


CHANGES = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.BoolOp: _bool,
    ast.IfExp: _choice,
    ast.Constant: _constant,
    ast.Subscript: _subscript,
    ast.Attribute: _attribute,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.List: _tuple,
    ast.comprehension: _comprehension,
    ast.For: _loop,
    ast.AugAssign: _augmented,
    ast.Assign: _assigned,
    ast.Expr: _lost,
    ast.If: _if,
    list: _exchanged,
}


# --- Les faire, l'un après l'autre ---------------------------------------------------


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Rend ce qu'un code contient, et où ; ni ce qui lève, ni ce qui pourrait ne pas finir."""
    for field, value in ast.iter_fields(node):
        listed = isinstance(value, list)
        for index, child in enumerate(value if listed else [value]):
            if field in APART or not isinstance(child, ast.AST) or _is_left(child):
                continue
            bounds_a_while = isinstance(child, ast.expr | ast.stmt) and not hasattr(child, "lineno")
            if not bounds_a_while:
                yield node, field, index if listed else None, child
            yield from _places(child)


def _is_left(node: ast.AST) -> bool:
    refuses = isinstance(node, ast.If) and all(isinstance(each, ast.Raise) for each in node.body)
    return refuses or isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert)


class _Bounded(ast.NodeTransformer):
    """Fait d'une boucle `while`, qui pourrait ne pas finir, une boucle `for` de même effet."""

    def visit_While(self, node):  # noqa: N802 : le nom que veut `ast`
        """Borne une boucle, et celles qu'elle contient."""
        self.generic_visit(node)
        leave = ast.If(ast.UnaryOp(ast.Not(), node.test), [ast.Break()], [])
        rounds = ast.Call(ast.Name("range", ast.Load()), [ast.Constant(MAX_ROUNDS)], [])
        return ast.For(ast.Name("_tour", ast.Store()), rounds, [leave, *node.body], node.orelse)


class Reached(NamedTuple):
    """Une fonction, ou une classe, du corrigé : son module, sa définition, et qui la nomme."""

    module: ModuleType
    node: ast.stmt
    users: tuple[ModuleType, ...]

    @property
    def value(self):
        """Ce qu'elle vaut à présent."""
        return vars(self.module)[self.node.name]


def _reached(place: ModuleType, function: str) -> list[Reached]:
    """Rend une fonction du corrigé, puis celles de l'exercice dont elle se sert."""
    order = [_definition(vars(place)[function])]
    for module, node, _ in order:  # s'allonge
        for each in ast.walk(node):
            value = None
            if isinstance(each, ast.Name):
                value = vars(module).get(each.id)
            elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
                inside = vars(module).get(each.value.id)
                value = getattr(inside, each.attr, None) if inspect.ismodule(inside) else None
            known = [one.value for one in order]
            if getattr(value, "__module__", "").startswith("exercises.") and value not in known:
                order += filter(None, [_definition(value)])
    return order


def _definition(value) -> Reached | None:
    """Retrouve où une fonction, ou une classe, est définie ; None si c'est autre chose."""
    module = sys.modules.get(value.__module__)
    name = getattr(value, "__name__", "")
    if module is None or vars(module).get(name) is not value:
        return None
    tree = ast.parse(inspect.getsource(module))
    nodes = [each for each in tree.body if getattr(each, "name", "") == name]
    users = [
        each
        for key, each in [*sys.modules.items()]
        if key.startswith("exercises.") and vars(each).get(name) is value
    ]
    return Reached(module, _Bounded().visit(nodes[0]), tuple(users)) if nodes else None


class Site(NamedTuple):
    """Une opération du corrigé qui peut changer, et où elle est."""

    reached: Reached
    parent: ast.AST
    field: str
    index: int | None
    old: ast.AST
    change: Change

    def put(self, node: ast.AST) -> None:
        """Met un nœud à la place de l'opération."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def _sites(reached: Sequence[Reached]) -> list[Site]:
    """Rend ce qui peut changer, dans l'ordre du code."""
    sites = []
    for each in reached:
        _remember(each, is_asked=each is reached[0])
        for where in [(each.node, "body", None, each.node.body), *_places(each.node)]:
            changes = CHANGES.get(type(where[-1]), _nothing)(where[-1])
            sites += [Site(each, *where, change) for change in changes]
    return sites


def _chosen(sites: Sequence[Site], count: int) -> list[tuple[Site, ...]]:
    """Rend ce qui s'essaie, ce qui change le plus souvent d'abord.

    C'est un changement, ou le même à plusieurs endroits, ou deux.
    """
    if count > 1:
        return [*itertools.combinations([each for each in sites if not each.change.rank], count)]
    alike: dict[tuple, list[Site]] = {}
    for each in sites:
        alike.setdefault(_likeness(each), []).append(each)
    several = [
        tuple(some)
        for some in alike.values()
        if 1 < len({id(each.old) for each in some}) == len(some)
    ]
    return sorted([*((each,) for each in sites), *several], key=_rank)


def _rank(sites: Sequence[Site]) -> int:
    return sites[0].change.rank


def _likeness(site: Site) -> tuple:
    """Rend ce qu'ont en commun deux endroits où la même erreur se fait."""
    if isinstance(site.old, list):
        return (id(site),)
    masked = [
        re.sub(r"(id|attr)='\w*'", "", ast.dump(each)) for each in (site.old, site.change.new)
    ]
    return (site.change.said, *masked)


def _nothing(_) -> Iterator[Change]:
    return iter(())


@contextlib.contextmanager
def _changed(sites: Sequence[Site]) -> Iterator[None]:
    """Change des opérations du corrigé, dans tous les modules qui le nomment, puis les remet.

    Raises:
        Exception: ce calcul n'a pas de sens.
    """
    touched = {each.reached.node.name: each.reached for each in sites}
    kept = {name: each.value for name, each in touched.items()}
    for each in sites:
        each.put(each.change.new)
    try:
        for name, each in touched.items():
            code = ast.fix_missing_locations(ast.Module([each.node], []))
            exec(compile(code, "<voisin>", "exec"), vars(each.module))
            made = each.value
            for module in each.users:
                setattr(module, name, made)
        yield
    finally:
        for each in reversed(sites):
            each.put(each.old)
        for name, each in touched.items():
            for module in each.users:
                setattr(module, name, kept[name])


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Tait ce que Python dirait d'un calcul voisin, quand il le compile comme quand il le fait."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def on_one_thread(function: Callable) -> Callable:
    """Rend la même fonction, sur un seul fil : sur de petites matrices, plusieurs s'attendent."""
    return threadpool_limits.wrap(limits=1)(function) if threadpool_limits else function


@on_one_thread
def neighbours(
    module: str,
    function: str,
    calls: list,
    call: str = "call",
    count: int = 1,
    only: list | None = None,
    **how,
) -> list:
    """Rend ce que répond chaque calcul voisin.

    Args:
        module: nom du module du corrigé.
        function: nom de la fonction.
        calls: appels à lui faire.
        call: comment (voir `probes.OPERATIONS`).
        count: combien d'opérations changent, une ou deux.
        only: numéros des calculs à faire ; par défaut, les `MAX_TRIED` premiers.
        how: ce que cette opération demande de plus.

    Returns:
        Pour chacun, `[numéro, ce qui change, rang, réponses, mots]` ; de chaque suite de `mots`, un
        au moins est dans le code de qui fait ce calcul.
    """
    place = importlib.import_module(f"exercises.{module}")
    endless = sys.platform == "emscripten"  # dans une page, rien n'arrête une boucle sans fin
    if endless or not hasattr(place, function):
        return []
    end, room, rows = time.process_time() + MAX_S, MAX_VALUES, []
    given = {"module": module, "function": function}
    chosen = _chosen(_sites(_reached(place, function)), count)[:MAX_TRIED]
    for number, some in enumerate(chosen):  # un nombre, et non un temps : la raison n'en dépend pas
        if only is not None and number not in only:
            continue
        try:
            with np.errstate(all="ignore"), _silent(), _changed(some):
                answers = probes.OPERATIONS[call](**given, calls=copy.deepcopy(calls), **how)
            room -= _size(answers)
        except Exception:  # ce calcul n'a pas de sens
            continue
        if room < 0 or time.process_time() > end:
            break
        ranks = {each.change.said: each.change.rank for each in some}
        written = [list(each.change.written) for each in some if each.change.written]
        rows.append([number, " ; ".join(ranks), sum(ranks.values()), answers, written])
    return rows


def _size(value) -> int:
    """Compte les valeurs d'une réponse."""
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return np.size(value) if isinstance(value, np.ndarray) else 1


probes.OPERATIONS["neighbours"] = neighbours
