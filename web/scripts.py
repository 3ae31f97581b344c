"""Le JavaScript du site et ses données, en scripts.

Une page ouverte d'un dossier n'a le droit de lire rien d'autre.
"""

import base64
import gzip
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from web import runtime

ESBUILD = "esbuild@0.28.2"
OPTIONS = ("--bundle", "--format=iife", "--minify", "--charset=utf8", "--log-level=warning")
SOURCES = Path(__file__).parent / "static" / "js"


def bundle(names: Sequence[str], folder: Path, *, cache: Path) -> None:
    """Fait de chaque page, et de tout ce qu'elle importe, un seul script.

    Args:
        names: fichiers de `static/js/`.
        folder: dossier à créer.
        cache: dossier où npm garde ses paquets, téléchargés la première fois.

    Raises:
        ValueError: voir `runtime.install` ; ou un fichier a un défaut.
    """
    tools = runtime.install((ESBUILD,), cache / ESBUILD.replace("@", "-"))
    done = subprocess.run(
        [
            runtime.find("node"),
            tools / "esbuild/bin/esbuild",
            *names,
            *OPTIONS,
            f"--outdir={folder}",
        ],
        cwd=SOURCES,
        env=os.environ | {"NODE_PATH": str(runtime.packages(cache))},
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise ValueError(f"esbuild n'a pas réuni les scripts du site :\n{done.stderr}")


def pack(files: Mapping[str, bytes], folder: Path) -> None:
    """Écrit chaque fichier en un script qui le donne à la page ; voir `static/js/data.js`.

    Args:
        files: contenu, par chemin depuis la racine du site.
        folder: dossier à créer.
    """
    for name, content in files.items():
        path = folder / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = base64.b64encode(gzip.compress(content, mtime=0))
        path.write_bytes(b'cours.receive("%b","%b")' % (name.encode(), text))
