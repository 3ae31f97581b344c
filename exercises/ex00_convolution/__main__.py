"""Convolution : refaire les exemples des cinq documents, et vérifier chaque résultat.

Commande : python -m exercises.ex00_convolution
"""

import sys
from pathlib import Path

from convnets.core.cli import FrenchParser, run
from exercises.ex00_convolution import replay


def main(argv: list[str] | None = None) -> int:
    """Refait tous les exemples ou un seul, ou bien écrit les figures."""
    parser = FrenchParser(
        prog="python -m exercises.ex00_convolution", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--example", metavar="N6", help="un seul exemple, en entier")
    parser.add_argument(
        "--figures", type=Path, metavar="DOSSIER", help="écrire les images et les animations"
    )
    options = parser.parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # ✔, quelle que soit la langue du terminal

    def body() -> int:
        if options.figures:
            from exercises.ex00_convolution import figures

            return figures.save_all(options.figures)
        return replay.replay(options.example)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
