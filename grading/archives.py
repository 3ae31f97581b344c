"""Ouvrir le zip d'un élève sans rien risquer : chaque membre est vérifié avant d'être écrit."""

import contextlib
import os
import re
import shutil
import stat
import zipfile
import zlib
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from convnets.core.cli import printable
from grading import folders

MAX_OPENED_BYTES = 600 * 10**6  # d'un zip d'élève, une fois ouvert
MAX_CLASS_BYTES = 8 * 10**9  # de celui d'une classe
MAX_MEMBERS = 20_000
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


def extract(path: Path, target: Path, *, limit: int) -> None:
    """Ouvre un zip dans un dossier neuf ; n'y écrit que ce qui peut servir à noter.

    Le reste garde sa place, sans son contenu : l'élève qui n'a rendu qu'un PDF est nommé, et un
    fichier trop gros, qui garde sa taille, aussi.

    Args:
        path: le zip.
        target: dossier à créer.
        limit: octets au plus pour l'ensemble.

    Raises:
        RefusedError: zip abîmé, chiffré, trop gros une fois ouvert, ou dont un chemin sort du
            dossier ; rien n'est écrit dans les trois derniers cas.
    """
    try:
        with _opened(path) as archive:
            plan = _checked(archive, path.name, limit)
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


def _checked(archive: zipfile.ZipFile, title: str, limit: int) -> list[Planned]:
    """Vérifie tous les membres, et dit où écrire chacun."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise RefusedError(f"{title} contient {len(members)} fichiers, plus que {MAX_MEMBERS}.")
    plan: dict[PurePosixPath, Planned] = {}
    parents: set[PurePosixPath] = set()
    total = 0
    for member in members:
        name = member.filename.replace("\\", "/")
        path = PurePosixPath(name)
        if name.startswith("/") or ".." in path.parts or re.match("[A-Za-z]:", name):
            raise RefusedError(
                f"{title} contient un chemin qui sort de son dossier : {printable(name[:80])}."
            )
        long = max(len(part.encode()) for part in path.parts or (".",)) > MAX_NAME_BYTES
        link = stat.S_ISLNK(member.external_attr >> 16)
        deep = len(path.parts) > folders.MAX_DEPTH
        if deep:  # sa place seule est gardée : `folders.levels` le dira
            path = PurePosixPath(*path.parts[: folders.MAX_DEPTH + 1])
        if link or long or _is_hidden(path) or path in plan:
            continue
        parents.update(path.parents)
        is_folder = deep or member.is_dir()
        wanted = is_wanted(path) and not is_folder
        if wanted and member.flag_bits & 1:
            raise RefusedError(f"{title} est protégé par un mot de passe : rendez-le sans.")
        whole = wanted and member.file_size <= LIMITS.get(path.suffix.lower(), 0)
        kept_bytes = None if whole else min(member.file_size * wanted, 2**33)
        plan[path] = Planned(member, path, is_folder, kept_bytes)
        total += member.file_size * whole
    if len(parents) > MAX_MEMBERS:
        raise RefusedError(f"{title} contient {len(parents)} dossiers, plus que {MAX_MEMBERS}.")
    if total > limit:
        raise RefusedError(
            f"{title} prendrait {total / 1e6:.0f} Mo une fois ouvert, au plus {limit / 1e6:.0f}."
        )
    return list(plan.values())


def _opened(path: Path) -> zipfile.ZipFile:
    """Ouvre un zip ; sans le drapeau UTF-8, les accents de ses noms sont d'UTF-8 ou de DOS."""
    try:
        return zipfile.ZipFile(path, metadata_encoding="utf-8")
    except UnicodeDecodeError:
        return zipfile.ZipFile(path, metadata_encoding="cp850")
