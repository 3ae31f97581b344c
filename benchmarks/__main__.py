"""Nous mesurer aux autres, côte à côte, sur la machine du lecteur.

Commande : python -m benchmarks [--only startup throughput training transfer growth]

Chaque mesure écrit un tableau Markdown et une figure ; les rapports y viennent d'abord, car les
durées ne valent que pour une machine. Un concurrent qui n'est pas installé est nommé comme absent.
"""

import sys
from pathlib import Path

from benchmarks import growth, measure, startup, throughput, training_step, transfer
from convnets.core import files
from convnets.core.cli import FrenchParser, positive_int, run

BENCHMARKS = {
    "startup": (startup, "Démarrage"),
    "throughput": (throughput, "Débit"),
    "training": (training_step, "Entraînement"),
    "transfer": (transfer, "Base figée, caractéristiques gardées ou non"),
    "growth": (growth, "Croissance du coût"),
}
REPEAT = 5


def make_parser() -> FrenchParser:
    """Prépare les options."""
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
        "--output",
        type=Path,
        default=Path("figures") / "benchmarks",
        metavar="DOSSIER",
        help="où écrire tableaux et figures (figures/benchmarks par défaut)",
    )
    add(
        "--repeat",
        type=positive_int,
        metavar="N",
        help=f"tours gardés, après un tour d'échauffement ({REPEAT} par défaut)",
    )
    add(
        "--recipe",
        choices=training_step.RECIPES,
        default="light",
        help="recette de l'exercice 03 dont on mesure le pas",
    )
    add(
        "--quick",
        action="store_true",
        help="tout en miniature, un seul tour : pour essayer, non pour comparer",
    )
    return parser


def write_report(name: str, options: measure.Options) -> str:
    """Fait une mesure et écrit son tableau dans `options.output`.

    Args:
        name: clé de `BENCHMARKS`.
        options: options de la mesure.

    Returns:
        Le texte Markdown écrit.
    """
    module, title = BENCHMARKS[name]
    text = f"## {title}\n\n{module.run(options)}\n\n"
    if options.quick:
        text += "Essai en miniature (`--quick`) : ces nombres ne comparent rien.\n\n"
    turns = f"{options.repeat} tour{'s' * (options.repeat > 1)}"
    text += f"Médiane (du plus petit au plus grand) de {turns}. Machine : {options.machine}.\n"
    with files.replacing(options.output / f"{name}.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text


def main(argv: list[str] | None = None) -> int:
    """Fait les mesures demandées, écrit et affiche leurs tableaux."""
    sys.stdout.reconfigure(encoding="utf-8")
    asked = make_parser().parse_args(argv)

    def body() -> int:
        options = measure.Options(
            output=asked.output,
            repeat=asked.repeat or (1 if asked.quick else REPEAT),
            warm_up=0 if asked.quick else 1,
            quick=asked.quick,
            recipe=asked.recipe,
            machine="",
        )
        options.output.mkdir(parents=True, exist_ok=True)
        for name in dict.fromkeys(asked.only):
            print(f"Mesure : {name}…", file=sys.stderr, flush=True)
            now = options._replace(machine=measure.describe_machine())  # sa charge change
            print(write_report(name, now), flush=True)
        print(f"Tableaux et figures écrits dans {options.output}/", file=sys.stderr)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
