"""Ce que s'échangent le correcteur et le processus d'un rendu : des données, jamais du code.

Un message est du JSON suivi d'octets bruts (les tableaux). Rien n'y est `pickle` : lire la
réponse d'un programme inconnu n'exécute rien. Chaque tableau est vérifié, type, forme et
longueur, avant d'être vu par NumPy.
"""

import json
import math
import os
import struct
import sys
from fractions import Fraction
from typing import NamedTuple

HEADER = struct.Struct(">QQ")  # longueurs du JSON et des octets
MAX_BYTES = 256 * 2**20  # un message plus long est refusé
MAX_HEAD_BYTES = 2**20  # de JSON : lu, il prend cinquante fois plus de place
ANSWER_BYTES = 8 * 2**20  # ce que peut peser la réponse à une question…
MODEL_BYTES = {  # sauf celles-ci
    **dict.fromkeys(("export", "convert"), MAX_BYTES),
    "record": 2**26,
}
PLAIN = (bool, int, float, str, type(None))
ARRAY_KINDS = "biufc"  # booléens, entiers, flottants, complexes
SCALARS = {"b": bool, "i": int, "u": int, "f": float, "c": complex}  # ce que vaut un seul nombre


class Ingredient(NamedTuple):
    """Un argument que le processus du rendu fabrique lui-même : un modèle, un dossier d'images."""

    name: str
    options: dict


class Opaque(NamedTuple):
    """Une valeur qui ne se transporte pas ; il n'en reste que le nom de son type."""

    type_name: str


class Record(NamedTuple):
    """Un `NamedTuple` d'un rendu : ses champs et leurs valeurs."""

    fields: tuple
    values: tuple


class Unreadable(ValueError):
    """Un message qui n'en est pas un, ou trop long."""


def pack(message, *, limit: int = MAX_BYTES) -> bytes:
    """Écrit un message.

    Args:
        message: nombres, textes, listes, tuples, dictionnaires, `Fraction`, tableaux NumPy
            numériques, et ce qu'ils contiennent ; le reste devient `Opaque`.
        limit: longueur permise, en octets.

    Returns:
        Les octets à envoyer.

    Raises:
        Unreadable: plus de `limit` octets, ou de `MAX_HEAD_BYTES` pour ce qui n'est pas tableau.
    """
    blobs: list[bytes] = []
    text = json.dumps({"value": _encode(message, blobs), "sizes": [len(b) for b in blobs]})
    head, size = text.encode("ascii"), sum(map(len, blobs))
    if len(head) > MAX_HEAD_BYTES or len(head) + size > limit:
        raise Unreadable(f"message de {len(head) + size} octets")
    return b"".join([HEADER.pack(len(head), size), head, *blobs])


def unpack(content: bytes, *, ingredients: bool = False):
    """Lit un message entier, en-tête compris.

    Args:
        content: octets rendus par `pack`, peut-être par un programme hostile.
        ingredients: accepter les `Ingredient` (le rendu en reçoit, le correcteur jamais).

    Returns:
        La valeur envoyée.

    Raises:
        Unreadable: ce n'est pas un message.
    """
    try:
        num_head, _ = HEADER.unpack_from(content)
        check_head(num_head)
        view = memoryview(content)[HEADER.size :]
        head = json.loads(bytes(view[:num_head]))
        body, blobs, start = view[num_head:], [], 0
        for size in head["sizes"]:
            if not 0 <= size <= len(body) - start:
                raise Unreadable("octets manquants")
            blobs.append(body[start : start + size])
            start += size
        return _decode(head["value"], blobs, ingredients)
    except Unreadable:
        raise
    except Exception as error:  # tout peut arriver en lisant ce qu'un inconnu a écrit
        raise Unreadable(f"{type(error).__name__} en lisant la réponse") from error


def check_head(num_head: int) -> None:
    """Refuse un JSON trop long avant de le lire.

    Raises:
        Unreadable: plus de `MAX_HEAD_BYTES` octets.
    """
    if num_head > MAX_HEAD_BYTES:
        raise Unreadable("réponse trop longue")


def read_exactly(fd: int, size: int) -> bytes:
    """Lit `size` octets, en attendant s'il le faut ; moins si l'autre bout a fermé."""
    parts = []
    while size > 0:
        part = os.read(fd, min(size, 2**20))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(fd: int, content: bytes) -> None:
    """Écrit tout."""
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view[: 2**20]) :]


