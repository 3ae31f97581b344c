"""Faire l'énoncé d'un exercice à partir de son corrigé : mêmes signatures, corps à écrire.

Commande : python -m grading.skeleton ex02_fashion --output DOSSIER
           python -m grading.skeleton ex00 --output DOSSIER     tous les modules de l'exercice

Restent : docstrings, imports, signatures, classes, `main`, les constantes que l'énoncé donne ou
que le reste emploie. Le corps des fonctions publiques devient `raise NotImplementedError` ; les
fonctions privées, qui font partie de la solution, disparaissent. Le barème que lira le correcteur
est recopié en tête.
"""

import ast
import functools
import re
import textwrap
import tomllib
from pathlib import Path

from convnets.core.cli import FrenchParser, run
from convnets.core.files import own_suffix, replacing

FOLDER = Path(__file__).resolve().parent
SCALE = FOLDER.parent / "grading" / "scale.toml"
GIVEN = re.compile(r"énoncé|sujet|diapositive|document|\bS[0-4]\b")  # une constante donnée
RULE = re.compile(r"# --- (.+?) -+$")
WIDTH = 96

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


def _called(*nodes: ast.AST | None) -> set[str]:
    """Rend les noms que ces instructions appellent, décorateurs compris."""
    found = []
    for node in nodes:
        for each in ast.walk(node) if node is not None else ():
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


class _Module:
    """Les définitions d'un module, et celles que son squelette garde."""

    def __init__(self, source: str, used_elsewhere: set[str]):
        self.lines, self.tree = source.splitlines(), ast.parse(source)
        self.by_name = {name: node for node in self.tree.body for name in _targets(node)}
        self.kept: set[ast.stmt] = set()  # entiers
        self.seen: set[tuple[str, bool]] = set()
        for node in self.tree.body:
            self._start(node, used_elsewhere)

    def _start(self, node: ast.stmt, used_elsewhere: set[str]) -> None:
        """Garde ce qu'une instruction garde d'elle-même."""
        names = _targets(node)
        if isinstance(node, Definition) and node.name == "main":
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
            decorators = {node.id} if isinstance(node, ast.Name) else set()
            self._need(_called(node) | decorators, at_import=True)
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
            elif name.startswith("_") or (at_import and isinstance(node, ast.FunctionDef)):
                self.kept.add(node)
                self._need(_names(node), at_import=False)
                self._need(_called(node) if at_import else set(), at_import=True)
            else:
                self._execute(_outside(node))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _used_elsewhere(module: str) -> set[str]:
    """Cherche ce que les autres exercices prennent à ce module."""
    found: set[str] = set()
    for path in FOLDER.glob("ex[0-9][0-9]_*.py"):
        if path.stem == module:
            continue
        tree, aliases = _tree(path), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == f"exercises.{module}":
                found |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module == "exercises":
                aliases |= {each.asname or each.name for each in node.names if each.name == module}
        found |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in aliases
        }
    return found


# --- Écrire --------------------------------------------------------------------------


def make_skeleton(module: str) -> str:
    """Fait le fichier de l'élève.

    Args:
        module: nom d'un module, par exemple `"ex02_fashion"`.

    Returns:
        Un fichier Python qui s'importe, et dont les fonctions sont à écrire.

    Raises:
        FileNotFoundError: pas de module de ce nom.
    """
    path = FOLDER / f"{module}.py"
    if not re.fullmatch(r"ex\d\d_\w+", module) or not path.is_file():
        raise FileNotFoundError(
            f"Pas d'exercice {module} : il faut un nom de fichier de exercises/, sans « .py », "
            "par exemple ex02_fashion."
        )
    source = path.read_text(encoding="utf-8")
    found, edits = _Module(source, _used_elsewhere(module)), []
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
    if not SCALE.exists():
        return []
    rows = []
    for exercise in tomllib.loads(SCALE.read_text(encoding="utf-8")).values():
        for name, question in exercise.get("questions", {}).items():
            if question["module"] != module:
                continue
            shown = {key: str(each).replace(".", ",") for key, each in question.items()}
            points = f"{shown['points']} point{'s' if question['points'] >= 2 else ''}"
            rows += textwrap.wrap(
                f"{name}, {points} : {question['title']}.",
                WIDTH,
                initial_indent="- ",
                subsequent_indent="  ",
            )
            for level in question["levels"]:
                rows += textwrap.wrap(
                    level.format(**shown), WIDTH, initial_indent="  - ", subsequent_indent="    "
                )
    return ["Barème, et ce qu'il faut pour chaque part des points :", "", *rows] if rows else []


def needed_modules(module: str) -> list[str]:
    """Liste les modules d'exercices qu'un module importe, directement ou non, sans lui."""
    found, waiting = [], [module]
    while waiting:
        for node in ast.walk(_tree(FOLDER / f"{waiting.pop()}.py")):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("exercises"):
                _, _, name = node.module.partition(".")
                for each in [name] if name else [alias.name for alias in node.names]:
                    if re.match(r"ex\d\d_", each) and each not in [*found, module]:
                        found.append(each)
                        waiting.append(each)
    return sorted(found)


def write_skeletons(names: list[str], output: Path) -> list[Path]:
    """Écrit les squelettes dans un dossier, sans jamais remplacer un fichier.

    Args:
        names: modules, ou numéros d'exercices (`"ex00"` : tous ses modules).
        output: dossier, créé au besoin.

    Returns:
        Les fichiers écrits.

    Raises:
        FileNotFoundError: nom inconnu.
        ValueError: un des fichiers existe déjà ; rien n'est écrit.
    """
    modules = []
    for name in names:
        several = sorted(path.stem for path in FOLDER.glob(f"{name}_*.py"))
        modules += several if re.fullmatch(r"ex\d\d", name) and several else [name]
    texts = {output / f"{module}.py": make_skeleton(module) for module in dict.fromkeys(modules)}
    taken = [str(path) for path in texts if path.exists()]
    if taken:
        raise ValueError(
            f"{', '.join(taken)} existe déjà : rien n'est écrit. Choisissez un autre dossier avec "
            "--output, ou déplacez ce fichier."
        )
    output.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        with replacing(path, suffix=own_suffix()) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(texts)


def main(argv: list[str] | None = None) -> int:
    """Écrit les squelettes demandés, et dit de quels autres modules ils ont besoin."""
    parser = FrenchParser(prog="python -m grading.skeleton", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "modules",
        nargs="+",
        metavar="MODULE",
        help="ex02_fashion, ou ex00 pour tous les modules d'un exercice",
    )
    add("--output", type=Path, required=True, metavar="DOSSIER", help="où écrire les fichiers")
    options = parser.parse_args(argv)

    def body() -> int:
        written = write_skeletons(options.modules, options.output)
        here = {path.stem for path in written}
        for path in written:
            others = [name for name in needed_modules(path.stem) if name not in here]
            missing = f" ; a aussi besoin de {', '.join(others)}" if others else ""
            print(f"{path}{missing}")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
