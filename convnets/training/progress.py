"""Ce que dit un entraînement : une ligne, combien de temps il prendra, puis où il en est.

« Durée prévue : 8 min environ (1 graine, 12 époques) », mesurée sur les premiers pas, puis « graine
1/3, lenet, époque 4/12 : exactitude en validation 91,2 % ; reste 5 min 20 ». Sur un terminal, la
ligne est réécrite sur place ; dans un fichier ou un tube, il y en a une par époque.

Un entraînement est une suite d'étapes : un appel de `study.fit` par graine et par réseau. Ce qui
n'a pas encore été fait est supposé prendre ce qu'a pris la même étape d'une autre graine, ou, à
défaut, le temps des étapes déjà vues, à proportion de leurs coûts.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import keras

from convnets.core.cli import agreed, percent

LONG_S = 10 * 60  # une leçon ; au-delà, on propose `--minutes`
MEASURED_S = 2.0  # durée des premiers pas, avant d'annoncer la durée du tout
REDRAWN_S = 1.0  # entre deux mises à jour sur un terminal


def format_duration(seconds: float, *, about: bool = False) -> str:
    """Écrit une durée : `"45 s"`, `"5 min 20"`, `"1 h 05"`.

    Args:
        seconds: durée.
        about: arrondie à la minute dès qu'il y en a une : `"8 min"`.
    """
    seconds = max(1, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if about or seconds >= 3600:
        seconds = 60 * round(seconds / 60)
    hours, (minutes, rest) = seconds // 3600, divmod(seconds % 3600, 60)
    if hours:
        return f"{hours} h {minutes:02}"
    return f"{minutes} min {rest:02}" if rest else f"{minutes} min"


class Progress:
    """Le temps passé et celui qui reste, d'étape en étape.

    Args:
        seeds: nombre de graines.
        stages: étapes d'une graine : leur nombre, ou le coût de chacune, en toute unité.
        proposes: proposer `--minutes` si la durée prévue dépasse `LONG_S`.
        clock: horloge, en secondes.
    """

    def __init__(
        self,
        *,
        seeds: int = 1,
        stages: int | Sequence[float] = 1,
        proposes: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        costs = [1.0] * stages if isinstance(stages, int) else list(stages)
        self.costs = costs * seeds  # une par étape, toutes graines à la suite
        self.seeds, self.stages = seeds, len(costs)
        self.proposes, self.clock = proposes, clock
        self.durations: list[float] = []  # des étapes finies, ce qui les suit compris
        self._created = clock()
        self._open = False
        self._width = 0  # de ce qui est écrit sur la ligne du terminal
        self._drawn_at = float("-inf")
        self._announced = False
        self._heading = ""  # l'annonce, tant que la première époque dure

    # --- Les étapes : appelées par `study.fit` ---

    def begin(
        self,
        name: str,
        *,
        epochs: int,
        steps: int,
        first_epoch: int = 0,
        spent_s: float = 0.0,
        validation: float = 0.0,
    ) -> None:
        """Commence une étape.

        Args:
            name: nom du réseau.
            epochs: nombre total d'époques.
            steps: pas par époque.
            first_epoch: époques déjà faites, quand on reprend.
            spent_s: durée de celles-là.
            validation: coût supposé d'une validation, en part de celui d'une époque ; il sert
                jusqu'à la fin de la première, qui le mesure.
        """
        self.end_stage()
        self._open, self._start = True, self.clock()
        self._name, self._epochs, self._steps = name, epochs, steps
        self._first, self._done, self._spent_s = first_epoch, 0.0, spent_s
        self._ready = None  # fin du premier pas, qui prépare les calculs et ne compte pas
        self._validation = validation

    def end_stage(self) -> None:
        """Finit l'étape en cours, s'il y en a une : sa durée devient une mesure."""
        if self._open:
            self.durations.append(self._spent_s + self.clock() - self._start)
            self._open = False
        self.erase()

    def step(self, epoch: int, step: int) -> None:
        """Note la fin d'un pas, et met la ligne à jour."""
        now = self.clock()
        self._done = epoch - self._first + (step + 1) / self._steps
        if self._ready is None:
            self._ready, self._before = now, self._done
        if not self._announced and now - self._ready >= MEASURED_S:
            self._announce()
        if self._announced and _is_terminal() and now - self._drawn_at >= REDRAWN_S:
            self._redraw(f"{self._heading or self._place(epoch)}{self._rest()}")

    def end_epoch(self, epoch: int, logs: dict[str, float]) -> None:
        """Note la fin d'une époque, validation comprise, et dit ce qu'elle a atteint."""
        self._done, self._validation = float(epoch + 1 - self._first), 0.0
        if not self._announced:
            self._announce()
        self._heading = ""
        self._redraw(f"{self._place(epoch)} : {_reached(logs)}{self._rest()}")

    # --- Le temps ---

    def remaining_s(self) -> float:
        """Rend le temps qui reste, toutes étapes comprises, d'après ce qui a été mesuré."""
        left = self._stage_left_s() if self._open else 0.0
        known = list(self.durations)
        if self._open:
            known.append(self._spent_s + self.clock() - self._start + left)
        rate = sum(known) / sum(self.costs[: len(known)])
        for index in range(len(known), len(self.costs)):
            same = known[index % self.stages :: self.stages]  # la même étape, d'autres graines
            left += sum(same) / len(same) if same else rate * self.costs[index]
        return left

    def _stage_left_s(self) -> float:
        measured = self._done - self._before if self._ready is not None else 0.0
        if measured <= 0:  # un seul pas par époque, ou une étape déjà finie à la reprise
            each = (self.clock() - self._start) / self._done if self._done else 0.0
        else:
            each = (self.clock() - self._ready) / measured * (1 + self._validation)
        return max(0.0, (self._epochs - self._first - self._done) * each)

    def _rest(self) -> str:
        seconds = self.remaining_s()
        return f" ; reste {format_duration(seconds)}" if seconds >= 1 else ""

    # --- La ligne ---

    def _announce(self) -> None:
        self._announced = True
        total_s = self.remaining_s() + self.clock() - self._created
        networks = f"{self.stages} réseaux, " if self.stages > 1 else ""
        planned = (
            f"Durée prévue : {format_duration(total_s, about=True)} environ "
            f"({agreed(self.seeds, 'graine')}, {networks}{agreed(self._epochs, 'époque')})"
        )
        if self.proposes and total_s > LONG_S:
            self.erase()
            print(
                f"{planned}, soit plus de {LONG_S // 60} minutes ; `--minutes {LONG_S // 60}` "
                "ajuste l'entraînement à cette machine.",
                flush=True,
            )
        elif _is_terminal():
            self._heading = planned
            self._redraw(planned)
        else:
            self._redraw(f"{planned}.")

    def _place(self, epoch: int) -> str:
        index = len(self.durations)
        parts = [f"graine {index // self.stages + 1}/{self.seeds}"] if self.seeds > 1 else []
        if self.stages > 1:
            parts.append(f"{self._name} ({index % self.stages + 1}/{self.stages})")
        return ", ".join([*parts, f"époque {epoch + 1}/{self._epochs}"])

    def _redraw(self, text: str) -> None:
        self._drawn_at = self.clock()
        if not _is_terminal():
            print(text, flush=True)
            return
        text = text[: shutil.get_terminal_size().columns - 1]
        print(f"\r{text:<{self._width}}", end="", flush=True)
        self._width = len(text)

    def erase(self) -> None:
        """Efface la ligne d'un terminal : ce qui s'écrit ensuite commence à son début."""
        if self._width and _is_terminal():
            print(f"\r{'':<{self._width}}\r", end="", flush=True)
        self._width = 0

    def leave(self) -> None:
        """Laisse la ligne telle quelle, après une interruption : elle dit où l'on en était."""
        if self._width and _is_terminal():
            print(flush=True)
        self._width = 0


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _reached(logs: dict[str, float]) -> str:
    for name, text in (("val_accuracy", "exactitude en validation"), ("accuracy", "exactitude")):
        if name in logs:
            return f"{text} {percent(logs[name])}"
    name, text = ("val_loss", "perte en validation") if "val_loss" in logs else ("loss", "perte")
    return f"{text} {logs[name]:.3f}".replace(".", ",")


