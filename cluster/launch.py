"""Lancer N processus d'un même entraînement sur cette machine.

Commande : KERAS_BACKEND=jax python -m cluster.launch -n 2 exercises.ex03_cifar10 --epochs 14

Chacun reçoit l'adresse du premier et son numéro par l'environnement, celui que lit Keras : tout
exercice et toute recette qui passe par `study.run_seeds` les y trouve. Si l'un s'arrête en erreur,
les autres sont arrêtés aussitôt. Sur plusieurs machines, on lance le module lui-même sur chacune :
voir docs/grappe.md.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time

from convnets.core.cli import FrenchParser, positive_int, run
from convnets.training.distribution import ADDRESSES, NUM_PROCESSES, PROCESS_ID

POLL_S = 0.2
GRACE_S = 10  # laissées aux autres pour dire eux-mêmes ce qu'ils ont vu


def free_port() -> int:
    """Rend un port libre de cette machine, au moment où on le demande."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(command: list[str], *, num_processes: int, pin: bool) -> int:
    """Lance les processus et attend leur fin.

    Args:
        command: module, puis ses options.
        num_processes: combien.
        pin: donner un seul cœur à chacun, à tour de rôle.

    Returns:
        0 si tous ont réussi, sinon le code du premier qui a échoué.

    Raises:
        ValueError: `pin`, sur un système qui ne sait pas le faire.
    """
    if pin and not hasattr(os, "sched_setaffinity"):
        raise ValueError("--pin : ce système ne sait pas réserver un cœur ; Linux le sait.")
    address, cores = f"127.0.0.1:{free_port()}", sorted(os.sched_getaffinity(0)) if pin else []
    running: list[subprocess.Popen] = []
    for index in range(num_processes):
        environment = {
            "KERAS_BACKEND": "jax",
            **os.environ,
            ADDRESSES: address,
            NUM_PROCESSES: str(num_processes),
            PROCESS_ID: str(index),
        }
        process = subprocess.Popen([sys.executable, "-m", *command], env=environment)
        if pin:
            os.sched_setaffinity(process.pid, {cores[index % len(cores)]})
        running.append(process)
    try:
        return _wait(running)
    except KeyboardInterrupt:  # le terminal l'a envoyé à tous
        _stop(running, signal.SIGTERM if os.name == "nt" else signal.SIGINT)
        return 130


def _wait(running: list[subprocess.Popen]) -> int:
    while True:
        codes = [process.poll() for process in running]
        failed = [(index, code) for index, code in enumerate(codes) if code]
        if failed:
            index, code = failed[0]
            print(
                f"Le processus {index} s'est arrêté (code {code}) : les autres vont s'arrêter. "
                "Relancez la même commande avec --resume.",
                file=sys.stderr,
                flush=True,
            )
            deadline = time.monotonic() + GRACE_S
            while None in [process.poll() for process in running] and time.monotonic() < deadline:
                time.sleep(POLL_S)
            _stop(running, signal.SIGTERM)
            return code if code > 0 else 1
        if None not in codes:
            return 0
        time.sleep(POLL_S)


def _stop(running: list[subprocess.Popen], number: int) -> None:
    for process in running:
        if process.poll() is None:
            process.send_signal(number)
    for process in running:
        try:
            process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main(argv: list[str] | None = None) -> int:
    """Exécute la commande."""
    parser = FrenchParser(
        prog="python -m cluster.launch",
        description=__doc__.splitlines()[0],
        usage="%(prog)s -n N [--pin] MODULE [options de MODULE]",
    )
    parser.add_argument("-n", type=positive_int, required=True, metavar="N", help="processus")
    parser.add_argument("--pin", action="store_true", help="un cœur pour chacun")
    parser.add_argument("module", metavar="MODULE", help="par exemple exercises.ex03_cifar10")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="les siennes, --help compris")
    options = parser.parse_args(argv)
    command = [options.module, *options.options]
    return run(lambda: launch(command, num_processes=options.n, pin=options.pin))


if __name__ == "__main__":
    raise SystemExit(main())
