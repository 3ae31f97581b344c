"""Ouvrir le zip d'un élève sans rien risquer : chaque membre est vérifié avant d'être écrit."""

import contextlib
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from convnets.core.cli import printable
from grading.reading import folders

MAX_OPENED_BYTES = 600 * 10**6  # d'un zip d'élève, une fois ouvert
MAX_CLASS_BYTES = 8 * 10**9  # de celui d'une classe
MAX_MEMBERS = 20_000  # fichiers et dossiers d'un zip
MAX_OF_ONE = 5_000  # de ceux d'un élève, dans le zip d'une classe
MAX_NAME_BYTES = 255  # d'un fichier, sous Linux
MAX_SOURCE_BYTES = 2**20  # par fichier de texte
MAX_MODEL_BYTES = 256 * 2**20
LIMITS = {  # ce qui est lu d'un rendu : octets au plus, par fin de nom
    "": MAX_SOURCE_BYTES,
    ".py": MAX_SOURCE_BYTES,
    ".json": MAX_SOURCE_BYTES,
    ".toml": MAX_SOURCE_BYTES,
    ".txt": MAX_SOURCE_BYTES,
    ".ipynb": 50 * 10**6,
    ".keras": MAX_MODEL_BYTES,
    ".tflite": MAX_MODEL_BYTES,
    ".zip": MAX_OPENED_BYTES,
}
READ = " et ".join(", ".join(filter(None, LIMITS)).rsplit(", ", 1))  # dit à qui rend autre chose
OTHERS = (".rar", ".7z", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".h5", ".hdf5")  # dits, mais pas lus
HIDDEN = ("__MACOSX", "__pycache__", "node_modules", "site-packages", "venv")


class RefusedError(ValueError):
    """Un rendu qu'on ne peut pas lire ; le message est une phrase pour l'enseignant."""


class Planned(NamedTuple):
    """Ce qui sera écrit d'un membre d'un zip."""

    member: zipfile.ZipInfo
    path: PurePosixPath
    is_folder: bool
    empty_bytes: int | None  # taille d'un fichier dont le contenu n'est pas gardé ; None s'il l'est


def is_wanted(path: PurePosixPath | Path) -> bool:
    """Dit si un fichier peut servir à noter, d'après son seul chemin."""
    suffix = path.suffix.lower()
    known = path.name == "predict" if not suffix else suffix in (*LIMITS, *OTHERS)
    return known and not _is_hidden(path)


def _is_hidden(path: PurePosixPath | Path) -> bool:
    return any(part.startswith(".") or part in HIDDEN for part in path.parts)


def extract(path: Path, target: Path, *, limit: int, shared: bool = False) -> None:
    """Ouvre un zip dans un dossier neuf ; n'y écrit que ce qui peut servir à noter.

    Le reste garde sa place, sans son contenu : l'élève qui n'a rendu qu'un PDF est nommé, et un
    fichier trop gros, qui garde sa taille, aussi.

    Args:
        path: le zip.
        target: dossier à créer.
        limit: octets au plus pour l'ensemble.
        shared: c'est le zip d'une classe, un dossier ou un fichier par élève.

    Raises:
        RefusedError: zip abîmé, chiffré, trop gros une fois ouvert, ou dont un chemin sort du
            dossier ; rien n'est écrit dans les trois derniers cas.
    """
    try:
        with _opened(path) as archive:
            plan = _checked(archive, path.name, limit, shared)
            target.mkdir(parents=True)
            for each in plan:
                _write(archive, each, target / each.path)
    except RefusedError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        folders.remove(target)
        raise RefusedError(f"{path.name} n'est pas un zip lisible : abîmé ou incomplet.") from error


