"""Faire l'énoncé d'un exercice à partir de son corrigé : mêmes signatures, corps à écrire.

Commande : python -m grading.skeleton ex02_fashion --output DOSSIER
           python -m grading.skeleton ex00 --output DOSSIER     tous les fichiers de l'exercice
           python -m grading.skeleton ex00_convolution.pooling --output DOSSIER     un seul

Restent : docstrings, imports, signatures, classes, `main` et `teach`, les constantes que l'énoncé
donne ou que le reste emploie, et tout ce que l'import d'un fichier exécute. Le corps des autres
fonctions publiques devient `raise NotImplementedError` ; les fonctions privées, qui font partie de
la solution, disparaissent. Le barème que lira le correcteur est recopié en tête.
"""

import ast
import functools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from convnets.core.cli import FrenchParser, run
from convnets.core.files import own_suffix, replacing
from exercises import EXERCISES, RULE, sources
from grading.report import number
from grading.scale import read_scale
from grading.submission import EXERCISES as FOLDER
from grading.submission import file_of

# Une constante donnée : le document la demande, ou le cours la choisit pour l'élève.
GIVEN = re.compile(r"énoncé|sujet|diapositive|document|\bS[0-4]\b|\(donnée?\)")
WIDTH = 96
LESSON = ("main", "teach")  # ce qui appelle, dans l'ordre, ce que l'élève écrit

Definition = ast.FunctionDef | ast.ClassDef


# --- Ce qui reste --------------------------------------------------------------------


def _names(*nodes: ast.AST | None) -> set[str]:
    return {
        each.id
        for node in nodes
        if node is not None
        for each in ast.walk(node)
        if isinstance(each, ast.Name)
    }


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Parcourt une instruction comme `ast.walk`, sans entrer dans les `lambda`."""
    yield node
    for child in [] if isinstance(node, ast.Lambda) else ast.iter_child_nodes(node):
        yield from _executed(child)


def _called(*nodes: ast.AST | None) -> set[str]:
    """Rend les noms que ces instructions appellent, décorateurs compris."""
    found = []
    for node in nodes:
        for each in _executed(node) if node is not None else ():
            if isinstance(each, ast.Call):
                found.append(each.func)
            found += getattr(each, "decorator_list", [])
    return {each.id for each in found if isinstance(each, ast.Name)}


def _targets(node: ast.stmt) -> set[str]:
    """Rend les noms qu'une instruction définit."""
    if isinstance(node, Definition):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {
            each.id
            for target in node.targets
            for each in ast.walk(target)
            if isinstance(each, ast.Name)
        }
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def _outside(node: Definition) -> list[ast.AST]:
    """Rend ce qu'une définition exécute dès l'import : tout, sauf les corps."""
    if isinstance(node, ast.ClassDef):
        inside = [each for each in node.body if not isinstance(each, ast.FunctionDef)]
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        found = [*node.decorator_list, *node.bases, *inside]
        return found + [part for each in methods for part in _outside(each)]
    return [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]


def _has_code(node: Definition) -> bool:
    """Dit si appeler une définition peut exécuter de son code : une fonction, ou une classe."""
    found = [node] if isinstance(node, ast.FunctionDef) else node.body
    return any(isinstance(each, ast.FunctionDef) for each in found)


class _Module:
    """Les définitions d'un module, et celles que son squelette garde."""

    def __init__(self, source: str, used_elsewhere: set[str], called_elsewhere: set[str]):
        self.lines, self.tree = source.splitlines(), ast.parse(source)
        self.by_name = {name: node for node in self.tree.body for name in _targets(node)}
        self.kept: set[ast.stmt] = set()  # entiers
        self.seen: set[tuple[str, bool]] = set()
        for node in self.tree.body:
            self._start(node, used_elsewhere)
        self._need(called_elsewhere, at_import=True)

    def _start(self, node: ast.stmt, used_elsewhere: set[str]) -> None:
        """Garde ce qu'une instruction garde d'elle-même."""
        names = _targets(node)
        if isinstance(node, Definition) and node.name in LESSON:
            self.kept.add(node)
            self._need(_names(node), at_import=False)
        elif isinstance(node, Definition):
            if not node.name.startswith("_"):
                self._execute(_outside(node))
            self._need(names & used_elsewhere, at_import=False)
        elif not names:
            self.kept.add(node)
            self._need(_names(node), at_import=False)
        elif names & used_elsewhere or self._is_given(node) or names & {"__all__"}:
            self._need(names, at_import=False)

    def _is_given(self, node: ast.stmt) -> bool:
        _, _, comment = self.lines[node.end_lineno - 1].partition("#")
        return bool(GIVEN.search(comment))

    def _execute(self, nodes: list[ast.AST]) -> None:
        """Garde ce que l'import exécute : ce qui est appelé, entier ; ce qui est cité, là."""
        for node in nodes:
            alone = self.by_name.get(node.id) if isinstance(node, ast.Name) else None
            decorators = {alone.name} if isinstance(alone, ast.FunctionDef) else set()
            self._need(_called(node) | decorators, at_import=True)  # seule, une classe annote
            self._need(_names(node), at_import=False)

    def _need(self, names: set[str], *, at_import: bool) -> None:
        """Garde ces définitions et ce dont elles ont besoin ; entières si l'import les appelle."""
        for name in names & set(self.by_name):
            if (name, at_import) in self.seen:
                continue
            self.seen.add((name, at_import))
            node = self.by_name[name]
            if not isinstance(node, Definition):
                self.kept.add(node)
                self._execute([node])
            elif name.startswith("_") or (at_import and _has_code(node)):
                self.kept.add(node)
                self._need(_names(node), at_import=False)
                self._need(_called(node) if at_import else set(), at_import=True)
            else:
                self._execute(_outside(node))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _siblings(module: str) -> list[str]:
    """Rend les modules de l'exercice d'un module, lui compris."""
    paths = [path.relative_to(FOLDER).with_suffix("") for path in sources(module.split(".")[0])]
    return [".".join(path.parts) for path in paths]


