"""Faire des cellules de notebook du texte d'une leçon."""

import base64
import io
import mimetypes
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import v4
from PIL import Image

from exercises import FOLDER
from exercises.lesson_text import (
    CLOSING,
    LESSONS,
    OPENING,
    Answer,
    Block,
    Call,
    Figure,
    Prose,
    Shown,
    find_definition,
)

MAX_WIDTH_PX = 1000
LINK = re.compile(r"\[([^\]]*)\]\(((?!https?://)[^)\s#]+)(#[^)\s]*)?\)")


def text_cells(slug: str, blocks: Iterable[Block]) -> Iterator[nbformat.NotebookNode]:
    """Rend les cellules d'un texte, dans son ordre : prose, code montré, appels, réponses repliées.

    Args:
        slug: l'exercice.
        blocks: ceux de sa leçon.
    """
    for block in blocks:
        if isinstance(block, Call):
            yield v4.new_code_cell(block.code)
        elif isinstance(block, Shown) and find_definition(slug, block.name).node:
            yield v4.new_code_cell(find_definition(slug, block.name).source)
        elif text := to_markdown(slug, block):
            yield with_pictures(v4.new_markdown_cell(text))


def to_markdown(slug: str, block: Block) -> str:
    """Écrit un bloc en Markdown, du code entre ``` ; rien pour un atelier.

    Une figure garde le chemin que le texte lui donne : `with_pictures` l'attache à la cellule.
    """
    match block:
        case Prose(text=text):
            return link_paths(text)
        case Call(code=code):
            return f"```python\n{code}\n```"
        case Shown(name=name):
            return f"```python\n{find_definition(slug, name).source}\n```"
        case Figure(caption=caption, path=path):
            return f"![{caption}]({path})\n\n*{caption}*"
        case Answer(blocks=blocks):
            inside = [to_markdown(slug, each) for each in blocks]
            return "\n\n".join([OPENING, *filter(None, inside), CLOSING])
    return ""


def link_paths(text: str) -> str:
    """Remplace un lien du dépôt par son chemin, car un notebook n'est pas à côté de lui.

    D'un lien vers une autre leçon, il ne reste que le nom.
    """

    def replace(link: re.Match) -> str:
        path = Path(os.path.normpath(LESSONS / link[2])).relative_to(FOLDER.parent)
        return (
            link[1]
            if path.suffix == ".md" and "lessons" in path.parts
            else (f"{link[1]} (`{path.as_posix()}`)")
        )

    return LINK.sub(replace, text)


def small_picture(path: Path) -> tuple[str, bytes]:
    """Rend le nom et le contenu d'une figure, réduite à ce qu'un notebook en montre.

    Une image fixe devient du WebP de `MAX_WIDTH_PX` de large au plus ; une animation reste entière.
    """
    image = Image.open(path)
    if getattr(image, "is_animated", False):
        return path.name, path.read_bytes()
    image = image.convert("RGB")
    image.thumbnail((MAX_WIDTH_PX, image.height))
    content = io.BytesIO()
    image.save(content, "webp", quality=80)
    return f"{path.stem}.webp", content.getvalue()


def with_pictures(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Attache à une cellule les figures qu'elle montre : le notebook les emporte."""

    def attach(figure: re.Match) -> str:
        name, content = small_picture(LESSONS / figure[2])
        kind, _ = mimetypes.guess_type(name)
        encoded = base64.b64encode(content).decode()
        cell.setdefault("attachments", {})[name] = {kind or "image/webp": encoded}
        return f"{figure[1]}(attachment:{name})"

    cell.source = re.sub(r"(!\[[^\]]*\])\(([^():\s]+)\)", attach, cell.source)
    return cell
