"""`python -m grading DOSSIER` : corriger un rendu, une classe, un trimestre, depuis n'importe où.

C'est `pytest grading --submission DOSSIER` (ou `--submissions`, si DOSSIER contient des dossiers
d'élèves), avec la configuration du dépôt, et jamais celle qu'un rendu pourrait contenir.
Les options qui suivent sont celles de la correction, puis celles de pytest. Un trimestre est décrit
par un fichier, `python -m grading cours.toml`, que lit `grading.term`.
"""

import difflib
import os
import signal
import sys
from functools import partial
from pathlib import Path

from convnets.core.cli import FrenchParser, run
from grading import REPO
from grading.inside import sandbox
from grading.plugin import OPTIONS
from grading.reading import handin


def command(arguments: list[str]) -> list[str]:
    """Écrit les arguments de pytest.

    Args:
        arguments: ce qu'il faut noter, puis des options de pytest ; rien pour noter le corrigé.

    Returns:
        Les arguments de `pytest.main`.

    Raises:
        FileNotFoundError: rien à cet endroit.
        RefusedError: un zip illisible.
    """
    line = ["-c", f"{REPO}/pyproject.toml", "--rootdir", REPO, f"{REPO}/grading"]
    if not arguments or arguments[0].startswith("-"):
        return [*line, *arguments]
    folder = Path(arguments[0]).absolute()
    # Le tableau dit tout : chaque raison, une fois. Un seul processus : d'une classe, un second
    # gagne un tiers du temps et double la mémoire ; d'un élève, il charge tout deux fois.
    line += ["--tb=no", "-rN", "-n0"]
    kind = "submissions" if handin.is_class(folder) else "submission"
    return [*line, f"--{kind}={folder}", *arguments[1:]]


def check_names(arguments: list[str]) -> None:
    """Refuse une option qui ressemble à l'une de celles de la correction sans en être une.

    Raises:
        ValueError: laquelle, et celle qu'il fallait sans doute écrire. Une option qui ne ressemble
            à aucune est laissée à pytest.
    """
    names = [each.partition("=")[0] for each in arguments if each.startswith("--")]
    for name in names:
        near = difflib.get_close_matches(name, [*OPTIONS, "--watch"], n=1, cutoff=0.75)
        if near and near[0] != name:
            raise ValueError(f"{name} : option inconnue. Vouliez-vous écrire {near[0]} ?")


def grade(arguments: list[str]) -> int:
    """Note un rendu ou une classe ; rend le code de sortie de pytest."""
    import pytest

    check_names(arguments)
    sandbox.check_system()
    line = command(arguments)
    # Pour les processus qu'il lance (pytest-xdist) : le dépôt, et jamais le dossier courant.
    os.environ |= {"PYTHONPATH": REPO, "PYTHONSAFEPATH": "1"}
    return pytest.main(line)


def show_help() -> None:
    """Montre les options de la correction, en français."""
    parser = FrenchParser(
        prog="python -m grading",
        description="Corriger un rendu, ou une classe ; sans argument, le corrigé du dépôt.",
        epilog="Puis les options de pytest : -n 2, -k relu, -v, --junitxml=notes.xml… Un "
        "trimestre entier : python -m grading cours.toml, dont l'aide est python -m grading "
        "cours.toml --help. Le détail est dans docs/enseignants.md.",
    )
    kinds = "un dossier, un .py, un .ipynb ou un zip ; d'un élève, ou d'une classe"
    parser.add_argument("RENDU", nargs="?", help=kinds)
    parser.add_argument("--watch", action="store_true", help="vérifier à chaque enregistrement")
    for name, given in OPTIONS.items():
        parser.add_argument(name, **given)
    parser.print_help()


if __name__ == "__main__":
    given = sys.argv[1:]
    # Ctrl-C est une exception, sauf s'il est ignoré : les processus des rendus sont fermés d'abord.
    if callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if any(each.lower().endswith(".toml") and each[0] != "-" for each in given):
        from grading.term.command import main

        sys.exit(main(given))
    if "--watch" in given and not {"-h", "--help"} & set(given):
        from grading import watch

        sys.exit(run(partial(watch.main, given)))
    if {"-h", "--help"} & set(given):
        sys.exit(show_help())
    sys.exit(run(partial(grade, given)))
