"""Le démarrage de `python -m exercises.…` : Ctrl-C en une phrase, TensorFlow réglé et sans bruit.

L'`__init__` d'un paquet de commandes appelle `prepare` avant tout import, longs de plusieurs
secondes avec TensorFlow.
"""

import logging
import os
import signal
import sys

INTERRUPTED = "Interrompu. Ce qui était enregistré est gardé."


_cleans_up = False


def prepare(*, cleans_up: bool = False) -> None:
    """Prépare le processus de `python -m PAQUET.…` ; ailleurs, le paquet n'est qu'importé.

    Args:
        cleans_up: la commande a des fichiers provisoires à effacer, ou des processus à arrêter :
            les imports finis, Ctrl-C y redevient une exception (`end_imports`).
    """
    global _cleans_up
    # TensorFlow décrit en anglais, à chaque démarrage, le processeur. Ses erreurs
    # arrivent par des exceptions de Python ; au niveau 3, il n'écrit plus que ce qui l'arrête.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow avertit aussi quand une leçon apprend plusieurs réseaux, d'un graphe neuf chacun.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # Sur un processeur sans AVX-512, TensorFlow laisse de côté oneDNN, qui y apprend pourtant deux
    # fois plus vite, et quinze fois des convolutions en trois dimensions (docs/vitesse.md).
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if sys.argv[:1] != ["-m"]:  # c'est ce qu'y met Python tant qu'il cherche le module à lancer
        return
    # Ctrl-C reste ignoré si c'est ce que voulait l'appelant, comme après `&`.
    if sys.stderr and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _stop_on_interrupt()
        _cleans_up = cleans_up
    sys.meta_path.insert(0, _QuietTensorFlow())


def end_imports() -> None:
    """Rend Ctrl-C à Python, si `prepare` l'a promis ; `cli.run` l'appelle."""
    if _cleans_up:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop_on_interrupt() -> None:
    """Fait de Ctrl-C une phrase et un arrêt immédiat, où qu'en soit le processus.

    Une exception, elle, serait montrée entière pendant un import, et TensorFlow la change en une
    autre, longue de cinquante lignes, quand elle survient dans un pas. Rien n'est perdu : chaque
    fichier est écrit à côté, puis renommé.
    """
    terminal = os.dup(2)  # `files.quiet_stderr` détourne le descripteur 2

    def stop(number, frame):
        try:
            begin = "\n" if os.isatty(terminal) else ""  # sous le « ^C » du terminal
            os.write(terminal, f"{begin}{INTERRUPTED}\n".encode())
            sys.stdout.flush()  # ce qui est dit n'est pas perdu non plus
        finally:
            os._exit(130)

    signal.signal(signal.SIGINT, stop)


class _QuietTensorFlow:
    """Tait le premier import de TensorFlow, qui écrit des messages avant de lire ses réglages."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        import importlib.util

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            load = spec.loader.exec_module

            def load_quietly(module):
                from convnets.core.files import quiet_stderr

                with quiet_stderr():
                    load(module)

            spec.loader.exec_module = load_quietly
        return spec
