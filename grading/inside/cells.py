"""Définir les cellules d'un notebook, dans le processus enfermé d'un rendu.

Ce fichier y est copié sous le nom `exercises/_cellules.py` ; il n'importe rien du correcteur.
`reading/notebooks.py` a écrit le plan, un fichier JSON : les cellules, et ce qui en est défini à
l'import. Le programme entier, lui, est exécuté par `running.py`.
"""

import ast
import json
import linecache
import os
import sys


def define(namespace: dict, file: str) -> None:
    """Définit dans un module ce que le plan posé à côté de lui garde des cellules.

    Args:
        namespace: `globals()` du module.
        file: son `__file__`.
    """
    with open(os.path.splitext(file)[0] + ".cells.json", encoding="utf-8") as content:
        plan = json.load(content)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.normpath(os.path.join(here, plan["folder"])))
    namespace["display"] = _show_nothing
    for name, (label, line) in plan["lost"].items():
        namespace[name] = Absent(SyntaxError("invalid syntax", (label, line, 1, "")), namespace)
    trees = []
    for label, source in plan["cells"]:
        file = os.path.join(os.getcwd(), label)
        linecache.cache[file] = len(source), None, source.splitlines(True), file
        trees.append((file, ast.parse(source)))
    nodes = [
        (trees[number][1].body[rank], trees[number][0], names)
        for number, rank, names in plan["kept"]
    ]
    for (_, _, names), error in _failures(nodes, namespace):
        for name in names:  # les autres s'en passent
            namespace.setdefault(name, Absent(error, namespace))


def _show_nothing(*_, **__) -> None:
    """Tient lieu de `display`, d'IPython."""


def _failures(nodes: list, namespace: dict) -> list[tuple]:
    """Exécute des instructions, chacune à part ; rend celles qui échouent, et leur erreur."""
    failed = []
    for each in nodes:
        try:
            _run(*each[:2], namespace)
        except Exception as error:
            failed.append((each, error))
    again = 0 < len(failed) < len(nodes)  # un nom qui manque est peut-être défini plus bas
    return _failures([each for each, _ in failed], namespace) if again else failed


def _run(node: ast.stmt, file: str, namespace: dict) -> None:
    """Exécute une définition ; un import d'un module du cours qui n'est pas rendu attend."""
    parts = [node]
    of_course = isinstance(node, ast.ImportFrom) and str(node.module).startswith("exercises")
    if of_course:
        lone = [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
        parts = [ast.copy_location(each, node) for each in lone]
    for part in parts:
        try:
            exec(compile(ast.Module([part], []), file, "exec"), namespace)  # noqa: S102
        except ImportError as error:  # le notebook la définit peut-être lui-même
            if not of_course:
                raise
            namespace[part.names[0].asname or part.names[0].name] = Absent(error, namespace)


class Absent:
    """Ce qu'une instruction n'a pas pu définir ; s'en servir lève son erreur.

    Args:
        error: l'erreur.
        namespace: ce que le notebook définit, où sont peut-être les noms d'un module absent.
    """

    def __init__(self, error: Exception, namespace: dict):
        self.__dict__.update(error=error, namespace=namespace)

    def __getattr__(self, name: str):
        """Rend ce que le notebook définit sous ce nom, ou lève l'erreur."""
        found = self.__dict__["namespace"].get(name, self)
        if name.startswith("__") or isinstance(found, Absent):
            raise self.__dict__["error"]
        return found

    def __call__(self, *_, **__):
        """Lève l'erreur."""
        raise self.__dict__["error"]
