"""Entraîner à plusieurs processus, sur une ou plusieurs machines, avec `keras.distribution`.

Chaque processus exécute la même recette, garde une copie de tous les poids, et calcule le gradient
de sa part de chaque lot ; JAX additionne les gradients. Le lot et ses statistiques sont ceux d'un
seul processus : l'exactitude aussi, au hasard près.

Ne marche qu'avec `KERAS_BACKEND=jax` : les stratégies de TensorFlow à plusieurs machines n'ont plus
de `fit` dans Keras 3.
"""

import argparse
import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import detach, reserve_stderr
from convnets.datasets.pretrained import weights_sha256

NEEDED = ("coordinator", "num_processes", "process_id")


class Rank(NamedTuple):
    """La place d'un processus parmi ceux qui s'entraînent ensemble."""

    index: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Dit si ce processus doit écrire les fichiers : un seul des processus le fait."""
        return self.index == 0


_rank = Rank()


def rank() -> Rank:
    """Rend la place de ce processus : seul, hors de `start`."""
    return _rank


def add_options(parser: argparse.ArgumentParser) -> None:
    """Ajoute `--distribution` et les adresses."""
    add = parser.add_argument
    add(
        "--distribution",
        action="store_true",
        help="à plusieurs processus (KERAS_BACKEND=jax) ; voir docs/grappe.md",
    )
    add("--coordinator", metavar="IP:PORT", help="adresse du processus 0")
    add("--num-processes", type=int, metavar="N", help="nombre de processus")
    add("--process-id", type=int, metavar="K", help="numéro de celui-ci, de 0 à N-1")


@contextlib.contextmanager
def start(options) -> Iterator[Rank]:
    """Rejoint les autres processus, le temps d'un entraînement.

    Args:
        options: options d'une recette, dont celles d'`add_options`.

    Yields:
        La place de ce processus.

    Raises:
        ValueError: moteur ou adresses qui ne conviennent pas.

    Quand un autre processus ne répond plus, celui-ci le dit et s'arrête, code 1.
    """
    global _rank
    if not options.distribution:
        yield _rank
        return
    _check(options)
    reserve_stderr()
    sys.stdout.flush()
    sys.stdout = detach(1)  # gloo écrit sur la sortie standard
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # entre processeurs
    try:
        keras.distribution.initialize(
            options.coordinator, options.num_processes, options.process_id
        )
        _rank = Rank(jax.process_index(), jax.process_count())
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            # Un seul processus affiche : N barres de progression se mêleraient.
            with contextlib.redirect_stdout(sys.stdout if _rank.writes else nowhere):
                yield _rank
    except jax.errors.JaxRuntimeError:
        print(
            f"Erreur : processus {options.process_id} : un autre processus de l'entraînement s'est "
            f"arrêté ou ne répond pas ({options.coordinator}). Relancez-les tous avec --resume.",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)  # sortir normalement, JAX attendrait une minute les disparus, puis avorterait
    finally:
        keras.distribution.set_distribution(None)
        _rank = Rank()


def _check(options) -> None:
    if keras.backend.backend() != "jax":
        raise ValueError(
            "À plusieurs processus, il faut le moteur JAX, celui-ci est "
            f"{keras.backend.backend()} : lancez avec KERAS_BACKEND=jax."
        )
    missing = [name for name in NEEDED if getattr(options, name) is None]
    if missing:
        names = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise ValueError(
            f"À plusieurs processus, il faut aussi {names}. Sur une seule machine, plus "
            "simplement : python -m cluster.launch -n 2 recipes.thumbnails"
        )


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


def local_copy(model: keras.Model) -> keras.Model:
    """Rend un modèle de mêmes poids que ce processus peut employer seul, hors de l'entraînement.

    Raises:
        ValueError: les processus n'ont pas fini avec les mêmes poids, au bit près.
    """
    if _rank.count == 1:
        return model
    check_same("poids appris", weights_sha256(model))
    weights = model.get_weights()
    with alone():
        copy = keras.models.clone_model(model)
        copy.set_weights(weights)
    return copy


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Suspend la répartition : dans ce bloc, chaque processus calcule pour lui seul."""
    if _rank.count == 1:
        yield
        return
    distributed = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distributed)
