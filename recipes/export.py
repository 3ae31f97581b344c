"""Exporter pour `./predict` un modèle appris là où TensorFlow n'était pas.

Commande : python -m recipes.export thumbnails

Une recette s'exécute aussi sous JAX ou PyTorch, par exemple sur la carte graphique d'une machine
sans TensorFlow, qui seul convertit un modèle pour LiteRT. Elle n'écrit alors que les poids et leur
compte rendu. Copiés dans `models/`, ils sont exportés comme ils l'auraient été. Rien n'est appris.
"""

from pathlib import Path

from convnets.core import paths, reports
from convnets.core.cli import FrenchParser, run
from convnets.datasets import sources
from convnets.training import lesson, saving
from recipes.training import runner

LOADERS = {
    "digits": sources.load_mnist,
    "garments": sources.load_fashion_mnist,
    "thumbnails": sources.load_cifar10,
}


def convert(options) -> int:
    """Exporte un modèle de `models/`, à sa place ; rend 0."""
    report = reports.read_report(options.name, models_dir=options.models_dir)
    counts = report.num_images
    splits = lesson.split(
        LOADERS[options.name](), limit=counts["train"] + counts["val"], num_val=counts["val"]
    )
    model = saving.load_model(options.name, models_dir=options.models_dir)
    runner.save(model, report, options.name, splits[2:4], splits[4:], options)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Exporte un modèle."""
    parser = FrenchParser(prog="python -m recipes.export", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*LOADERS], help="nom du modèle, et de sa recette")
    parser.add_argument(
        "--models-dir",
        metavar="DOSSIER",
        type=Path,
        default=paths.MODELS_DIR,
        help="où sont les poids (models/ par défaut)",
    )
    options = parser.parse_args(argv)
    return run(lambda: convert(options))


if __name__ == "__main__":
    raise SystemExit(main())
