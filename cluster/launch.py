"""Lancer N processus d'une même recette sur cette machine.

Commande : python -m cluster.launch -n 2 recipes.thumbnails --rounds 0

Chacun reçoit l'adresse du premier et son numéro, comme on les donnerait soi-même à la recette sur
plusieurs machines : voir docs/grappe.md. Si l'un s'arrête en erreur, les autres sont arrêtés.
"""

import argparse
import os
import socket
import subprocess
import sys
import time

from convnets.core.cli import FrenchParser, positive_int, run

POLL_S = 0.2
GRACE_S = 10  # laissées aux autres pour dire eux-mêmes ce qu'ils ont vu


def free_port() -> int:
    """Rend un port libre de cette machine, au moment où on le demande."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(command: list[str], *, num_processes: int) -> int:
    """Lance les processus et attend leur fin.

    Args:
        command: module, puis ses options.
        num_processes: combien.

    Returns:
        0 si tous ont réussi, sinon le code du premier qui a échoué.
    """
    place = ["--distribution", "--coordinator", f"127.0.0.1:{free_port()}"]
    place += ["--num-processes", str(num_processes), "--process-id"]
    environment = {"KERAS_BACKEND": "jax", **os.environ}
    running = [
        subprocess.Popen([sys.executable, "-m", *command, *place, str(index)], env=environment)
        for index in range(num_processes)
    ]
    try:
        return _wait(running)
    finally:
        for process in running:
            _end(process)


def _wait(running: list[subprocess.Popen]) -> int:
    codes = [None]
    while None in codes and not any(codes):
        time.sleep(POLL_S)
        codes = [process.poll() for process in running]
    if not any(codes):
        return 0
    index, code = next((index, code) for index, code in enumerate(codes) if code)
    print(
        f"Le processus {index} s'est arrêté (code {code}) : les autres vont s'arrêter. "
        "Relancez la même commande avec --resume.",
        file=sys.stderr,
        flush=True,
    )
    return code if code > 0 else 1


def _end(process: subprocess.Popen) -> None:
    """Attend la fin d'un processus, puis la demande, puis l'impose."""
    for stop in (process.terminate, process.kill):
        try:
            process.wait(timeout=GRACE_S)
            return
        except subprocess.TimeoutExpired:
            stop()
    process.wait()


def main(argv: list[str] | None = None) -> int:
    """Exécute la commande."""
    parser = FrenchParser(
        prog="python -m cluster.launch",
        description=__doc__.splitlines()[0],
        usage="%(prog)s -n N RECETTE [options de RECETTE]",
    )
    parser.add_argument("-n", type=positive_int, required=True, metavar="N", help="processus")
    parser.add_argument("recipe", metavar="RECETTE", help="par exemple recipes.thumbnails")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="les siennes, --help compris")
    options = parser.parse_args(argv)
    return run(lambda: launch([options.recipe, *options.options], num_processes=options.n))


if __name__ == "__main__":
    raise SystemExit(main())
