"""Un processus à part, aux ressources comptées, pour lire le réseau de quelqu'un d'autre.

Un réseau venu d'ailleurs peut arrêter le moteur qui le charge, ou demander toute la mémoire.
`run` confie ce chargement à un processus lancé comme `./predict` lui-même : rien de ce que contient
le dossier courant n'y est exécuté. Quoi qu'il lui arrive, `./predict` n'en reçoit que la réponse,
ou une phrase en français.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from convnets.core.paths import ROOT

HEAD_BYTES = 8  # la taille de ce que l'on donne à lire, avant lui
# -I : ni le dossier courant, ni les paquets de l'utilisateur, ni les variables PYTHON*.
START = """import sys
sys.path.insert(0, sys.argv.pop(1))
from convnets.serving.apart import serve
serve()"""


class Limits(NamedTuple):
    """Ce qu'un processus à part peut prendre."""

    memory_bytes: int
    seconds: int


class RefusedError(ValueError):
    """Un réseau qui ne sera pas lu ; le message est une phrase en français, sans son nom."""


def run(
    module: str, arguments: Sequence[str], *, limits: Limits, content: bytes = b""
) -> tuple[dict, bytes]:
    """Appelle `module.answer(arguments, content)` dans un processus à part.

    Si `./predict` est tué, le processus s'arrête aussi et efface ses fichiers provisoires : son
    entrée standard, dont il attend la fin, est alors fermée.

    Args:
        module: module de ce dépôt.
        arguments: des chemins absolus ou des mots : le processus n'a pas de dossier à lui.
        limits: ce qu'il peut prendre.
        content: ce qu'on lui donne à lire.

    Returns:
        Ce que la fonction a rendu : des champs, prêts pour JSON, et des octets.

    Raises:
        RefusedError: la fonction l'a levée, ou le processus s'est arrêté, ou il a trop pris.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", START, str(ROOT), module, *map(str, limits), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        answer = _exchange(process, content, limits.seconds)
    finally:
        _stop(process)
    head, _, rest = answer.partition(b"\n")
    try:
        fields = json.loads(head)
    except ValueError as error:
        raise RefusedError(
            "le moteur s'est arrêté en le lisant : il est abîmé, ou il demande plus de "
            f"{limits.memory_bytes / 2**30:.0f} Gio de mémoire."
        ) from error
    if "error" in fields:
        raise RefusedError(fields["error"])
    return fields, rest


def _exchange(process: subprocess.Popen, content: bytes, seconds: int) -> bytes:
    """Donne le contenu à lire, et rend la réponse ; ferme l'entrée pour que tout s'arrête."""
    from threading import Timer

    late = []

    def stop() -> None:
        late.append(True)
        _stop(process)

    timer = Timer(seconds, stop)
    timer.start()
    try:
        try:
            process.stdin.write(len(content).to_bytes(HEAD_BYTES, "little") + content)
            process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # il s'est arrêté, et ne répondra rien
        answer = process.stdout.read()
    finally:
        timer.cancel()
    if late:
        raise RefusedError(f"le lire prend plus de {seconds} secondes.")
    return answer


def _stop(process: subprocess.Popen) -> None:
    """Ferme l'entrée du processus, qui efface ses fichiers provisoires et s'arrête.

    Il est tué s'il n'a pas fini au bout de cinq secondes.
    """
    with contextlib.suppress(BrokenPipeError):  # il s'est arrêté sans tout lire
        process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- Dans le processus ---------------------------------------------------------------


def serve() -> None:
    """Lit ce qu'on lui donne, appelle la fonction demandée, écrit sa réponse et quitte."""
    import importlib
    import shutil
    import signal
    import tempfile
    from threading import Thread

    module, memory_bytes, seconds, *arguments = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C arrête ./predict, et donc l'entrée
    _limit(int(memory_bytes), int(seconds))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # ce que TensorFlow écrirait n'est pas une réponse
    size = int.from_bytes(sys.stdin.buffer.read(HEAD_BYTES), "little")
    content = sys.stdin.buffer.read(size)
    folder = tempfile.tempdir = tempfile.mkdtemp(prefix="predict-")

    def watch() -> None:
        os.read(0, 1)  # rend la main quand celui qui attend la réponse n'est plus là
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
    try:
        fields, rest = importlib.import_module(module).answer(arguments, content)
    except BaseException as error:  # de toute sorte : rien ici n'est du code connu
        fields, rest = {"error": _sentence(error)}, b""
    shutil.rmtree(folder, ignore_errors=True)
    answers.write(json.dumps(fields).encode() + b"\n" + rest)
    answers.flush()
    os._exit(0)


def _limit(memory_bytes: int, seconds: int) -> None:
    """Borne la mémoire et le calcul du processus, là où le système le permet."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, limit in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_CPU, seconds * (os.cpu_count() or 1)),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(kind, (limit, hard))


def _sentence(error: BaseException) -> str:
    from convnets.core.cli import install_advice, reason

    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "le lire demande trop de mémoire."
    if isinstance(error, ImportError):
        package = (error.name or "").partition(".")[0]
        package = "tensorflow" if package == "keras" else package  # qui l'apporte
        return f"le paquet {package} manque : {install_advice(package)}"
    if isinstance(error, OSError | RefusedError):
        return reason(error)
    return f"il est abîmé, ou d'une sorte que ./predict ne lit pas ({type(error).__name__})."
