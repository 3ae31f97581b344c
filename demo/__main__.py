"""Ouvrir la page : un serveur sur cette machine, et le navigateur.

Commande : python -m demo [--host 127.0.0.1] [--port 7860] [--no-browser]
"""

import errno
import os
import shutil
import signal
import socket
import sys
import tempfile
import time

from convnets.core.cli import FrenchParser, reason, reserve_stderr

HOST, PORT = "127.0.0.1", 7860
NUM_PORTS = 100  # essayés à la suite, si le premier est pris
EVERYWHERE = ("0.0.0.0", "::")


def make_parser() -> FrenchParser:
    """Prépare les options."""
    parser = FrenchParser(
        prog="python -m demo", description="Une page pour jouer avec les exercices."
    )
    add = parser.add_argument
    add(
        "--host",
        default=HOST,
        metavar="ADRESSE",
        help=f"adresse d'écoute ({HOST} par défaut : cette machine seule)",
    )
    add(
        "--port",
        type=int,
        default=PORT,
        metavar="N",
        help=f"port ({PORT} par défaut, ou le suivant libre ; 0 : n'importe lequel)",
    )
    add("--no-browser", action="store_true", help="ne pas ouvrir le navigateur")
    return parser


def free_port(host: str, port: int) -> int:
    """Rend un port libre : celui-ci, sinon un des suivants ; 0 : au choix du système.

    Raises:
        ValueError: port impossible, ou aucun de libre.
        OSError: adresse d'écoute inconnue.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} reçu : un entier de 0 à 65535 est attendu.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + NUM_PORTS, 65536) if port else 1
    for candidate in range(port, last):
        with socket.socket(family) as probe:
            if os.name == "posix":  # sous Windows, l'option laisserait prendre un port occupé
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                    raise ValueError(
                        f"l'adresse {host} n'est pas une de celles de cette machine ; "
                        f"essayez --host {HOST}."
                    ) from error
                continue
            return probe.getsockname()[1]
    raise ValueError(f"aucun port libre de {port} à {last - 1} ; choisissez-en un avec --port.")


def prepare_environment(folder: str) -> None:
    """Règle Gradio avant de l'importer : rien ne sort, rien ne reste.

    Args:
        folder: dossier privé où passent les fichiers déposés.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = folder
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("GRADIO_SHARE", "GRADIO_ALLOWED_PATHS", "GRADIO_ROOT_PATH", "GRADIO_MCP_SERVER"):
        os.environ.pop(name, None)
    for name in ("NO_PROXY", "no_proxy"):  # Gradio se rend visite à lui-même en démarrant
        known = os.environ.get(name)
        os.environ[name] = ",".join(filter(None, [known, "127.0.0.1", "localhost", "::1"]))


def serve(host: str, port: int, *, browser: bool) -> None:
    """Sert la page jusqu'à Ctrl-C.

    Args:
        host: adresse d'écoute.
        port: port libre.
        browser: ouvrir le navigateur.
    """
    from demo import app, limits

    limits.limit_pixels()
    limits.forbid_downloads()
    page = app.build()
    page.launch(
        server_name=host,
        server_port=port,
        inbrowser=browser,
        prevent_thread_lock=True,
        **app.launch_options(),
    )
    shown = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    print(f"La page est ouverte : http://{shown}:{port}/  (Ctrl-C pour la fermer)", flush=True)
    while True:  # une attente sans fin n'entendrait pas Ctrl-C sous Windows
        time.sleep(1)


def main(argv: list[str] | None = None) -> int:
    """Ouvre la page.

    Returns:
        0 après Ctrl-C ; 1 si elle n'a pu être ouverte.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    options = make_parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    folder = tempfile.mkdtemp(prefix="cours-cnn-demo-")
    prepare_environment(folder)
    try:
        port = free_port(options.host, options.port)
        if options.port not in (0, port):
            print(f"Le port {options.port} est pris : la page sera sur {port}.", flush=True)
        if options.host not in (HOST, "localhost", "::1"):
            print("Attention : la page est visible des autres machines du réseau.", flush=True)
        serve(options.host, port, browser=not options.no_browser)
    except KeyboardInterrupt:
        print("\nPage fermée ; rien de ce qui y a été déposé n'est resté.", flush=True)
        return 0
    except ImportError as error:
        remedy = "python -m pip install -r demo/requirements.txt"
        print(f"Erreur : le paquet {error.name} manque. Lancez {remedy}", file=sys.stderr)
    except (ValueError, OSError) as error:
        print(f"Erreur : {reason(error)}", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1


if __name__ == "__main__":
    reserve_stderr()  # TensorFlow et LiteRT y écrivent en anglais, même quand tout va bien
    code = main()
    sys.stdout.flush()
    os._exit(code)  # n'attend ni les connexions encore ouvertes, ni un calcul en cours