# --- Ce que les exercices emploient --------------------------------------------------

_current: Progress | None = None


@contextlib.contextmanager
def follow(
    *, seeds: int = 1, stages: int | Sequence[float] = 1, options=None
) -> Iterator[Progress]:
    """Suit un entraînement de plusieurs appels de `study.fit` ; dans un autre `follow`, le sien.

    Args:
        seeds: nombre de graines.
        stages: réseaux entraînés par graine : leur nombre, ou le coût de chacun.
        options: options de `cli.training_parser` ; sans `--minutes`, il est proposé au besoin.

    Yields:
        Ce qui tient la ligne.
    """
    global _current
    if _current is not None:
        yield _current
        return
    proposes = getattr(options, "minutes", 0) is None and not options.resume
    _current = Progress(seeds=seeds, stages=stages, proposes=proposes)
    try:
        yield _current
        _current.end_stage()
    except BaseException:
        _current.leave()
        raise
    finally:
        _current = None


def say(text: str) -> None:
    """Écrit une phrase qui reste, qu'un entraînement soit en cours ou non."""
    if _current is not None:
        _current.erase()
    print(text, flush=True)


def announce(seconds: float, what: str) -> None:
    """Annonce une durée : `"Durée prévue : 3 min environ (200 images)."`."""
    say(f"Durée prévue : {format_duration(seconds, about=True)} environ ({what}).")


