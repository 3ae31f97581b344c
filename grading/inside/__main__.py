"""`python -I grading/inside DESCRIPTEUR` : démarre l'atelier, que le correcteur seul lance."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # ce dossier y est un paquet, `inside`
    importlib.import_module("inside.worker").main(int(sys.argv[1]))
