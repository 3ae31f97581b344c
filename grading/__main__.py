"""`python -m grading DOSSIER` : corriger un rendu, une classe, un trimestre, depuis n'importe où.

C'est `pytest grading --submission DOSSIER` (ou `--submissions`, si DOSSIER contient des dossiers
d'élèves), avec la configuration du dépôt, et jamais celle qu'un rendu pourrait contenir.
Les options qui suivent sont celles de la correction, puis celles de pytest. Un trimestre est décrit
par un fichier, `python -m grading cours.toml`, que lit `grading.term`.
"""

import os
import signal
import sys
from pathlib import Path

from convnets.core.cli import FrenchParser, run
from grading import REPO, handin, sandbox
from grading.plugin import add_options


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
    option = "--submissions" if handin.is_class(folder) else "--submission"
    return [*line, f"{option}={folder}", *arguments[1:]]


class _Interrupts:
    """Retient que Ctrl-C a été tapé ; pytest, qui écrit les notes qu'il a, n'en dit rien."""

    seen = False

    def pytest_sessionstart(self, session) -> None:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        reporter._report_keyboardinterrupt = lambda: None

    def pytest_keyboard_interrupt(self, excinfo) -> None:
        self.seen = excinfo.type is KeyboardInterrupt


def grade(arguments: list[str]) -> int:
    """Lance pytest ; rend son code de sortie.

    Raises:
        KeyboardInterrupt: Ctrl-C, après avoir écrit les notes déjà données.
    """
    import pytest

    listen()
    interrupts = _Interrupts()
    code = pytest.main(arguments, plugins=[interrupts])
    if interrupts.seen:
        raise KeyboardInterrupt
    return code


def listen() -> None:
    """Fait de Ctrl-C une exception : les processus des rendus sont fermés avant de partir."""
    if callable(signal.getsignal(signal.SIGINT)):  # sauf s'il est ignoré
        signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    named = [each for each in sys.argv[1:] if not each.startswith("-")]
    if named and named[0].lower().endswith(".toml"):
        from grading.term.command import main

        listen()
        sys.exit(main(sys.argv[1:]))
    if {"-h", "--help"} & set(sys.argv[1:]):
        parser = FrenchParser(
            prog="python -m grading",
            description="Corriger un rendu, ou une classe ; sans argument, le corrigé du dépôt.",
            epilog="Puis les options de pytest : -n 2, -k relu, -v, --junitxml=notes.xml… Un "
            "trimestre entier : python -m grading cours.toml, dont l'aide est python -m grading "
            "cours.toml --help. Le détail est dans docs/enseignants.md.",
        )
        parser.add_argument(
            "RENDU",
            nargs="?",
            help="un dossier, un .py, un .ipynb ou un zip ; d'un élève, ou d'une classe",
        )
        add_options(parser.add_argument)
        parser.print_help()
        sys.exit()
    try:
        sandbox.check_system()
        found = command(sys.argv[1:])
    except (sandbox.WrongSystemError, FileNotFoundError, ValueError) as error:
        sys.exit(f"Erreur : {error}")
    # Pour les processus qu'il lance (pytest-xdist) : le dépôt, et jamais le dossier courant.
    os.environ |= {"PYTHONPATH": REPO, "PYTHONSAFEPATH": "1"}
    sys.exit(run(lambda: grade(found)))
