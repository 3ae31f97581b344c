"""Exporter pour `./predict` un modèle appris là où TensorFlow n'était pas.

Exemple : python -m recipes.export models/runs/thumbnails/weights

Une recette s'exécute aussi sous JAX ou PyTorch, par exemple sur la carte graphique d'une machine
sans TensorFlow, qui seul convertit un modèle pour LiteRT. Elle laisse alors les poids et le compte
rendu dans `models/runs/exNN_slug/weights`. Copiés ici, ils sont exportés comme ils l'auraient
été : le format choisi sur les mêmes images de validation, l'exactitude de l'export mesurée sur les
images de test. Rien n'est appris, et le compte rendu reste celui de l'entraînement.
"""

from argparse import Namespace
from pathlib import Path

from convnets.core import paths, reports
from convnets.core.cli import FrenchParser, run
from convnets.datasets import sources
from convnets.training import result, saving, study

LOADERS = ("load_cifar10", "load_mnist", "load_fashion_mnist")


def find_dataset(sha256: str | dict):
    """Rend le jeu de données qui a une empreinte.

    Args:
        sha256: celle d'un compte rendu.

    Raises:
        ValueError: aucun.
    """
    for loader in LOADERS:
        dataset = getattr(sources, loader)()
        if sources.dataset_sha256(dataset) == sha256:
            return dataset
    raise ValueError(
        "Ce modèle a été appris sur d'autres images que CIFAR-10, MNIST et Fashion-MNIST : "
        "il ne s'exporte que là où il a été appris."
    )


def find_slug(folder: Path) -> str:
    """Rend le nom du modèle qu'un dossier contient.

    Raises:
        FileNotFoundError: pas de modèle, ou plusieurs.
    """
    found = sorted(path.stem for path in folder.glob("*.keras"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"{folder} devrait contenir un modèle, son fichier .keras et son compte rendu .json : "
            f"{len(found)} trouvé(s). Donnez le dossier « weights » que la recette a écrit."
        )
    return found[0]


def convert(folder: Path, *, models_dir: Path, force: bool) -> int:
    """Exporte un modèle et met les trois fichiers en place ; voir `saving.save_model`.

    Args:
        folder: dossier des poids et de leur compte rendu.
        models_dir: où les mettre.
        force: remplacer même un meilleur modèle.

    Returns:
        0, le code de sortie.

    Raises:
        FileNotFoundError: pas de modèle dans le dossier.
        ValueError: le compte rendu n'est pas celui des poids, ou les images sont inconnues.
    """
    slug = find_slug(folder)
    report = reports.read_report(slug, models_dir=folder)
    model = saving.load_model(slug, models_dir=folder)
    counts = report.num_images
    _, _, x_val, y_val, x_test, y_test = study.split(
        find_dataset(report.data_sha256),
        limit=counts["train"] + counts["val"],
        num_val=counts["val"],
    )
    published = result.published(slug)
    written, reason = study.export_and_save(
        model,
        slug,
        report,
        val=(x_val, y_val),
        test=(x_test, y_test),
        models_dir=models_dir,
        force=force,
    )
    result.tell(
        Namespace(module=slug, models_dir=written), report, reason=reason, published=published
    )
    return 0


def main(argv: list[str] | None = None) -> int:
    """Exporte un modèle."""
    parser = FrenchParser(prog="python -m recipes.export", description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", metavar="dossier", type=Path, help="dossier « weights » écrit par la recette"
    )
    parser.add_argument(
        "--models-dir",
        metavar="DOSSIER",
        type=Path,
        default=paths.MODELS_DIR,
        help="où mettre les trois fichiers (models/ par défaut)",
    )
    parser.add_argument("--force", action="store_true", help="remplacer même un meilleur modèle")
    options = parser.parse_args(argv)
    return run(lambda: convert(options.folder, models_dir=options.models_dir, force=options.force))


if __name__ == "__main__":
    raise SystemExit(main())
