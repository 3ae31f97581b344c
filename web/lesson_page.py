"""La page du site d'une leçon : son texte, dans son ordre."""

import ast
import html
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from exercises import FOLDER
from exercises.lesson_text import (
    CLOSING,
    LESSONS,
    OPENING,
    Answer,
    Block,
    Call,
    Figure,
    Lesson,
    Prose,
    Shown,
    Workshop,
    find_definition,
)

DOCS = FOLDER.parent / "docs"
SECTION = re.compile(r"(Args|Returns|Raises|Yields|Attributes|Examples?) ?:\s*$")
IFRAME = """```{{raw}} html
<iframe class="dans-la-page" src="{source}" loading="lazy" title="Atelier : {title}"></iframe>
```"""
FIGURE = """````{{figure}} {path}
:alt: {alt}

{caption}
````"""


def lesson_texts(lesson: Lesson, rewrite: Callable[[str, Path], str]) -> list[str]:
    """Rend le texte d'une leçon, en Markdown pour Sphinx, un morceau par bloc.

    Args:
        lesson: rendue par `lesson_text.read_lesson`.
        rewrite: récrit les liens d'un texte, écrits depuis un dossier du dépôt.
    """

    def to_page(block: Block) -> str:
        match block:
            case Prose(text=text):
                return rewrite(text, LESSONS)
            case Call(code=code):
                return f"```python\n{code}\n```"
            case Shown(name=name):
                source = find_definition(lesson.slug, name).source
                return f"```python\n{without_sections(source)}\n```"
            case Figure(caption=caption, path=path):
                alt = re.sub(r"[*`$]", "", caption)
                text = rewrite(caption, LESSONS)
                return FIGURE.format(path=path_in_site(path), alt=alt, caption=text)
            case Workshop(name=name, example=example):
                source = f"{name}.html?seul" + (f"&exemple={quote(example)}" if example else "")
                return IFRAME.format(source=html.escape(source), title=workshop_title(name))
            case Answer(blocks=blocks):
                return "\n\n".join([OPENING, *map(to_page, blocks), CLOSING])

    return [to_page(block) for block in lesson.blocks]


def path_in_site(path: str) -> str:
    """Rend le chemin, dans le site, d'une image de `docs/` nommée depuis `lessons/`."""
    return Path(os.path.normpath(LESSONS / path)).relative_to(DOCS).as_posix()


def workshop_title(name: str) -> str:
    """Rend le titre de la page d'un atelier."""
    page = Path(__file__).parent / "pages" / f"{name}.md"
    return html.escape(page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# "))


def without_sections(source: str) -> str:
    """Ôte des docstrings d'un code leurs sections `Args`, `Returns`, `Raises`, `Example`.

    La page explique déjà la fonction ; restent la première phrase, les remarques et la source.
    """
    lines = source.splitlines()
    kinds = ast.FunctionDef | ast.ClassDef
    documented = [each for each in ast.walk(ast.parse(source)) if isinstance(each, kinds)]
    for node in sorted(documented, key=lambda each: -each.lineno):
        if ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno - 1, node.body[0].end_lineno
            lines[first:last] = _short_docstring(lines[first:last])
    return "\n".join(lines)


def _short_docstring(lines: list[str]) -> list[str]:
    """Ôte les sections d'une docstring, dont ce sont les lignes."""
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    kept, inside = lines[:1], False
    for line in textwrap.dedent("\n".join(lines[1:])).splitlines():
        if line.strip() and not line.startswith(" "):
            inside = bool(SECTION.match(line))
        if not inside or line == '"""':
            kept.append(f"{margin}{line}".rstrip())
    if kept[-1].strip() != '"""' and len(lines) > 1 and not kept[-1].endswith('"""'):
        kept.append(f'{margin}"""')
    while len(kept) > 2 and not kept[-2].strip():
        del kept[-2]
    if len(kept) == 2:  # il ne reste que la première phrase
        return [kept[0] + '"""']
    return kept
