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
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from grading import messages, submission
from grading.sandbox import Limits, check_system

PRELOAD = {
    "none": [],
    "numpy": ["numpy", "fractions", "PIL.Image"],
    "keras": ["numpy", "PIL.Image", "h5py", "tensorflow", "keras"],
}
MAX_LOG_BYTES = 4096  # gardés de ce qu'un enfant écrit hors des demandes
MAX_PRINTED_BYTES = 2**20  # par demande ; au-delà, la question est perdue
MAX_FOLDER_BYTES = 512 * 2**20  # au-delà, l'enfant est tué
WALL_FACTOR = 8  # une machine chargée peut être plus lente : durée réelle, au plus
MAX_GAP_S = 1.0  # entre deux regards sur un enfant ; plus long, la machine s'était arrêtée
# `from exercises.ex05_inception import head`, quand head.py n'est pas là.
ABSENT = r"cannot import name '(\w+)' from '([\w.]+)' \((?:unknown|.*__init__\.py)"
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


class Failure(Exception):
    """Une demande sans réponse utilisable.

    Attributes:
        reason: identifiant d'une raison (`scale.read_reasons`).
        detail: ce qui précise, déjà lisible ; par exemple `"ValueError, ligne 12"`.
        error: ce que `probes.describe_error` en dit, ou None.
    """

    def __init__(self, reason: str, detail: str = "", error: dict | None = None):
        super().__init__(reason)
        self.reason, self.detail, self.error = reason, detail, error


class Answer(NamedTuple):
    """Ce qu'a donné un appel : une valeur, ou une erreur."""

    value: object
    error: dict | None = None


class Workshop:
    """Un processus qui a chargé les bibliothèques et fait naître les enfants.

    Args:
        engine: `"numpy"` ou `"keras"`.

    Raises:
        WrongSystemError: ce n'est pas Linux.
    """

    def __init__(self, engine: str):
        check_system()
        self._home = Path(tempfile.mkdtemp(prefix="correction-"))
        self._home.chmod(0o711)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self._home),
            "KERAS_HOME": str(self._home / "keras"),
            "TMPDIR": str(self._home),
        }
        worker = Path(__file__).with_name("worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(worker), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**ENVIRONMENT, **path},
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C est l'affaire du correcteur, qui l'arrêtera
        )
        theirs.close()
        self._control = ours
        self._control.settimeout(START_S)
        try:
            self._say({"preload": PRELOAD[engine]})
        except BaseException:
            self.close()
            raise

    def _say(self, order: dict, descriptors: tuple[int, ...] = ()) -> dict:
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
            answer = self._control.recv(2**16)
        except KeyboardInterrupt:  # sa réponse serait prise pour celle de la demande suivante
            self._control.close()
            raise
        if not answer:
            raise RuntimeError(
                "L'atelier de correction s'est arrêté : Python ou TensorFlow ne se charge pas."
            )
        return json.loads(answer)

    def spawn(self, staged: Path, limits: Limits, *descriptors: int) -> int:
        """Fait naître un enfant dans un dossier préparé ; rend son numéro."""
        order = {"folder": str(staged), "limits": limits._asdict()}
        return self._say(order, descriptors)["pid"]

    def reap(self, pid: int) -> int:
        """Attend la fin d'un enfant ; rend son code de sortie, négatif pour un signal."""
        return self._say({"pid": pid})["status"]

    def folder(self) -> Path:
        """Crée un dossier pour un enfant."""
        return Path(tempfile.mkdtemp(dir=self._home))

    def close(self) -> None:
        """Arrête l'atelier et efface ses dossiers."""
        self._control.close()
        self._process.kill()  # ses enfants meurent avec lui
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)


