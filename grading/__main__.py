"""`python -m grading DOSSIER` : corriger un rendu, ou une classe, depuis n'importe où.

C'est `pytest grading --submission DOSSIER` (ou `--submissions`, si DOSSIER contient des dossiers
d'élèves), avec la configuration du dépôt, et jamais celle qu'un rendu pourrait contenir.
Les options qui suivent sont celles de pytest.
"""

import os
import sys
from pathlib import Path

from grading import submission


def command(arguments: list[str]) -> list[str]:
    """Écrit la ligne de commande de pytest.

    Args:
        arguments: le dossier, puis des options de pytest ; rien pour noter le corrigé.

    Returns:
        Les arguments de `python`, sans lui.

    Raises:
        FileNotFoundError: rien à noter dans ce dossier.
    """
    repo = str(submission.REPO)
    line = ["-m", "pytest", "-c", f"{repo}/pyproject.toml", "--rootdir", repo, f"{repo}/grading"]
    if not arguments or arguments[0].startswith("-"):
        return [*line, *arguments]
    folder = Path(arguments[0]).absolute()
    try:
        submission.find(folder)
        option = f"--submission={folder}"
    except FileNotFoundError:
        submission.find_all(folder)
        option = f"--submissions={folder}"
    return [*line, option, *arguments[1:]]


if __name__ == "__main__":
    try:
        found = command(sys.argv[1:])
    except FileNotFoundError as error:
        sys.exit(f"Erreur : {error}")
    path = os.pathsep.join([str(submission.REPO), os.environ.get("PYTHONPATH", "")])
    os.execve(sys.executable, [sys.executable, *found], {**os.environ, "PYTHONPATH": path})
