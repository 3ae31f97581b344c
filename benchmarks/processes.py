"""Lancer chaque procédé dans son propre processus, pour que nul ne gêne ni n'aide un autre.

Deux façons : un processus entier, du lancement à la sortie, avec sa mémoire (`run_process`), et
un processus qui reste, à qui l'on demande une mesure à la fois (`Worker`) ; le temps de ses
imports n'y compte pas, et deux moteurs de Keras peuvent ainsi se mesurer tour à tour.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import REPO, PeerError
from convnets.core import startup

# Lancé par un Python nu : la mémoire d'un fils compte au moins celle de qui l'a lancé.
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


def environment(backend: str = "tensorflow") -> dict[str, str]:
    """Rend l'environnement d'un processus mesuré.

    Args:
        backend: moteur de Keras.

    Returns:
        Celui de ce processus ; le Python qui l'exécute y est le premier `python3`.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_process(command: list[str], *, backend: str = "tensorflow") -> Run:
    """Exécute une commande depuis la racine du dépôt et mesure sa durée et sa mémoire.

    Args:
        command: programme et arguments.
        backend: moteur de Keras.

    Returns:
        Un `Run`.

    Raises:
        PeerError: la commande a échoué.
        ValueError: système sans `wait4`, comme Windows.
    """
    if not hasattr(os, "wait4"):
        raise ValueError("Ces mesures demandent Linux ou macOS : ce système n'a pas wait4.")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _TIMER, *command],
        cwd=REPO,
        env=environment(backend),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise PeerError(f"échec : {_last_line(done.stderr)}")
    stdout, _, measured = done.stdout.rstrip("\n").rpartition("\n")
    duration_s, peak_bytes, code = json.loads(measured)
    if code:
        raise PeerError(f"échec, code {code} : {_last_line(done.stderr)}")
    return Run(duration_s, peak_bytes / 2**20, stdout)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["sans message"])[-1][:200]


class Worker:
    """Un processus qui reste, et mesure à la demande.

    Args:
        target: `"module:fonction"` ; appelée une fois dans le processus, elle rend la tâche.
        arguments: arguments de cette fonction, que JSON sait écrire.
        backend: moteur de Keras.
    """

    def __init__(self, target: str, arguments: dict, *, backend: str = "tensorflow"):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.processes", target, json.dumps(arguments)],
            cwd=REPO,
            env=environment(backend),
            text=True,
            encoding="utf-8",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._error: str | None = None
        self._ready = False

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def wait(self) -> None:
        """Attend la fin de ses imports ; une erreur est gardée pour la première demande."""
        if not self._ready:
            self._ready = True
            try:
                self._answer()
            except PeerError as error:
                self._error = str(error)

    def __call__(self, **request):
        """Demande une mesure.

        Args:
            **request: arguments de la tâche, que JSON sait écrire.

        Returns:
            Ce que rend la tâche, passé par JSON.

        Raises:
            PeerError: la tâche a échoué, ou le processus s'est arrêté.
        """
        self.wait()
        if self._error:
            raise PeerError(self._error)
        with contextlib.suppress(BrokenPipeError):  # `_answer` dira qu'il s'est arrêté
            print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"échec : processus arrêté (code {self._process.wait()})")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(f"échec : {answer['error']}")
        return answer["value"]


def _serve(target: str, arguments: dict) -> None:
    """Construit la tâche, puis répond à chaque ligne de l'entrée par une ligne."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # ce que les bibliothèques écrivent ne se mêle pas aux réponses

    def answer(action):
        value, content = None, {}
        try:
            value = action()
            content["value"] = None if callable(value) else value
        except Exception as error:  # un moteur a ses propres exceptions
            content["error"] = f"{type(error).__name__} : {' '.join(str(error).split())[:200]}"
        print(json.dumps(content), file=answers, flush=True)
        return value

    module, name = target.split(":")
    task = answer(lambda: getattr(importlib.import_module(module), name)(**arguments))
    for line in sys.stdin:
        answer(lambda line=line: task(**json.loads(line)))


if __name__ == "__main__":
    startup.end_imports()
    _serve(sys.argv[1], json.loads(sys.argv[2]))
