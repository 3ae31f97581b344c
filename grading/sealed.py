"""Le corrigé scellé : celui du cours, et non ce qu'un élève a écrit à sa place.

Un rendu est comparé au corrigé. Qui écrit ses réponses dans `exercises/` change ce corrigé, et
serait comparé à lui-même. `sealed.txt` garde donc l'empreinte de chaque fichier d'`exercises/` et
de chaque modèle livré, au format de git (`git hash-object`). Un fichier qui n'a plus la sienne est
cherché ailleurs : dans l'archive `sealed.zip` d'une fiche d'élève, puis dans les objets de git.
S'il n'est nulle part, la correction est refusée, et dit pourquoi.

Commande, après avoir changé le corrigé ou un modèle livré : python -m grading.sealed
"""

import atexit
import contextlib
import functools
import hashlib
import importlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from convnets.core.cli import FrenchParser
from convnets.core.files import replacing

REPO = Path(__file__).resolve().parents[1]
SEALS = Path(__file__).with_name("sealed.txt")
ARCHIVE = Path(__file__).with_name("sealed.zip")  # dans le dossier d'une fiche d'élève
PACKAGE = "exercises"
MODELS = ("*.keras", "*.tflite")


class UnsealedError(ValueError):
    """Un fichier du corrigé a changé, et l'original n'est nulle part sur cette machine."""


# --- Les empreintes ------------------------------------------------------------------


def seal(content: bytes) -> str:
    """Rend l'empreinte d'un contenu : le nom que git lui donne, 40 chiffres hexadécimaux."""
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


@functools.cache
def seals() -> dict[str, str]:
    """Lit les empreintes ; rend, par chemin depuis la racine du dépôt, celle du cours."""
    rows = (line.split(" ", 1) for line in SEALS.read_text(encoding="utf-8").splitlines())
    return {path: digest for digest, path in rows}


def sources() -> list[str]:
    """Rend les chemins des fichiers du corrigé, `"exercises/ex07_occlusion.py"` par exemple."""
    return [path for path in seals() if path.startswith(f"{PACKAGE}/")]


def is_course(path: str) -> bool:
    """Dit si un chemin d'`exercises/`, fichier ou dossier, est du cours : `"ex07_occlusion.py"`."""
    return any(f"{each}/".startswith(f"{PACKAGE}/{path.rstrip('/')}/") for each in sources())


def _in_place(path: str) -> bytes | None:
    """Rend un fichier du dépôt s'il est encore celui du cours."""
    try:
        content = (REPO / path).read_bytes()
    except OSError:
        return None
    if path.endswith(".py"):  # sous Windows, un éditeur change les fins de ligne
        content = content.replace(b"\r\n", b"\n")
    return content if seal(content) == seals()[path] else None


def _from_archive(paths: Sequence[str]) -> dict[str, bytes]:
    """Lit des fichiers dans l'archive d'une fiche d'élève, s'il y en a une."""
    if not paths or not ARCHIVE.is_file():
        return {}
    with zipfile.ZipFile(ARCHIVE) as archive:
        there = set(archive.namelist())
        return {path: archive.read(path) for path in paths if path in there}


