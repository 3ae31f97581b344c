"""Construire le site, puis l'ouvrir sur cette machine.

Commandes : python -m web [--output DOSSIER [--address ADRESSE]]
    python -m web --serve DOSSIER [--host 0.0.0.0] [--port 8000]
"""

import contextlib
import functools
import signal
import sys
import webbrowser
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket

from convnets.core.cli import FrenchParser, run
from web.missing import MISSING

HOST, PORT = "127.0.0.1", 8000


class Handler(SimpleHTTPRequestHandler):
    """Sert les fichiers du site, sans raconter chaque demande.

    Le navigateur garde ce qu'il a reçu, et demande à chaque fois si un fichier a changé.
    """

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript"  # le registre de Windows en dit parfois un autre
    }

    def log_message(self, *words) -> None:
        """N'écrit rien."""

    def end_headers(self) -> None:
        """Ajoute l'en-tête qui règle ce que le navigateur garde."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path):
        """Ne montre pas le contenu d'un dossier : seules les pages se lisent."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code, message=None, explain=None) -> None:
        """Dit en français qu'une page n'existe pas ; ou l'erreur, telle quelle."""
        if code != HTTPStatus.NOT_FOUND:
            return super().send_error(code, message, explain)
        content = MISSING.encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Un fil par demande ; une page quittée avant la fin n'est pas une erreur."""

    def handle_error(self, request, client_address) -> None:
        """N'écrit rien : le navigateur redemandera ce qui lui manque."""


def open_server(folder: Path, port: int, host: str = HOST) -> Server:
    """Rend un serveur du site, d'abord visible de cette machine seule.

    Args:
        folder: celui du site.
        port: pris de préférence ; s'il ne peut l'être, un autre.
        host: adresse écoutée ; `0.0.0.0` : toutes, et le réseau de la classe y accède.
    """
    handler = functools.partial(Handler, directory=str(folder))
    try:
        return Server((host, port), handler)
    except (OSError, OverflowError):
        return Server((host, 0), handler)


def serve(folder: Path, *, host: str, port: int) -> None:
    """Sert le site jusqu'à Ctrl-C, et l'ouvre dans le navigateur."""
    with open_server(folder, port, host) as server:
        address = f"http://{_own_address(host)}:{server.server_port}/"
        print(f"Le cours est ouvert : {address}  (Ctrl-C pour le fermer)", flush=True)
        if host == HOST:
            webbrowser.open(address)
        else:  # le code que les téléphones lisent
            with contextlib.suppress(ImportError):
                from segno import make

                make(address).terminal(compact=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nCours fermé.", flush=True)


def _own_address(host: str) -> str:
    """Rend l'adresse à donner : pour toutes les adresses, celle du réseau où est cette machine."""
    if host == "0.0.0.0":  # noqa: S104
        with contextlib.suppress(OSError), socket(AF_INET, SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # adresse d'essai : rien ne part
            return probe.getsockname()[0]
    return host


def main(argv: list[str] | None = None) -> int:
    """Construit le site, et l'ouvre s'il n'a pas à être écrit quelque part."""
    parser = FrenchParser(prog="python -m web", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--output", type=Path, metavar="DOSSIER", help="écrire le site là, sans l'ouvrir")
    add(
        "--address",
        default="",
        metavar="ADRESSE",
        help="où --output sera publié : chaque page le dit",
    )
    add("--serve", type=Path, metavar="DOSSIER", help="ouvrir un site déjà construit")
    add("--host", default=HOST, help=f"adresse écoutée ({HOST} par défaut ; 0.0.0.0 : la classe)")
    add("--port", type=int, default=PORT, metavar="N", help=f"port ({PORT} par défaut)")
    options = parser.parse_args(argv)
    if options.address and not options.output:
        parser.error("--address va avec --output : c'est l'adresse du site publié")
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def body() -> int:
        site = options.serve or _build(options.output, options.address)
        if options.output:
            print(site / "index.html")
        else:
            serve(site, host=options.host, port=options.port)
        return 0

    return run(body)


def _build(output: Path | None, address: str) -> Path:
    from web.book import build

    try:
        return build(output, address=address, say=lambda text: print(text, flush=True))
    except ImportError as error:
        raise ValueError(
            f"le paquet {(error.name or '').partition('.')[0]} manque : lancez "
            "python -m pip install -r web/requirements.txt"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
