"""Une demande de prédictions, découpée en morceaux que l'on peut refaire un par un.

Un morceau est une liste de chemins d'images, écrite une fois. Sa réponse est un fichier Parquet
d'autant de lignes, écrit d'un coup. Refaire un morceau déjà fait écrit donc la même chose au même
endroit : rien n'est perdu ni fait deux fois, et une relance ne fait que ce qui manque.
"""

import glob
import json
import os
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa

from convnets.core.files import own_suffix, replacing
from convnets.serving.command import find_pictures

CHUNK_ROWS = 256  # images d'un morceau : un acteur tué refait peu, et aucun n'attend longtemps
# À cause du tiret bas, un lecteur de jeux Parquet ne voit que les réponses de ce dossier.
REQUEST = "_demande.json"
LISTS = "_listes"  # sous-dossier des listes d'images
ANSWER = pa.schema(
    [
        ("path", pa.string()),
        ("class", pa.string()),
        ("probabilities", pa.list_(pa.float32())),
        ("error", pa.string()),
    ]
)


def answer_path(output: Path, index: int) -> Path:
    """Rend le fichier de réponse d'un morceau."""
    return output / f"reponses-{index:06}.parquet"


def list_path(output: Path, index: int) -> Path:
    """Rend le fichier des chemins d'un morceau."""
    return output / LISTS / f"liste-{index:06}.json"


def read_list(output: Path, index: int) -> list[str]:
    """Rend les chemins absolus des images d'un morceau."""
    return json.loads(list_path(output, index).read_text(encoding="utf-8"))


def check_inputs(inputs: Sequence[str]) -> None:
    """Refuse une entrée qui n'existe pas : une faute de frappe n'est pas une image illisible.

    Args:
        inputs: voir `open_request`.

    Raises:
        FileNotFoundError: chemin absent, ou motif qui ne désigne rien.
    """
    for name in inputs:
        if not os.path.exists(name) and not next(glob.iglob(name, recursive=True), None):
            raise FileNotFoundError(f"{name} : ce nom, ou ce motif, ne désigne aucun fichier.")


def open_request(inputs: Sequence[str], output: Path, *, model: str, sha256: str) -> list[int]:
    """Ouvre une demande, ou reprend celle que `output` contient déjà.

    La liste des images est écrite par morceaux, sans tenir tout entière en mémoire si elle est
    longue, et figée : une relance relit la même.

    Args:
        inputs: dossiers, motifs (`photos/**/*.jpg`) ou images.
        output: dossier des réponses, créé s'il manque.
        model: nom du modèle, ou des deux entre lesquels choisir.
        sha256: empreinte de leur export.

    Returns:
        Le nombre d'images de chaque morceau, fait ou non, dans l'ordre.

    Raises:
        FileNotFoundError: rien à lire.
        ValueError: dossier d'une autre demande.
    """
    asked = {"inputs": [os.path.abspath(each) for each in inputs], "model": model, "sha256": sha256}
    path, sizes = output / REQUEST, []
    if path.exists():
        return _read_request(path, asked)
    (output / LISTS).mkdir(parents=True, exist_ok=True)
    pictures = chain.from_iterable(map(list_pictures, inputs))
    while batch := list(islice(pictures, CHUNK_ROWS)):
        # En ASCII : un nom peut n'être pas de l'UTF-8.
        list_path(output, len(sizes)).write_text(json.dumps(batch), encoding="utf-8")
        sizes.append(len(batch))
    if not sizes:
        raise FileNotFoundError(f"Aucune image dans {', '.join(inputs)}.")
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_text(json.dumps({**asked, "sizes": sizes}), encoding="utf-8")
    return sizes


def _read_request(path: Path, asked: dict) -> list[int]:
    known = json.loads(path.read_text(encoding="utf-8"))
    sizes = known.pop("sizes")
    if known != asked:
        raise ValueError(
            f"{path.parent} contient les réponses d'une autre demande ({known['model']}, "
            f"{', '.join(known['inputs'])}). Donnez un autre --output."
        )
    return sizes


def list_pictures(name: str) -> Iterator[str]:
    """Énumère les images d'un dossier (sous-dossiers compris), d'un motif, ou un chemin seul.

    Args:
        name: dossier, motif de `glob`, ou chemin ; `check_inputs` l'a vérifié.

    Yields:
        Des chemins absolus.
    """
    if os.path.isdir(name):
        yield from find_pictures(os.path.abspath(name))
    elif os.path.exists(name):
        yield os.path.abspath(name)
    else:
        found = glob.iglob(name, recursive=True)
        yield from (os.path.abspath(each) for each in found if os.path.isfile(each))