@functools.cache
def _imports(module: str) -> list[tuple[str, str | None, str]]:
    """Liste ce qu'un module prend à ceux de son exercice : `(module, nom, nom employé ici)`.

    Le nom est None quand c'est le module entier qui est importé.
    """
    siblings, found = _siblings(module), []
    for node in ast.walk(_tree(FOLDER / file_of(module))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("exercises."):
            source = node.module.removeprefix("exercises.")
            for each in node.names:
                whole, used = f"{source}.{each.name}", each.asname or each.name
                found.append(
                    (whole, None, used) if whole in siblings else (source, each.name, used)
                )
    return found


def _used_elsewhere(module: str) -> tuple[set[str], set[str]]:
    """Cherche ce que les autres fichiers de l'exercice prennent à ce module.

    Returns:
        Les noms employés, et parmi eux ceux que leur import appelle.
    """
    used, called = set(), set()
    for other in _siblings(module):
        taken = [(name, local) for source, name, local in _imports(other) if source == module]
        if not taken:
            continue
        names = {local: name for name, local in taken if name}
        aliases = {local for name, local in taken if name is None}

        def theirs(node, names=names, aliases=aliases) -> str | None:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                return node.attr if node.value.id in aliases else None
            return names.get(node.id) if isinstance(node, ast.Name) else None

        tree = _tree(FOLDER / file_of(other))
        used |= {theirs(node) for node in ast.walk(tree)} | set(names.values())
        at_import = [
            part
            for node in tree.body
            for part in (_outside(node) if isinstance(node, Definition) else [node])
        ]
        called |= {
            theirs(node.func)
            for part in at_import
            for node in _executed(part)
            if isinstance(node, ast.Call)
        }
    return used - {None}, called - {None}


# --- Écrire --------------------------------------------------------------------------


@functools.cache
def make_skeleton(module: str) -> str:
    """Fait le fichier de l'élève.

    Args:
        module: nom d'un module, par exemple `"ex02_fashion"` ou `"ex00_convolution.pooling"`.

    Returns:
        Un fichier Python qui s'importe, et dont les fonctions sont à écrire.
    """
    source = (FOLDER / file_of(module)).read_text(encoding="utf-8")
    found, edits = _Module(source, *_used_elsewhere(module)), []
    for node in found.tree.body:
        if node in found.kept:
            continue
        if isinstance(node, Definition) and not node.name.startswith("_"):
            edits += _blank(node, found.lines)
        elif _targets(node):
            edits.append((*_extent(node, found.lines), []))
    lines: list[str | None] = list(found.lines)
    for first, last, replacement in sorted(edits, reverse=True):
        lines[first - 1 : last] = replacement
    text = _with_scale("\n".join(lines), module)
    return re.sub(r"\n{4,}", "\n\n\n", text).rstrip("\n") + "\n"


def _blank(node: Definition, lines: list[str]) -> list[tuple[int, int, list[str]]]:
    """Rend les modifications `(première ligne, dernière, remplacement)` qui vident un corps."""
    if isinstance(node, ast.ClassDef):
        edits = []
        for each in node.body:
            if isinstance(each, ast.FunctionDef):
                private = each.name.startswith("_") and not each.name.startswith("__")
                edits += [(*_extent(each, lines), [])] if private else _blank(each, lines)
        return edits
    documented = ast.get_docstring(node) is not None
    indent = " " * (node.col_offset + 4)
    todo = f"{indent}raise NotImplementedError({_label(node, lines)!r})".replace("'", '"', 2)
    if documented:
        return [(node.body[0].end_lineno + 1, node.end_lineno, [todo])]
    first = node.body[0].lineno
    if first == node.lineno:  # def f(): return x
        head = lines[first - 1][: node.body[0].col_offset].rstrip()
        return [(first, node.end_lineno, [head, todo])]
    return [(first, node.end_lineno, [todo])]


def _label(node: ast.FunctionDef, lines: list[str]) -> str:
    """Dit ce qui est à faire : le titre de la question, sinon le nom de la fonction."""
    for line in reversed(lines[: node.lineno]):
        title = RULE.match(line)
        if title:
            question = (title[1].partition(" : ")[2] or title[1]).replace("'", "’")
            label = f"À vous : {question} ({node.name})"
            return label if len(label) < WIDTH - 38 - node.col_offset else f"À vous : {node.name}"
    return f"À vous : {node.name}"


def _extent(node: ast.stmt, lines: list[str]) -> tuple[int, int]:
    """Rend les lignes d'une définition, décorateurs et commentaires du dessus compris."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    while lines[first - 2].startswith("#") and not RULE.match(lines[first - 2]):
        first -= 1
    return first, node.end_lineno


def _with_scale(text: str, module: str) -> str:
    """Ajoute le barème à la docstring du module."""
    rows = scale_text(module)
    if not rows:
        return text
    node = ast.parse(text).body[0]
    lines = text.split("\n")
    last = lines[node.end_lineno - 1]
    if last.strip() == '"""':
        lines[node.end_lineno - 1 : node.end_lineno - 1] = ["", *rows]
    else:  # une docstring d'une ligne
        lines[node.end_lineno - 1 : node.end_lineno] = [last[:-3], "", *rows, '"""']
    return "\n".join(lines)


def scale_text(module: str) -> list[str]:
    """Écrit ce que le barème demande des fonctions d'un module ; rien s'il n'est pas noté."""
    rows = []
    for rule in (rule for exercise in read_scale().values() for rule in exercise.rules):
        if rule.module == module:
            points = f"{number(rule.points)} point{'s' if rule.points >= 2 else ''}"
            rows += _item(f"- {rule.name}, {points} : {rule.title}.", "  ")
            for level in rule.levels:
                rows += _item(f"  - {level}", "    ")
    return ["Barème, et ce qu'il faut pour chaque part des points :", "", *rows] if rows else []


def _item(text: str, margin: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=margin)


def needed_modules(module: str) -> list[str]:
    """Liste les fichiers de son exercice qu'un module importe, directement ou non, sans lui."""
    found, waiting = [], [module]
    while waiting:
        for name, *_ in _imports(waiting.pop()):
            if name not in [*found, module]:
                found.append(name)
                waiting.append(name)
    return sorted(found)


def chosen_modules(name: str) -> list[str]:
    """Comprend un nom : `"ex00"`, `"ex00_convolution"`, `"ex00_convolution.pooling"`.

    Returns:
        Les modules, `__init__` et `__main__` d'abord.

    Raises:
        FileNotFoundError: nom inconnu.
    """
    for exercise in EXERCISES:
        modules = _siblings(exercise.slug)
        if name in (exercise.slug, exercise.slug[:4]):
            return modules
        if name in modules:
            return [name]
    raise FileNotFoundError(
        f"Pas d'exercice {name} : il faut le nom d'un fichier de exercises/, sans « .py », par "
        "exemple ex02_fashion ou ex00_convolution.pooling, ou un numéro, par exemple ex00."
    )


def write_skeletons(names: list[str], output: Path) -> dict[str, Path]:
    """Écrit les squelettes dans un dossier, sans jamais remplacer un fichier.

    Args:
        names: voir `chosen_modules`.
        output: dossier, créé au besoin.

    Returns:
        Les modules écrits, et leurs fichiers.

    Raises:
        FileNotFoundError: nom inconnu.
        ValueError: un des fichiers existe déjà ; rien n'est écrit.
    """
    modules = dict.fromkeys(module for name in names for module in chosen_modules(name))
    paths = {module: output / file_of(module) for module in modules}
    taken = [str(path) for path in paths.values() if path.exists()]
    if taken:
        raise ValueError(
            f"{', '.join(taken)} existe déjà : rien n'est écrit. Choisissez un autre dossier avec "
            "--output, ou déplacez ce fichier."
        )
    for module, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, suffix=own_suffix()) as temporary:
            temporary.write_text(make_skeleton(module), encoding="utf-8")
    return paths


def main(argv: list[str] | None = None) -> int:
    """Écrit les squelettes demandés, et dit de quels autres fichiers ils ont besoin."""
    parser = FrenchParser(prog="python -m grading.skeleton", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "modules",
        nargs="+",
        metavar="MODULE",
        help="ex02_fashion, ex00 pour tous les fichiers d'un exercice, ou ex00_convolution.pooling",
    )
    add("--output", type=Path, required=True, metavar="DOSSIER", help="où écrire les fichiers")
    options = parser.parse_args(argv)

    def body() -> int:
        written = write_skeletons(options.modules, options.output)
        for module, path in written.items():
            others = [file_of(name) for name in needed_modules(module) if name not in written]
            missing = f" ; a aussi besoin de {', '.join(others)}" if others else ""
            print(f"{path}{missing}")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