class Child:
    """Un enfant : un rendu, un module, enfermé.

    Args:
        workshop: qui le fait naître.
        stage: fonction qui remplit son dossier.
        limits: ressources.
    """

    def __init__(self, workshop: Workshop, stage, limits: Limits):
        self._workshop, self._folder, self.log = workshop, workshop.folder(), b""
        stage(self._folder)
        self._channel, theirs = socket.socketpair()
        log, log_end = os.pipe()
        self._log = log
        self.pid = workshop.spawn(self._folder, limits, theirs.fileno(), log_end)
        theirs.close()
        os.close(log_end)
        self._channel.setblocking(False)
        os.set_blocking(log, False)
        self.status: int | None = None
        self._killed = False
        self.protections = self._receive(_Clock(self.pid, START_S))["protections"]

    def ask(self, request: dict, seconds: float) -> dict:
        """Envoie une demande et attend sa réponse.

        Args:
            request: voir `probes.answer`.
            seconds: temps accordé.

        Returns:
            La réponse, `value` et `printed`.

        Raises:
            Failure: pas de réponse, ou une erreur ; l'enfant est mort, sauf après une
                exception ordinaire.
        """
        token, clock = secrets.token_hex(8), _Clock(self.pid, seconds)
        try:
            self._send(messages.pack({**request, "token": token}), clock)
            limit = messages.MODEL_BYTES.get(request["op"], messages.ANSWER_BYTES)
            answer = self._receive(clock, limit)
            if not isinstance(answer, dict) or answer.get("token") != token:
                raise Failure("forged_answer")
            if isinstance(answer.get("error"), dict):
                raise failure_of(answer["error"])
            if not isinstance(answer.get("printed"), int) or "value" not in answer:
                raise Failure("forged_answer")
            if answer["printed"] > MAX_PRINTED_BYTES:
                raise Failure("prints_too_much")
        except messages.Unreadable as error:
            self.kill()
            raise Failure("forged_answer", clean(error)) from error
        except Failure as failure:
            if failure.reason in DEADLY:
                self.kill()
            raise
        return answer

    def _send(self, content: bytes, clock: "_Clock") -> None:
        view = memoryview(content)
        while view:
            self._wait(clock, writing=True)
            try:
                view = view[self._channel.send(view[: 2**18]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._ended() from error

    def _receive(self, clock: "_Clock", limit: int = messages.ANSWER_BYTES):
        content, wanted = bytearray(), messages.HEADER.size
        while len(content) < wanted:
            self._wait(clock)
            try:
                part = self._channel.recv(min(wanted - len(content), 2**20))
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._ended() from error
            if not part:
                raise self._ended()
            content += part
            if len(content) == messages.HEADER.size:
                lengths = messages.HEADER.unpack(content)
                messages.check_head(lengths[0])
                wanted += sum(lengths)
                if wanted > limit:
                    raise messages.Unreadable("réponse trop longue")
        return messages.unpack(content)

    def _wait(self, clock: "_Clock", *, writing: bool = False) -> None:
        """Attend que le canal soit prêt, en vidant ce que l'enfant affiche."""
        while True:
            readers = [self._log] if writing else [self._channel, self._log]
            writers = [self._channel] if writing else []
            ready, free, _ = select.select(readers, writers, [], 0.25)
            if self._log in ready:
                try:
                    part = os.read(self._log, 2**16)
                except BlockingIOError:
                    part = b" "
                self.log = (self.log + part)[-MAX_LOG_BYTES:]
                if not part:  # l'enfant a fermé sa sortie
                    os.close(self._log)
                    self._log = os.open(os.devnull, os.O_RDONLY | os.O_NONBLOCK)
                    time.sleep(0.01)
            if self._channel in ready or free:
                return
            if clock.is_over():
                raise Failure("timeout")
            if not ready and submission.folder_bytes(self._folder) > MAX_FOLDER_BYTES:
                raise Failure("disk")

    def _ended(self) -> Failure:
        """Dit pourquoi l'enfant ne répond plus."""
        self.kill(politely=True)
        status = self.status
        if status == -signal.SIGXCPU or (status == -signal.SIGKILL and not self._killed):
            return Failure("timeout")
        if status is not None and status < 0 and not self._killed:
            detail = f"signal {-status}"
            memory = b"bad_alloc" in self.log or b"emory" in self.log
            return Failure("memory" if memory else "crash", detail)
        return Failure("stopped")

    def kill(self, *, politely: bool = False) -> None:
        """Tue l'enfant et efface son dossier ; sans effet la seconde fois."""
        if self.status is not None:
            return
        self._killed = True
        if politely and _is_dead(self.pid):
            self._killed = False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, signal.SIGKILL)
        self.status = self._workshop.reap(self.pid)
        self._channel.close()
        os.close(self._log)
        shutil.rmtree(self._folder, ignore_errors=True)


DEADLY = {"timeout", "disk", "crash", "stopped", "memory", "forged_answer"}


class _Clock:
    """Le temps d'un enfant, sans celui que la machine lui a pris.

    Ni l'attente d'un processeur occupé par d'autres, ni un arrêt de la machine virtuelle, qui se
    voit comme un saut entre deux regards, ne sont comptés.
    """

    def __init__(self, pid: int, seconds: float):
        self._pid, self._seconds, self._elapsed = pid, seconds, 0.0
        self._last, self._waited = time.monotonic(), _queue_s(pid)

    def is_over(self) -> bool:
        """Dit si le temps est passé ; à demander plusieurs fois par seconde."""
        now = time.monotonic()
        self._elapsed += min(now - self._last, MAX_GAP_S)
        self._last = now
        if self._elapsed <= self._seconds:
            return False
        waited = _queue_s(self._pid) - self._waited
        return self._elapsed > min(self._seconds + waited, WALL_FACTOR * self._seconds)


def _queue_s(pid: int) -> float:
    """Rend le temps que les fils d'un processus ont passé à attendre un processeur, en secondes."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(path.read_text().split()[1])
    return total / 1e9


def _is_dead(pid: int) -> bool:
    """Attend un instant qu'un processus qui a fermé son canal finisse de mourir."""
    for _ in range(40):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")
FRENCH = {  # ce que dit Python d'une exception, par son type
    "ArithmeticError": "calcul impossible",
    "AssertionError": "une vérification du programme échoue",
    "AttributeError": "attribut ou fonction qui n'existe pas",
    "FileNotFoundError": "fichier absent",
    "FloatingPointError": "calcul impossible",
    "ImportError": "import impossible",
    "IndexError": "indice hors du tableau",
    "InvalidArgumentError": "tableau d'une forme ou d'un type impossible",
    "KeyError": "clé absente",
    "NameError": "nom qui n'est pas défini",
    "OverflowError": "nombre trop grand",
    "RecursionError": "une fonction s'appelle sans fin",
    "StopIteration": "plus rien à lire",
    "TypeError": "argument d'un type ou en nombre inattendu",
    "UnboundLocalError": "variable employée avant d'avoir une valeur",
    "UnicodeDecodeError": "texte qui n'est pas en UTF-8",
    "ValueError": "valeur ou forme refusée",
    "ZeroDivisionError": "division par zéro",
}


def clean(text, *, limit: int = 160) -> str:
    """Rend un texte venu d'un rendu sur une ligne, court, sans couleur ni caractère de contrôle."""
    text = ESCAPES.sub("", str(text)[: 4 * limit])
    text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(message: str, *, who: str = "Python") -> str:
    """Cite un message, souvent anglais, en disant de qui il est ; rien s'il est vide."""
    message = clean(message)
    return f"{who} dit : « {message} »" if message else ""


def failure_of(error: dict) -> Failure:
    """Traduit une exception d'un rendu en raison.

    Args:
        error: ce qu'en dit `probes.describe_error`.

    Returns:
        Une `Failure` prête à lever.
    """
    kind, line = clean(error.get("type"), limit=60), error.get("line")
    place = f", ligne {line} de {clean(error.get('file'), limit=60)}" if line else ""
    message, missing = (
        clean(error.get("message") or ""),
        clean(error.get("missing") or "", limit=80),
    )
    detail = ", ".join(filter(None, [FRENCH.get(kind), kind])) + place
    detail += f" ; {quoted(message)}" if message else ""
    if kind == "SyntaxError" and re.search("codec can't decode|Non-UTF-8", message):
        return Failure("wrong_encoding", clean(error.get("file"), limit=60), error)
    if kind == "NotImplementedError":
        return Failure("not_done", error=error)
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        return Failure("syntax_error", place.removeprefix(", "), error)
    if kind == "MemoryError" or "ResourceExhausted" in kind or "Cannot allocate" in message:
        return Failure("memory", error=error)
    if kind == "SystemExit":
        return Failure("exited", place.removeprefix(", "), error)
    if kind == "SavingError":
        return Failure("saving_fails", quoted(message, who="Keras"), error)
    if kind == "LoadingError":
        return Failure("loading_fails", quoted(message, who="Keras"), error)
    if kind == "Unreadable":
        return Failure("answer_too_long", error=error)
    if kind == "OSError" and "File too large" in message:
        return Failure("disk", error=error)
    if kind == "PermissionError" or (kind == "BlockingIOError" and "fork" in message):
        return Failure("forbidden", detail, error)
    if kind == "ImportError":
        absent = re.match(ABSENT, str(error.get("message")))
        if absent and _file_of_course(f"{absent[2]}.{absent[1]}"):
            missing = f"{absent[2]}.{absent[1]}"
        elif message.startswith("attempted relative import"):
            return Failure("missing_module", detail, error)
    if _file_of_course(missing):
        return Failure("missing_module", _file_of_course(missing), error)
    if missing:
        return Failure("missing_package", missing, error)
    if kind == "AttributeError" and "module 'exercises." in message:
        return Failure("missing_name", message.rpartition(" ")[2].strip("'"), error)
    return Failure("exception", detail, error)


def _file_of_course(module: str) -> str:
    """Rend le chemin d'un module du cours, d'après le nom que Python n'a pas trouvé.

    Args:
        module: `"exercises.ex00_convolution.geometry"`, ou, importé sans son dossier,
            `"ex00_convolution.geometry"` ou `"geometry"`.

    Returns:
        `"ex00_convolution/geometry.py"` ; vide si le nom n'est pas celui d'un fichier du cours.
    """
    name = module.removeprefix("exercises.")
    top = name.partition(".")[0]
    known = module != name or top in ("exercises", "convnets") or re.match(r"ex\d\d_", top)
    if not known and name not in _names_of_course():
        return ""
    folder = name.replace(".", "/")
    return f"{folder}/" if (submission.EXERCISES / folder).is_dir() else submission.file_of(name)


@functools.cache
def _names_of_course() -> frozenset[str]:
    return frozenset(path.stem for path in submission.EXERCISES.glob("ex[0-9][0-9]_*/[a-z]*.py"))


def protections_here() -> list[str]:
    """Dit ce qui est en vigueur sur cette machine, en enfermant un enfant qui ne fait rien."""
    workshop = Workshop("none")
    try:
        child = Child(workshop, lambda folder: None, Limits(cpu_s=10, memory_mb=256))
        found = [str(each) for each in child.protections]
        child.kill()
        return found
    finally:
        workshop.close()
