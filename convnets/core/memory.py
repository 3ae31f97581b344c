"""Garder la mémoire libérée, plutôt que la rendre au système pour la redemander aussitôt.

À chaque lot, augmenter des images crée puis libère des tableaux de quelques centaines de
kilo-octets. La bibliothèque C de Linux (glibc) les rend au système, qui met chaque page à zéro
avant de la rendre à son tour : pour un réseau aussi petit que LeNet, le tiers du temps de calcul.
"""

import ctypes

# Les numéros de <malloc.h>, glibc ; ailleurs, rien n'est réglé.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
SETTINGS = {
    MMAP_THRESHOLD: 32 * 2**20,  # le plus grand accepté ; un tableau plus grand est rendu
    TRIM_THRESHOLD: 2**30,  # ne rendre le reste qu'au-delà d'un gibioctet libre
    TOP_PAD: 64 * 2**20,
    ARENA_MAX: 1,  # tous les fils d'exécution réemploient la même réserve
}


def keep_freed_memory() -> bool:
    """Demande à la bibliothèque C de garder la mémoire libérée pour les tableaux suivants.

    Returns:
        False si ce n'est pas la glibc, ou si elle refuse un réglage : rien n'est faux, le programme
        n'en est que plus lent.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    return all([mallopt(name, value) for name, value in SETTINGS.items()])
