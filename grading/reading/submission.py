"""Un rendu prêt à noter : ses modules et ses poids.

`handin` l'a copié, sans lien ni fichier trop gros : ici, on le lit sans plus rien vérifier.
"""

from pathlib import Path
from typing import NamedTuple

from grading import sealed
from grading.reading.archives import printable

REPO = Path(__file__).resolve().parents[2]
EXERCISES = REPO / "exercises"
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


def weights(submitted: Submission, slug: str, suffix: str = ".keras") -> bytes | None:
    """Rend un fichier de poids d'un rendu, ou None."""
    path = submitted.weights(slug, suffix)
    return path.read_bytes() if path.is_file() else None
