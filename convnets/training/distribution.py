"""Entraîner à plusieurs processus, sur une ou plusieurs machines, avec `keras.distribution`.

Chaque processus exécute le même exercice, garde une copie de tous les poids, et calcule le gradient
de sa part de chaque lot ; JAX additionne les gradients (gloo entre processeurs, NCCL entre cartes).
Le lot et ses statistiques sont ceux d'un seul processus : l'exactitude aussi, au hasard près.

Keras n'est importé que par ce qui l'emploie : `cluster.launch` lance des processus, sans calculer.

Ne marche qu'avec `KERAS_BACKEND=jax` : les stratégies de TensorFlow à plusieurs machines n'ont plus
de `fit` dans Keras 3.
"""

import argparse
import contextlib
import ctypes
import hashlib
import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convnets.core.cli import reserve_stderr

if TYPE_CHECKING:
    import keras

ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"  # les variables que lit Keras
NUM_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
SUPERVISED = "COURS_CNN_SUPERVISED"  # posée par `_supervise` pour son enfant
PR_SET_PDEATHSIG = 1  # de prctl(2) : l'enfant meurt avec qui le surveille


class Rank(NamedTuple):
    """La place d'un processus parmi ceux qui s'entraînent ensemble."""

    index: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Dit si c'est à lui d'écrire les fichiers : un seul le fait."""
        return self.index == 0


ALONE = Rank()
_rank = ALONE
_started = False  # dans un bloc `start`


def rank() -> Rank:
    """Rend la place de ce processus ; `ALONE` hors de `start`."""
    return _rank


def add_options(parser: argparse.ArgumentParser) -> None:
    """Ajoute `--distribution` et les adresses, que l'environnement peut donner à leur place.

    Pour une recette, qu'on lance sur plusieurs machines ; un exercice n'a que l'environnement.
    """
    add = parser.add_argument
    add(
        "--distribution",
        action="store_true",
        help="à plusieurs processus (KERAS_BACKEND=jax) ; voir docs/grappe.md",
    )
    add(
        "--coordinator",
        default=os.environ.get(ADDRESSES),
        metavar="IP:PORT",
        help=f"adresse du processus 0 (ou la variable {ADDRESSES})",
    )
    add(
        "--num-processes",
        type=int,
        default=os.environ.get(NUM_PROCESSES),
        metavar="N",
        help=f"nombre de processus (ou {NUM_PROCESSES})",
    )
    add(
        "--process-id",
        type=int,
        default=os.environ.get(PROCESS_ID),
        metavar="K",
        help=f"numéro de celui-ci, de 0 à N-1 (ou {PROCESS_ID})",
    )


@contextlib.contextmanager
def start(options) -> Iterator[Rank]:
    """Rejoint les autres processus, le temps d'un entraînement ; dans un autre `start`, rien.

    Args:
        options: options du programme, dont celles d'`add_options` s'il les a ; l'environnement
            (`ADDRESSES`, `NUM_PROCESSES`, `PROCESS_ID`) donne ce qui y manque.

    Yields:
        La place de ce processus ; `ALONE` quand rien ne demande d'être plusieurs.

    Raises:
        ValueError: moteur ou adresses qui ne conviennent pas.

    Quand un autre processus ne répond plus, celui-ci le dit et s'arrête, code 1.
    """
    global _rank, _started
    process_id = _first(getattr(options, "process_id", None), os.environ.get(PROCESS_ID) or None)
    if _started or not (getattr(options, "distribution", False) or process_id is not None):
        yield _rank
        return
    options = Namespace(
        coordinator=getattr(options, "coordinator", None) or os.environ.get(ADDRESSES),
        num_processes=_first(
            getattr(options, "num_processes", None), os.environ.get(NUM_PROCESSES) or None
        ),
        process_id=process_id,
    )
    _check(options)
    _supervise(options)
    import jax
    import keras

    # gloo est le transport entre processeurs ; les cartes prennent NCCL d'elles-mêmes.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        keras.distribution.initialize(
            options.coordinator, int(options.num_processes), int(options.process_id)
        )
        _rank, _started = Rank(jax.process_index(), jax.process_count()), True
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            # Un seul parle : N barres de progression se mêleraient.
            with contextlib.redirect_stdout(sys.stdout if _rank.writes else nowhere):
                yield _rank
    except (jax.errors.JaxRuntimeError, RuntimeError) as error:
        if not _is_lost(error):
            raise
        _say_lost(options)
        os._exit(1)  # sortir normalement, JAX attendrait une minute les disparus, puis avorterait
    finally:
        keras.distribution.set_distribution(None)
        _rank, _started = ALONE, False


def _first(given, otherwise):
    return otherwise if given is None else given  # 0 est un numéro


def _check(options) -> None:
    import keras

    if keras.backend.backend() != "jax":
        raise ValueError(
            "À plusieurs processus, il faut le moteur JAX, celui-ci est "
            f"{keras.backend.backend()} : lancez avec KERAS_BACKEND=jax."
        )
    missing = [
        name
        for name in ("coordinator", "num_processes", "process_id")
        if getattr(options, name) is None
    ]
    if missing:
        names = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise ValueError(
            f"À plusieurs processus, il faut aussi {names}. Sur une seule machine, plus "
            "simplement : python -m cluster.launch -n 2 recipes.thumbnails_light"
        )
    count, index = str(options.num_processes), str(options.process_id)
    if not (count.isdecimal() and int(count)):
        raise ValueError(f"--num-processes {count} : un nombre d'au moins 1 est attendu.")
    if not (index.isdecimal() and int(index) < int(count)):
        raise ValueError(f"--process-id {index} : un numéro de 0 à {int(count) - 1} est attendu.")
    host, _, port = options.coordinator.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError(f"--coordinator {options.coordinator} : IP:PORT est attendu.")


def _supervise(options) -> None:
    """Recommence la commande dans un processus surveillé ; rend la main dans celui-là seulement.

    Quand le processus 0 meurt, le C++ de JAX avorte les autres sans que Python le voie : il faut
    quelqu'un du dehors pour le dire, et pour taire sa trace.
    """
    if os.environ.get(SUPERVISED):
        reserve_stderr()
        _reserve_stdout()
        return
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    child = subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]],
        env={**os.environ, SUPERVISED: "1"},
        preexec_fn=prctl and (lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)),
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C va aussi à l'enfant, qui s'arrête
    signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    code = child.wait()
    if code == -signal.SIGABRT:
        _say_lost(options)
    raise SystemExit(code if code >= 0 else 1)


def _reserve_stdout() -> None:
    """Réserve la sortie standard à Python, comme `reserve_stderr` l'autre : gloo y écrit."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    sys.stdout = open(kept, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _say_lost(options) -> None:
    print(
        f"Erreur : processus {options.process_id} : un autre processus de l'entraînement s'est "
        f"arrêté ou ne répond pas ({options.coordinator}). Relancez-les tous avec --resume : ils "
        "reprendront après la dernière époque finie.",
        file=sys.stderr,
        flush=True,
    )


