"""Mesurer le site : ce qu'il pèse, ce qu'il demande, et le temps d'une réponse dans un navigateur.

Commande : python -m web.measure site          (un dossier écrit par python -m web --output)
Résultat mesuré : docs/site.md.

Demande Playwright et Chromium (tests/web/requirements.txt).
"""

import base64
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from convnets.core.cli import FrenchParser, run
from convnets.core.paths import MODELS_DIR
from convnets.serving.classifier import Classifier
from web.__main__ import open_server

ROOT = MODELS_DIR.parent
PICTURE = ROOT / "samples" / "chien.webp"
TIMED = ("thumbnails_light", "thumbnails", "photos")
NUM_STARTS, NUM_PASSES = 5, 20  # médianes
FIRST_ANSWER = """async ([slug, picture]) => {
  const {Classifier} = await import("./_static/js/classifier.js");
  const {decode, fetchBytes} = await import("./_static/js/dom.js");
  const start = performance.now();
  const report = await (await fetch(`mesure/${slug}.json`)).json();
  const model = new Uint8Array(await (await fetch(`mesure/${slug}.tflite`)).arrayBuffer());
  window.timed = await Classifier.load(model, report);
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  window.picture = new Blob([bytes]);
  await window.timed.answer(await decode(window.picture));
  return performance.now() - start;
}"""
NEXT_ANSWER = """async () => {
  const {decode} = await import("./_static/js/dom.js");
  const start = performance.now();
  await window.timed.answer(await decode(window.picture));
  return performance.now() - start;
}"""


def sizes(site: Path) -> Iterator[tuple[str, float]]:
    """Rend ce que pèsent le site et ses morceaux, en mégaoctets."""

    def weigh(paths) -> float:
        return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6

    archive = site / "telecharger" / "cours.zip"
    yield "le site, sans son archive", weigh(set(site.rglob("*")) - {archive})
    yield "l'archive `cours.zip`", weigh([archive])
    yield "ses images", weigh((site / "_images").iterdir())
    yield "ses modèles", weigh((site / "models").iterdir())
    yield "LiteRT (les deux .wasm)", weigh((site / "litert").rglob("*.wasm"))


def requests(browser, address: str) -> Iterator[tuple[str, int, float, int]]:
    """Ouvre des pages, rien en mémoire ; de chacune, rend demandes, ko, et demandes au-dehors."""
    for name in ("index.html", "ex02_fashion.html", "convolution.html", "nommer.html"):
        page, seen = browser.new_page(), []
        page.on("response", lambda response, seen=seen: seen.append(response))
        page.goto(f"{address}/{name}", wait_until="networkidle")
        ours = (address, "data:", "blob:")
        outside = sum(not each.url.startswith(ours) for each in seen)
        yield name, len(seen), sum(len(each.body()) for each in seen) / 1e3, outside
        page.close()


def in_the_browser(browser, address: str, slug: str) -> tuple[float, float]:
    """Rend la durée d'une première réponse, puis celle des suivantes, en millisecondes."""
    picture, first, later = base64.b64encode(PICTURE.read_bytes()).decode(), [], []
    for _ in range(NUM_STARTS):
        context = browser.new_context()  # rien en mémoire : le visiteur arrive
        page = context.new_page()
        page.goto(f"{address}/nommer.html")
        first.append(page.evaluate(FIRST_ANSWER, [slug, picture]))
        later += [page.evaluate(NEXT_ANSWER) for _ in range(NUM_PASSES // NUM_STARTS)]
        context.close()
    return statistics.median(first), statistics.median(later)


def in_the_command(slug: str) -> tuple[float, float]:
    """Rend la durée de `./predict`, lancé puis fini, et celle d'une image de plus, en ms."""
    first, later, command = [], [], [ROOT / "predict", "--model", slug, PICTURE]
    for _ in range(NUM_STARTS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        first.append(1e3 * (time.perf_counter() - start))
    classifier = Classifier(slug)
    for _ in range(NUM_PASSES):
        start = time.perf_counter()
        list(classifier.classify([str(PICTURE)]))
        later.append(1e3 * (time.perf_counter() - start))
    return statistics.median(first), statistics.median(later)


def report(site: Path) -> Iterator[str]:
    """Rend, en Markdown, les trois tableaux."""
    from playwright.sync_api import sync_playwright

    yield "| | Mo |\n|---|---|"
    for name, weight in sizes(site):
        yield f"| {name} | {_decimal(weight)} |"
    yield "\n| page | demandes | ko reçus | à une autre adresse |\n|---|---|---|---|"
    with (
        tempfile.TemporaryDirectory(prefix="cours-cnn-") as folder,
        open_server(_with_models(site, Path(folder)), 0) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, count, weight, others in requests(browser, address):
            yield f"| {name} | {count} | {weight:.0f} | {others} |"
        titles = ("page : 1ʳᵉ réponse", "suivantes", "`./predict` : lancé", "suivantes")
        yield f"\n| modèle | {' | '.join(titles)} |"
        yield "|---|---|---|---|---|"
        for slug in TIMED:
            times = (*in_the_browser(browser, address, slug), *in_the_command(slug))
            yield f"| {slug} | {' | '.join(f'{each:.0f} ms' for each in times)} |"
        browser.close()
        server.shutdown()


def _with_models(site: Path, folder: Path) -> Path:
    """Rend un dossier qui montre le site et, dans `mesure/`, tous les modèles du dépôt."""
    for path in site.resolve().iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "mesure").symlink_to(MODELS_DIR)
    return folder


def _decimal(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")


def main(argv: list[str] | None = None) -> int:
    """Mesure et affiche."""
    parser = FrenchParser(prog="python -m web.measure", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("site", type=Path, metavar="SITE", help="dossier écrit par python -m web --output")
    options = parser.parse_args(argv)

    def body() -> int:
        for line in report(options.site):
            print(line, flush=True)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
