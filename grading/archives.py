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

MAX_OPENED_BYTES = 600 * 10**6  # d'un zip d'élève, une fois ouvert
MAX_CLASS_BYTES = 8 * 10**9  # de celui d'une classe
MAX_MEMBERS = 20_000
WANTED = (".py", ".ipynb", ".zip", ".keras", ".tflite", ".json", ".toml", ".txt")
OTHERS = (".rar", ".7z", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".h5", ".hdf5")
HIDDEN = ("__MACOSX", "__pycache__", "node_modules", "site-packages", "venv")


class RefusedError(ValueError):
    """Un rendu qu'on ne peut pas lire ; le message est une phrase pour l'enseignant."""


def is_wanted(path: PurePosixPath | Path) -> bool:
    """Dit si un fichier peut servir à noter, ou à illustrer la note, d'après son seul chemin."""
    if _is_hidden(path):
        return False
    named = path.name == "predict" or is_figure(path)
    return named or path.suffix.lower() in (*WANTED, *OTHERS)


def _is_hidden(path: PurePosixPath | Path) -> bool:
    return any(part.startswith(".") or part in HIDDEN for part in path.parts)


def is_figure(path: PurePosixPath | Path) -> bool:
    """Dit si un fichier est une image qu'un exercice écrit dans `figures/exNN_nom/`."""
    return path.suffix.lower() == ".png" and "figures" in path.parts


def names(path: Path) -> list[PurePosixPath]:
    """Lit les chemins des membres d'un zip, sans l'ouvrir davantage.

    Raises:
        RefusedError: ce n'est pas un zip.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [PurePosixPath(_name(member)) for member in archive.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise RefusedError(f"{path.name} n'est pas un zip lisible : abîmé ou incomplet.") from error


def extract(path: Path, target: Path, *, limits: dict[str, int], limit: int) -> None:
    """Ouvre un zip dans un dossier neuf ; n'y écrit que ce qui peut servir à noter.

    Args:
        path: le zip.
        target: dossier à créer.
        limits: octets au plus, par fin de nom. Un membre plus gros garde sa place et sa taille,
            mais pas son contenu : celui qui lit le dossier le nommera.
        limit: octets au plus pour l'ensemble.

    Raises:
        RefusedError: zip abîmé, chiffré, trop gros une fois ouvert, ou dont un chemin sort du
            dossier ; rien n'est écrit dans les trois derniers cas.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            plan = _checked(archive, path.name, limits, limit)
            target.mkdir(parents=True)
            for member, name, size in plan:
                place = target / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with open(place, "xb") as copy:
                    if size is not None:
                        copy.truncate(size)
                    else:
                        with archive.open(member) as content:
                            shutil.copyfileobj(content, copy)
                _keep_date(place, member)
    except RefusedError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise RefusedError(f"{path.name} n'est pas un zip lisible : abîmé ou incomplet.") from error


def keep_places(path: Path, target: Path) -> None:
    """Crée, vides, les fichiers et les dossiers d'un zip ouvert que `extract` n'a pas écrits.

    L'élève qui n'a rendu qu'un PDF a ainsi sa place dans la classe.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            place = target / _name(member)
            linked = stat.S_ISLNK(member.external_attr >> 16)
            if linked or place.exists() or _is_hidden(place.relative_to(target)):
                continue
            with contextlib.suppress(OSError):  # un nom trop long
                place.parent.mkdir(parents=True, exist_ok=True)
                place.mkdir() if member.is_dir() else place.touch()
                _keep_date(place, member)


def _keep_date(place: Path, member: zipfile.ZipInfo) -> None:
    """Donne à un fichier la date que le zip lui connaît : un retard peut se compter sur elle."""
    with contextlib.suppress(ValueError, OverflowError, OSError):  # le 30 février d'un zip abîmé
        seconds = datetime(*member.date_time).timestamp()
        os.utime(place, (seconds, seconds))


def _checked(archive: zipfile.ZipFile, title: str, limits: dict[str, int], limit: int) -> list:
    """Vérifie tous les membres ; rend `(membre, chemin, taille à garder vide ou None)`."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise RefusedError(f"{title} contient {len(members)} fichiers, plus que {MAX_MEMBERS}.")
    plan, total = {}, 0
    for member in members:
        name = _name(member)
        path = PurePosixPath(name)
        if name.startswith("/") or ".." in path.parts or re.match("[A-Za-z]:", name):
            raise RefusedError(
                f"{title} contient un chemin qui sort de son dossier : {printable(name[:80])}."
            )
        linked = stat.S_ISLNK(member.external_attr >> 16)
        if member.is_dir() or linked or not is_wanted(path) or path in plan:
            continue
        if member.flag_bits & 1:
            raise RefusedError(f"{title} est protégé par un mot de passe : rendez-le sans.")
        large = member.file_size > limits.get(path.suffix.lower(), limits[""])
        plan[path] = member, path, min(member.file_size, 2**33) if large else None
        total += 0 if large else member.file_size
    if total > limit:
        raise RefusedError(
            f"{title} prendrait {total / 1e6:.0f} Mo une fois ouvert, au plus {limit / 1e6:.0f}."
        )
    return list(plan.values())


def _name(member: zipfile.ZipInfo) -> str:
    """Rend le chemin d'un membre ; sans le drapeau UTF-8, ses accents sont d'UTF-8 ou de DOS."""
    name = member.filename
    if not member.flag_bits & 0x800:
        raw = name.encode("cp437", "replace")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("cp850", "replace")
    return name.replace("\\", "/")


def printable(name: str) -> str:
    """Rend le nom d'un fichier, ce qui ne s'imprime pas remplacé par « ? »."""
    return "".join(c if c.isprintable() else "?" for c in name)
