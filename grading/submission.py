"""Les rendus : les trouver, les lire sans rien suivre, en préparer une copie pour un enfant."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from grading.archives import printable

REPO = Path(__file__).resolve().parents[1]
EXERCISES = REPO / "exercises"
COMMAND = "serving/command.py"  # dans convnets/ : ce que lance ./predict
MAX_SOURCE_BYTES = 2**20  # par fichier de texte
MAX_MODEL_BYTES = 256 * 2**20
MAX_FIGURE_BYTES = 4 * 2**20
MAX_FILES = 400
TEXTS = (".py", ".json", ".toml", ".txt")
WEIGHTS = (".keras", ".tflite", ".json")  # ce qu'un entraînement enregistre
RECORDS = {"ex02_fashion": "garments", "ex03_cifar10": "thumbnails", "ex04_lenet": "digits"}
NOT_SOURCES = ("convnets", "models", "tests", "venv")


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
            if _is_regular(path) and not path.parent.is_symlink() and path.stem[:2] != "__"
        )

    def weights(self, slug: str, suffix: str = ".keras") -> Path:
        """Dit où serait un fichier de poids, que l'exercice enregistre dans `models/`."""
        if self.shipped:
            return published(slug, suffix)
        return self.home / "models" / f"{slug}{suffix}"


def published(slug: str, suffix: str) -> Path:
    """Dit où sont les poids du dépôt : ceux de la leçon, ou à défaut le record du même jeu."""
    path = REPO / "models" / f"{slug}{suffix}"
    return path if path.is_file() else path.with_name(f"{RECORDS.get(slug, slug)}{suffix}")


def file_of(module: str) -> str:
    """Rend le chemin d'un module sous `exercises/` : `"ex00_convolution/pooling.py"`."""
    return module.replace(".", "/") + ".py"


def reference() -> Submission:
    """Rend le corrigé du dépôt, comme s'il était un rendu."""
    return Submission("corrigé", EXERCISES, REPO, shipped=True)


def find(folder: Path) -> Submission:
    """Reconnaît un rendu : un dossier de modules, ou un dépôt qui contient `exercises/`.

    Args:
        folder: dossier de l'élève.

    Returns:
        Le rendu, nommé d'après son dossier.

    Raises:
        FileNotFoundError: pas de dossier, ou aucun `exNN_…` dedans.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} n'est pas un dossier ; donnez celui d'un rendu.")
    name = printable(folder.name)
    inner = folder / "exercises"
    if not inner.is_symlink() and Submission(name, inner, folder).modules:
        return Submission(name, inner, folder)
    inside = folder.name == "exercises" and not (folder / "models").is_dir()
    found = Submission(name, folder, folder.parent if inside else folder)
    if not found.modules:
        raise FileNotFoundError(
            f"{folder} ne contient aucun module d'exercice (ex02_fashion.py, "
            "ex00_convolution/pooling.py…) ; donnez le dossier qui les contient, ou --submissions "
            "pour une classe entière."
        )
    return found


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_own(submitted: Submission, path: Path) -> bool:
    """Dit si un fichier est dans le rendu sans qu'un lien y mène, à lui ou à un de ses dossiers."""
    inside = path.relative_to(submitted.home)
    return path.is_file() and path.resolve() == submitted.home.resolve() / inside


def _sources(root: Path) -> list[Path]:
    """Liste les fichiers de texte d'un dossier : sans lien, sans dossier caché, sans excès."""
    found = []
    for current, folders, files in os.walk(root, followlinks=False):
        folders[:] = [
            name
            for name in folders
            if not name.startswith((".", "__pycache__"))
            and name not in NOT_SOURCES
            and not os.path.islink(os.path.join(current, name))
        ]
        for name in sorted(files):
            path = Path(current, name)
            if path.suffix in TEXTS:
                small = _is_regular(path) and path.stat().st_size <= MAX_SOURCE_BYTES
                if small and len(found) < MAX_FILES:
                    found.append(path)
    return found


