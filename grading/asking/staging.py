"""Préparer le dossier d'un enfant : ce que le programme d'un rendu trouve autour de lui."""

import shutil
from pathlib import Path

from grading import sealed
from grading.reading.submission import NOT_SOURCES, RECORDS, REPO, Submission, published

COMMAND = "serving/command.py"  # dans convnets/ : ce que lance ./predict
TEXTS = (".py", ".json", ".toml", ".txt", ".yaml", ".yml")
WEIGHTS = (".keras", ".tflite", ".json")  # ce qu'un entraînement enregistre


def _not_texts(folder: str, names: list[str]) -> list[str]:
    """Choisit ce que `shutil.copytree` ne copie pas d'un dossier d'élève."""
    return [
        name
        for name in names
        if name.startswith((".", "__pycache__"))
        or name in NOT_SOURCES
        or not (Path(name).suffix in TEXTS or Path(folder, name).is_dir())
    ]


def stage(
    folder: Path,
    submitted: Submission,
    *,
    fill: bool = False,
    models: tuple[str, ...] = (),
    shipped_models: bool = False,
) -> None:
    """Prépare le dossier d'un enfant : `exercises/`, `convnets/`, `samples/`, `models/`.

    Args:
        folder: dossier vide.
        submitted: le rendu.
        fill: ajouter les modules du dépôt que le rendu n'a pas.
        models: noms des exercices dont les poids sont à copier.
        shipped_models: ceux du dépôt quand le rendu n'en a pas.
    """
    package, shared = folder / "exercises", folder / "convnets"
    package.mkdir()
    course = sealed.folder()
    shutil.copy(course / "__init__.py", package)
    shutil.copytree(REPO / "samples", folder / "samples")  # que l'énoncé nomme
    sources = [(course, package)] if fill else []
    sources += [(home / "convnets", shared) for home in (REPO, submitted.home)]
    for source, target in [*sources, (submitted.root, package)]:
        if source.is_dir():
            shutil.copytree(source, target, ignore=_not_texts, dirs_exist_ok=True)
    if script := _script(submitted):
        shutil.copy(script, package)
    for slug in models:
        if shipped_models and not submitted.weights(slug, ".tflite").is_file():
            (shared / COMMAND).unlink()  # les poids du dépôt se prêtent, pas sa commande
        for suffix in WEIGHTS:
            path = submitted.weights(slug, suffix)
            if shipped_models and not path.is_file():
                path = published(slug, suffix)
            if path.is_file():
                (folder / "models").mkdir(exist_ok=True)
                for name in {slug, RECORDS.get(slug, slug)}:  # ./predict lit le record
                    shutil.copyfile(path, folder / "models" / f"{name}{suffix}")


def own_command(submitted: Submission) -> str | None:
    """Cherche la commande de prédiction que le rendu apporte.

    Returns:
        Son chemin dans la copie (`"exercises/predict.py"`), `""` si c'est
        `convnets/serving/command.py` qu'il a changé, None s'il s'en remet à celle du dépôt.
    """
    if script := _script(submitted):
        return f"exercises/{script.name}"
    own, ours = (home / "convnets" / COMMAND for home in (submitted.home, REPO))
    changed = own.is_file() and own.read_bytes() != ours.read_bytes()
    return "" if submitted.shipped or changed else None


def _script(submitted: Submission) -> Path | None:
    """Trouve `predict` ou `predict.py`, s'il est en Python (le nôtre est un script `sh`)."""
    homes, names = (submitted.root, submitted.home), ("predict.py", "predict")
    paths = [folder / name for folder in homes for name in names]
    found = (path for path in paths if path.is_file())
    return next((each for each in found if not each.read_bytes().startswith(b"#!/bin/sh")), None)
