"""Nommer beaucoup d'images : des lots, que des fils se partagent, dans l'ordre."""

import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from convnets.serving.asked import Asked, Network
from convnets.serving.say import Answer, say

if TYPE_CHECKING:
    from queue import SimpleQueue

BATCH_SIZE = 32  # images d'un lot, au plus, et que les fils se partagent ; voir `split`
PENDING_BYTES = 256 * 32 * 32 * 3  # de vues lues avant de les calculer : quatre photos


class Result(NamedTuple):
    """Ce que l'on sait d'une image : ce qu'on en dit, ou la raison de l'échec."""

    path: str
    answer: Answer | None
    error: str | None
    classifier: Network | None = None  # celui qui a répondu
    several: bool = False  # le fichier contient d'autres images, qui ne sont pas lues

    @property
    def probabilities(self) -> Sequence[float] | None:
        """Celles de la réponse, `(classes,)` dans [0, 1]."""
        return self.answer and self.answer.probabilities

    @property
    def familiar(self) -> bool | None:
        """Faux si l'image ne ressemble à rien d'appris ; None si ce n'est pas mesuré."""
        return self.answer and self.answer.familiar

    @property
    def is_doubted(self) -> bool:
        """Vrai si quelque chose fait douter de la réponse."""
        return bool(self.answer and self.answer.why)

    @property
    def best(self) -> int:
        """Numéro de la classe la plus probable."""
        return self.answer.best


class _Read(NamedTuple):
    """Une image lue : ce qu'il reste à demander, ou la raison de l'échec."""

    path: str
    asked: Asked | None
    error: str | None


def split(paths: Sequence[str], num_workers: int) -> list[Sequence[str]]:
    """Partage des images en lots d'au plus `BATCH_SIZE`, à prendre l'un après l'autre.

    Les premiers lots sont petits, puis grandissent : une réponse vient vite, et les fils ne lisent
    pas tous leurs images au même moment. Les derniers diminuent, pour que les fils finissent
    ensemble.

    Args:
        paths: les images, en quelque nombre que ce soit.
        num_workers: fils qui se les partagent ; à un seul, des lots entiers.
    """
    groups, start, size = [], 0, BATCH_SIZE
    while start < len(paths):
        if num_workers > 1:
            near = min(start + BATCH_SIZE, len(paths) - start)
            size = min(BATCH_SIZE, math.ceil(near / (2 * num_workers)))
        groups.append(paths[start : start + size])
        start += size
    return groups


def classify_in_threads(paths: Sequence[str], model, *, num_threads: int) -> Iterator[Result]:
    """Classe des images, dans l'ordre, par lots que des fils se partagent (`split`).

    Args:
        paths: chemins, ou fichiers ouverts en binaire ; `"-"` lit l'entrée standard.
        model: ce qui lit une image (`read`), et dit quoi demander à quel réseau (`ask`) : un
            `Classifier` ou un `Router`.
        num_threads: nombre de fils.

    Yields:
        Un `Result` par chemin. Une image illisible n'arrête pas les autres.
    """
    num_workers = min(num_threads, len(paths))
    groups = split(paths, num_workers)
    if num_workers < 2:
        for group in groups:
            yield from _classify_group(group, model)
        return
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor
    from queue import SimpleQueue
    from threading import Event

    from convnets.core.memory import return_big_pictures

    return_big_pictures()
    # Chaque fil lit son lot puis le calcule avec un moteur à un fil, sans attendre les
    # autres : des lecteurs à part se disputeraient Python et les cœurs.
    # La file est bornée, pour que la mémoire ne dépende pas du nombre d'images.
    pool, pending, stopped = ThreadPoolExecutor(num_workers), deque(), Event()

    def answer(group: Sequence[str], results: "SimpleQueue") -> None:
        try:
            for result in _classify_group(group, model, stopped.is_set):
                results.put(result)  # chacun aussitôt, sans attendre la fin du lot
        finally:
            results.put(None)

    def finish_first() -> Iterator[Result]:
        work, results = pending.popleft()
        yield from iter(results.get, None)
        work.result()  # l'exception de son fil, s'il y en a eu une

    try:
        for group in groups:
            results = SimpleQueue()
            pending.append((pool.submit(answer, group, results), results))
            if len(pending) > 2 * num_workers:
                yield from finish_first()
        while pending:
            yield from finish_first()
    finally:  # Ctrl-C n'attend ni les lots en file, ni la fin de ceux qui sont commencés
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _classify_group(paths: Sequence[str], model, stopped=lambda: False) -> Iterator[Result]:
    """Lit un lot et le calcule, `PENDING_BYTES` de vues à la fois ; s'arrête sur demande."""
    waiting, num_bytes = [], 0
    for path in paths:
        if stopped():
            return
        waiting.append(_read(path, model))
        asked = waiting[-1].asked
        num_bytes += sum(map(len, asked.views)) if asked else 0
        if num_bytes >= PENDING_BYTES or not num_bytes:  # rien à attendre : un coup d'œil a suffi
            yield from _answer_group(waiting)
            waiting, num_bytes = [], 0
    yield from _answer_group(waiting)


def _read(path: str, model) -> _Read:
    from convnets.core.decoding import MEMORY

    source = sys.stdin.buffer if path == "-" else path
    with MEMORY:  # rendue quand l'image décodée, que `_ask` oublie, n'est plus là
        return _Read(path, *_ask(source, model))


def _ask(source, model) -> tuple[Asked | None, str | None]:
    try:
        look = model.read(source)
    except (ValueError, OSError) as error:
        return None, str(error)
    return model.ask(look), None


def _answer_group(waiting: Sequence[_Read]) -> list[Result]:
    """Rend la réponse à chaque image lue, un appel par réseau."""
    together: dict[Network, list[bytes]] = {}
    for each in waiting:
        if each.asked and each.asked.views:
            together.setdefault(each.asked.classifier, []).extend(each.asked.views)
    rows = {classifier: iter(classifier.answer(views)) for classifier, views in together.items()}
    results = []
    for path, asked, error in waiting:
        if asked is None:
            results.append(Result(path, None, error))
            continue
        own = [next(rows[asked.classifier]) for _ in asked.views]
        answer = say(asked, own)
        results.append(Result(path, answer, None, asked.classifier, asked.several))
    return results
