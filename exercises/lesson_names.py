"""Trouver ce que le texte d'une leçon emploie sans le montrer, et où le prendre.

Un notebook a un seul espace de noms. Ce que montre le texte y est défini à sa place ; le reste est
importé une fois, au début, des fichiers de l'exercice : rien de ce que le lecteur écrit ensuite
n'est remplacé.
"""

import ast
import builtins
import symtable
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from exercises import FOLDER, sources
from exercises.lesson_text import (
    PLAIN,
    Call,
    Lesson,
    Shown,
    defined_names,
    find_definition,
    module_name,
)

# Ce que la deuxième cellule des notebooks définit déjà (`notebook.HELPERS`).
HELPERS = {"Path", "Picture", "display", "launch", "number", "percent", "show_figures"}
HELPERS |= {"show_pictures", "stop"}
ALIASES = {"np": "import numpy as np", "plt": "import matplotlib.pyplot as plt"}


class Module(NamedTuple):
    """Ce qu'un fichier de l'exercice définit, et ce qu'il importe."""

    path: Path
    definitions: dict[str, ast.stmt]  # nom : l'instruction qui le définit
    imports: dict[str, str]  # nom : de quoi l'importer, `"import numpy as np"` par exemple


class Trouble(NamedTuple):
    """Un nom que le texte emploie sans qu'il soit défini, ou qui en remplacerait un autre."""

    line: int
    sentence: str


class Imports(NamedTuple):
    """Ce que le début d'un notebook importe."""

    code: str  # des imports, un par ligne ; vide s'il n'en faut aucun
    troubles: tuple[Trouble, ...]


def read_module(path: Path) -> Module:
    """Lit ce qu'un fichier définit et importe."""
    definitions, imports = {}, {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        definitions |= dict.fromkeys(defined_names(node), node)
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                imports[name] = ast.unparse(ast.Import([alias]))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                lone = ast.ImportFrom(node.module, [alias], node.level)
                imports[alias.asname or alias.name] = ast.unparse(lone)
    return Module(path, definitions, imports)


def read_modules(slug: str) -> dict[str, Module]:
    """Lit tous les fichiers d'un exercice ; nom du fichier, sans `.py` → ce qu'il contient."""
    paths = {path.stem: path for path in sources(slug)}
    plain = FOLDER / PLAIN / f"{slug}.py"
    return {name: read_module(path) for name, path in paths.items()} | (
        {PLAIN: read_module(plain)} if plain.is_file() else {}
    )


def used_names(code: str) -> set[str]:
    """Rend les noms qu'un code lit sans les définir, et que Python ne définit pas.

    Une annotation compte : Python la calcule quand il définit la fonction.
    """
    used, tables = set(), [symtable.symtable(code, "leçon", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            outside = table.get_type() == "module" or symbol.is_global()
            if symbol.is_referenced() and outside:
                used.add(symbol.get_name())
    return used - bound_names(code) - imported_names(code) - vars(builtins).keys()


def bound_names(code: str) -> set[str]:
    """Rend les noms qu'un code définit, sans ceux qu'il importe."""
    symbols = symtable.symtable(code, "leçon", "exec").get_symbols()
    return {each.get_name() for each in symbols if each.is_assigned() and not each.is_imported()}


def imported_names(code: str) -> set[str]:
    """Rend les noms qu'un code importe."""
    symbols = symtable.symtable(code, "leçon", "exec").get_symbols()
    return {each.get_name() for each in symbols if each.is_imported()}


def origin(name: str, slug: str, modules: dict[str, Module], current: str) -> str:
    """Dit comment importer un nom ; vide si l'exercice ne le connaît pas.

    Args:
        name: le nom.
        slug: l'exercice.
        modules: rendus par `read_modules`.
        current: le fichier de la dernière fonction montrée, où le nom est cherché d'abord.
    """
    order = [current, *(each for each in modules if each not in (current, PLAIN))]
    for stem in filter(modules.__contains__, order):
        if name in modules[stem].definitions:
            return f"from {module_name(slug, stem)} import {name}"
        if stem == current and name in modules[stem].imports:
            return modules[stem].imports[name]
    if name in ALIASES:
        return ALIASES[name]
    found = (module.imports[name] for module in modules.values() if name in module.imports)
    return next(found, "")


def find_imports(lesson: Lesson) -> Imports:
    """Cherche ce que le texte emploie avant de l'avoir montré, ou sans le montrer.

    Args:
        lesson: rendue par `lesson_text.read_lesson`.

    Returns:
        De quoi l'importer au début du notebook, et les noms qui ne sont nulle part.
    """
    modules = read_modules(lesson.slug)
    current, known = next(iter(modules)), set(HELPERS)
    imports: dict[str, str] = {}
    owners: dict[str, str] = {}  # nom montré ou importé : d'où il vient
    troubles = []
    for block in lesson.blocks:
        if isinstance(block, Shown):
            definition = find_definition(lesson.slug, block.name)
            if definition.node is None:  # tout un fichier : il n'est que montré
                continue
            current, code = definition.module, definition.source
        elif isinstance(block, Call):
            code = block.code
        else:
            continue
        for name in sorted(used_names(code) - known):
            imports[name] = origin(name, lesson.slug, modules, current)
            owners[name] = imports[name]
            if not imports[name]:
                troubles.append(Trouble(block.line, f"« {name} » n'est défini nulle part"))
        for name in sorted(bound_names(code)):
            module = module_name(lesson.slug, current)
            whose = f"from {module} import {name}" if isinstance(block, Shown) else ""
            if name in owners and owners[name] != whose:
                taken = owners[name].split()[1]
                troubles.append(
                    Trouble(block.line, f"« {name} » remplacerait celui de {taken} : renommez-le")
                )
            elif whose:
                owners[name] = whose
        known |= used_names(code) | bound_names(code) | imported_names(code)
    return Imports(write_imports(filter(None, imports.values())), tuple(troubles))


def find_names(
    pieces: Iterable[tuple[str, str]], slug: str, known: Iterable[str]
) -> tuple[str, set[str]]:
    """Cherche où prendre ce que des morceaux de code emploient.

    Args:
        pieces: le fichier d'où vient chaque morceau, `"grad_cam"` par exemple, et son code.
        slug: l'exercice.
        known: les noms qui n'ont pas à être importés.

    Returns:
        Les imports, un par ligne, et les noms qui ne sont nulle part.
    """
    modules, known, found = read_modules(slug), {*HELPERS, *known}, {}
    for stem, code in pieces:
        for name in used_names(code) - known:
            found[name] = origin(name, slug, modules, stem)
        known |= bound_names(code) | imported_names(code)
    nowhere = {name for name, statement in found.items() if not statement}
    return write_imports(filter(None, found.values())), nowhere


def write_imports(statements: Iterable[str]) -> str:
    """Écrit des imports : ceux d'un même module sur une ligne, le cours à la fin."""
    groups: dict[str, set[str]] = {}
    for statement in statements:
        before, _, names = statement.partition(" import ")
        groups.setdefault(before if names else statement, set()).update(filter(None, [names]))
    lines = [
        f"{before} import {', '.join(sorted(names))}" if names else before
        for before, names in groups.items()
    ]
    return "\n".join(sorted(lines, key=_rank))


def _rank(line: str) -> tuple[bool, bool, str]:
    """Range un import : les `import`, puis les `from`, et ce qui est du cours à la fin."""
    ours = line.split()[1].partition(".")[0] in ("convnets", "exercises")
    return ours, line.startswith("from "), line
