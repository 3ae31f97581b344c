"""Un rendu prêt à noter : ses modules, ses poids, sa commande ; et la copie qu'en a un enfant.

`handin` l'a copié, sans lien ni fichier trop gros : ici, on le lit sans plus rien vérifier.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

from grading import sealed
from grading.archives import printable

REPO = Path(__file__).resolve().parents[1]
EXERCISES = REPO / "exercises"
COMMAND = "serving/command.py"  # dans convnets/ : ce que lance ./predict
TEXTS = (".py", ".json", ".toml", ".txt", ".yaml", ".yml")
WEIGHTS = (".keras", ".tflite", ".json")  # ce qu'un entraînement enregistre
RECORDS = {"ex02_fashion": "garments", "ex03_cifar10": "thumbnails", "ex04_lenet": "digits"}
NOT_SOURCES = ("convnets", "tests", "venv")  # models contient parfois du code


class Submission(NamedTuple):
    """Un rendu : ses modules, ses poids, sa commande."""

    name: str
    root: Path  # où sont ex02_fashion.py, ex00_convolution/…
    home: Path  # où seraient models/, convnets/ et predict.py
    shipped: bool = False  # c'est le corrigé
    remarks: tuple[str, ...] = ()  # ce qui a été laissé de côté, et pourquoi

    @property
    def modules(self) -> frozenset[str]:
        """Noms des modules d'exercices rendus : `"ex02_fashion"`, `"ex00_convolution.pooling"`."""
        return frozenset(
            ".".join(path.relative_to(self.root).with_suffix("").parts)
            for pattern in ("ex[0-9][0-9]_*.py", "ex[0-9][0-9]_*/*.py")
            for path in self.root.glob(pattern)
            if path.is_file() and path.stem[:2] != "__"
        )

    def weights(self, slug: str, suffix: str = ".keras") -> Path:
        """Dit où serait un fichier de poids, que l'exercice enregistre dans `models/`."""
        return published(slug, suffix) if self.shipped else self.home / "models" / f"{slug}{suffix}"


def published(slug: str, suffix: str) -> Path:
    """Dit où sont les poids du dépôt : ceux de la leçon, ou à défaut le record du même jeu."""
    path = REPO / "models" / f"{slug}{suffix}"
    return path if path.is_file() else path.with_name(f"{RECORDS.get(slug, slug)}{suffix}")


def file_of(module: str) -> str:
    """Rend le chemin d'un module sous `exercises/` : `"ex00_convolution/pooling.py"`."""
    return module.replace(".", "/") + ".py"


def reference() -> Submission:
    """Rend le corrigé du cours, comme s'il était un rendu, même si `exercises/` a changé.

    Raises:
        sealed.UnsealedError: un fichier a changé, et l'original est introuvable.
    """
    return Submission("corrigé", sealed.folder(), REPO, shipped=True)


def course() -> Submission:
    """Rend le corrigé tel qu'il est dans `exercises/`, que quelqu'un a pu changer."""
    return reference()._replace(root=EXERCISES) if sealed.changed() else reference()


def find(folder: Path) -> Submission:
    """Lit un dossier de modules, ou un dépôt qui contient `exercises/`."""
    inner = folder / "exercises"
    return Submission(printable(folder.name), inner if inner.is_dir() else folder, folder)


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


def weights(submitted: Submission, slug: str, suffix: str = ".keras") -> bytes | None:
    """Rend un fichier de poids d'un rendu, ou None."""
    path = submitted.weights(slug, suffix)
    return path.read_bytes() if path.is_file() else None


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
