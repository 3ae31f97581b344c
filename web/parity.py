"""Comparer ce que la page « Nommer » répond à ce que répond `./predict`, image par image.

Commande : python -m web.parity site               sur plus de mille images de toute sorte
           python -m web.parity site photos/ …     sur celles de ces dossiers
Résultat mesuré : docs/site.md.

Demande Playwright et Chromium (tests/web/requirements.txt).
"""

import base64
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import FrenchParser, run
from convnets.serving import router
from web.__main__ import open_server
from web.pictures import write_pictures

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
    const {probabilities, familiar} = await classifier.answer(image);
    return {probabilities, familiar};
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

    @property
    def gap(self) -> float:
        """Le plus grand écart de probabilité, si les deux l'ont lue."""
        return float(np.abs(np.subtract(self.page, self.command)).max())

    @property
    def same_class(self) -> bool:
        """Vrai si les deux, qui l'ont lue, la nomment de même."""
        return int(np.argmax(self.page)) == int(np.argmax(self.command))

    def disagreement(self) -> str:
        """Dit en quoi les deux réponses diffèrent ; rien si elles s'accordent."""
        if (self.page is None) != (self.command is None):
            return "lue par " + ("./predict" if self.page is None else "la page") + " seulement"
        if self.page is None or (self.same_class and self.gap <= MAX_GAP):
            return ""
        said = "même classe" if self.same_class else "les classes diffèrent"
        return f"{said}, écart {self.gap:.3f}".replace(".", ",")


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
            yield Pair(path, found.get("probabilities"), known.probabilities, doubts)
        browser.close()
        server.shutdown()


class Row(NamedTuple):
    """Une ligne du tableau : des images d'une sorte."""

    kind: str
    num_images: int  # lues des deux côtés
    same_class: int
    close: int  # dont aucune probabilité ne s'écarte de plus de `MAX_GAP`
    largest_gap: float
    same_doubt: int
    alone: int  # lues d'un seul côté


def summarise(kind: str, pairs: Sequence[Pair]) -> Row:
    """Compte les accords sur des images d'une sorte."""
    both = [each for each in pairs if each.page and each.command]
    gaps = np.array([each.gap for each in both])
    return Row(
        kind,
        len(both),
        sum(each.same_class for each in both),
        int((gaps <= MAX_GAP).sum()),
        float(gaps.max(initial=0)),
        sum(each.same_doubt for each in both),
        sum((each.page is None) != (each.command is None) for each in pairs),
    )


def format_table(rows: Sequence[Row]) -> str:
    """Écrit le tableau, en Markdown."""
    titles = ("images", "même classe", "écart ≤ 0,02", "plus grand écart", "même doute")
    lines = [f"| sorte | {' | '.join(titles)} | lues d'un seul côté |", "|---|" + "---|" * 6]
    for each in rows:
        gap = f"{each.largest_gap:.3f}".replace(".", ",")
        cells = (each.num_images, each.same_class, each.close, gap, each.same_doubt, each.alone)
        lines.append(f"| {each.kind} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Compare, sorte par sorte, et montre les désaccords."""
    parser = FrenchParser(prog="python -m web.parity", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("site", type=Path, metavar="SITE", help="dossier écrit par python -m web --output")
    add(
        "folders",
        type=Path,
        nargs="*",
        metavar="DOSSIER",
        help="dossiers d'images ; plus de mille, de toute sorte, par défaut",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        with tempfile.TemporaryDirectory(prefix="cours-cnn-") as place:
            folders = options.folders
            if not folders:
                folders = [Path(place) / "images"]
                write_pictures(folders[0])
            paths = sorted(path for each in folders for path in each.rglob("*") if path.is_file())
            if not paths:
                raise ValueError(f"{', '.join(map(str, folders))} : aucune image ici.")
            pairs = list(compare(options.site, paths))
        kinds = groupby(pairs, key=lambda each: each.path.parent.name)
        rows = [summarise(kind, list(some)) for kind, some in kinds]
        print(format_table([*rows, summarise("ensemble", pairs)]), flush=True)
        for each in pairs:
            if message := each.disagreement():
                print(f"{each.path.parent.name}/{each.path.name} : {message}", file=sys.stderr)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
