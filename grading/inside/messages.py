"""Ce que s'échangent le correcteur et le processus d'un rendu : des données, jamais du code.

Un message est du JSON suivi d'octets bruts (les tableaux). Ce qui n'est pas du JSON y est écrit
`{"nom": [parties]}`, et relu par la fonction de ce nom dans `MAKERS` : rien n'y est `pickle`, et
lire la réponse d'un programme inconnu n'exécute rien.
"""

import json
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
    **dict.fromkeys(("record", "neighbours"), 2**26),
}
PLAIN = (bool, int, float, str, type(None))
SCALARS = {"b": bool, "i": int, "u": int, "f": float}  # ce que vaut un seul nombre
ARRAY_KINDS = "biufc"  # booléens, entiers, flottants, complexes


class Ingredient(NamedTuple):
    """Un argument que le processus du rendu fabrique lui-même : un modèle, un dossier d'images."""

    name: str
    options: dict


class Opaque(NamedTuple):
    """Une valeur qui ne se transporte pas ; il n'en reste que le nom de son type."""

    type_name: str


class Unreadable(ValueError):
    """Un message qui n'en est pas un, ou trop long."""


def _make_dict(*pairs) -> dict:
    return dict(pairs)


def _make_tuple(*values) -> tuple:
    return values


def _make_fraction(above, below) -> Fraction:
    return Fraction(int(above), int(below))


def _make_opaque(name) -> Opaque:
    return Opaque(str(name))


MAKERS = {
    "dict": _make_dict,
    "tuple": _make_tuple,
    "Fraction": _make_fraction,
    "Opaque": _make_opaque,
}


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
    tree = _encode(message, blobs)
    head = json.dumps([tree, [len(each) for each in blobs]]).encode("ascii")
    header = HEADER.pack(len(head), sum(map(len, blobs)))
    length(header, limit)
    return b"".join([header, head, *blobs])


def length(header: bytes, limit: int = MAX_BYTES) -> int:
    """Rend la longueur de ce qui suit un en-tête.

    Raises:
        Unreadable: plus de `limit` octets, ou de `MAX_HEAD_BYTES` pour ce qui n'est pas tableau.
    """
    head, body = HEADER.unpack(header)
    if head > MAX_HEAD_BYTES or head + body > limit:
        raise Unreadable(f"message trop long : {head + body} octets")
    return head + body


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
        start = HEADER.size + HEADER.unpack_from(content)[0]
        tree, sizes = json.loads(content[HEADER.size : start])
        blobs = {}
        for number, size in enumerate(sizes):
            blobs[number] = memoryview(content)[start : start + size]
            start += size
        taken = _Blobs(blobs)
        makers = {**MAKERS, "bytes": taken.take_bytes, "array": taken.take_array}
        return _decode(tree, makers | ({"Ingredient": Ingredient} if ingredients else {}))
    except Exception as error:  # tout peut arriver en lisant ce qu'un inconnu a écrit
        raise Unreadable(f"{type(error).__name__} en lisant la réponse") from error


def _encode(value, blobs: list[bytes]):
    """Rend un arbre JSON ; ne se fie qu'aux types, pas à ce qu'un objet dit de lui.

    D'un `defaultdict`, d'un `NamedTuple`, d'un `numpy.str_`, seul le contenu part, lu par `dict`,
    `tuple` ou `str` eux-mêmes : une classe du rendu n'y peut rien changer.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, list):
        return [_encode(each, blobs) for each in list.__iter__(value)]
    if kind is bytes:
        blobs.append(value)
        return {"bytes": [len(blobs) - 1]}
    if issubclass(kind, dict):
        tag, parts = "dict", [list(pair) for pair in dict.items(value)]
    elif kind is Fraction:
        tag, parts = "Fraction", value.as_integer_ratio()
    elif kind in (Ingredient, Opaque):
        tag, parts = kind.__name__, value
    elif issubclass(kind, tuple):
        tag, parts = "tuple", list(tuple.__iter__(value))
    else:
        return _encode_array(value, kind, blobs)
    return {tag: [_encode(each, blobs) for each in parts]}


def _encode_array(value, kind, blobs: list[bytes]):
    numpy = sys.modules.get("numpy")
    if numpy and callable(getattr(value, "numpy", None)):  # un tenseur
        value = value.numpy()
    if not numpy or not isinstance(value, numpy.ndarray | numpy.generic):
        return _encode(Opaque(kind.__name__), blobs)
    letter = value.dtype.kind
    if letter in "OU":
        return _encode(value.tolist(), blobs)
    if isinstance(value, numpy.generic) and letter in SCALARS:
        return SCALARS[letter](value)
    if letter not in ARRAY_KINDS:
        return _encode(Opaque(value.dtype.name), blobs)
    blobs.append(value.tobytes())
    return {"array": [len(blobs) - 1, value.dtype.str, list(value.shape)]}


class _Blobs:
    """Les octets d'un message, chacun pris une fois : cités mille fois, ils seraient copiés mille.

    Args:
        blobs: par numéro.
    """

    def __init__(self, blobs: dict[int, memoryview]):
        self._blobs = blobs

    def take_bytes(self, number: int) -> bytes:
        """Rend des octets."""
        return bytes(self._blobs.pop(number))

    def take_array(self, number: int, *form):
        """Rend un tableau, d'une forme et d'un type donnés."""
        return _array(self._blobs.pop(number), *form)


def _decode(tree, makers: dict):
    if isinstance(tree, PLAIN):
        return tree
    if isinstance(tree, list):
        return [_decode(each, makers) for each in tree]
    ((tag, parts),) = tree.items()
    return makers[tag](*[_decode(each, makers) for each in parts])


def _array(content: memoryview, name: str, shape: list):
    import numpy as np

    dtype = np.dtype(name)
    if dtype.kind not in ARRAY_KINDS:
        raise Unreadable("tableau refusé")
    return np.frombuffer(content, dtype).reshape(shape).copy()
