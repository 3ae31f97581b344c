"""Une demande de prédictions : ce qui entre, découpé en morceaux qui se refont seuls.

Un morceau est une suite de lignes d'un fichier Parquet ; sa réponse est un fichier Parquet du
même nombre de lignes, écrit d'un coup. Refaire un morceau déjà fait écrit donc la même chose au
même endroit : rien n'est perdu ni fait deux fois, et une relance ne fait que ce qui manque.
"""

import glob
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from convnets.core.files import own_suffix, replacing
from convnets.serving.command import NOT_IMAGES

MIN_ROWS, MAX_ROWS = 32, 2048  # images d'un morceau
CHUNKS_PER_CORE = 8  # un acteur tué refait peu, et à la fin aucun n'attend longtemps les autres
MAX_GROUP_BYTES = 256 * 2**20  # un plus gros n'est pas coupé : chaque morceau relit le début
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
    """Des lignes qui se suivent dans un groupe de lignes d'un fichier Parquet."""

    index: int
    file: str
    row_group: int
    num_rows: int
    start: int = 0  # première ligne, dans son groupe


def answer_path(output: Path, index: int) -> Path:
    """Rend le fichier de réponse d'un morceau."""
    return Path(output) / f"reponses-{index:06}.parquet"


def check_inputs(inputs: Sequence[str]) -> None:
    """Refuse une entrée qui n'existe pas : une faute de frappe n'est pas une image illisible.

    Args:
        inputs: voir `open_request`.

    Raises:
        FileNotFoundError: chemin absent, ou motif qui ne désigne rien.
    """
    for name in inputs:
        if os.path.exists(name):
            continue
        if not _is_pattern(name):
            raise FileNotFoundError(f"{name} : ce fichier ou ce dossier n'existe pas.")
        if next(glob.iglob(name, recursive=True), None) is None:
            raise FileNotFoundError(f"{name} : ce motif ne désigne aucun fichier.")


