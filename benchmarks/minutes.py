"""Combien de minutes demande chaque leçon, sur cette machine.

Commande : python -m benchmarks.minutes
Résultat mesuré : docs/mesures/minutes.json, et son tableau, docs/mesures/minutes.md.

La commande par défaut de chaque exercice est lancée seule, l'une après l'autre : elle dit ce
qu'elle atteint, écrit ses figures et son modèle, comme d'habitude. Ce qui est déjà mesuré sur cette
machine ne l'est pas de nouveau : une commande interrompue se relance telle quelle.
"""

import json
import subprocess
import sys
import time

from benchmarks import measure
from convnets.core import files, reports
from convnets.core.cli import FrenchParser, markdown_table, run
from exercises import EXERCISES

FOLDER = measure.REPO / "docs" / "mesures"
Durations = dict[str, dict[str, float]]  # secondes de chaque exercice, par machine


def time_lesson(slug: str) -> float:
    """Exécute la commande par défaut d'un exercice ; rend sa durée, en secondes.

    Raises:
        ChildProcessError: la commande a échoué.
    """
    start = time.monotonic()
    command = [sys.executable, "-m", f"exercises.{slug}"]
    done = subprocess.run(command, cwd=measure.REPO, stderr=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        raise ChildProcessError(f"{slug} a échoué : {done.stderr.strip()[-300:]}")
    return time.monotonic() - start


def page(durations: Durations) -> str:
    """Écrit le tableau des minutes : un exercice par ligne, une machine par colonne."""
    rows = []
    for exercise in EXERCISES:
        found = [each.get(exercise.slug) for each in durations.values()]
        cells = ["" if each is None else f"{each / 60:.1f}".replace(".", ",") for each in found]
        rows.append([f"`python -m exercises.{exercise.slug}`", *cells])
    table = markdown_table(["minutes", *durations], rows)
    return (
        "# Les minutes de chaque leçon\n\nLa commande par défaut, seule sur sa machine. "
        f"Écrit par `python -m benchmarks.minutes`.\n\n{table}\n"
    )


def write(durations: Durations) -> None:
    """Écrit les durées et leur tableau."""
    content = json.dumps(durations, ensure_ascii=False, indent=1) + "\n"
    for name, text in (("minutes.json", content), ("minutes.md", page(durations))):
        with files.replacing(FOLDER / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Mesure les leçons qui ne l'ont pas été, l'une après l'autre."""
    parser = FrenchParser(prog="python -m benchmarks.minutes", description=__doc__.splitlines()[0])
    parser.parse_args(argv)

    def body() -> int:
        known = FOLDER / "minutes.json"
        durations = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
        mine = durations.setdefault(reports.environment()["hardware"], {})
        for exercise in EXERCISES:
            if exercise.slug not in mine:
                mine[exercise.slug] = time_lesson(exercise.slug)
                write(durations)
                print(f"{exercise.slug} : {measure.duration(mine[exercise.slug])}", flush=True)
        write(durations)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
