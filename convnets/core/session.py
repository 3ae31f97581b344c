"""La leçon en cours : depuis quand elle dure, ce qu'on lui a demandé, ce qui lui a manqué.

Une leçon entière remplace `models/exNN_slug.*`. Une leçon que les options ou l'heure ont abrégée
écrit à côté, dans `runs/`, que git ignore : elle n'abîme pas un bon modèle. C'est ici que l'une est
distinguée de l'autre, et nulle part ailleurs.
"""

import contextlib
import math
import time
from collections.abc import Iterator
from pathlib import Path

from convnets.core import paths, startup
from convnets.core.cli import shown_path

TRAINING = 0.85  # part des minutes d'une leçon qui sert à apprendre ; le reste : mesurer, écrire
RESERVE_S = 18  # que le reste garde au moins
UNFAIR = (
    "Le temps a manqué : un réseau au moins n'a pas fini d'apprendre.\n"
    "Ces mesures ne disent pas lequel est le meilleur."
)
LEAST_S = 1e-3  # durée d'un entraînement qui commence trop tard : il s'arrête à son premier pas

_current: "Session | None" = None


class Session:
    """Une leçon en cours.

    Attributes:
        start: heure de `time.monotonic` où la commande a commencé, avant ses imports.
        asked: options données, telles que `"--limit 500"`.
        missing: ce qui a manqué à la leçon, en quelques mots chacun ; vide : elle est entière.
        trainings: un dictionnaire par entraînement : `network`, `epochs` demandées, `done` faites.
        shares: somme des parts du temps d'apprentissage déjà données.
    """

    def __init__(self, options):
        self.start: float = startup.started or time.monotonic()
        self.minutes = getattr(options, "minutes", None)
        self.asked, self.missing, self.trainings = [], [], []
        self.shares = 0.0
        default = getattr(options, "default_of", {}.get)
        for name in ("epochs", "minutes", "limit"):
            value = getattr(options, name, None)
            if value is None or value == default(name):
                continue
            self.asked.append(f"--{name} {value}")
            if name == "limit" or (name == "epochs" and value < default(name)):
                self.missing.append(self.asked[-1])

    def elapsed_s(self) -> float:
        """Rend le temps passé depuis que la commande a commencé, en secondes."""
        return time.monotonic() - self.start


def learning_end_s(minutes: float) -> float:
    """Rend combien de secondes après son début une leçon de `minutes` cesse d'apprendre."""
    return min(60 * minutes * TRAINING, 60 * minutes - RESERVE_S)


@contextlib.contextmanager
def opened(options) -> Iterator[Session]:
    """Ouvre la leçon que disent des options, pour un bloc `with`."""
    global _current
    _current = Session(options)
    try:
        yield _current
    finally:
        _current = None


def current() -> Session | None:
    """Rend la leçon en cours ; None hors d'une leçon, dans une recette par exemple."""
    return _current


def learning_s(minutes: float | None) -> float:
    """Rend le temps qui reste pour apprendre, en secondes ; négatif s'il est passé.

    Args:
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
    """
    if minutes is None:
        return math.inf
    return learning_end_s(minutes) - (_current.elapsed_s() if _current else 0)


def is_over(minutes: float | None) -> bool:
    """Dit si toutes les minutes de la leçon en cours sont passées.

    Args:
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
    """
    return minutes is not None and _current is not None and _current.elapsed_s() > 60 * minutes


def need_time(doing: str) -> None:
    """Arrête la leçon en cours si toutes ses minutes sont passées, pendant un calcul qui suit.

    Args:
        doing: ce calcul, en quelques mots.

    Raises:
        ValueError: le temps est passé.
    """
    if _current and is_over(_current.minutes):
        raise ValueError(
            f"le temps est passé pendant {doing} : la leçon s'arrête là. Donnez-lui plus de temps, "
            "avec --minutes N."
        )


def take(share: float, minutes: float | None) -> float:
    """Donne à un entraînement qui commence sa part du temps d'apprentissage, en secondes.

    Args:
        share: sa part de celui de la leçon entière, dans ]0, 1].
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
    """
    left = 1.0
    if _current:
        left = max(share, 1 - _current.shares)
        _current.shares += share
    return max(LEAST_S, learning_s(minutes) * share / left)


def note_training(network: str, *, epochs: int, done: float) -> None:
    """Note un entraînement de la leçon en cours : ses époques demandées, et faites."""
    if _current:
        done = round(done, 2)
        _current.trainings.append({"network": network, "epochs": epochs, "done": done})
        if done < epochs:
            few = f"{done:g}".replace(".", ",")
            _current.missing.append(f"{network}, {few} époques sur {epochs} : le temps est passé")


def note_missing(text: str) -> None:
    """Note ce qui manque à la leçon en cours, en quelques mots : elle n'est plus entière."""
    if _current:
        _current.missing.append(text)


def is_whole() -> bool:
    """Dit si rien n'a manqué, jusqu'ici, à la leçon en cours."""
    return not (_current and _current.missing)


def is_fair() -> bool:
    """Dit si chaque réseau de la leçon en cours a appris toutes ses époques.

    Sinon, le temps a manqué : comparer ces réseaux ne conclurait rien. Le compte rendu
    (`training.lesson.save`) et les figures (`figures.style.new_figure`) disent alors `UNFAIR`.
    """
    return not _current or all(each["done"] >= each["epochs"] for each in _current.trainings)


def models_dir() -> Path:
    """Rend le dossier où la leçon en cours écrit ce qu'elle apprend : `models/`, ou `runs/`."""
    return paths.MODELS_DIR if is_whole() else paths.RUNS_DIR


def figures_dir() -> Path:
    """Rend le dossier des figures de la leçon en cours : `figures/`, ou `runs/figures/`."""
    return Path("figures") if is_whole() else shown_path(paths.RUNS_DIR) / "figures"