def _is_lost(error: Exception) -> bool:
    """Reconnaît, dans les mots de gloo et du coordinateur de JAX, un autre processus perdu."""
    words = ("gloo", "connection", "coordination service", "deadline", "unavailable", "heartbeat")
    return any(word in str(error).lower() for word in words)


def share(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rend la part de ce processus : une ligne sur `count`, autant pour chacun.

    Args:
        *arrays: tableaux `(n, ...)` ; les quelques lignes en trop sont laissées de côté.

    Returns:
        Tableaux `(n // count, ...)`.
    """
    index, count = _rank
    return tuple(each[: len(each) // count * count][index::count] for each in arrays)


def check_same(name: str, value: str) -> None:
    """Vérifie que tous les processus ont le même texte.

    Raises:
        ValueError: ils diffèrent.
    """
    if _rank.count == 1:
        return
    from jax.experimental import multihost_utils

    digest = np.frombuffer(hashlib.sha256(value.encode()).digest(), np.uint8)
    found = np.asarray(multihost_utils.process_allgather(digest))  # (count, 32)
    if (found != found[0]).any():
        raise ValueError(
            f"Les processus n'ont pas tous la même chose ({name}) : {value!r} pour le processus "
            f"{_rank.index}. Donnez à tous les mêmes options, les mêmes données et le même "
            "--models-dir."
        )


def weights_digest(model: "keras.Model") -> str:
    """Rend l'empreinte SHA-256 de tous les poids d'un modèle, au bit près."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def local_copy(model: "keras.Model") -> "keras.Model":
    """Rend un modèle de mêmes poids que ce processus peut employer seul, hors de l'entraînement.

    Raises:
        ValueError: les processus n'ont pas fini avec les mêmes poids, au bit près.
    """
    if _rank.count == 1:
        return model
    import keras

    check_same("poids appris", weights_digest(model))
    weights = model.get_weights()
    with alone():
        copy = keras.models.clone_model(model)
        copy.set_weights(weights)
    return copy


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Suspend la répartition : ce qui est calculé ici l'est par chaque processus pour lui seul."""
    if _rank.count == 1:
        yield
        return
    import keras

    distributed = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distributed)
