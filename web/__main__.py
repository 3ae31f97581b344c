"""Construire le site, puis l'ouvrir sur cette machine.

Commande : python -m web [--output DOSSIER] [--port 8000]
"""

import functools
import signal
import sys
import tempfile
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from convnets.core.cli import FrenchParser, run

HOST, PORT = "127.0.0.1", 8000


class Handler(SimpleHTTPRequestHandler):
    """Sert les fichiers du site, sans raconter chaque demande."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",  # le registre de Windows en dit parfois un autre
        ".wasm": "application/wasm",
    }

    def log_message(self, *words) -> None:
        """N'écrit rien."""


class Server(ThreadingHTTPServer):
    """Un fil par demande ; une page quittée avant la fin n'est pas une erreur."""

    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """N'écrit rien : le navigateur redemandera ce qui lui manque."""


def open_server(folder: Path, port: int) -> Server:
    """Rend un serveur du site, visible de cette machine seule.

    Args:
        folder: celui du site.
        port: pris de préférence ; s'il ne peut l'être, un autre.
    """
    handler = functools.partial(Handler, directory=str(folder))
    try:
        return Server((HOST, port), handler)
    except (OSError, OverflowError):
        return Server((HOST, 0), handler)


def serve(folder: Path, *, port: int) -> None:
    """Sert le site jusqu'à Ctrl-C, et l'ouvre dans le navigateur."""
    with open_server(folder, port) as server:
        address = f"http://{HOST}:{server.server_port}/"
        print(f"Le cours est ouvert : {address}  (Ctrl-C pour le fermer)", flush=True)
        webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nCours fermé.", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Construit le site, et l'ouvre s'il n'a pas à être écrit quelque part."""
    parser = FrenchParser(prog="python -m web", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--output", type=Path, metavar="DOSSIER", help="écrire le site là, sans l'ouvrir")
    add("--port", type=int, default=PORT, metavar="N", help=f"port ({PORT} par défaut)")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def body() -> int:
        if options.output:
            _build(options.output)
            print(options.output / "index.html")
            return 0
        with tempfile.TemporaryDirectory(prefix="cours-cnn-") as folder:
            print("Construction du site, une minute…", flush=True)
            _build(Path(folder) / "site")
            serve(Path(folder) / "site", port=options.port)
        return 0

    return run(body)


def _build(folder: Path) -> None:
    from web.book import build

    try:
        build(folder)
    except ImportError as error:
        name = (error.name or "").partition(".")[0]
        raise ValueError(
            f"le paquet {name} manque : lancez python -m pip install -r web/requirements.txt"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
