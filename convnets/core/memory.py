"""Garder la mémoire libérée, ou la rendre : des réglages de la glibc.

Sans `keep_freed_memory`, un pas d'entraînement de LeNet, images déformées comprises, coûte 24 ms de
calcul au lieu de 16. Les variables d'environnement (`MALLOC_ARENA_MAX`…) ne conviennent pas : elles
ne sont lues qu'au lancement.
"""

import ctypes
from collections.abc import Iterable

# Les numéros de <malloc.h>, glibc ; ailleurs, rien n'est réglé.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
SETTINGS = {
    MMAP_THRESHOLD: 32 * 2**20,  # le plus grand accepté ; un tableau plus grand est rendu
    TRIM_THRESHOLD: 2**30,  # ne rendre le reste qu'au-delà d'un gibioctet libre
    TOP_PAD: 64 * 2**20,
    ARENA_MAX: 1,  # tous les fils d'exécution réemploient la même réserve
}
# Pillow demande une grande image par blocs de 16 Mio : ils sont rendus aussitôt libérés. Le reste,
# chaque fil le garde pour l'image suivante : le redemander coûterait un vingtième du temps.
PICTURE_SETTINGS = {MMAP_THRESHOLD: 4 * 2**20, TRIM_THRESHOLD: 16 * 2**20}


def keep_freed_memory() -> bool:
    """Demande à la bibliothèque C de garder la mémoire libérée pour les tableaux suivants.

    Returns:
        False si ce n'est pas la glibc, ou si elle refuse un réglage : le programme marche
        quand même, plus lentement.
    """
    return _call("mallopt", SETTINGS.items())


def return_big_pictures() -> bool:
    """Demande à la bibliothèque C de rendre au système la mémoire d'une grande image, libérée.

    Sans cela, chaque fil garde la mémoire des dernières grandes images qu'il a lues.

    Returns:
        False si ce n'est pas la glibc, ou si elle refuse.
    """
    return _call("mallopt", PICTURE_SETTINGS.items())


def give_back() -> bool:
    """Rend au système toute la mémoire que les fils gardent, avant d'en demander beaucoup.

    Returns:
        False si ce n'est pas la glibc.
    """
    return _call("malloc_trim", [(0,)])


def _call(name: str, settings: Iterable[tuple[int, ...]]) -> bool:
    """Appelle une fonction de la glibc ; False si elle manque, ou a refusé."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    return all([function(*each) for each in settings])
