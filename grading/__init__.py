"""Noter des rendus : `pytest grading --submission DOSSIER`, décrit dans docs/enseignants.md."""

import os
import sys

# `python -m` met le dossier courant devant tout le reste : dans celui d'un rendu, le `pytest.py` ou
# le `numpy.py` d'un élève s'exécuterait dans le processus de l'enseignant. Seuls `os` et `sys`,
# déjà chargés, sont importés avant que ce dossier ne soit retiré.
REPO = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
HERE = (REPO, os.getcwd())
sys.path[:] = [REPO, *(each for each in sys.path if each and os.path.realpath(each) not in HERE)]

from convnets.core import startup  # noqa: E402

startup.prepare()
