"""Mesurer à égalité : chaque procédé dans son processus, à tour de rôle, en médianes.

Deux procédés mesurés l'un après l'autre ne voient pas la même machine : une autre tâche, la
fréquence du processeur ou le cache ont changé entre-temps. Ici, chacun passe une fois par tour,
et un rapport est pris à l'intérieur de chaque tour avant d'en garder la médiane.
"""

import importlib.metadata
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from convnets.core import reports

REPO = Path(__file__).resolve().parents[1]
# La mémoire d'un processus compte celle de son parent : il est lancé par un Python sans import.
_TIMER = """
import json, os, sys, time
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
duration_s = time.perf_counter() - start
unit = 1 if sys.platform == "darwin" else 1024
print("\\n" + json.dumps([duration_s, usage.ru_maxrss * unit, os.waitstatus_to_exitcode(status)]))
"""


class Run(NamedTuple):
    """Un processus, du lancement à la sortie."""

    duration_s: float
    peak_mib: float  # mémoire résidente la plus haute
    stdout: str


# --- Mesurer -----------------------------------------------------------------------


def run_process(command: Sequence[str], *, backend: str = "tensorflow") -> Run:
    """Exécute une commande depuis la racine du dépôt et mesure sa durée et sa mémoire.

    Args:
        command: programme et arguments.
        backend: moteur de Keras.

    Raises:
        ValueError: la commande a échoué, ou le système n'est ni Linux ni macOS.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _TIMER, *command],
        cwd=REPO,
        env={**os.environ, "PATH": path, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    stdout, _, measured = done.stdout.rstrip("\n").rpartition("\n")
    if done.returncode or json.loads(measured)[2]:
        said = (done.stderr.strip().splitlines() or ["sans message"])[-1][:200]
        raise ValueError(f"La commande mesurée a échoué ({' '.join(command)[:80]}) : {said}")
    duration_s, peak_bytes, _ = json.loads(measured)
    return Run(duration_s, peak_bytes / 2**20, stdout)


def interleave(tasks: dict[str, Callable[[], Run]], *, repeat: int) -> dict[str, list[Run]]:
    """Exécute des tâches à tour de rôle : A, B, C, puis A, B, C.

    Args:
        tasks: fonctions sans argument ; chacune rend une mesure.
        repeat: tours gardés, après un tour d'échauffement.

    Returns:
        Par tâche, `repeat` mesures dans l'ordre des tours.
    """
    samples: dict[str, list[Run]] = {name: [] for name in tasks}
    for turn in range(1 + repeat):
        print(f"  tour {turn} sur {repeat}", file=sys.stderr, flush=True)
        for name, task in tasks.items():
            found = task()
            if turn:
                samples[name].append(found)
    return samples


def ratios(values: Sequence[float], references: Sequence[float]) -> list[float]:
    """Rend les rapports de deux suites de mesures, pris tour par tour."""
    return [value / reference for value, reference in zip(values, references, strict=True)]


def missing(packages: Iterable[str]) -> list[str]:
    """Rend les paquets qui ne sont pas installés."""
    return [name for name in packages if importlib.util.find_spec(name) is None]


# --- Écrire ------------------------------------------------------------------------


def french(value: float) -> str:
    """Écrit un nombre à la française : un entier en entier, un réel à trois chiffres au moins.

    Example:
        >>> french(10_000), french(2.0), french(0.01234)
        ('10 000', '2,00', '0,0123')
    """
    digits = 0 if isinstance(value, int) or not value else 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, digits)}f}".replace(",", " ").replace(".", ",")


def duration(seconds: float) -> str:
    """Écrit une durée : `"35,2 ms"`, `"1,23 s"`."""
    return f"{french(seconds)} s" if seconds >= 1 else f"{french(1000 * seconds)} ms"


def spread(values: Sequence[float], write: Callable[[float], str] = french) -> str:
    """Écrit la médiane, puis, s'il y en a une, l'étendue entre parenthèses."""
    median, low, high = statistics.median(values), min(values), max(values)
    return write(median) if low == high else f"{write(median)} ({write(low)} à {write(high)})"


def memory(runs: Sequence[Run]) -> str:
    """Écrit la mémoire médiane de quelques processus."""
    return f"{french(statistics.median(run.peak_mib for run in runs))} Mio"


def describe_machine() -> str:
    """Décrit en une phrase la machine, ce qui l'occupe déjà et les versions mesurées."""
    environment = reports.environment()
    versions = [f"{name} {version}" for name, version in environment["versions"].items()]
    if not missing(["torch"]):
        versions.append(f"torch {importlib.metadata.version('torch')}")
    load = f"charge moyenne au départ : {os.getloadavg()[0]:.1f}".replace(".", ",")
    return " ; ".join([environment["hardware"], load, ", ".join(versions)])
