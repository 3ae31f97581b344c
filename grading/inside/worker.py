"""Le processus où s'exécutent les rendus : l'atelier, `python -I grading/inside DESCRIPTEUR`.

Il charge une fois les bibliothèques (TensorFlow met plusieurs secondes), puis naît de lui, par
`fork`, un enfant par rendu et par module, aussitôt enfermé (`sandbox`). Ni le corrigé, ni les
valeurs attendues, ni le reste du dépôt ne sont dans sa mémoire : le correcteur est un autre
processus, qui n'envoie que des arguments et ne reçoit que des données (`messages`).
"""

import faulthandler
import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

from . import messages, probes, sandbox

OURS = [str(each) for each in Path(__file__).resolve().parents[:3]]  # inside, grading, le dépôt
CONTROL_BYTES = 2**16


def _has_solutions(folder: str) -> bool:
    """Dit si un dossier est celui du correcteur, ou une autre copie du dépôt."""
    return folder in OURS or os.path.isfile(os.path.join(folder, "grading", "sealed.txt"))


def main(descriptor: int) -> None:
    """Charge les bibliothèques demandées, puis obéit au correcteur jusqu'à ce qu'il ferme."""
    control = socket.socket(fileno=descriptor)
    for name in json.loads(control.recv(CONTROL_BYTES))["preload"]:
        importlib.import_module(name)
    importlib.import_module(".neighbours", __package__)
    if "keras" in sys.modules:
        importlib.import_module(".running", __package__)
    # Le corrigé non plus : `pip install -e .` le met parmi les dossiers de Python.
    sys.path[:] = [each for each in sys.path if not _has_solutions(os.path.realpath(each))]
    sys.path_importer_cache.clear()  # ce que contient un dossier interdit ne se sait plus
    gc.collect()
    gc.freeze()  # ce qui est partagé avec les enfants n'est plus à parcourir
    control.send(b"{}")
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, CONTROL_BYTES, 2)
        if not data:
            return
        order = json.loads(data)
        answer = (
            _spawn(order, descriptors, control)
            if "folder" in order
            else {"status": os.waitstatus_to_exitcode(os.waitpid(order["pid"], 0)[1])}
        )
        control.send(json.dumps(answer).encode())


def _spawn(order: dict, descriptors: list[int], control: socket.socket) -> dict:
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            _live(order, *descriptors)
        finally:
            os._exit(70)
    for descriptor in descriptors:
        os.close(descriptor)
    return {"pid": pid}


def _live(order: dict, channel: int, log: int) -> None:
    """La vie d'un enfant : s'enfermer, puis répondre aux demandes une par une."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C est l'affaire du correcteur
    for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    private = os.dup2(channel, 3)
    os.closerange(4, 4096)
    folder = Path(order["folder"])
    os.chdir(folder)
    for name in ("HOME", "TMPDIR", "KERAS_HOME", "MPLCONFIGDIR"):
        os.environ[name] = str(folder)
    tempfile.tempdir = None  # l'atelier avait peut-être déjà choisi le sien
    protections = sandbox.enter(folder, sandbox.Limits(**order["limits"]))
    sys.path[:0] = [str(folder), str(folder / "exercises")]
    for name in [each for each in sys.modules if each.split(".")[0] == __package__]:
        del sys.modules[name]  # un élève peut avoir un module de ce nom
    for number, name in ((1, "stdout"), (2, "stderr")):
        options = {"encoding": "utf-8", "errors": "backslashreplace", "buffering": 1}
        setattr(sys, name, open(number, "w", closefd=False, **options))
    # Où en est le programme, quand le correcteur le demande ou qu'il s'arrête brutalement.
    faulthandler.enable(2, all_threads=False)
    faulthandler.register(signal.SIGUSR1, 2, all_threads=False)
    _serve(private, protections, probes.watch_attempts())


def _serve(channel: int, protections: list[str], tried: list[str]) -> None:
    pack, unpack, length = messages.pack, messages.unpack, messages.length
    reader, writer = os.fdopen(channel, "rb"), os.fdopen(os.dup(channel), "wb")
    content = pack({"protections": protections})
    while True:
        writer.write(content)
        writer.flush()
        start = reader.read(messages.HEADER.size)
        if not start:
            return
        request = unpack(start + reader.read(length(start)), ingredients=True)
        token, answer = request["token"], probes.answer(request)
        try:
            limit = messages.MODEL_BYTES.get(request["op"], messages.ANSWER_BYTES)
            content = pack({"token": token, "tried": tried, **answer}, limit=limit)
        except BaseException as error:  # une réponse trop longue, ou qui refuse d'être écrite
            content = pack({"token": token, "error": probes.describe_error(error)})
