"""`python -m tests.grading.term DOSSIER` : écrit un trimestre inventé, prêt à noter."""

import argparse
from pathlib import Path

from tests.grading.term import invented


def main(argv: list[str] | None = None) -> int:
    """Écrit le trimestre, et dit comment le noter."""
    parser = argparse.ArgumentParser(prog="python -m tests.grading.term", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DOSSIER", help="dossier vide, ou à créer")
    options = parser.parse_args(argv)
    course = invented.write(options.folder)
    print(f"Écrit : {course}\nPour le noter : python -m grading {course}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
