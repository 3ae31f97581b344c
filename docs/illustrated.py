"""Ce que partagent les pages illustrées : leur commande, et des images assez petites."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from convnets.core.cli import FrenchParser, run
from convnets.core.files import replacing

DOCS = Path(__file__).resolve().parent


def run_page(
    argv: list[str] | None,
    *,
    module: str,
    description: str,
    page: str,
    entries: Sequence[tuple[str, tuple]],
    draw: Callable[[tuple, Path], None],
    write: Callable[[dict[tuple, Path], Path], str],
) -> int:
    """Refait les figures d'une page, toutes ou celles que dit `--only`, puis son texte.

    Args:
        argv: arguments de la commande ; None : ceux du processus.
        module: le sien, dans `docs`.
        description: une phrase, la première de l'aide.
        page: nom de la page sans `.md`, et du dossier de ses images.
        entries: `(nom du dossier, entrée)`, dans l'ordre de la page ; un numéro précède le nom.
        draw: refait le dossier d'une entrée.
        write: écrit le texte, d'après le dossier de chaque entrée et celui de la page.

    Returns:
        Le code de la commande.
    """
    parser = FrenchParser(prog=f"python -m docs.{module}", description=description)
    parser.add_argument(
        "--output",
        type=Path,
        default=DOCS,
        metavar="DOSSIER",
        help=f"où écrire {page}.md et ses images (docs/ par défaut)",
    )
    parser.add_argument(
        "--only",
        type=int,
        nargs="+",
        choices=range(1, len(entries) + 1),
        metavar="N",
        help="ne refaire que ces entrées, numérotées comme leurs dossiers",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        root, text = options.output / page, options.output / f"{page}.md"
        folders = {
            entry: root / f"{number:02}_{name}"
            for number, (name, entry) in enumerate(entries, start=1)
        }
        for stale in set(root.glob("*")) - set(folders.values()):
            shutil.rmtree(stale)
        for number, (entry, folder) in enumerate(folders.items(), start=1):
            if not options.only or number in options.only:
                draw(entry, folder)
        with replacing(text) as temporary:
            temporary.write_text(write(folders, options.output), encoding="utf-8")
        print(text)
        return 0

    return run(body)


def lighten(path: Path, *, max_bytes: int, quality: int) -> None:
    """Fait un JPEG d'un PNG de plus de `max_bytes` octets ; un plus petit reste."""
    if path.stat().st_size > max_bytes:
        with Image.open(path) as image:
            image.convert("RGB").save(path.with_suffix(".jpg"), quality=quality)
        path.unlink()
