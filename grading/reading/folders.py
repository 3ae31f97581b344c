"""Parcourir et effacer des dossiers venus d'inconnus, si profonds ou si nombreux qu'ils soient.

`os.walk` et `shutil.rmtree` s'appellent elles-mêmes à chaque étage, et Python les arrête au
millième. Ici, une pile tient lieu de ces appels, et `rm` efface.
"""

import os
import subprocess
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

MAX_DEPTH = 50  # étages sous le dossier d'un rendu ; plus bas, rien n'est lu
MAX_FOLDERS = 2_000  # ouverts dans un rendu
MAX_WRITTEN = 10_000  # fichiers et dossiers que peut écrire le programme d'un rendu
NO_LIMIT_LEFT = 2**62  # octets ; plus que toute limite


class Level(NamedTuple):
    """Un dossier ouvert : son chemin, ses fichiers, et ce qu'il a fallu laisser."""

    path: Path
    files: list[os.DirEntry]
    left: str = ""  # une phrase, si tout n'est pas lu à partir d'ici


def levels(folder: Path, *, skipped: tuple[str, ...] = ()) -> Iterator[Level]:
    """Ouvre un dossier, puis ceux qu'il contient, dans l'ordre des noms, sans suivre de lien.

    Args:
        folder: le dossier.
        skipped: noms de dossiers où ne pas entrer.

    Yields:
        Chaque dossier et ses fichiers, triés ; au plus `MAX_FOLDERS` dossiers, et `MAX_DEPTH`
        étages.
    """
    waiting, opened = [(folder, 0)], 0
    while waiting:
        path, depth = waiting.pop()
        opened += 1
        if opened > MAX_FOLDERS:
            yield Level(path, [], f"plus de {MAX_FOLDERS} dossiers : les suivants ne sont pas lus")
            return
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=attrgetter("name"))
        except OSError:
            continue
        inner = [
            path / entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and entry.name not in skipped
        ]
        deep = bool(inner) and depth == MAX_DEPTH
        said = f"dossiers de plus de {MAX_DEPTH} étages : les plus profonds ne sont pas lus"
        yield Level(
            path, [each for each in entries if each.is_file(follow_symlinks=False)], said * deep
        )
        waiting += [] if deep else [(each, depth + 1) for each in reversed(inner)]


def written_bytes(folder: Path) -> int:
    """Additionne ce qu'un programme a écrit dans son dossier.

    Returns:
        Des octets ; `NO_LIMIT_LEFT` s'il y a plus de `MAX_WRITTEN` fichiers et dossiers, ou plus de
        `MAX_DEPTH` étages.
    """
    waiting, total, count = [(folder, 0)], 0, 0
    while waiting:
        path, depth = waiting.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    count += 1
                    if count > MAX_WRITTEN:
                        return NO_LIMIT_LEFT
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((Path(entry.path), depth + 1))
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:  # effacé entre-temps, ou fermé à la lecture
            continue
        if depth > MAX_DEPTH:
            return NO_LIMIT_LEFT
    return total


def remove(folder: Path) -> None:
    """Efface un dossier et tout ce qu'il contient ; sans effet s'il n'existe pas."""
    command = ["rm", "-rf", "--", str(folder)]
    if _run(command):  # un dossier fermé à son propre propriétaire
        _run(["chmod", "-R", "u+rwx", "--", str(folder)])
        _run(command)


def _run(command: list[str]) -> int:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C ne l'arrête pas en route
        check=False,
    ).returncode
