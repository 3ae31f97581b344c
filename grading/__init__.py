"""Noter des rendus : `pytest grading --submission DOSSIER`, décrit dans docs/enseignants.md."""

from convnets.core import startup

startup.prepare()
