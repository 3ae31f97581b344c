"""Filtres et cartes : ce que le réseau cherche, et ce qu'il trouve dans une image.

Commande : python -m exercises.ex06_feature_maps samples/chat.png
"""

from pathlib import Path

from convnets.core.cli import run
from convnets.explaining import maps as explanations
from convnets.figures.style import output_dir
from exercises.ex06_feature_maps import maps


def main(argv: list[str] | None = None) -> int:
    """Dessine les filtres de la première couche et les cartes d'une image."""
    parser = explanations.explanation_parser("ex06_feature_maps", __doc__.splitlines()[0])
    options = parser.parse_args(argv)

    def body() -> int:
        subject, folder = explanations.load_subject(options), output_dir(options)
        maps.save_kernels(subject.model, folder / "filtres.png")
        path = folder / f"{Path(options.image).stem}_cartes.png"
        names = maps.active_layers(subject.model)
        shown = {maps.layer_title(subject.model, name): name for name in names}
        maps.save_maps(subject, shown, path)
        print(folder / "filtres.png", path, sep="\n")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
