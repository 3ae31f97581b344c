"""Les figures de docs/systemes.md qui viennent des comptes rendus livrés.

Commande : python -m docs.systems
Résultat : une partie des images de docs/systemes/. Les autres montrent des réseaux à l'œuvre :
c'est la commande de leur exercice qui les refait dans `figures/`.
"""

from pathlib import Path

from convnets.core.cli import FrenchParser, run
from convnets.core.reports import load_measures, read_report

FOLDER = Path(__file__).resolve().parent / "systemes"


def draw_reports(folder: Path) -> None:
    """Dessine ce que disent les comptes rendus des exercices 15 à 28."""
    from exercises.ex15_architectures import __main__ as ex15
    from exercises.ex16_bag_of_words import figures as ex16
    from exercises.ex18_segmentation import streets
    from exercises.ex19_vision_transformer import figures as ex19
    from exercises.ex21_graphs import figures as ex21
    from exercises.ex23_what_matters import figures as ex23

    architectures = load_measures("ex15_architectures").metrics
    costs = folder / "architectures.png"
    ex15.save_costs(architectures, costs, witness=architectures["accuracy_bag"].mean)
    ex15.save_depths(read_report("ex15_architectures").history, folder / "raccourcis.png")
    ex16.save_comparison(load_measures("ex16_bag_of_words").metrics, folder / "sac.png")
    forest = {
        name.replace("streets", "forest"): metric
        for name, metric in load_measures("ex18_forest_witnesses").metrics.items()
    }
    streets.save_bars(folder / "rues.png", load_measures("ex18_streets").metrics | forest)
    transformer = load_measures("ex19_vision_transformer").metrics
    ex19.save_comparison(folder / "transformer.png", transformer)
    ex21.save_bars(folder / "mesures.png", load_measures("ex21_graphs").metrics)
    ex21.save_receptive_field(folder / "champ.png")
    ex23.save_gaps(load_measures("ex23_what_matters"), folder / "pieces.png")


def main(argv: list[str] | None = None) -> int:
    """Refait les figures."""
    parser = FrenchParser(prog="python -m docs.systems", description=__doc__.splitlines()[0])
    parser.parse_args(argv)

    def body() -> int:
        draw_reports(FOLDER)
        print(FOLDER)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
