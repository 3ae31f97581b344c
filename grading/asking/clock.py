"""Compter le temps du programme d'un rendu, que la machine soit libre ou chargée.

Le temps accordé est en secondes de processeur. Un programme qui dort n'en prend pas : son sommeil
est compté aussi, à part. Seule l'attente d'un processeur que d'autres occupent n'est pas comptée ;
elle l'est au-delà de `MAX_WAITED` fois le temps accordé.

Source : page `proc(5)` pour `stat`, et `Documentation/scheduler/sched-stats` du noyau Linux pour
`schedstat`.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

MAX_WAITED = 10  # attente d'un processeur qui n'est pas comptée, en temps accordés
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100  # par seconde
USER, SYSTEM = 11, 12  # rang, dans `stat`, des temps passés ; après le nom du programme


class Instant(NamedTuple):
    """Ce qu'un processus a pris jusqu'ici."""

    wall_s: float  # l'heure
    processor_s: float  # tous ses fils, morts compris
    waited_s: dict[str, float]  # attente d'un processeur, par fil


class Clock:
    """Le temps que prend un processus depuis que l'horloge est faite.

    Args:
        pid: son numéro.
        seconds: temps accordé.
    """

    def __init__(self, pid: int, seconds: float):
        self._pid, self._seconds = pid, seconds
        self._start = self._read()

    def is_over(self) -> bool:
        """Dit si le temps accordé est passé : de processeur, ou de sommeil."""
        now = self._read()
        processor = now.processor_s - self._start.processor_s
        wall = now.wall_s - self._start.wall_s
        # Celui du fil qui a le plus attendu : deux cents fils n'attendent pas deux cents fois.
        waited = max(
            (
                seconds - self._start.waited_s.get(thread, 0)
                for thread, seconds in now.waited_s.items()
            ),
            default=0,
        )
        asleep = wall - processor - min(waited, MAX_WAITED * self._seconds)
        return processor > self._seconds or asleep > self._seconds

    def _read(self) -> Instant:
        waited, processor = {}, 0.0
        for path in Path(f"/proc/{self._pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                waited[path.parent.name] = int(path.read_text().split()[1]) / 1e9
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
            processor = (int(fields[USER]) + int(fields[SYSTEM])) / TICKS
        return Instant(time.monotonic(), processor, waited)
