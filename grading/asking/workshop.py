"""Le correcteur parle aux rendus : un atelier par moteur, un enfant par rendu et par module.

Rien de ce qui vient d'un enfant n'est exécuté ici. Un enfant qui se tait, s'arrête, déborde ou
répond de travers est tué ; le suivant repart d'une copie neuve du rendu.
"""

import contextlib
import functools
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from grading.asking.clock import Clock
from grading.asking.failures import Failure, clean, failure_of
from grading.inside import messages
from grading.inside.sandbox import Limits, check_system
from grading.reading import folders

INSIDE = Path(__file__).resolve().parents[1] / "inside"  # ce que lance l'atelier
PRELOAD = {
    "none": [],
    "numpy": ["numpy", "fractions", "PIL.Image"],
    "keras": ["numpy", "PIL.Image", "h5py", "tensorflow", "keras"],
}
MAX_LOG_BYTES = 4096  # gardés de ce qu'un enfant écrit hors des demandes
MAX_PRINTED_BYTES = 2**20  # par demande ; au-delà, la question est perdue
MAX_FOLDER_BYTES = 512 * 2**20  # au-delà, l'enfant est tué
LOOK_S = 0.25  # entre deux regards sur un enfant qui ne répond pas
NUM_LOOKS = 8  # un enfant d'une machine chargée met du temps à écrire où il en est
START_S = 300  # importer TensorFlow, sur une machine très chargée
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "MALLOC_ARENA_MAX": "2",
    # Fixe : sinon la mémoire que TensorFlow rend reste réservée, et le compte monte sans raison.
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20),
    **dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ),
        "1",
    ),
}


class StartError(OSError):
    """L'atelier ne démarre pas : rien ne peut être noté sur cette machine."""


class Workshop:
    """Un processus qui a chargé les bibliothèques et fait naître les enfants.

    Args:
        engine: `"numpy"` ou `"keras"`.

    Raises:
        WrongSystemError: ce n'est pas Linux.
        StartError: il ne démarre pas.
    """

    def __init__(self, engine: str):
        check_system()
        self.home = Path(tempfile.mkdtemp(prefix="correction-"))
        self.home.chmod(0o711)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "KERAS_HOME": str(self.home / "keras"),
            "TMPDIR": str(self.home),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(INSIDE), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**ENVIRONMENT, **path},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C est l'affaire du correcteur, qui l'arrêtera
        )
        theirs.close()
        self._control = ours
        self._control.settimeout(START_S)
        try:
            self.say({"preload": PRELOAD[engine]})
        except RuntimeError as error:
            self.close()
            raise StartError(str(error)) from error
        except BaseException:
            self.close()
            raise

    def say(self, order: dict, descriptors: Sequence[int] = ()) -> dict:
        """Donne un ordre au processus (voir `worker.main`) ; rend ce qu'il répond."""
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
            answer = self._control.recv(2**16)
        except KeyboardInterrupt:  # sa réponse serait prise pour celle de la demande suivante
            self._control.close()
            raise
        except OSError:  # mort, déjà fermé, ou muet
            answer = b""
        if not answer:
            raise RuntimeError(
                "l'atelier de correction s'est arrêté : Python ou TensorFlow ne se charge pas, ou "
                "la mémoire de la machine manque"
            )
        return json.loads(answer)

    @property
    def is_over(self) -> bool:
        """Dit si le processus s'est arrêté, tué par le noyau par exemple, faute de mémoire."""
        return self._process.poll() is not None

    def close(self) -> None:
        """Arrête l'atelier et efface ses dossiers."""
        self._control.close()
        self._process.kill()  # ses enfants meurent avec lui
        self._process.wait()
        folders.remove(self.home)


def leave_empty(folder: Path) -> None:
    """Laisse vide le dossier d'un enfant qui n'a le code d'aucun rendu."""


def _check_answer(answer: dict, token: str, operation: str) -> None:
    """Vérifie une réponse, que rien n'oblige à être honnête.

    Raises:
        Failure: ce n'en est pas une, ou c'est une erreur.
    """
    error, printed = answer.get("error"), answer.get("printed")
    if answer.get("token") != token:
        raise Failure("forged_answer")
    if isinstance(error, dict):
        if operation == "record" and not error.get("line"):  # notre faute, pas la sienne
            raise Failure("unread_answer", clean(error.get("type"), limit=60))
        raise failure_of(error)
    if not isinstance(printed, int) or "value" not in answer:
        raise Failure("forged_answer")
    if printed > MAX_PRINTED_BYTES:
        raise Failure("prints_too_much")


