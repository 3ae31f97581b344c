"""Une demande de prédictions : ce qui entre, découpé en morceaux qui se refont seuls.

Un morceau est un groupe de lignes d'un fichier Parquet ; sa réponse est un fichier Parquet du
même nombre de lignes, écrit d'un coup. Refaire un morceau déjà fait écrit donc la même chose au
même endroit : rien n'est perdu ni fait deux fois, et une relance ne fait que ce qui manque.
"""

import glob
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from convnets.core.files import own_suffix, replacing
from convnets.serving.command import NOT_IMAGES

CHUNK_ROWS = 2048  # images d'un morceau, quand c'est nous qui découpons
# Le tiret bas : qui lit le dossier comme un jeu Parquet ne voit que les réponses.
REQUEST = "_demande.json"
LISTS = "_listes"  # sous-dossier des listes d'images
COLUMNS = ("path", "image")  # colonnes reconnues : des chemins, ou le contenu de fichiers images
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
    return Path(output) / f"reponses-{index:06}.parquet"


def open_request(inputs: Sequence[str], output: Path, *, model: str, sha256: str) -> list[Chunk]:
    """Ouvre une demande, ou reprend celle que `output` contient déjà.

    La liste des images est écrite par morceaux, sans jamais tenir tout entière en mémoire, et
    figée : une relance relit la même.

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
    path = Path(output) / REQUEST
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if {key: known.get(key) for key in asked} != asked:
            raise ValueError(
                f"{output} contient les réponses d'une autre demande ({known.get('model')}, "
                f"{', '.join(known.get('inputs', []))}). Donnez un autre --output."
            )
        return [Chunk(*each) for each in known["chunks"]]
    lists = Path(output) / LISTS
    lists.mkdir(parents=True, exist_ok=True)
    chunks = list(_cut(inputs, lists))
    if not chunks:
        raise FileNotFoundError(f"Aucune image dans {', '.join(inputs)}.")
    content = json.dumps({**asked, "chunks": chunks}, ensure_ascii=False)
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_text(content, encoding="utf-8")
    return chunks


def _cut(inputs: Sequence[str], lists: Path) -> Iterator[Chunk]:
    index = 0
    for each in inputs:
        if files := _parquet_files(each):
            for file in files:
                metadata = _check_columns(file)
                for group in range(metadata.num_row_groups):
                    yield Chunk(index, file, group, metadata.row_group(group).num_rows)
                    index += 1
            continue
        for paths in _batched(list_pictures(each), CHUNK_ROWS):
            file = lists / f"liste-{index:06}.parquet"
            pq.write_table(pa.table({"path": pa.array(paths, pa.string())}), file)
            yield Chunk(index, str(file.resolve()), 0, len(paths))
            index += 1


def _parquet_files(name: str) -> list[str]:
    """Rend les fichiers Parquet d'un nom ou d'un dossier qui n'a que cela ; sinon rien."""
    if name.endswith(".parquet"):
        if not (found := sorted(glob.glob(name, recursive=True))):
            raise FileNotFoundError(f"{name} : aucun fichier ici.")
        return [os.path.abspath(each) for each in found]
    if not os.path.isdir(name):
        return []
    return sorted(os.path.abspath(each) for each in glob.glob(f"{glob.escape(name)}/*.parquet"))


def _check_columns(file: str):
    try:
        parquet = pq.ParquetFile(file)
    except pa.ArrowException as error:
        raise ValueError(f"{file} n'est pas un fichier Parquet lisible.") from error
    names = parquet.schema_arrow.names
    if not set(names) & set(COLUMNS):
        raise ValueError(
            f"{file} a les colonnes {', '.join(names)} : il faut « path » (des chemins) "
            "ou « image » (le contenu de fichiers images)."
        )
    return parquet.metadata


def list_pictures(name: str) -> Iterator[str]:
    """Énumère les images d'un dossier (sous-dossiers compris), d'un motif, ou un chemin seul.

    Args:
        name: dossier, motif de `glob`, ou chemin.

    Yields:
        Des chemins absolus. Un chemin donné tel quel est rendu même s'il n'existe pas : sa
        réponse sera une erreur.

    Raises:
        FileNotFoundError: motif qui ne désigne rien.
    """
    if os.path.isdir(name):
        yield from _walk(os.path.abspath(name))
    elif any(sign in name for sign in "*?[") and not os.path.exists(name):
        found = glob.iglob(name, recursive=True)
        first = next(found, None)
        if first is None:
            raise FileNotFoundError(f"{name} : ce motif ne désigne aucun fichier.")
        yield from (os.path.abspath(each) for each in chain([first], found) if os.path.isfile(each))
    else:
        yield os.path.abspath(name)


def _walk(folder: str) -> Iterator[str]:
    from PIL import Image

    known = set(Image.registered_extensions()) - NOT_IMAGES
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)
            elif os.path.splitext(entry.name)[1].lower() in known and entry.is_file():
                yield entry.path


def _batched(values: Iterable, size: int) -> Iterator[list]:
    group = []
    for value in values:
        group.append(value)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def read_sources(chunk: Chunk, *, batch_rows: int) -> Iterator[tuple[list[str], list]]:
    """Lit les lignes d'un morceau, quelques-unes à la fois.

    Args:
        chunk: morceau à lire.
        batch_rows: lignes lues ensemble.

    Yields:
        `(noms, sources)` : le nom que portera chaque réponse, et de quoi lire l'image, un chemin
        ou le contenu d'un fichier (`bytes`).

    Raises:
        ValueError: colonne ni de chemins ni de contenus.
    """
    parquet = pq.ParquetFile(chunk.file)
    columns = [name for name in COLUMNS if name in parquet.schema_arrow.names]
    position = 0
    for batch in parquet.iter_batches(batch_rows, row_groups=[chunk.row_group], columns=columns):
        rows = batch.to_pydict()
        default = [f"{chunk.file}#{chunk.row_group}:{position + k}" for k in range(batch.num_rows)]
        paths = rows.get("path", default)
        names = [path or other for path, other in zip(paths, default, strict=True)]
        sources = [_bytes_of(value) for value in rows["image"]] if "image" in rows else names
        yield names, sources
        position += batch.num_rows


def _bytes_of(value) -> bytes:
    if isinstance(value, dict):  # la forme qu'emploient plusieurs catalogues : {"bytes", "path"}
        value = value.get("bytes")
    if value is not None and not isinstance(value, bytes):
        raise ValueError("La colonne « image » doit contenir des fichiers images, en octets.")
    return value or b""
