"""`python -m grading DOSSIER` : corriger un rendu, ou une classe, depuis n'importe où.

C'est `pytest grading --submission DOSSIER` (ou `--submissions`, si DOSSIER contient des dossiers
d'élèves), avec la configuration du dépôt, et jamais celle qu'un rendu pourrait contenir.
Les options qui suivent sont celles de pytest.
"""

import os
import signal
import sys
from pathlib import Path

from grading import REPO, handin, sandbox


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
    """Rend Ctrl-C à pytest quand les notes commencent : il écrit alors celles qu'il a."""

    def pytest_sessionstart(self) -> None:
        if callable(signal.getsignal(signal.SIGINT)):  # sauf s'il est ignoré
            signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    try:
        sandbox.check_system()
        found = command(sys.argv[1:])
    except (sandbox.WrongSystemError, FileNotFoundError, ValueError) as error:
        sys.exit(f"Erreur : {error}")
    # Pour les processus qu'il lance (pytest-xdist) : le dépôt, et jamais le dossier courant.
    os.environ |= {"PYTHONPATH": REPO, "PYTHONSAFEPATH": "1"}
    import pytest

    sys.exit(pytest.main(found, plugins=[_Interrupts()]))
