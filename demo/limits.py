"""Ce que la page accepte, et ce qu'elle laisse derrière elle : rien.

Taille des fichiers, nombre de pixels, durée des calculs ; effacement de ce qui est déposé.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor

from convnets.core.cli import agreed, printable, reason
from demo import html

MAX_BYTES = 10 * 10**6  # d'un fichier
MAX_PIXELS = 40 * 10**6  # d'une image, avant tout décodage
MAX_SECONDS = 60  # d'une explication
QUIET_S, REFRESH_S = 0.2, 1.0  # avant de dire qu'un calcul est en cours, puis entre deux phrases
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
            f"calcul arrêté : il demandait plus de {html.decimal(f'{seconds:g}')} s. Choisissez "
            "une autre explication (Grad-CAM est la plus rapide) ou un modèle plus petit."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Turns:
    """Des calculs longs, quelques-uns à la fois : les autres savent combien passent avant eux.

    Args:
        at_once: combien calculent ensemble.
        doing: ce que la page dit d'un calcul qui dure depuis tant de secondes.
    """

    def __init__(self, at_once: int, doing: Callable[[int], str]):
        self._at_once, self._doing = at_once, doing
        self._pool = ThreadPoolExecutor(at_once)
        self._queue: list[Future] = []  # dans l'ordre d'arrivée, ceux qui calculent compris

    async def follow(self, work: Callable[..., str], *arguments) -> AsyncIterator[str]:
        """Attend son tour et le résultat d'un calcul, en disant où il en est.

        Args:
            work: fonction qui rend du HTML.
            *arguments: ses arguments.

        Yields:
            Où en est le calcul, s'il dure, puis ce qu'il rend.
        """
        future = self._pool.submit(work, *arguments)
        self._queue.append(future)
        future.add_done_callback(self._queue.remove)
        result, started, patience_s = asyncio.wrap_future(future), None, QUIET_S
        try:
            while not (await asyncio.wait([result], timeout=patience_s))[0]:
                patience_s = REFRESH_S
                if future.running():
                    started = started or time.monotonic()
                    yield html.note(self._doing(round(time.monotonic() - started)))
                elif future in self._queue:
                    before = max(1, self._queue.index(future) + 1 - self._at_once)
                    ahead = agreed(before, "calcul passe", "calculs passent")
                    yield html.note(f"En attente : {ahead} avant celui-ci.")
            yield result.result()
        finally:  # le visiteur est parti : ce qui n'a pas commencé ne sera pas fait
            future.cancel()


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
