"""Comparer ce que la page « Nommer » répond à ce que répond `./predict`, image par image.

Commande : python -m web.parity site photos/ autres/     (le site, puis des dossiers d'images)

Demande Playwright et Chromium (tests/web/requirements.txt).
"""

import base64
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import FrenchParser, run
from convnets.serving import router
from web.__main__ import open_server

MAX_GAP = 0.02  # écart de probabilité que l'on admet
ANSWER = """async (content) => {
  const {Router} = await import("./_static/js/router.js");
  const {Classifier} = await import("./_static/js/classifier.js");
  const {decode, fetchBytes, fetchJson} = await import("./_static/js/dom.js");
  window.parity ??= new Router(async (slug) => Classifier.load(
    await fetchBytes(`models/${slug}.tflite`), await fetchJson(`models/${slug}.json`)));
  try {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const image = await decode(new Blob([bytes]));
    const classifier = await window.parity.choose(image);
    const start = performance.now(), {probabilities, familiar} = await classifier.answer(image);
    return {probabilities, familiar, duration: performance.now() - start};
  } catch (error) {
    return {error: error.message};
  }
}"""


class Pair(NamedTuple):
    """Les deux réponses à une image."""

    path: Path
    page: list[float] | None  # probabilités ; None : elle n'a pas pu la lire
    command: list[float] | None
    same_doubt: bool
    duration_ms: float  # du calcul, dans la page


def compare(site: Path, paths: Sequence[Path]) -> Iterator[Pair]:
    """Pose la même question aux deux, une image après l'autre.

    Args:
        site: dossier écrit par `python -m web --output`.
        paths: images.
    """
    from playwright.sync_api import sync_playwright

    expected = router.load(None).classify([str(path) for path in paths])
    with open_server(site, 0) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/nommer.html")
        for path, known in zip(paths, expected, strict=True):
            content = base64.b64encode(path.read_bytes()).decode()
            found = page.evaluate(ANSWER, content)
            doubts = found.get("familiar") == (known.familiar if known.classifier else None)
            yield Pair(
                path,
                found.get("probabilities"),
                known.probabilities,
                doubts,
                found.get("duration", 0.0),
            )
        browser.close()
        server.shutdown()


def summarise(pairs: Sequence[Pair]) -> str:
    """Dit en une ligne combien de réponses sont les mêmes."""
    both = [each for each in pairs if each.page and each.command]
    same = sum(int(np.argmax(each.page) == np.argmax(each.command)) for each in both)
    gaps = np.array([np.abs(np.subtract(each.page, each.command)).max() for each in both])
    doubts = sum(each.same_doubt for each in both)
    alone = sum((each.page is None) != (each.command is None) for each in pairs)
    duration = float(np.median([each.duration_ms for each in both]))
    close = f"écart d'au plus 0,02 : {(gaps <= MAX_GAP).sum()}"
    return (
        f"{len(both)} images ; même classe : {same} ; {close} ; même doute : {doubts} ; lues d'un "
        f"seul côté : {alone} ; {duration:.0f} ms par image dans la page"
    )


def main(argv: list[str] | None = None) -> int:
    """Compare, dossier par dossier, et montre les désaccords."""
    parser = FrenchParser(prog="python -m web.parity", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("site", type=Path, metavar="SITE", help="dossier écrit par python -m web --output")
    add("folders", type=Path, nargs="+", metavar="DOSSIER", help="dossiers d'images")
    options = parser.parse_args(argv)

    def body() -> int:
        for folder in options.folders:
            paths = sorted(path for path in folder.rglob("*") if path.is_file())
            if not paths:
                raise ValueError(f"{folder} ne contient aucune image.")
            pairs = list(compare(options.site, paths))
            print(f"{folder} : {summarise(pairs)}", flush=True)
            for each in pairs:
                if each.page and each.command and np.argmax(each.page) != np.argmax(each.command):
                    print(f"  {each.path} : les classes diffèrent")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