class Child:
    """Un enfant : un rendu, un module, enfermé.

    Args:
        workshop: qui le fait naître.
        stage: fonction qui remplit son dossier.
        limits: ressources.
    """

    def __init__(self, workshop: Workshop, stage, limits: Limits):
        self._workshop, self._folder = workshop, Path(tempfile.mkdtemp(dir=workshop.home))
        self.log, self.status = b"", None
        self.tried: list[str] = []  # ce que le rendu a tenté, en mots (`probes.watch_attempts`)
        stage(self._folder)
        self._channel, theirs = socket.socketpair()
        log, log_end = os.pipe()
        order = {"folder": str(self._folder), "limits": limits._asdict()}
        self.pid = workshop.say(order, (theirs.fileno(), log_end))["pid"]
        theirs.close()
        os.close(log_end)
        self._channel.settimeout(LOOK_S)
        self._listener = threading.Thread(target=self._listen, args=[log], daemon=True)
        self._listener.start()
        self.protections = self._receive(Clock(self.pid, START_S))["protections"]
        PROTECTIONS[:] = [str(each) for each in self.protections]

    def _listen(self, log: int) -> None:
        """Vide ce que l'enfant affiche, et en garde la fin."""
        with open(log, "rb", buffering=0) as file:
            while part := file.read(2**16):
                self.log = (self.log + part)[-MAX_LOG_BYTES:]

    def ask(self, request: dict, seconds: float) -> dict:
        """Envoie une demande et attend sa réponse.

        Args:
            request: voir `probes.answer`.
            seconds: temps accordé (voir `clock`).

        Returns:
            La réponse, `value` et `printed`.

        Raises:
            Failure: pas de réponse, ou une erreur ; l'enfant est mort, sauf après une
                exception ordinaire.
        """
        token, clock = secrets.token_hex(8), Clock(self.pid, seconds)
        try:
            view = memoryview(messages.pack({**request, "token": token}))
            while view:
                view = view[self._patiently(self._channel.send, view[: 2**18], clock) :]
            limit = messages.MODEL_BYTES.get(request["op"], messages.ANSWER_BYTES)
            answer = self._receive(clock, limit)
            self._check_folder()
            answer = answer if isinstance(answer, dict) else {}
            tried = answer.get("tried")
            self.tried = [clean(each) for each in tried[:9]] if isinstance(tried, list) else []
            _check_answer(answer, token, request["op"])
        except messages.Unreadable as error:
            self.kill()
            raise Failure("forged_answer", clean(error)) from error
        except Failure as failure:
            if failure.reason == "timeout" and self.status is None:
                os.kill(self.pid, signal.SIGUSR1)  # l'enfant écrit où il en est
                for _ in range(NUM_LOOKS):
                    time.sleep(LOOK_S)
                    if self._place():
                        break
            if failure.reason in ("timeout", "crash") and (place := self._place()):
                failure.detail = place
            if failure.reason in DEADLY:
                self.kill()
            raise
        return answer

    def _place(self) -> str:
        """Lit la ligne du rendu où l'enfant s'est arrêté, d'après ce que `faulthandler` écrit."""
        trace = self.log.decode("utf-8", "replace").rpartition("most recent call first")[2]
        # Le fichier d'un énoncé, et la cellule d'un notebook, ne sont pas dans `exercises/`.
        place = r'(?!convnets/|exercises/_cellules)([^"]+)", line (\d+)'
        found = re.search(f'File "[^"]*/{self._folder.name}/{place}', trace)
        return f"ligne {found[2]} de {Path(found[1]).name}" if found else ""

    def _receive(self, clock: Clock, limit: int = messages.ANSWER_BYTES):
        content, wanted = bytearray(), messages.HEADER.size
        while len(content) < wanted:
            size = min(wanted - len(content), 2**20)
            part = self._patiently(self._channel.recv, size, clock)
            if not part:
                raise self._ended()
            content += part
            if len(content) == messages.HEADER.size:
                wanted += messages.length(content, limit)
        return messages.unpack(content)

    def _patiently(self, operate, argument, clock: Clock):
        """Envoie ou reçoit dès que le canal est prêt, tant que l'enfant a du temps."""
        while not clock.is_over():
            try:
                return operate(argument)
            except TimeoutError:
                self._check_folder()
            except OSError as error:
                raise self._ended() from error
        raise Failure("timeout")

    def _check_folder(self) -> None:
        """Refuse un dossier trop plein, en octets, en fichiers ou en dossiers."""
        if folders.written_bytes(self._folder) > MAX_FOLDER_BYTES:
            raise Failure("disk") from None

    def _ended(self) -> Failure:
        """Dit pourquoi l'enfant a fermé le canal ; s'il vit encore, il a deux secondes."""
        late = threading.Timer(2, os.kill, (self.pid, signal.SIGKILL))
        late.start()
        try:
            self._bury()
            killed = late.finished.is_set()
        finally:
            late.cancel()
        if not killed and self.status in (-signal.SIGXCPU, -signal.SIGKILL):
            return Failure("timeout")
        if not killed and self.status < 0:
            memory = re.search(b"bad_alloc|emory|could not create a primitive", self.log)
            return Failure("memory" if memory else "crash", f"signal {-self.status}")
        return Failure("stopped")

    def kill(self) -> None:
        """Tue l'enfant et efface son dossier ; sans effet la seconde fois."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._bury()

    def _bury(self) -> None:
        """Attend la fin de l'enfant, et efface ce qui en reste."""
        self.status = self._workshop.say({"pid": self.pid})["status"]
        self._channel.close()
        self._listener.join(1)
        folders.remove(self._folder)


PROTECTIONS: list[str] = []  # en vigueur chez le dernier enfant
DEADLY = {"timeout", "disk", "crash", "stopped", "memory", "forged_answer"}


@functools.cache
def protections_here() -> list[str]:
    """Dit ce qui est en vigueur sur cette machine, au besoin par un enfant qui ne fait rien."""
    if PROTECTIONS:
        return PROTECTIONS
    with contextlib.closing(Workshop("none")) as workshop:
        child = Child(workshop, leave_empty, Limits(cpu_s=10, memory_mb=256))
        child.kill()
        return [str(each) for each in child.protections]