def _from_git(paths: Sequence[str]) -> dict[str, bytes]:
    """Lit des fichiers parmi les objets de git, d'après leurs empreintes."""
    if not paths:
        return {}
    asked = "".join(f"{seals()[path]}\n" for path in paths).encode()
    command = ["git", "-C", str(REPO), "cat-file", "--batch"]
    try:
        ended = subprocess.run(command, input=asked, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # ni git, ni dépôt
        return {}
    found, output = {}, io.BytesIO(ended.stdout)
    for path in paths:
        header = output.readline().split()  # « empreinte blob longueur », ou « empreinte missing »
        if len(header) == 3:
            found[path] = output.read(int(header[2]))
            output.read(1)
    return found


def originals(paths: Sequence[str]) -> dict[str, bytes]:
    """Retrouve des fichiers du cours, d'où qu'ils viennent.

    Args:
        paths: chemins depuis la racine du dépôt, tous dans `seals`.

    Returns:
        Par chemin, le contenu du cours ; un fichier introuvable manque.
    """
    found = {path: content for path in paths if (content := _in_place(path)) is not None}
    for look in (_from_archive, _from_git):
        found |= look([path for path in paths if path not in found])
    return {path: content for path, content in found.items() if seal(content) == seals()[path]}


# --- Le corrigé ----------------------------------------------------------------------


@functools.cache
def changed() -> tuple[str, ...]:
    """Rend les fichiers d'`exercises/` qui manquent ou ne sont plus ceux du cours."""
    return tuple(path for path in sources() if _in_place(path) is None)


@functools.cache
def folder() -> Path:
    """Rend un dossier `exercises/` provisoire, qui contient le corrigé du cours, et lui seul.

    Une copie : le dossier du dépôt peut encore changer pendant que l'élève travaille.

    Raises:
        UnsealedError: un fichier a changé, et l'original est introuvable.
    """
    found = originals(sources())
    lost = [path for path in sources() if path not in found]
    if lost and not ARCHIVE.is_file():  # une fiche n'emporte que les modules de son exercice
        raise UnsealedError(
            f"{lost[0]} n'est plus celui du cours, et l'original n'est pas dans git : la réponse "
            "serait comparée à elle-même. Remettez ce fichier du cours en place, et écrivez vos "
            "réponses dans un autre dossier, que vous donnerez à python -m grading."
        )
    home = Path(tempfile.mkdtemp(prefix="corrige-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for path, content in found.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    return home / PACKAGE


def remark() -> str:
    """Dit en une phrase que le corrigé a changé sur place ; rien s'il n'a pas changé."""
    names = [path.removeprefix(f"{PACKAGE}/") for path in changed()]
    if not names or ARCHIVE.is_file():
        return ""
    shown = ", ".join(names[:3]) + (f" et {len(names) - 3} autres" if names[3:] else "")
    said = "ne sont plus ceux" if names[1:] else "n'est plus celui"
    return f"{shown} {said} du cours ; la comparaison se fait avec l'original, que git garde"


_APART: dict[str, ModuleType] = {}  # les modules du corrigé, hors de `sys.modules`


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Met le corrigé à la place des modules `exercises` de ce processus, le temps d'un bloc.

    Un élève peut avoir importé les siens, ou mis ses fonctions à la place de celles du cours : ils
    sont rendus tels quels à la fin, et le corrigé ne les voit jamais.
    """
    place = str(folder().parent)
    kept = {name: sys.modules.pop(name) for name in [*sys.modules] if _is_ours(name)}
    sys.modules.update(_APART)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        _APART.update({name: sys.modules.pop(name) for name in [*sys.modules] if _is_ours(name)})
        sys.modules.update(kept)


def module(name: str) -> ModuleType:
    """Importe un module du corrigé, sans toucher à ceux de l'élève.

    Args:
        name: son nom sous `exercises` : `"ex07_occlusion"`, `"ex00_convolution.pooling"`.

    Raises:
        UnsealedError: voir `folder`.
    """
    with apart():
        return importlib.import_module(f"{PACKAGE}.{name}")


# --- Écrire --------------------------------------------------------------------------


def write_archive(path: Path, exercise: str) -> Path:
    """Écrit l'archive d'une fiche d'élève : le corrigé d'un exercice, que lit `check`.

    Args:
        path: `grading/sealed.zip`, dans le dossier de la fiche.
        exercise: `"ex07"`.

    Returns:
        `path`.

    Raises:
        UnsealedError: voir `folder`.
    """
    wanted = [each for each in sources() if each.startswith((f"{PACKAGE}/_", _of(exercise)))]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as out:
        for each in wanted:
            out.write(folder().parent / each, each)
    return path


def _of(exercise: str) -> str:
    return f"{PACKAGE}/{exercise[:4]}"


def answers() -> list[Path]:
    """Liste les fichiers du dépôt qui répondent à un exercice, et leur paquet."""
    place = REPO / PACKAGE
    found = [*place.glob("ex[0-9][0-9]_*.py"), *place.glob("ex[0-9][0-9]_*/**/*.py")]
    return [place / "__init__.py", *sorted(found)]


def write_seals() -> None:
    """Écrit les empreintes des fichiers du cours tels qu'ils sont maintenant."""
    paths = answers()
    paths += sorted(each for kind in MODELS for each in (REPO / "models").glob(kind))
    rows = [f"{seal(each.read_bytes())} {each.relative_to(REPO).as_posix()}\n" for each in paths]
    with replacing(SEALS) as temporary:
        temporary.write_text("".join(rows), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Lit les options, écrit les empreintes et dit où."""
    description = "Écrire l'empreinte de chaque fichier du corrigé et de chaque modèle livré."
    FrenchParser(prog="python -m grading.sealed", description=description).parse_args(argv)
    write_seals()
    print(os.path.relpath(SEALS))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
