"""Mesurer le démarrage et le débit à côté de ceux des autres, sur la machine du lecteur.

Commande : python -m benchmarks [--only startup throughput]

Chaque mesure affiche un tableau Markdown ; les rapports y viennent d'abord, car les durées ne
valent que pour une machine. Un procédé qui n'est pas installé n'a pas de ligne.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks import measure, startup, throughput
from convnets.core.cli import FrenchParser, positive_int, run

BENCHMARKS = {"startup": (startup, "Démarrage"), "throughput": (throughput, "Débit")}
REPEAT = 5


def report(name: str, *, repeat: int) -> str:
    """Fait une mesure, et rend son tableau.

    Args:
        name: clé de `BENCHMARKS`.
        repeat: tours gardés.
    """
    module, title = BENCHMARKS[name]
    machine = measure.describe_machine()  # sa charge, avant de mesurer
    with tempfile.TemporaryDirectory(prefix="cours-cnn-") as folder:
        table = module.run(Path(folder), repeat=repeat)
    return (
        f"## {title}\n\n{table}\n\n"
        f"Médiane (du plus petit au plus grand), tours : {repeat}. Machine : {machine}.\n"
    )


def main(argv: list[str] | None = None) -> int:
    """Fait les mesures demandées, et affiche leurs tableaux."""
    sys.stdout.reconfigure(encoding="utf-8")
    parser = FrenchParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--only",
        nargs="+",
        choices=[*BENCHMARKS],
        default=[*BENCHMARKS],
        metavar="NOM",
        help=f"ne mesurer que cela : {', '.join(BENCHMARKS)}",
    )
    add(
        "--repeat",
        type=positive_int,
        default=REPEAT,
        metavar="N",
        help=f"tours gardés, après un tour d'échauffement ({REPEAT} par défaut)",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        for name in dict.fromkeys(options.only):
            print(f"Mesure : {name}…", file=sys.stderr, flush=True)
            print(report(name, repeat=options.repeat), flush=True)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
