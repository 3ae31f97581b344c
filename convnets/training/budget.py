"""Faire tenir un entraînement dans un temps donné, `--minutes`, sur la machine où l'on est.

On répète d'abord : une graine entière, où chaque `study.fit` ne fait que quelques pas et une
validation, chronométrés. De là, le nombre d'époques qui tient dans le temps qui reste ; si même une
n'y tient pas, le nombre d'images. Puis tout recommence, poids et graines compris : l'entraînement
est, au bit près, celui de `--epochs` avec ce nombre.
"""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras

from convnets.core import files
from convnets.core.cli import agreed

PART = 0.02  # du temps donné, pour les pas chronométrés de toutes les étapes
MIN_S, MAX_S = 0.5, 5.0  # bornes de la durée de ces pas, par étape
MIN_STEPS = 2  # pas par époque en deçà desquels on renonce
SPARED = 0.97  # part du temps qu'on emploie : une machine n'est jamais tout à fait régulière


class Stage(NamedTuple):
    """Ce que coûte un appel de `study.fit`."""

    setup_s: float  # ce qui ne se fait qu'une fois : préparer les calculs
    epoch_s: float  # une époque, validation comprise
    steps: int  # pas d'une époque
    factor: float = 1.0  # époques de cette étape pour une des options


class Plan(NamedTuple):
    """Ce qui tient dans le temps donné."""

    epochs: int
    limit: int | None  # nombre d'images ; None : toutes


class Rehearsal:
    """Une répétition : chaque `study.fit` y est écourté et chronométré.

    Args:
        epochs: nombre d'époques des options.
        limit_s: durée des pas chronométrés de chaque étape.
        clock: horloge, en secondes.
    """

    def __init__(self, *, epochs: int, limit_s: float, clock: Callable[[], float] = time.monotonic):
        self.epochs, self.limit_s, self.clock = epochs, limit_s, clock
        self.stages: list[Stage] = []
        self.spent_s = 0.0  # dans les `fit` écourtés

    def fit(self, model: keras.Model, batches, *, epochs: int, **fit_options) -> dict:
        """Fait quelques pas et une validation ; rend les courbes d'une époque."""
        start = self.clock()
        timer = _Timer(self.limit_s, self.clock)
        callbacks = [*fit_options.pop("callbacks", []), timer]
        history = model.fit(batches, epochs=1, callbacks=callbacks, **fit_options).history
        model.stop_training = False
        spent_s = self.clock() - start
        self.stages.append(timer.stage(len(batches), factor=epochs / self.epochs))
        self.spent_s += spent_s
        return {**history, "duration_s": [spent_s]}


class _Timer(keras.callbacks.Callback):
    """Chronomètre les pas et les lots de validation, et arrête les pas après `limit_s`."""

    def __init__(self, limit_s: float, clock: Callable[[], float]):
        super().__init__()
        self.limit_s, self.clock = limit_s, clock
        self.train: list[float] = []  # l'heure au début, puis à la fin de chaque pas
        self.test: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.train.append(self.clock())

    def on_train_batch_end(self, batch, logs=None):
        self.train.append(self.clock())
        if len(self.train) > 2 and self.train[-1] - self.train[1] >= self.limit_s:
            self.model.stop_training = True

    def on_test_begin(self, logs=None):
        self.test.append(self.clock())

    def on_test_batch_end(self, batch, logs=None):
        self.test.append(self.clock())

    def stage(self, steps: int, *, factor: float) -> Stage:
        """Déduit le coût d'une étape ; le premier pas et le premier lot préparent les calculs."""
        train_setup_s, step_s = _split(self.train)
        test_setup_s, test_s = _split(self.test) if self.test else (0.0, 0.0)
        epoch_s = steps * step_s + (len(self.test) - 1) * test_s if self.test else steps * step_s
        return Stage(train_setup_s + test_setup_s, epoch_s, steps, factor)


def _split(times: list[float]) -> tuple[float, float]:
    """Rend ce que coûte en plus le premier intervalle, et la durée moyenne des suivants."""
    first_s = times[1] - times[0]
    if len(times) < 3:
        return 0.0, first_s
    each_s = (times[-1] - times[1]) / (len(times) - 2)
    return max(0.0, first_s - each_s), each_s


# --- La répétition en cours, que `study.fit` consulte --------------------------------

_current: Rehearsal | None = None


def current() -> Rehearsal | None:
    """Rend la répétition en cours, ou None : c'est pour de bon."""
    return _current


