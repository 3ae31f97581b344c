"""Des fichiers écrits d'un coup, reconnus à leur empreinte, et des sorties tues."""

import contextlib
import hashlib
import mmap
import os
import sys
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
        if not os.fstat(file.fileno()).st_size:
            return b""
        # Chacun sa copie : ctypes ne prend l'adresse que de ce qui peut s'écrire.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


@contextlib.contextmanager
def replacing(path: Path, *, suffix: str = ".tmp") -> Iterator[Path]:
    """Donne un fichier voisin où écrire, renommé à la fin, effacé si l'écriture est coupée.

    Args:
        path: fichier à remplacer d'un coup ; son dossier existe.
        suffix: fin du nom provisoire ; le numéro du processus y est de trop quand l'appelant
            tient un verrou, et un reste laissé par un processus tué est alors réécrit.

    Yields:
        Le chemin provisoire.
    """
    temporary = path.with_name(path.name + suffix)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def own_suffix() -> str:
    """Rend, pour `replacing`, une fin de nom qu'aucun autre processus n'emploie."""
    return f".{os.getpid()}.tmp"


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Tait ce que TensorFlow et son convertisseur écrivent en C++, hors de portée de `logging`."""
    if sys.stderr:
        sys.stderr.flush()
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Retient Ctrl-C le temps d'un bloc, puis le rend."""
    import signal
    import threading

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
            raise KeyboardInterrupt
