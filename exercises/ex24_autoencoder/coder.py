"""Des entiers aux octets : un codeur entropique, écrit en entier.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder

Un entier de probabilité p devrait coûter −log2(p) bits ; le code de Huffman, celui de `zlib`, lui
en donne au moins un, alors que neuf codes sur dix sont des zéros, qui n'en valent que 0,15. Un
système de numération asymétrique (ANS) s'approche de ce coût : tout le message est un seul grand
nombre, où chaque symbole ajoute à peu près −log2(p) bits. C'est ce que font, par exemple, zstd et
JPEG XL.

Les fréquences sont connues d'avance des deux côtés : elles ne coûtent rien. Elles ne dépendent que
de deux entiers par voie, et ne se calculent qu'avec des entiers : deux machines ont les mêmes.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

SCALE_BITS = 24
TOTAL = 1 << SCALE_BITS  # somme des fréquences d'une table
LOWEST = 1 << 32  # l'état va de LOWEST à 256 · LOWEST
SHARE_BITS = 16
LIMIT = 127  # plus grand entier codé, en valeur absolue


class Table:
    """Les fréquences des entiers de −LIMIT à LIMIT : zéro, et une suite géométrique des deux côtés.

    Args:
        zero: part des zéros, en 65 536-ièmes.
        decay: rapport de deux fréquences qui se suivent, en 65 536-ièmes.
    """

    def __init__(self, zero: int, decay: int):
        half = ((TOTAL - 2 * LIMIT - 1) * ((1 << SHARE_BITS) - zero)) >> (SHARE_BITS + 1)
        sides = []
        for _ in range(LIMIT):  # au moins 1 chacun : tout entier reste possible
            part = (half * ((1 << SHARE_BITS) - decay)) >> SHARE_BITS
            half -= part
            sides.append(1 + part)
        middle = TOTAL - 2 * sum(sides)
        self.frequencies = [*reversed(sides), middle, *sides]
        self.starts = [0, *itertools.accumulate(self.frequencies)][:-1]


def count(symbols: np.ndarray) -> list[tuple[int, int]]:
    """Compte, voie par voie, ce qu'il faut à une `Table`.

    Args:
        symbols: entiers `(..., voies)`.

    Returns:
        `(zero, decay)` par voie : la part des zéros, et le rapport qui rend les autres entiers le
        plus probables, `1 − 1 / moyenne des valeurs absolues`.
    """
    sizes, scale = np.abs(symbols.reshape(-1, symbols.shape[-1])), 1 << SHARE_BITS
    nonzero = (sizes > 0).sum(axis=0)
    zeros = 1 - nonzero / len(sizes)
    decays = 1 - (nonzero + 1) / (sizes.sum(axis=0) + 1)  # + 1 : une voie sans rien
    found = np.stack([zeros, decays], axis=1) * scale
    return [tuple(each) for each in np.clip(np.round(found), 1, scale - 1).astype(int).tolist()]


# --- Question : combien de bits, et lesquels ? ---------------------------------------


def encode(symbols: Sequence[int], tables: Sequence[Table]) -> bytes:
    """Écrit des entiers en octets.

    Args:
        symbols: entiers de −LIMIT à LIMIT.
        tables: la table de chacun, dans le même ordre.

    Returns:
        Des octets, le dernier écrit d'abord : ANS rend les symboles dans l'ordre inverse.

    Source : Duda, arXiv 1311.2540.
    """
    state, written = LOWEST, bytearray()
    for symbol, table in zip(reversed(symbols), reversed(tables), strict=True):
        frequency = table.frequencies[symbol + LIMIT]
        while state >= frequency << (40 - SCALE_BITS):  # il dépasserait 256 · LOWEST
            written.append(state & 255)
            state >>= 8
        state = (state // frequency << SCALE_BITS) + state % frequency
        state += table.starts[symbol + LIMIT]
    return state.to_bytes(5, "big") + bytes(reversed(written))


def decode(content: bytes, tables: Iterable[Table]) -> list[int]:
    """Relit ce qu'`encode` a écrit.

    Args:
        content: tous les octets.
        tables: la table de chaque entier attendu.

    Returns:
        Les entiers.

    Raises:
        ValueError: octets en trop, manquants ou abîmés, ou autres tables que celles d'`encode`. Le
            dernier état doit être celui dont `encode` est parti : ses 32 bits servent de contrôle.
    """
    state, place, symbols = int.from_bytes(content[:5], "big"), 5, []
    for table in tables:
        slot = state & (TOTAL - 1)
        index = bisect_right(table.starts, slot) - 1
        state = table.frequencies[index] * (state >> SCALE_BITS) + slot - table.starts[index]
        while state < LOWEST and place < len(content):
            state, place = state << 8 | content[place], place + 1
        symbols.append(index - LIMIT)
    if state != LOWEST or place != len(content):
        raise ValueError("Ce fichier est abîmé, ou un autre réseau l'a écrit.")
    return symbols
