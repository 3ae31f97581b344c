"""Les rendus : les trouver, les lire sans rien suivre, en préparer une copie pour un enfant."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

REPO = Path(__file__).resolve().parents[1]
EXERCISES = REPO / "exercises"
MAX_SOURCE_BYTES = 2**20  # par fichier de texte
MAX_MODEL_BYTES = 256 * 2**20
MAX_FILES = 400
TEXTS = (".py", ".json", ".toml", ".txt")


class Submission(NamedTuple):
    """Un rendu : ses modules, ses poids, sa commande."""

    name: str
    root: Path  # où sont ex00_….py
    models: Path  # où seraient ses poids
    shipped: bool = False  # c'est le corrigé

    @property
    def modules(self) -> frozenset[str]:
        """Noms des modules d'exercices rendus."""
        return frozenset(
            path.stem for path in self.root.glob("ex[0-9][0-9]_*.py") if _is_regular(path)
        )


def reference() -> Submission:
    """Rend le corrigé du dépôt, comme s'il était un rendu."""
    return Submission("corrigé", EXERCISES, REPO / "models", shipped=True)


def find(folder: Path) -> Submission:
    """Reconnaît un rendu : un dossier de modules, ou un dépôt qui contient `exercises/`.

    Args:
        folder: dossier de l'élève.

    Returns:
        Le rendu, nommé d'après son dossier.

    Raises:
        FileNotFoundError: pas de dossier, ou aucun `exNN_….py` dedans.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} n'est pas un dossier ; donnez celui d'un rendu.")
    inner = folder / "exercises"
    has_modules = not inner.is_symlink() and any(inner.glob("ex[0-9][0-9]_*.py"))
    root = inner if has_modules else folder
    models = folder / "models"
    if folder.name == "exercises" and not models.is_dir():
        models = folder.parent / "models"
    name = "".join(c if c.isprintable() else "?" for c in folder.name)
    found = Submission(name, root, models)
    if not found.modules:
        raise FileNotFoundError(
            f"{folder} ne contient aucun module d'exercice (ex00_convolution.py, "
            "ex02_fashion.py…) ; donnez le dossier qui les contient, ou --submissions pour une "
            "classe entière."
        )
    return found


def find_all(folder: Path) -> tuple[list[Submission], list[str]]:
    """Reconnaît les rendus d'une classe : un sous-dossier par élève.

    Args:
        folder: dossier de la classe.

    Returns:
        `(rendus, dossiers sans rien à noter)`, dans l'ordre des noms.

    Raises:
        FileNotFoundError: pas de dossier, ou aucun rendu.
    """
    folder, found, empty = Path(folder).absolute(), [], []
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} n'est pas un dossier ; donnez celui de la classe.")
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.is_symlink() and not each.name.startswith((".", "_")):
            try:
                found.append(find(each))
            except FileNotFoundError:
                empty.append(each.name)
    if not found:
        raise FileNotFoundError(f"{folder} ne contient aucun rendu : un sous-dossier par élève.")
    return found, empty


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _sources(root: Path) -> list[Path]:
    """Liste les fichiers de texte d'un rendu : sans lien, sans dossier caché, sans excès."""
    found = []
    for current, folders, files in os.walk(root, followlinks=False):
        folders[:] = [
            name
            for name in folders
            if not name.startswith((".", "__pycache__"))
            and name not in ("models", "tests", "venv")
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
    """Prépare le dossier d'un enfant : `exercises/`, `models/`, rien d'autre du dépôt.

    Args:
        folder: dossier vide.
        submitted: le rendu, ou None pour un enfant sans rendu.
        fill: ajouter les modules du dépôt que le rendu n'a pas.
        models: noms des exercices dont les poids sont à copier.
        shipped_models: ceux du dépôt quand le rendu n'en a pas.
    """
    package = folder / "exercises"
    if submitted is None:
        return
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(EXERCISES / "common", package / "common", ignore=ignored)
    shutil.copy(EXERCISES / "__init__.py", package)
    sources = _sources(submitted.root)
    if submitted.shipped or fill:
        for path in EXERCISES.glob("ex[0-9][0-9]_*"):
            shutil.copy(path, package)
    for path in [] if submitted.shipped else sources:
        target = package / path.relative_to(submitted.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target, follow_symlinks=False)
    script = None if submitted.shipped else _script(submitted)
    if script:
        shutil.copyfile(script, package / script.name, follow_symlinks=False)
    for slug in models:
        for suffix in (".keras", ".tflite", ".json"):
            path = submitted.models / f"{slug}{suffix}"
            if not _is_regular(path) and shipped_models:
                path = REPO / "models" / f"{slug}{suffix}"
            if _is_regular(path) and path.stat().st_size <= MAX_MODEL_BYTES:
                (folder / "models").mkdir(exist_ok=True)
                shutil.copyfile(path, folder / "models" / path.name, follow_symlinks=False)


def weights(submitted: Submission, slug: str) -> bytes | None:
    """Rend le fichier `.keras` d'un rendu, ou None."""
    path = submitted.models / f"{slug}.keras"
    if not _is_regular(path) or path.stat().st_size > MAX_MODEL_BYTES:
        return None
    return path.read_bytes()


def own_command(submitted: Submission) -> str | None:
    """Cherche la commande de prédiction que le rendu apporte.

    Returns:
        Son chemin dans la copie (`"exercises/predict.py"`), `""` si c'est `common/prediction.py`,
        None si le rendu s'en remet à celle du dépôt.
    """
    if submitted.shipped:
        return ""
    script = _script(submitted)
    if script:
        return f"exercises/{script.name}"
    own, ours = submitted.root / "common/prediction.py", EXERCISES / "common/prediction.py"
    if _is_regular(own) and own.read_bytes() != ours.read_bytes():
        return ""
    return None


def _script(submitted: Submission) -> Path | None:
    """Trouve `predict` ou `predict.py`, s'il est en Python (le nôtre est un script `sh`)."""
    for folder in (submitted.root, submitted.models.parent):
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
