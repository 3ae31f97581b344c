"""Un calcul long gardé sur disque, et refait dès que ce dont il dépend change."""

import contextlib
import hashlib
import time
from collections.abc import Callable

import numpy as np

from convnets.core.files import own_suffix, replacing
from convnets.core.paths import data_cache_dir


def cached_array(
    name: str, key: str, compute: Callable[[], np.ndarray]
) -> tuple[np.ndarray, float | None]:
    """Rend un tableau, relu du cache s'il y est entier, calculé et gardé sinon.

    Args:
        name: début du nom de fichier, par exemple `"ex05"`.
        key: tout ce dont le résultat dépend ; son empreinte SHA-256 nomme le fichier.
        compute: calcule le tableau.

    Returns:
        `(tableau, durée)` : la durée du calcul en secondes, None si le cache l'a évité.

    Raises:
        OSError: dossier impossible à écrire.
    """
    path = data_cache_dir() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    with contextlib.suppress(Exception):  # absent, ou abîmé : NumPy et zipfile ont les leurs
        with np.load(path, allow_pickle=False) as file:
            return file["x"], None  # lu en entier : la somme de contrôle du zip est vérifiée
    start = time.monotonic()
    x = compute()
    duration_s = time.monotonic() - start
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, suffix=own_suffix()) as temporary, open(temporary, "wb") as file:
        np.savez(file, x=x)
    return x, duration_s
