"""`python -m tests.grading` : les trois collections, corrigées d'une seule commande.

Dit ce qui n'a pas été reconnu. Sans carte graphique ni réseau ; un quart d'heure sur deux cœurs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from grading.asking.grader import random_seed
from tests.grading import handins
from tests.grading.handins import HandIn

CANARY = "intact"


def grade(chosen: Sequence[HandIn], folder: Path) -> dict:
    """Corrige des rendus comme le ferait un enseignant, exercice par exercice.

    Args:
        chosen: rendus.
        folder: dossier vide où les écrire.

    Returns:
        Le compte rendu JSON, ceux des exercices mis bout à bout.

    Raises:
        RuntimeError: la correction elle-même a échoué.
    """
    seed = random_seed()
    whole: dict = {"graine": seed, "submissions": []}
    for exercise in sorted({each.exercise for each in chosen}):
        print(f"{exercise}…", file=sys.stderr, flush=True)
        classroom, report = folder / exercise / "classe", folder / exercise / "notes.json"
        for each in chosen:
            if each.exercise == exercise:
                handins.write(each, classroom)
        command = [sys.executable, "-m", "pytest", "grading", f"--submissions={classroom}"]
        command += [
            "--exercises",
            exercise,
            "--fill-missing",
            "--without-weights",
            "--tb=no",
            "-p",
            "no:cacheprovider",
        ]
        command += [f"--grade-seed={seed}", "--grade-report", str(report)]
        ended = subprocess.run(
            command, cwd=handins.REPO, capture_output=True, text=True, timeout=3600
        )
        if ended.returncode not in (0, 1) or not report.exists():
            raise RuntimeError(ended.stdout[-2000:] + ended.stderr[-2000:])
        whole["submissions"] += json.loads(report.read_text(encoding="utf-8"))["submissions"]
    return whole


def main(argv: list[str] | None = None) -> int:
    """Corrige les collections demandées ; rend 0 si tout est reconnu."""
    parser = argparse.ArgumentParser(prog="python -m tests.grading", description=__doc__)
    parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "depot").mkdir()
        canary = folder / "depot" / "notes.txt"
        canary.write_text(CANARY)
        collections = {
            "faux": handins.wrong(),
            "justes": handins.right(),
            "hostiles": handins.hostile(target=canary),
        }
        start, chosen = time.monotonic(), [each for some in collections.values() for each in some]
        report = grade(chosen, folder)
        touched = canary.read_text() != CANARY
    found = handins.verdicts(report)
    wrong = [problem for each in chosen for problem in handins.problems(each, found[each.name])]
    wrong += ["Le fichier témoin a été changé."] * touched
    counts = ", ".join(f"{len(some)} {title}" for title, some in collections.items())
    missed = {problem.partition(",")[0] for problem in wrong}
    summary = (
        f"{counts} : {len(chosen) - len(missed)} sur {len(chosen)} reconnus en "
        f"{time.monotonic() - start:.0f} s (graine {report['graine']})."
    )
    print("\n".join([*wrong, summary]))
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
