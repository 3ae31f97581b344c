"""Ce que la page accepte, et ce qu'elle laisse derrière elle : rien.

Taille des fichiers, nombre de pixels, durée des calculs ; effacement de ce qui est déposé.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from convnets.core.cli import printable, reason
from demo import html

MAX_BYTES = 10 * 10**6  # d'un fichier
MAX_PIXELS = 40 * 10**6  # d'une image, avant tout décodage
MAX_SECONDS = 60  # d'une explication
FORGET_AFTER_S = 5  # le temps, pour le navigateur, de montrer ce qu'il vient d'envoyer


def check_size(num_bytes: int, name: str) -> None:
    """Refuse un fichier trop gros.

    Raises:
        ValueError: plus de `MAX_BYTES` octets.
    """
    if num_bytes > MAX_BYTES:
        size = f"{num_bytes / 10**6:.1f}".replace(".", ",")
        raise ValueError(
            f"{printable(name)} pèse {size} Mo : au plus {MAX_BYTES // 10**6} Mo sont "
            "acceptés ; réduisez l'image d'abord."
        )


def whole(value, name: str, *, low: int, high: int) -> int:
    """Lit un nombre entier venu de la page.

    Args:
        value: ce qui en vient ; None si la case est vide.
        name: ce que c'est, pour le message.
        low: plus petite valeur permise.
        high: plus grande.

    Returns:
        L'entier.

    Raises:
        ValueError: autre chose.
    """
    if not isinstance(value, int | float) or not low <= value <= high or value != int(value):
        said = "est vide" if value is None else f"vaut {value}".replace(".", ",")
        raise ValueError(f"{name} {said} : un entier de {low} à {high} est attendu.")
    return int(value)


def limit_pixels() -> None:
    """Fait refuser par `open_image` toute image de plus de `MAX_PIXELS`, avant décodage."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def forbid_downloads() -> None:
    """Empêche Gradio d'aller chercher une adresse qu'une requête forgée lui donnerait."""
    import safehttpx

    async def refuse(hostname: str) -> str:
        raise ValueError(f"{printable(str(hostname))} : cette page ne télécharge rien.")

    safehttpx.async_validate_url = refuse  # par où passent tous ses téléchargements


def within(seconds: float, work: Callable):
    """Attend le résultat d'un calcul, mais pas indéfiniment.

    Args:
        seconds: durée au plus.
        work: calcul sans argument.

    Returns:
        Ce qu'il rend.

    Raises:
        ValueError: temps écoulé.
    """
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work).result(timeout=seconds)
    except TimeoutError as error:
        raise ValueError(
            f"calcul arrêté : il demandait plus de {seconds:g} secondes. Choisissez une autre "
            "explication (Grad-CAM est la plus rapide) ou un modèle plus petit."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def forget(path: str) -> None:
    """Efface un fichier déposé, dans quelques secondes.

    Gradio range au même endroit le même fichier déposé par deux visiteurs : celui qui vient
    d'arriver à nouveau attend l'appel du second.
    """

    def erase() -> None:
        with contextlib.suppress(OSError):
            age_s = time.time() - os.stat(path).st_ctime
            if age_s > 0.9 * FORGET_AFTER_S:
                os.unlink(path)

    timer = threading.Timer(FORGET_AFTER_S, erase)
    timer.daemon = True
    timer.start()


def sentence(error: Exception) -> str:
    """Écrit une erreur prévue comme une phrase : un point, et une majuscule si c'est un mot."""
    text = reason(error)
    if text.split(" ")[0].replace("'", "").isalpha():  # et non un nom de fichier
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def in_french(function: Callable[..., str], *arguments) -> str:
    """Appelle une fonction qui rend du HTML ; ses erreurs prévues en deviennent.

    Args:
        function: fonction dont les erreurs sont `ValueError`, `OSError` ou `ImportError`.
        *arguments: ses arguments.

    Returns:
        Ce qu'elle rend, ou un message.
    """
    try:
        return function(*arguments)
    except ImportError as error:
        return html.error(
            f"Le paquet {error.name} manque : relancez la première commande du README."
        )
    except (ValueError, OSError) as error:
        return html.error(sentence(error))