@contextlib.contextmanager
def rehearse(rehearsal: Rehearsal) -> Iterator[Rehearsal]:
    """Fait de tous les `study.fit` du bloc des répétitions."""
    global _current
    _current = rehearsal
    try:
        yield rehearsal
    finally:
        _current = None


def choose(
    stages: list[Stage],
    *,
    given_s: float,
    spent_s: float,
    seeds: int,
    other_s: float,
    num_images: int,
) -> Plan:
    """Choisit combien d'époques faire, ou combien d'images garder.

    Args:
        stages: les étapes d'une graine.
        given_s: temps donné.
        spent_s: temps déjà pris, par la répétition.
        seeds: nombre de graines, qui se partagent le reste.
        other_s: par graine, ce qui n'est pas un `fit` : la mesure finale, surtout.
        num_images: images dont on dispose.

    Returns:
        Le plan ; au moins une époque.

    Raises:
        ValueError: même quelques pas ne tiennent pas dans ce temps.
    """
    fixed_s = sum(stage.setup_s for stage in stages) + other_s
    epoch_s = sum(stage.factor * stage.epoch_s for stage in stages)
    left_s = (SPARED * given_s - spent_s) / seeds - fixed_s
    if left_s >= epoch_s:
        return Plan(int(left_s / epoch_s), None)
    share = left_s / epoch_s
    if share * min(stage.steps for stage in stages) < MIN_STEPS:
        needed_s = fixed_s + epoch_s * MIN_STEPS / min(stage.steps for stage in stages)
        raise ValueError(
            "Ce temps ne suffit pas, même à quelques pas d'entraînement : sur cette machine, "
            f"donnez au moins --minutes {math.ceil((seeds * needed_s + spent_s) / SPARED / 60)}."
        )
    return Plan(1, int(num_images * share))


def make(
    options,
    seed_once: Callable[[], float],
    *,
    num_images: int,
    stages: int,
    path: Path,
    clock: Callable[[], float] = time.monotonic,
) -> Plan:
    """Répète une graine et en déduit un plan, ou relit celui d'un entraînement qu'on reprend.

    Args:
        options: options de `cli.training_parser`, `minutes` compris.
        seed_once: fait une graine, ses `study.fit` écourtés ; rend la durée de ce que, hors
            d'eux, cette graine demande en plus dans l'entraînement : la mesure finale.
        num_images: images dont on dispose, validation comprise.
        stages: étapes d'une graine.
        path: où le plan est gardé, à côté des points de reprise.
        clock: horloge, en secondes.

    Returns:
        Le plan.
    """
    asked = [options.minutes, options.seeds, num_images, options.batch_size]
    known = _read_plan(path, asked) if options.resume else None
    if known:
        return known
    start, given_s = clock(), 60 * options.minutes
    limit_s = min(MAX_S, max(MIN_S, PART * given_s / stages))
    with rehearse(Rehearsal(epochs=options.epochs, limit_s=limit_s, clock=clock)) as rehearsal:
        more_s = seed_once()
    spent_s = clock() - start
    if not rehearsal.stages:
        raise ValueError(
            "--minutes chronomètre `study.fit`, que `train` n'appelle pas : --epochs N."
        )
    plan = choose(
        rehearsal.stages,
        given_s=given_s,
        spent_s=spent_s,
        seeds=options.seeds,
        other_s=spent_s - rehearsal.spent_s + more_s,
        num_images=num_images,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path, suffix=files.own_suffix()) as temporary:
        temporary.write_text(json.dumps({"asked": asked, **plan._asdict()}), encoding="utf-8")
    return plan


def _read_plan(path: Path, asked: list[int | None]) -> Plan | None:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        plan = Plan(int(known["epochs"]), known["limit"] and int(known["limit"]))
        return plan if known["asked"] == asked else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # abîmé : la vitesse de cette machine se mesure à nouveau


def describe(plan: Plan, options, *, num_images: int) -> str:
    """Dit un plan en une phrase.

    Args:
        plan: rendu par `make`.
        options: options de `cli.training_parser`.
        num_images: images dont on dispose.
    """
    each = f" pour chacune des {options.seeds} graines" if options.seeds > 1 else ""
    given = f"En {agreed(options.minutes, 'minute')}"
    if plan.limit is None:
        return f"{given} : {agreed(plan.epochs, 'époque')}{each}."
    return (
        f"{given}, une époque entière ne tient pas : une seule{each}, sur {plan.limit} images "
        f"des {num_images}."
    )