def _write(archive: zipfile.ZipFile, planned: Planned, place: Path) -> None:
    """Écrit un membre ; si une taille est donnée, le fichier est vide, et l'occupe."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if planned.is_folder:
        place.mkdir(exist_ok=True)
    elif planned.empty_bytes is not None:
        place.touch(exist_ok=False)
        os.truncate(place, planned.empty_bytes)
    else:
        with open(place, "xb") as copy, archive.open(planned.member) as content:
            shutil.copyfileobj(content, copy)
        with contextlib.suppress(ValueError, OverflowError):  # un 31 février
            made = datetime(*planned.member.date_time).timestamp()
            os.utime(place, (made, made))


def _checked(archive: zipfile.ZipFile, title: str, limit: int, shared: bool) -> list[Planned]:
    """Vérifie tous les membres, et dit où écrire chacun."""
    members = archive.infolist()
    counted = _Counted(members, title, shared)
    plan: dict[PurePosixPath, Planned] = {}
    total = 0
    for member in members:
        path, deep = _place(member, title)
        if path is None or path in plan or not counted.accepts(path):
            continue
        is_folder = deep or member.is_dir()
        wanted = is_wanted(path) and not is_folder
        if wanted and member.flag_bits & 1:
            raise RefusedError(f"{title} est protégé par un mot de passe : rendez-le sans.")
        whole = wanted and member.file_size <= LIMITS.get(path.suffix.lower(), 0)
        kept_bytes = None if whole else min(member.file_size * wanted, 2**33)
        plan[path] = Planned(member, path, is_folder, kept_bytes)
        total += member.file_size * whole
    if total > limit:
        raise RefusedError(
            f"{title} prendrait {total / 1e6:.0f} Mo une fois ouvert, au plus {limit / 1e6:.0f}."
        )
    return list(plan.values())


def _place(member: zipfile.ZipInfo, title: str) -> tuple[PurePosixPath | None, bool]:
    """Dit où va un membre, None s'il n'est pas gardé ; et s'il est trop profond pour être lu.

    Raises:
        RefusedError: son chemin sort du dossier.
    """
    name = member.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if name.startswith("/") or ".." in path.parts or re.match("[A-Za-z]:", name):
        raise RefusedError(
            f"{title} contient un chemin qui sort de son dossier : {printable(name[:80])}."
        )
    long = max(len(part.encode()) for part in path.parts or (".",)) > MAX_NAME_BYTES
    if stat.S_ISLNK(member.external_attr >> 16) or long or _is_hidden(path):
        return None, False
    deep = len(path.parts) > folders.MAX_DEPTH
    # Sa place seule est gardée : `folders.levels` dira qu'il y a plus profond.
    return PurePosixPath(*path.parts[: folders.MAX_DEPTH + 1]), deep


class _Counted:
    """Compte ce qu'un zip fait écrire, dossiers compris ; d'une classe, élève par élève.

    Args:
        members: ses membres.
        title: son nom.
        shared: c'est celui d'une classe ; un élève qui a trop de fichiers n'en refuse pas un autre.
    """

    def __init__(self, members: list[zipfile.ZipInfo], title: str, shared: bool):
        self._title, self._shared = title, shared
        self._known: set[PurePosixPath] = set()
        self._counts: Counter[str] = Counter()
        firsts = {each.filename.partition("/")[0] for each in members}
        self._rank = 1 if len(firsts) == 1 else 0  # un dossier les contient tous, ou non

    def accepts(self, path: PurePosixPath) -> bool:
        """Dit si un membre est gardé.

        Raises:
            RefusedError: le zip d'un seul élève en a trop.
        """
        owner = "".join(path.parts[self._rank : self._rank + 1]) if self._shared else ""
        entries = {path, *path.parents} - self._known
        self._counts[owner] += len(entries)
        if self._counts[owner] <= (MAX_OF_ONE if self._shared else MAX_MEMBERS):
            self._known |= entries
            return True
        if self._shared:  # assez pour que `folders.levels` dise qu'il y en a trop
            return False
        raise RefusedError(f"{self._title} contient plus de {MAX_MEMBERS} fichiers et dossiers.")


def _opened(path: Path) -> zipfile.ZipFile:
    """Ouvre un zip ; sans le drapeau UTF-8, les accents de ses noms sont d'UTF-8 ou de DOS."""
    try:
        return zipfile.ZipFile(path, metadata_encoding="utf-8")
    except UnicodeDecodeError:
        return zipfile.ZipFile(path, metadata_encoding="cp850")