def chunk_rows(num_rows: int, *, num_cores: int) -> int:
    """Rend la taille des morceaux : assez pour chaque cœur, sans émietter.

    Args:
        num_rows: images à répartir.
        num_cores: cœurs qui se les partageront.

    Returns:
        De `MIN_ROWS` à `MAX_ROWS` images.
    """
    share = -(-num_rows // (CHUNKS_PER_CORE * num_cores))
    return min(max(share, MIN_ROWS), MAX_ROWS)


def open_request(
    inputs: Sequence[str], output: Path, *, model: str, sha256: str, num_cores: int
) -> list[Chunk]:
    """Ouvre une demande, ou reprend celle que `output` contient déjà.

    La liste des images est écrite par morceaux, sans tenir tout entière en mémoire si elle est
    longue, et figée : une relance relit la même.

    Args:
        inputs: dossiers, motifs (`photos/**/*.jpg`), images, ou fichiers et dossiers Parquet qui
            ont une colonne `path` ou `image`.
        output: dossier des réponses, créé s'il manque.
        model: nom du modèle, ou des deux entre lesquels choisir.
        sha256: empreinte de leur export.
        num_cores: cœurs qui y travailleront, d'où la taille des morceaux d'une demande nouvelle.

    Returns:
        Tous les morceaux, faits ou non, dans l'ordre.

    Raises:
        FileNotFoundError: rien à lire.
        ValueError: Parquet sans colonne reconnue, ou dossier d'une autre demande.
    """
    asked = {"inputs": [os.path.abspath(each) for each in inputs], "model": model, "sha256": sha256}
    path = Path(output) / REQUEST
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            found = {key: known[key] for key in asked}
            chunks = [Chunk(*each) for each in known["chunks"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} est abîmé. Donnez un autre --output.") from error
        if found != asked:
            raise ValueError(
                f"{output} contient les réponses d'une autre demande ({found['model']}, "
                f"{', '.join(found['inputs'])}). Donnez un autre --output."
            )
        return chunks
    lists = Path(output) / LISTS
    lists.mkdir(parents=True, exist_ok=True)
    chunks = list(_cut(inputs, lists, num_cores=num_cores))
    if not chunks:
        raise FileNotFoundError(f"Aucune image dans {', '.join(inputs)}.")
    # En ASCII : un nom peut n'être pas de l'UTF-8.
    content = json.dumps({**asked, "chunks": chunks})
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_text(content, encoding="utf-8")
    return chunks


def _cut(inputs: Sequence[str], lists: Path, *, num_cores: int) -> Iterator[Chunk]:
    index = 0
    # Des images données une à une ne font qu'une liste.
    for is_parquet, names in groupby(inputs, key=lambda each: bool(_parquet_files(each))):
        if is_parquet:
            groups = [group for each in names for group in _row_groups(each)]
            size = chunk_rows(sum(group.num_rows for group in groups), num_cores=num_cores)
            for group in groups:
                step = size if group.num_bytes <= MAX_GROUP_BYTES else group.num_rows
                for start in range(0, group.num_rows, step):
                    num_rows = min(step, group.num_rows - start)
                    yield Chunk(index, group.file, group.number, num_rows, start)
                    index += 1
            continue
        paths = chain.from_iterable(map(list_pictures, names))
        # De quoi juger de leur nombre ; au-delà, les morceaux sont des plus grands.
        first = list(islice(paths, MAX_ROWS * CHUNKS_PER_CORE * num_cores))
        size = chunk_rows(len(first), num_cores=num_cores)
        for batch in _batched(chain(first, paths), size):
            file = lists / f"liste-{index:06}.parquet"
            pq.write_table(pa.table({"path": pa.array(map(_as_utf8, batch), pa.string())}), file)
            yield Chunk(index, str(file.resolve()), 0, len(batch))
            index += 1


def _as_utf8(name: str) -> str:
    """Rend un nom que Parquet sait écrire ; celui qu'il ne sait pas sera une ligne en erreur."""
    return name.encode(errors="backslashreplace").decode()


class _RowGroup(NamedTuple):
    file: str
    number: int
    num_rows: int
    num_bytes: int


def _row_groups(name: str) -> Iterator[_RowGroup]:
    for file in _parquet_files(name):
        metadata = _check_columns(file)
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            yield _RowGroup(file, number, group.num_rows, group.total_byte_size)


def _parquet_files(name: str) -> list[str]:
    """Rend les fichiers Parquet d'un nom ou d'un dossier qui n'a que cela ; sinon rien."""
    if not os.path.isdir(name):
        if not name.endswith(".parquet"):
            return []
        found = [name] if os.path.exists(name) else sorted(glob.glob(name, recursive=True))
        return [os.path.abspath(each) for each in found]
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
    if "path" in names:
        kind = parquet.schema_arrow.field("path").type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind  # une catégorie de pandas
        if kind not in (pa.string(), pa.large_string(), pa.string_view(), pa.null()):
            raise ValueError(f"{file} : la colonne « path » doit contenir du texte, non {kind}.")
    return parquet.metadata


def list_pictures(name: str) -> Iterator[str]:
    """Énumère les images d'un dossier (sous-dossiers compris), d'un motif, ou un chemin seul.

    Args:
        name: dossier, motif de `glob`, ou chemin ; `check_inputs` l'a vérifié.

    Yields:
        Des chemins absolus.
    """
    if os.path.isdir(name):
        yield from _walk(os.path.abspath(name))
    elif _is_pattern(name) and not os.path.exists(name):
        found = glob.iglob(name, recursive=True)
        yield from (os.path.abspath(each) for each in found if os.path.isfile(each))
    else:
        yield os.path.abspath(name)


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


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
    end, position = chunk.start + chunk.num_rows, 0
    for batch in parquet.iter_batches(batch_rows, row_groups=[chunk.row_group], columns=columns):
        first, position = position, position + batch.num_rows
        if position <= chunk.start:
            continue
        if first >= end:
            return
        skipped = max(chunk.start - first, 0)
        batch = batch.slice(skipped, end - first - skipped)
        first += skipped
        rows = batch.to_pydict()
        default = [f"{chunk.file}#{chunk.row_group}:{first + k}" for k in range(batch.num_rows)]
        paths = rows.get("path", default)
        names = [path or other for path, other in zip(paths, default, strict=True)]
        sources = [_bytes_of(value) for value in rows["image"]] if "image" in rows else names
        yield names, sources


def _bytes_of(value) -> bytes:
    if isinstance(value, dict):  # la forme qu'emploient plusieurs catalogues : {"bytes", "path"}
        value = value.get("bytes")
    if value is not None and not isinstance(value, bytes):
        raise ValueError("La colonne « image » doit contenir des fichiers images, en octets.")
    return value or b""
