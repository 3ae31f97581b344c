"""Des fichiers écrits d'un coup, reconnus à leur empreinte, et des sorties tues."""

import contextlib
import hashlib
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Rend l'empreinte SHA-256 d'un fichier, 64 chiffres hexadécimaux."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def map_file(path: str | os.PathLike) -> bytes | mmap.mmap:
    """Rend le contenu d'un fichier, projeté en mémoire plutôt que lu ; vide : `b""`.

    Le fichier peut être remplacé d'un renommage, comme ici, mais ne doit pas être raccourci sur
    place tant que le contenu sert.

    Raises:
        OSError: fichier absent ou illisible.
    """
    with open(path, "rb") as file:
        is_empty = not os.fstat(file.fileno()).st_size
        # Chacun sa copie : ctypes ne prend l'adresse que de ce qui peut s'écrire.
        return b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


@contextlib.contextmanager
def replacing(path: Path, *, suffix: str = ".tmp") -> Iterator[Path]:
    """Donne un fichier voisin où écrire, renommé à la fin, effacé si l'écriture est coupée.

    Args:
        path: fichier à remplacer d'un coup ; son dossier existe.
        suffix: fin du nom provisoire. Un appelant qui tient un verrou n'y met pas le numéro du
            processus : ce qu'un processus tué a laissé est alors réécrit.

    Yields:
        Le chemin provisoire.
    """
    temporary = path.with_name(path.name + suffix)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # d'un disque plein, le système ne nomme pas le fichier
        raise


def own_suffix() -> str:
    """Rend, pour `replacing`, une fin de nom qu'aucun autre processus n'emploie."""
    return f".{os.getpid()}.tmp"


def move_together(source: Path, folder: Path, *, name: str) -> None:
    """Met à leur place des fichiers qui vont ensemble, tous ou aucun.

    Le dossier qui les contient est renommé d'un coup en `.NAME.new` : c'est l'instant où ils
    remplacent les anciens. Un processus tué avant n'a rien changé ; tué ensuite, `settle` finit.

    Args:
        source: dossier qui contient les fichiers, entiers ; il disparaît.
        folder: dossier où ils vont, du même disque.
        name: ce qui les distingue des autres fichiers de `folder`.

    Raises:
        OSError: dossier impossible à écrire.
    """
    settle(folder, name)
    os.rename(source, folder / f".{name}.new")
    settle(folder, name)


def settle(folder: Path, name: str) -> None:
    """Finit ce que `move_together` avait commencé, s'il y a lieu : à appeler avant de lire.

    Args:
        folder: dossier des fichiers.
        name: leur nom, celui de `move_together`.
    """
    moving = os.path.join(folder, f".{name}.new")
    if not os.path.isdir(moving):
        return
    for file in os.listdir(moving):
        with contextlib.suppress(FileNotFoundError):  # un autre processus finit en même temps
            os.replace(os.path.join(moving, file), os.path.join(folder, file))
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(moving)


_stderr_turn = threading.RLock()  # chacun rend le descripteur 2 tel qu'il l'a trouvé


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Tait ce que TensorFlow et son convertisseur écrivent en C++, hors de portée de `logging`.

    Si le bloc échoue, ce texte est affiché, car il peut expliquer l'erreur.
    """
    if not sys.stderr:  # fermé par l'appelant (`2>&-`)
        yield
        return
    import tempfile

    sys.stderr.flush()
    with _stderr_turn, tempfile.TemporaryFile() as held:
        saved = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Retient Ctrl-C pendant un bloc, puis le transmet."""
    import signal

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list = []
    previous = signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if received:
            signal.raise_signal(signal.SIGINT)