def counted(
    items: Sequence, noun: str, *, every: int, clock: Callable[[], float] = time.monotonic
) -> Iterator:
    """Parcourt une suite, annonce la durée du tout, puis dit où l'on en est.

    Args:
        items: ce qu'il y a à faire ; le premier ne compte pas, il prépare les calculs.
        noun: leur nom, au pluriel : `"images"`.
        every: combien entre deux phrases.
        clock: horloge, en secondes.

    Yields:
        Chaque élément.
    """
    start, announced = clock(), False
    for done, item in enumerate(items):
        if done == 1:
            start = clock()
        elif done > 1:
            left_s = (clock() - start) / (done - 1) * (len(items) - done)
            if not announced and (clock() - start >= MEASURED_S or done == every):
                announced = True
                announce(clock() - start + left_s, f"{len(items)} {noun}")
            elif done % every == 0:
                say(f"{done} {noun} sur {len(items)} ; reste {format_duration(left_s)}")
        yield item


class Reporter(keras.callbacks.Callback):
    """Tient une ligne au courant de ce que fait `model.fit`.

    Args:
        progress: où `begin` vient d'être appelé ; None : une ligne pour ce seul `fit`.
    """

    def __init__(self, progress: Progress | None = None):
        super().__init__()
        self._alone = progress is None
        self._progress, self._epoch = progress or Progress(), 0

    def on_train_begin(self, logs=None):
        """Commence l'étape, quand ce n'est pas `study.fit` qui le fait."""
        if self._alone:
            self._progress.begin(
                self.model.name, epochs=self.params["epochs"], steps=self.params["steps"]
            )

    def on_train_end(self, logs=None):
        """Finit cette étape."""
        if self._alone:
            self._progress.end_stage()

    def on_epoch_begin(self, epoch, logs=None):
        """Note l'époque."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Met la ligne à jour."""
        self._progress.step(self._epoch, batch)

    def on_epoch_end(self, epoch, logs=None):
        """Dit ce que l'époque a atteint."""
        self._progress.end_epoch(epoch, logs or {})
