"""Le démarrage de `python -m exercises.…` : Ctrl-C en une phrase, TensorFlow réglé et sans bruit.

L'`__init__` d'un paquet de commandes appelle `prepare` avant tout import, longs de plusieurs
secondes avec TensorFlow.
"""

import importlib.machinery
import importlib.util
import logging
import os
import signal
import sys
import time
import types

INTERRUPTED = "Interrompu. Ce qui était enregistré est gardé."
PYTHONS = ((3, 11), (3, 13))  # le premier et le dernier qu'aient TensorFlow et les tests
INSTALL = "-m venv .venv && .venv/bin/pip install -q -r requirements.txt"
OPTIONS_READ = "COURS_CNN_OPTIONS_LUES"  # dans l'environnement : la commande a recommencé
HEAVY = {
    "keras",
    "matplotlib",
    "networkx",
    "scipy",
    "sklearn",
    "tensorflow",
}  # inutiles pour lire des options


started = None  # heure où la commande a commencé, avant ses imports
_cleans_up, _advice = False, ""


def prepare(*, cleans_up: bool = False) -> None:
    """Prépare le processus de `python -m PAQUET.…` ; ailleurs, le paquet n'est qu'importé.

    Args:
        cleans_up: la commande a des fichiers provisoires à effacer, ou des processus à arrêter :
            les imports finis, Ctrl-C y redevient une exception (`end_imports`).
    """
    global _cleans_up, started
    _quiet_tensorflow()
    if sys.argv[:1] != ["-m"]:  # c'est ce qu'y met Python tant qu'il cherche le module à lancer
        return
    started = time.monotonic()
    _check_python()  # d'abord : sys.orig_argv n'existe que depuis Python 3.10
    sys.excepthook = _say_missing
    command = _find_command()
    if not command.startswith("recipes"):
        os.environ["KERAS_BACKEND"] = "tensorflow"  # les leçons ; une recette accepte les autres
    # Ctrl-C reste ignoré si c'est ce que voulait l'appelant, comme après `&`.
    if sys.stderr and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _stop_on_interrupt()
        _cleans_up = cleans_up
    read = os.environ.pop(OPTIONS_READ, None)
    options = [each for each in sys.orig_argv if each.startswith("--")]
    # Windows ne sait pas recommencer un processus : une option inconnue y attend TensorFlow.
    parses = options and not read and command.startswith("exercises") and os.name != "nt"
    if parses or "-h" in sys.orig_argv or "--help" in sys.orig_argv:
        sys.meta_path.insert(0, _Absent())
    else:
        sys.meta_path.insert(0, QuietTensorFlow())


def _quiet_tensorflow() -> None:
    """Règle TensorFlow avant son import : ses avis en anglais, et ce qui le rend rapide."""
    # TensorFlow décrit en anglais, à chaque démarrage, le processeur. Ses erreurs
    # arrivent par des exceptions de Python ; au niveau 3, il n'écrit plus que ce qui l'arrête.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow avertit aussi quand une leçon apprend plusieurs réseaux, d'un graphe neuf chacun.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # Sur un processeur sans AVX-512, TensorFlow laisse de côté oneDNN, qui y apprend pourtant deux
    # fois plus vite, et quinze fois des convolutions en trois dimensions
    # (docs/laboratoire/vitesse.md).
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def _find_command() -> str:
    """Rend le module que `python -m` va lancer ; s'il n'existe pas, arrête en le disant."""
    command = " ".join(sys.orig_argv).partition(" -m ")[2].partition(" ")[0] or "exercises"
    found = importlib.util.find_spec(command)
    if found and found.submodule_search_locations:  # un dossier se lance par son __main__
        found = importlib.util.find_spec(f"{command}.__main__")
    if found is None:
        sys.exit(
            f"{command} n'est pas une commande. python -m exercises liste les exercices, et docs/ "
            "dit les autres commandes."
        )
    return command


def _check_python() -> None:
    """Arrête, en une phrase, un Python ou un processeur que TensorFlow n'a pas."""
    first, last = PYTHONS
    if not first <= sys.version_info[:2] <= last:
        found, wanted = (".".join(map(str, each[:2])) for each in (sys.version_info, last))
        sys.exit(
            f"Il faut Python {first[0]}.{first[1]} à {wanted} ; vous avez {found}. Installez l'un "
            f"d'eux, effacez .venv s'il existe, puis : python{wanted} {INSTALL}"
        )
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), ["avx"])
    except OSError:  # pas Linux
        return
    if "avx" not in flags:
        sys.exit("Ce processeur n'a pas les instructions AVX, sans lesquelles TensorFlow s'arrête.")


def _say_missing(kind, error, trace) -> None:
    """Dit en une phrase quel paquet manque ; de toute autre erreur, montre la trace."""
    name = (getattr(error, "name", None) or "").partition(".")[0]
    if kind is not ModuleNotFoundError or not name or importlib.util.find_spec(name):
        return sys.__excepthook__(kind, error, trace)
    print(
        f"Le paquet {name} manque à ce Python ({sys.executable}). Activez l'environnement du "
        "cours : source .venv/bin/activate (dans un éditeur, choisissez-le comme interpréteur) ; "
        f"ou créez-le : python3 {INSTALL}",
        file=sys.stderr,
    )


def end_imports(advice: str) -> None:
    """Rend Ctrl-C à Python, si `prepare` l'a promis ; `cli.run` l'appelle.

    Une commande d'exercice qui a des options les a d'abord lues sans rien charger de lourd : une
    option inconnue répond aussitôt. Elles sont bonnes : la commande recommence, pour de vrai.

    Args:
        advice: sinon, ce que la phrase de Ctrl-C ajoute désormais.
    """
    global _advice
    _advice = advice
    if any(isinstance(each, _Absent) for each in sys.meta_path):  # les options sont bonnes
        sys.stdout.flush()
        os.environ[OPTIONS_READ] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
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
            os.write(terminal, f"{begin}{INTERRUPTED}{_advice}\n".encode())
            sys.stdout.flush()  # ce qui est dit n'est pas perdu non plus
        finally:
            os._exit(130)

    signal.signal(signal.SIGINT, stop)


class QuietTensorFlow:
    """Tait le premier import de Keras ou de TensorFlow, qui écrit avant de lire ses réglages."""

    def find_spec(self, name, path=None, target=None):
        """Rend de quoi charger l'un ou l'autre en silence ; None pour tout autre module."""
        if name not in ("tensorflow", "keras"):
            return None
        sys.meta_path.remove(self)  # Keras charge TensorFlow, dans le même silence
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        load = spec.loader.exec_module

        def load_quietly(module):
            from convnets.core.files import quiet_stderr

            with quiet_stderr():
                load(module)
            # Dans un notebook, TensorFlow se croit interactif : il se remet à tout dire.
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
            if name == "keras":  # et non ce que dit un keras.json de l'utilisateur
                module.config.set_floatx("float32")
                module.config.set_image_data_format("channels_last")

        spec.loader.exec_module = load_quietly
        return spec


class _Absent:
    """Met n'importe quoi à la place de ce qui est lourd : lire les options n'en calcule rien."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return _Nothing(spec.name)

    def exec_module(self, module):
        pass


class _Nothing(types.ModuleType):
    """Un module, une classe, une fonction ou un nombre qui ne sert à rien."""

    def __init__(self, *_, **__):
        super().__init__("rien")

    def __call__(self, *_, **__):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    __or__ = __ror__ = __mul__ = __rmul__ = __truediv__ = __getitem__ = __call__
