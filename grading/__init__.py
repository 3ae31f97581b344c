"""Noter des rendus : `pytest grading --submission DOSSIER`, décrit dans docs/enseignants.md."""
