"""Vider un exercice de ses réponses : ce que l'élève écrit, et rien d'autre.

Le barème dit quelles fonctions l'élève écrit (`writes`). Leur corps devient
`raise NotImplementedError` ; signature et docstring restent. Une fonction privée qui ne sert qu'à
elles fait partie de la réponse, et disparaît. Tout le reste demeure : données, figures, commande.
`python -m exercises.sheet` en fait l'énoncé.
"""

import ast
import functools
import re
from pathlib import Path
from typing import NamedTuple

from exercises import EXERCISES, RULE, sources
from grading.reading.submission import EXERCISES as FOLDER
from grading.reading.submission import file_of
from grading.report import write_file
from grading.scale import read_scale

Definition = ast.FunctionDef | ast.ClassDef


# --- Ce qui reste --------------------------------------------------------------------


def graded_names(module: str) -> frozenset[str]:
    """Rend ce que l'élève écrit dans un module.

    Args:
        module: `"ex02_fashion"` ou `"ex00_convolution.pooling"`.

    Returns:
        Les noms de ses fonctions et de ses classes que le barème note.
    """
    rules = [rule for exercise in read_scale().values() for rule in exercise.rules]
    return frozenset(name for rule in rules if rule.module == module for name in rule.writes)


def _names(node: ast.stmt) -> set[str]:
    """Rend les noms qu'une instruction définit."""
    if isinstance(node, Definition):
        return {node.name}
    stored = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    return {each.id for each in stored if isinstance(each.ctx, ast.Store)}


def _outside(node: ast.AST) -> list[ast.AST]:
    """Rend ce qui reste d'une définition dont les corps sont à écrire."""
    if isinstance(node, ast.FunctionDef):
        return [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]
    if isinstance(node, ast.ClassDef):
        inside = [part for each in node.body for part in _outside(each)]
        return [*node.decorator_list, *node.bases, *inside]
    return [node]


def _is_private(node: ast.stmt) -> bool:
    """Dit si une instruction ne définit que des noms privés."""
    names = _names(node)
    return bool(names) and all(re.match("_[^_]", name) for name in names)


def _lost(tree: ast.Module, graded: frozenset[str], used_elsewhere: set[str]) -> set[ast.stmt]:
    """Choisit ce qui ne sert qu'aux réponses : des définitions privées que rien d'autre ne lit."""
    private = {node for node in tree.body if _is_private(node)}
    kept = {node for node in tree.body if node not in private or _names(node) & used_elsewhere}
    while True:
        parts = []
        for node in kept:
            parts += _outside(node) if _names(node) & graded else [node]
        read = {each.id for part in parts for each in ast.walk(part) if isinstance(each, ast.Name)}
        more = {node for node in private - kept if _names(node) & read}
        if not more:
            return private - kept
        kept |= more


def _siblings(module: str) -> list[str]:
    """Rend les modules de l'exercice d'un module, lui compris."""
    return [
        ".".join(path.relative_to(FOLDER).with_suffix("").parts)
        for path in sources(module.split(".")[0])
    ]


class _Read(NamedTuple):
    """Ce qu'un fichier lit des autres."""

    modules: set[str]  # ceux d'où il importe
    names: set[str]  # ce qu'il importe
    attributes: set[str]  # ce qui suit un point


@functools.cache
def _read_by(path: Path) -> _Read:
    """Rend ce qu'un fichier lit des autres."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return _Read(
        {each.module for each in nodes if isinstance(each, ast.ImportFrom)},
        {each.name for each in nodes if isinstance(each, ast.alias)},
        {each.attr for each in nodes if isinstance(each, ast.Attribute)},
    )


def _used_elsewhere(module: str) -> set[str]:
    """Rend ce qu'importent, ou lisent dans un module, les fichiers qui se servent de celui-ci."""
    used = set()
    for each in _siblings(module):
        read = _read_by(FOLDER / file_of(each))
        if f"exercises.{module}" in read.modules or module.rpartition(".")[2] in read.names:
            used |= read.names | read.attributes
    return used


# --- Écrire --------------------------------------------------------------------------


@functools.cache
def make_skeleton(module: str) -> str:
    """Vide un module de ses réponses.

    Args:
        module: nom d'un module, par exemple `"ex02_fashion"` ou `"ex00_convolution.pooling"`.

    Returns:
        Un fichier Python qui s'importe, et dont les fonctions notées sont à écrire.
    """
    source = (FOLDER / file_of(module)).read_text(encoding="utf-8")
    tree, lines, graded = ast.parse(source), source.splitlines(), graded_names(module)
    edits = [(*_extent(node, lines), []) for node in _lost(tree, graded, _used_elsewhere(module))]
    for node in tree.body:
        if isinstance(node, Definition) and node.name in graded:
            edits += _blank(node)
    for first, last, replacement in sorted(edits, reverse=True):
        lines[first - 1 : last] = replacement
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def _blank(node: ast.stmt) -> list[tuple[int, int, list[str]]]:
    """Rend les modifications `(première ligne, dernière, remplacement)` qui vident un corps."""
    if isinstance(node, ast.ClassDef):
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        return [edit for each in methods for edit in _blank(each)]
    todo = f'{" " * node.col_offset}    raise NotImplementedError("À vous : {node.name}")'
    head, documented = node.body[0], ast.get_docstring(node) is not None
    return [(head.end_lineno + 1 if documented else head.lineno, node.end_lineno, [todo])]


def _extent(node: ast.stmt, lines: list[str]) -> tuple[int, int]:
    """Rend les lignes d'une définition, décorateurs et commentaires du dessus compris."""
    first = min(each.lineno for each in (node, *getattr(node, "decorator_list", [])))
    while lines[first - 2].startswith("#") and not RULE.match(lines[first - 2]):
        first -= 1
    return first, node.end_lineno


def chosen_modules(name: str) -> list[str]:
    """Comprend un nom : `"ex00"`, `"ex00_convolution"`.

    Returns:
        Les modules, `__init__` et `__main__` d'abord.

    Raises:
        FileNotFoundError: nom inconnu.
    """
    for exercise in EXERCISES:
        if name in (exercise.slug, exercise.slug[:4]):
            return _siblings(exercise.slug)
    raise FileNotFoundError(
        f"Pas d'exercice {name} : il faut un nom, par exemple ex00_convolution, ou un numéro, par "
        "exemple ex00."
    )


def write_skeletons(names: list[str], output: Path) -> list[Path]:
    """Écrit les squelettes dans un dossier, sans jamais remplacer un fichier.

    Args:
        names: voir `chosen_modules`.
        output: dossier, créé au besoin.

    Returns:
        Les fichiers écrits.

    Raises:
        FileNotFoundError: nom inconnu.
        ValueError: un des fichiers existe déjà ; rien n'est écrit.
    """
    paths = {each: output / file_of(each) for name in names for each in chosen_modules(name)}
    taken = [str(path) for path in paths.values() if path.exists()]
    if taken:
        raise ValueError(
            f"{', '.join(taken)} existe déjà : rien n'est écrit. Choisissez un autre dossier avec "
            "--output, ou déplacez ce fichier."
        )
    for module, path in paths.items():
        write_file(path, make_skeleton(module))
    return list(paths.values())