def _encode(value, blobs: list[bytes]):
    """Rend un arbre JSON ; ne se fie qu'aux types, pas à ce qu'un objet dit de lui.

    D'un `defaultdict`, d'un `OrderedDict`, d'un `numpy.str_`, seul le contenu part, lu par `dict`,
    `list` ou `str` eux-mêmes : une classe du rendu n'y peut rien changer.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, list):
        return [_encode(each, blobs) for each in list.__iter__(value)]
    if issubclass(kind, dict):
        return {"$d": [[_encode(k, blobs), _encode(v, blobs)] for k, v in dict.items(value)]}
    if kind is bytes:
        blobs.append(value)
        return {"$b": len(blobs) - 1}
    if kind is Fraction:
        return {"$q": [value.numerator, value.denominator]}
    if kind is Ingredient:
        return {"$i": [value.name, _encode(value.options, blobs)]}
    if kind is Record:
        return {"$n": [list(value.fields), [_encode(each, blobs) for each in value.values]]}
    if issubclass(kind, tuple):
        values = [_encode(each, blobs) for each in tuple.__iter__(value)]
        fields = getattr(kind, "_fields", None)
        return {"$n": [list(fields), values]} if fields else {"$t": values}
    return _encode_array(value, kind, blobs)


def _encode_array(value, kind, blobs: list[bytes]):
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return {"$x": kind.__name__}
    if not issubclass(kind, numpy.ndarray | numpy.generic):
        if not callable(getattr(value, "numpy", None)):  # un tenseur
            return {"$x": kind.__name__}
        value = value.numpy()
    if isinstance(value, numpy.generic):  # `item` d'un `longdouble` en rendrait un autre
        scalar = SCALARS.get(value.dtype.kind)
        return _encode(scalar(value), blobs) if scalar else {"$x": value.dtype.name}
    if not isinstance(value, numpy.ndarray):
        return {"$x": type(value).__name__}
    if value.dtype == object:
        return {"$o": [list(value.shape), [_encode(each, blobs) for each in value.ravel()]]}
    if value.dtype.kind == "U":
        return _encode(value.tolist(), blobs)
    if value.dtype.name == "bfloat16":
        value = value.astype(numpy.float32)
    if value.dtype.kind not in ARRAY_KINDS:
        return {"$x": str(value.dtype)}
    value = numpy.ascontiguousarray(value).reshape(value.shape)
    blobs.append(value.tobytes())
    return {"$a": [len(blobs) - 1, value.dtype.str, list(value.shape)]}


def _decode(tree, blobs, ingredients):
    if isinstance(tree, PLAIN):
        return tree
    if isinstance(tree, list):
        return [_decode(each, blobs, ingredients) for each in tree]
    ((tag, content),) = tree.items()

    def each_of(values):
        return tuple(_decode(value, blobs, ingredients) for value in values)

    match tag:
        case "$d":
            return dict(each_of(pair) for pair in content)
        case "$t":
            return each_of(content)
        case "$n":
            return Record(tuple(str(name) for name in content[0]), each_of(content[1]))
        case "$b":
            return bytes(_take(blobs, content))
        case "$q":
            return Fraction(*content)
        case "$x":
            return Opaque(str(content))
        case "$i" if ingredients:
            return Ingredient(content[0], _decode(content[1], blobs, ingredients))
        case "$o" | "$a":
            return _decode_array(tag, content, blobs, ingredients)
    raise Unreadable(f"étiquette {tag!r} inconnue")


def _decode_array(tag, content, blobs, ingredients):
    import numpy as np

    if tag == "$o":
        shape, flat = content
        array = np.empty(len(flat), dtype=object)
        for k, each in enumerate(flat):
            array[k] = _decode(each, blobs, ingredients)
        return array.reshape(shape)
    number, name, shape = content
    dtype = np.dtype(name)
    if dtype.kind not in ARRAY_KINDS or any(not isinstance(n, int) or n < 0 for n in shape):
        raise Unreadable("tableau refusé")
    content = _take(blobs, number)
    if math.prod(shape) * dtype.itemsize != len(content):
        raise Unreadable("tableau incomplet")
    return np.frombuffer(content, dtype).reshape(shape).copy()


def _take(blobs: list, number: int) -> memoryview:
    """Rend des octets, une fois : cités mille fois, ils seraient copiés mille fois."""
    content, blobs[number] = blobs[number], None
    if content is None:
        raise Unreadable("octets déjà lus")
    return content