def stage(
    folder: Path,
    submitted: Submission | None,
    *,
    fill: bool = False,
    models: tuple[str, ...] = (),
    shipped_models: bool = False,
) -> None:
    """Prépare le dossier d'un enfant : `exercises/`, `convnets/`, `samples/`, `models/`.

    Args:
        folder: dossier vide.
        submitted: le rendu, ou None pour un enfant sans rendu.
        fill: ajouter les modules du dépôt que le rendu n'a pas.
        models: noms des exercices dont les poids sont à copier.
        shipped_models: ceux du dépôt quand le rendu n'en a pas.
    """
    if submitted is None:
        return
    package, shared = folder / "exercises", folder / "convnets"
    package.mkdir()
    shutil.copy(EXERCISES / "__init__.py", package)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(REPO / "convnets", shared, ignore=ignored)
    shutil.copytree(REPO / "samples", folder / "samples")  # que l'énoncé nomme
    if submitted.shipped or fill:
        for path in EXERCISES.glob("ex[0-9][0-9]_*"):
            if path.is_dir():
                shutil.copytree(path, package / path.name, ignore=ignored)
            else:
                shutil.copy(path, package)
    if not submitted.shipped:
        _copy_all_sources(submitted, package, shared)
    script = None if submitted.shipped else _script(submitted)
    if script:
        shutil.copyfile(script, package / script.name, follow_symlinks=False)
    for slug in models:
        lent = shipped_models and weights(submitted, slug, ".tflite") is None
        if lent and not submitted.shipped:  # les poids du dépôt se prêtent, pas sa commande
            (shared / COMMAND).unlink()
        for suffix in WEIGHTS:
            path = submitted.weights(slug, suffix)
            owned = _is_own(submitted, path)
            if not owned and shipped_models:
                path = published(slug, suffix)
                owned = path.is_file()
            if owned and path.stat().st_size <= MAX_MODEL_BYTES:
                (folder / "models").mkdir(exist_ok=True)
                for name in {slug, RECORDS.get(slug, slug)}:  # ./predict lit le record
                    to = folder / "models" / f"{name}{suffix}"
                    shutil.copyfile(path, to, follow_symlinks=False)


def keep(submitted: Submission, folder: Path, *, slugs: Iterable[str]) -> Submission:
    """Copie ce qui sera noté d'un rendu, avant que le moindre rendu ne s'exécute.

    Args:
        submitted: le rendu, chez l'élève.
        folder: dossier vide, que nul autre ne peut lire.
        slugs: noms des exercices dont les poids sont notés.

    Returns:
        Le même rendu, dans `folder`.
    """
    home, root = folder, folder / submitted.root.relative_to(submitted.home)
    _copy_all_sources(submitted, root, home / "convnets")
    paths = [submitted.weights(slug, end) for slug in slugs for end in WEIGHTS]
    paths += figures(submitted)
    for path in filter(None, [_script(submitted), *paths]):
        if _is_own(submitted, path) and path.stat().st_size <= MAX_MODEL_BYTES:
            copy = home / path.relative_to(submitted.home)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy, follow_symlinks=False)
    return submitted._replace(root=root, home=home)


def figures(submitted: Submission) -> list[Path]:
    """Liste les images que les commandes de l'élève ont écrites, `figures/exNN_nom/*.png`."""
    found = sorted(submitted.home.glob("figures/ex[0-9][0-9]_*/*.png"))
    small = [path for path in found if path.lstat().st_size <= MAX_FIGURE_BYTES]
    return [path for path in small if _is_own(submitted, path)][:MAX_FILES]


def _copy_all_sources(submitted: Submission, package: Path, shared: Path) -> None:
    """Copie les modules d'un rendu dans `package`, et son `convnets/` dans `shared`."""
    _copy_sources(submitted.root, package)
    if not (submitted.home / "convnets").is_symlink():
        _copy_sources(submitted.home / "convnets", shared)


def _copy_sources(source: Path, target: Path) -> None:
    """Copie les fichiers de texte d'un dossier de l'élève par-dessus les nôtres."""
    for path in _sources(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy, follow_symlinks=False)


def weights(submitted: Submission, slug: str, suffix: str = ".keras") -> bytes | None:
    """Rend un fichier de poids d'un rendu, ou None."""
    path = submitted.weights(slug, suffix)
    if not _is_own(submitted, path) or path.stat().st_size > MAX_MODEL_BYTES:
        return None
    return path.read_bytes()


def own_command(submitted: Submission) -> str | None:
    """Cherche la commande de prédiction que le rendu apporte.

    Returns:
        Son chemin dans la copie (`"exercises/predict.py"`), `""` si c'est
        `convnets/serving/command.py` qu'il a changé, None s'il s'en remet à celle du dépôt.
    """
    if submitted.shipped:
        return ""
    script = _script(submitted)
    if script:
        return f"exercises/{script.name}"
    own, ours = (home / "convnets" / COMMAND for home in (submitted.home, REPO))
    if _is_regular(own) and own.read_bytes() != ours.read_bytes():
        return ""
    return None


def _script(submitted: Submission) -> Path | None:
    """Trouve `predict` ou `predict.py`, s'il est en Python (le nôtre est un script `sh`)."""
    for folder in (submitted.root, submitted.home):
        for name in ("predict.py", "predict"):
            path = folder / name
            if _is_regular(path) and path.stat().st_size <= MAX_SOURCE_BYTES:
                if not path.read_bytes().startswith(b"#!/bin/sh"):
                    return path
    return None


def folder_bytes(folder: Path) -> int:
    """Additionne les fichiers d'un dossier, en s'arrêtant s'il y en a trop."""
    total = count = 0
    for current, _, files in os.walk(folder, followlinks=False):
        for name in files:
            count += 1
            try:
                total += os.lstat(os.path.join(current, name)).st_blocks * 512
            except OSError:
                continue
            if count > 20_000:
                return 2**62
    return total
