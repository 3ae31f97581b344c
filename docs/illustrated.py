"""Ce que partagent les pages illustrées : leurs entrées, leur texte et leur commande."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from convnets.core.cli import FrenchParser, run
from convnets.core.files import replacing

DOCS = Path(__file__).resolve().parent
SAID = "sortie.txt"  # dans le dossier d'une entrée, ce que ses figures montrent, mesuré
MAX_PNG_BYTES = 500_000  # au-delà, une figure faite de photographies devient un JPEG
JPEG_QUALITY = 88


class Entry(NamedTuple):
    """Une entrée d'une page : ce qui la dessine, et ce qu'il faut y voir."""

    name: str  # de son dossier, qu'un numéro précède
    title: str
    command: str  # ce qui, dans l'exercice, fait ces figures
    comment: str
    draw: Callable[[Path], str]  # dans un dossier ; rend ce qui y est mesuré


class Page(NamedTuple):
    """Une page illustrée."""

    name: str  # sans `.md` ; celui du dossier de ses images aussi
    introduction: str  # son titre, puis d'où elle vient
    entries: tuple[Entry, ...]

    def folders(self, docs: Path) -> dict[Entry, Path]:
        """Rend le dossier de chaque entrée."""
        return {
            entry: docs / self.name / f"{number:02}_{entry.name}"
            for number, entry in enumerate(self.entries, start=1)
        }

    def text(self, docs: Path) -> str:
        """Écrit la page : titre, commentaire, commande, ce qu'elle a dit et ses figures.

        Args:
            docs: dossier de la page, dont `remake` a rempli les dossiers ; les liens en partent.
        """
        lines = [self.introduction, ""]
        for entry, folder in self.folders(docs).items():
            said = (folder / SAID).read_text(encoding="utf-8").splitlines()
            lines += [f"## {entry.title}", "", entry.comment, "", "```sh", entry.command, "```", ""]
            lines += ["```text", *said, "```", ""] if said else []
            for path in sorted(set(folder.iterdir()) - {folder / SAID}):
                lines += [f"![{path.stem}]({path.relative_to(docs).as_posix()})", ""]
        return "\n".join(lines)


def remake(entry: Entry, folder: Path) -> None:
    """Refait le dossier d'une entrée : ses figures, et ce qui y est mesuré."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / SAID).write_text(entry.draw(folder), encoding="utf-8")
    for path in folder.glob("*.png"):
        if path.stat().st_size > MAX_PNG_BYTES:
            with Image.open(path) as image:
                image.convert("RGB").save(path.with_suffix(".jpg"), quality=JPEG_QUALITY)
            path.unlink()


def run_page(page: Page, argv: list[str] | None, *, module: str, description: str) -> int:
    """Refait les figures d'une page, toutes ou celles que dit `--only`, puis son texte.

    Args:
        page: la page.
        argv: arguments de la commande ; None : ceux du processus.
        module: celui de la page, dans `docs`.
        description: une phrase, la première de l'aide.

    Returns:
        Le code de la commande.
    """
    parser = FrenchParser(prog=f"python -m docs.{module}", description=description)
    add = parser.add_argument
    add("--output", type=Path, default=DOCS, metavar="DOSSIER", help="où écrire (docs/ par défaut)")
    add(
        "--only",
        type=int,
        nargs="+",
        choices=range(1, len(page.entries) + 1),
        metavar="N",
        help="ne refaire que ces entrées, numérotées comme leurs dossiers",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        folders = page.folders(options.output)
        for stale in set((options.output / page.name).glob("*")) - set(folders.values()):
            shutil.rmtree(stale)
        for number, (entry, folder) in enumerate(folders.items(), start=1):
            if not options.only or number in options.only:
                remake(entry, folder)
        path = options.output / f"{page.name}.md"
        with replacing(path) as temporary:
            temporary.write_text(page.text(options.output), encoding="utf-8")
        print(path)
        return 0

    return run(body)
