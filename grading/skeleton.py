"""Faire l'énoncé d'un exercice à partir de son corrigé : mêmes signatures, corps à écrire.

Commande : python -m grading.skeleton ex02 --output DOSSIER
           python -m grading.skeleton ex00 --output DOSSIER     tous les fichiers de l'exercice

Restent : docstrings, imports, signatures, classes, `main` et `teach`, ce que le corrigé marque
« (donnée) » ou dit de l'énoncé, et ce que lit tout cela. Une fonction que l'import d'un fichier
appelle porte donc cette marque. Le corps des autres fonctions publiques devient
`raise NotImplementedError` ; les fonctions privées, qui font partie de la solution, disparaissent.
Le barème que lira le correcteur est recopié en tête.
"""

import ast
import functools
import re
import textwrap
from pathlib import Path

from convnets.core.cli import FrenchParser, run
from exercises import EXERCISES, RULE, sources
from grading.report import number, write_file
from grading.scale import read_scale
from grading.submission import EXERCISES as FOLDER
from grading.submission import file_of

# Ce qui est donné : le document le demande, ou le cours le choisit pour l'élève.
GIVEN = re.compile(r"énoncé|sujet|diapositive|document|\bS[0-4]\b|\(donnée?\)")
WIDTH = 96
LESSON = ("main", "teach")  # ce qui appelle, dans l'ordre, ce que l'élève écrit

Definition = ast.FunctionDef | ast.ClassDef


# --- Ce qui reste --------------------------------------------------------------------


def _targets(node: ast.stmt) -> set[str]:
    """Rend les noms qu'une instruction définit."""
    if isinstance(node, Definition):
        return {node.name}
    return {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _is_blank(node: ast.stmt) -> bool:
    """Dit si une définition qui n'est pas gardée entière garde pourtant sa signature."""
    return isinstance(node, Definition) and not re.match("_[^_]", node.name)


def _outside(node: ast.AST) -> list[ast.AST]:
    """Rend ce qui reste d'une définition dont les corps sont à écrire."""
    if isinstance(node, ast.FunctionDef):
        return [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]
    if isinstance(node, ast.ClassDef):
        inside = [part for each in node.body for part in _outside(each)]
        return [*node.decorator_list, *node.bases, *inside]
    return [node]


def _is_given(node: ast.stmt, lines: list[str], used_elsewhere: set[str]) -> bool:
    """Dit si une instruction reste entière, sans que rien ne la lise."""
    names = _targets(node)
    line = lines[(node.lineno if isinstance(node, Definition) else node.end_lineno) - 1]
    if not names or names & {*LESSON, "__all__"} or GIVEN.search(line.partition("#")[2]):
        return True
    return bool(names & used_elsewhere) and not _is_blank(node)


def _kept(tree: ast.Module, lines: list[str], used_elsewhere: set[str]) -> set[ast.stmt]:
    """Choisit les instructions qui restent entières : les données, et ce que lit ce qui reste."""
    by_name = {name: node for node in tree.body for name in _targets(node)}
    kept = {node for node in tree.body if _is_given(node, lines, used_elsewhere)}
    while True:
        blank = {node for node in tree.body if _is_blank(node)} - kept
        parts = [*kept, *(part for node in blank for part in _outside(node))]
        read = {each.id for part in parts for each in ast.walk(part) if isinstance(each, ast.Name)}
        more = {by_name[name] for name in read & by_name.keys()} - kept - blank
        if not more:
            return kept
        kept |= more


def _siblings(module: str) -> list[str]:
    """Rend les modules de l'exercice d'un module, lui compris."""
    return [
        ".".join(path.relative_to(FOLDER).with_suffix("").parts)
        for path in sources(module.split(".")[0])
    ]


def _used_elsewhere(module: str) -> set[str]:
    """Rend ce qu'importent, ou lisent dans un module, les fichiers qui se servent de celui-ci."""
    used = set()
    for path in [FOLDER / file_of(each) for each in _siblings(module)]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {each.name for each in nodes if isinstance(each, ast.alias)}
        sources = {each.module for each in nodes if isinstance(each, ast.ImportFrom)}
        if f"exercises.{module}" in sources or module.rpartition(".")[2] in names:
            used |= names | {each.attr for each in nodes if isinstance(each, ast.Attribute)}
    return used


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
    tree, lines, edits = ast.parse(source), source.splitlines(), []
    kept = _kept(tree, lines, _used_elsewhere(module))
    for node in tree.body:
        if node not in kept:
            edits += _blank(node, lines)
    for first, last, replacement in sorted(edits, reverse=True):
        lines[first - 1 : last] = replacement
    text = _with_scale("\n".join(lines), module)
    return re.sub(r"\n{4,}", "\n\n\n", text).rstrip("\n") + "\n"


def _blank(node: ast.stmt, lines: list[str]) -> list[tuple[int, int, list[str]]]:
    """Rend les modifications `(première ligne, dernière, remplacement)` qui vident un corps."""
    if isinstance(node, ast.ClassDef):
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        return [edit for each in methods for edit in _blank(each, lines)]
    if not _is_blank(node):
        return [(*_extent(node, lines), [])]
    todo = f'{" " * node.col_offset}    raise NotImplementedError("À vous : {node.name}")'
    head, documented = node.body[0], ast.get_docstring(node) is not None
    return [(head.end_lineno + 1 if documented else head.lineno, node.end_lineno, [todo])]


def _extent(node: ast.stmt, lines: list[str]) -> tuple[int, int]:
    """Rend les lignes d'une définition, décorateurs et commentaires du dessus compris."""
    first = min(each.lineno for each in (node, *getattr(node, "decorator_list", [])))
    while lines[first - 2].startswith("#") and not RULE.match(lines[first - 2]):
        first -= 1
    return first, node.end_lineno


def _with_scale(text: str, module: str) -> str:
    """Ajoute à la docstring du module ce que le barème demande de ses fonctions."""
    rows, wrap = [], functools.partial(textwrap.wrap, width=WIDTH)
    rules = [rule for exercise in read_scale().values() for rule in exercise.rules]
    for rule in [each for each in rules if each.module == module]:
        points = f"{number(rule.points)} point{'s' if rule.points >= 2 else ''}"
        rows += wrap(f"- {rule.name}, {points} : {rule.title}.", subsequent_indent="  ")
        for level in rule.levels:
            rows += wrap(f"  - {level}", subsequent_indent="    ")
    if not rows:
        return text
    before, docstring, after = text.split('"""', 2)
    scale = "\n".join(["Barème, et ce qu'il faut pour chaque part des points :", "", *rows])
    return f'{before}"""{docstring.rstrip()}\n\n{scale}\n"""{after}'


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


def main(argv: list[str] | None = None) -> int:
    """Écrit les squelettes demandés."""
    parser = FrenchParser(prog="python -m grading.skeleton", description=__doc__.splitlines()[0])
    parser.add_argument("exercises", nargs="+", metavar="EXERCICE", help="ex02, ex00_convolution…")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DOSSIER", help="où écrire les fichiers"
    )
    options = parser.parse_args(argv)

    def body() -> int:
        print(*write_skeletons(options.exercises, options.output), sep="\n")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
