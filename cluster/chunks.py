"""Une demande de prédictions, découpée en morceaux que l'on peut refaire un par un.

Un morceau est un groupe de lignes d'un fichier Parquet : de chemins, que cette commande liste, ou
de contenus d'images, celui de l'utilisateur. Sa réponse est un fichier Parquet du même nombre de
lignes, écrit d'un coup. Refaire un morceau déjà fait écrit donc la même chose au même endroit :
rien n'est perdu ni fait deux fois, et une relance ne fait que ce qui manque.
"""

import glob
import json
import os
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

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


class Chunk(NamedTuple):
    """Un groupe de lignes d'un fichier Parquet."""

    index: int
    file: str
    row_group: int
    num_rows: int


def answer_path(output: Path, index: int) -> Path:
    """Rend le fichier de réponse d'un morceau."""
    return output / f"reponses-{index:06}.parquet"


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


def open_request(inputs: Sequence[str], output: Path, *, model: str, sha256: str) -> list[Chunk]:
    """Ouvre une demande, ou reprend celle que `output` contient déjà.

    La liste des images est écrite par morceaux, sans tenir tout entière en mémoire si elle est
    longue, et figée : une relance relit la même.

    Args:
        inputs: dossiers, motifs (`photos/**/*.jpg`), images, ou fichiers et dossiers Parquet qui
            ont une colonne `path` ou `image`.
        output: dossier des réponses, créé s'il manque.
        model: nom du modèle, ou des deux entre lesquels choisir.
        sha256: empreinte de leur export.

    Returns:
        Tous les morceaux, faits ou non, dans l'ordre.

    Raises:
        FileNotFoundError: rien à lire.
        ValueError: Parquet sans colonne reconnue, ou dossier d'une autre demande.
    """
    asked = {"inputs": [os.path.abspath(each) for each in inputs], "model": model, "sha256": sha256}
    path, lists = output / REQUEST, output / LISTS
    if path.exists():
        return _read_request(path, asked)
    lists.mkdir(parents=True, exist_ok=True)
    chunks = list(_cut(inputs, lists))
    if not chunks:
        raise FileNotFoundError(f"Aucune image dans {', '.join(inputs)}.")
    # En ASCII : un nom peut n'être pas de l'UTF-8.
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_text(json.dumps({**asked, "chunks": chunks}), encoding="utf-8")
    return chunks


def _read_request(path: Path, asked: dict) -> list[Chunk]:
    known = json.loads(path.read_text(encoding="utf-8"))
    chunks = known.pop("chunks")
    if known != asked:
        raise ValueError(
            f"{path.parent} contient les réponses d'une autre demande ({known['model']}, "
            f"{', '.join(known['inputs'])}). Donnez un autre --output."
        )
    return [Chunk(*each) for each in chunks]


def _cut(inputs: Sequence[str], lists: Path) -> Iterator[Chunk]:
    """Rend les morceaux : ceux des chemins listés, puis ceux des contenus, dans leur fichier."""
    index, contents = 0, []
    paths = chain.from_iterable(_paths(name, contents) for name in inputs)
    while batch := list(islice(paths, CHUNK_ROWS)):
        file = lists / f"liste-{index:06}.parquet"
        pq.write_table(pa.table({"path": pa.array(map(_as_utf8, batch), pa.string())}), file)
        yield Chunk(index, str(file.resolve()), 0, len(batch))
        index += 1
    for file in contents:
        metadata = pq.read_metadata(file)
        for group in range(metadata.num_row_groups):
            yield Chunk(index, file, group, metadata.row_group(group).num_rows)
            index += 1


def _as_utf8(name: str) -> str:
    """Rend un nom que Parquet sait écrire ; un autre nom fera une ligne en erreur."""
    return name.encode(errors="backslashreplace").decode()


def _paths(name: str, contents: list[str]) -> Iterator[str]:
    """Énumère les chemins d'une entrée ; un fichier Parquet de contenus va dans `contents`."""
    tables = _parquet_files(name)
    for file in tables:
        columns = _columns(file)
        if "image" in columns:
            contents.append(file)
        elif "path" in columns:
            for batch in pq.ParquetFile(file).iter_batches(columns=["path"]):
                yield from batch["path"].cast(pa.string()).to_pylist()
        else:
            raise ValueError(
                f"{file} a les colonnes {', '.join(columns)} : il faut « path » (des chemins) "
                "ou « image » (le contenu de fichiers images)."
            )
    if not tables:
        yield from list_pictures(name)


def _parquet_files(name: str) -> list[str]:
    """Rend les fichiers Parquet d'un nom ou d'un dossier qui n'a que cela ; sinon rien."""
    if os.path.isdir(name):
        found = glob.glob(f"{glob.escape(name)}/*.parquet")
    else:
        found = [name] if os.path.exists(name) else glob.glob(name, recursive=True)
    return sorted(os.path.abspath(each) for each in found if each.endswith(".parquet"))


def _columns(file: str) -> list[str]:
    try:
        return pq.read_schema(file).names
    except pa.ArrowException as error:
        raise ValueError(f"{file} n'est pas un fichier Parquet lisible.") from error


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


def read_sources(chunk: Chunk, *, batch_rows: int) -> Iterator[tuple[list[str], list]]:
    """Lit les lignes d'un morceau, quelques-unes à la fois.

    Args:
        chunk: morceau à lire.
        batch_rows: lignes lues ensemble.

    Yields:
        `(noms, sources)` : le nom que portera chaque réponse, et de quoi lire l'image, un chemin
        ou le contenu d'un fichier (`bytes`).

    Raises:
        ValueError: contenus qui ne sont pas des octets.
    """
    first = 0
    for batch in pq.ParquetFile(chunk.file).iter_batches(batch_rows, row_groups=[chunk.row_group]):
        rows = batch.to_pydict()
        numbers = range(first, first + batch.num_rows)
        names = [f"{chunk.file}#{chunk.row_group}:{number}" for number in numbers]
        if "path" in rows:
            names = [path or other for path, other in zip(rows["path"], names, strict=True)]
        yield names, [_bytes_of(value) for value in rows["image"]] if "image" in rows else names
        first += batch.num_rows


def _bytes_of(value) -> bytes:
    if isinstance(value, dict):  # la forme qu'emploient plusieurs catalogues : {"bytes", "path"}
        value = value.get("bytes")
    if value is not None and not isinstance(value, bytes):
        raise ValueError("La colonne « image » doit contenir des fichiers images, en octets.")
    return value or b""
