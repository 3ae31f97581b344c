"""Lire le texte d'une leçon, `lessons/exNN_nom.md` : ses blocs, dans leur ordre.

Le notebook, l'énoncé de l'élève et la page du site viennent de ces blocs. Un texte commence par
`# Titre`.

Ce qui s'écrit : du Markdown, des formules entre `$`, et cinq constructions.

- ```` ```{montre} fichier.nom ````, puis ```` ``` ```` : une fonction, une classe ou une constante
  de l'exercice ; sans fichier dans un exercice d'un seul fichier. Le fichier seul : tout son code,
  montré sans être exécuté. `plain` est le programme de départ, `exercises/plain/exNN_nom.py`.
- ```` ```python ```` : un appel, que le notebook exécute. ```` ```text ```` et ```` ```sh ```` sont
  seulement montrés.
- `<details><summary>Réponse</summary>`, une ligne vide, du Markdown, une ligne vide, `</details>`.
- `![Légende.](../../docs/figures/x.png)`, seule dans son paragraphe : une figure.
- ```` ```{atelier} nom?exemple=x ````, puis ```` ``` ```` : un atelier du site.
- `832 <!-- = 32*(5*5*1+1) -->` : un nombre qu'un test recalcule (`lesson_check`).

Tout le reste est une erreur, qui donne le fichier et la ligne.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from exercises import FOLDER, RULE, sources

LESSONS = FOLDER / "lessons"
OPENING, CLOSING = "<details><summary>Réponse</summary>", "</details>"
FIGURE = re.compile(r"!\[(.+)\]\(([^()\s]+)\)", re.DOTALL)
DIRECTIVE = re.compile(r"\{(montre|atelier)\} (\S+)")
COMMENT = re.compile(r" ?<!--.*?-->", re.DOTALL)
SHOWN_ONLY = ("text", "sh")
PLAIN = "plain"  # dossier des programmes de départ, un fichier par exercice, du nom de celui-ci


class Prose(NamedTuple):
    """Du Markdown : un titre et ses paragraphes, blocs ```text et ```sh compris."""

    line: int  # la première, dans le fichier
    text: str


class Shown(NamedTuple):
    """Ce que l'exercice définit, montré là où le texte l'explique."""

    line: int
    name: str  # `"grad_cam.enlarge"`, ou `"drops"` dans un exercice d'un seul fichier


class Call(NamedTuple):
    """Un appel, que le notebook exécute."""

    line: int
    code: str


class Answer(NamedTuple):
    """Une réponse repliée ; l'énoncé de l'élève ne l'a pas."""

    line: int
    blocks: tuple


class Figure(NamedTuple):
    """Une image du dépôt, et sa légende."""

    line: int
    caption: str
    path: str  # tel qu'écrit, depuis `lessons/`


class Workshop(NamedTuple):
    """Un atelier du site, que seule la page montre."""

    line: int
    name: str
    example: str  # vide : celui que l'atelier ouvre de lui-même


Block = Prose | Shown | Call | Answer | Figure | Workshop


class Lesson(NamedTuple):
    """Le texte d'une leçon."""

    slug: str
    title: str
    blocks: tuple[Block, ...]


class Problems:
    """Les défauts d'un texte : tous sont dits, et non le premier seulement."""

    def __init__(self, path: Path):
        self.path, self.sentences = path, []

    def add(self, line: int, sentence: str) -> None:
        """Ajoute un défaut, qui dit sa ligne."""
        self.sentences.append(f"{self.path.name}, ligne {line} : {sentence}")


# --- Les blocs -----------------------------------------------------------------------


def lesson_path(slug: str) -> Path:
    """Rend le chemin du texte d'un exercice."""
    return LESSONS / f"{slug}.md"


def read_lesson(slug: str) -> Lesson:
    """Lit le texte d'un exercice ; il n'y reste aucun commentaire de nombre.

    Args:
        slug: un exercice.

    Raises:
        ValueError: une construction inconnue ou mal fermée ; une phrase par défaut, avec sa ligne.
    """
    path = lesson_path(slug)
    problems = Problems(path)
    lesson = parse(slug, path.read_text(encoding="utf-8"), problems)
    if problems.sentences:
        raise ValueError("\n".join(problems.sentences))
    return lesson


def parse(slug: str, text: str, problems: Problems) -> Lesson:
    """Découpe un texte en blocs, et dit ce qu'il n'a pas compris.

    Args:
        slug: l'exercice.
        text: son texte, commentaires compris.
        problems: reçoit les défauts.
    """
    # Un commentaire de plusieurs lignes en laisse autant : les suivantes gardent leur numéro.
    text = COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    first, *lines = text.splitlines()
    if not first.startswith("# "):
        problems.add(1, "le texte doit commencer par « # Titre »")
    blocks = tuple(_blocks(lines, 2, problems, folded=False))
    return Lesson(slug, first.removeprefix("# ").strip(), blocks)


def _blocks(lines: list[str], first: int, problems: Problems, *, folded: bool) -> Iterator[Block]:
    """Rend les blocs de ces lignes, dont la première porte le numéro `first`.

    `folded` : elles sont dans une réponse, qui n'a ni réponse ni atelier.
    """
    prose, start, place = [], first, 0
    while place < len(lines):
        number = first + place
        end = _end(lines, place, number, problems)
        block = _block(lines[place:end], number, problems, folded=folded)
        if block or lines[place].startswith("#"):  # un titre ouvre un autre morceau de texte
            yield from _prose(prose, start)
            prose = []
        if block:
            yield block
        else:
            start = start if prose else number
            prose += lines[place:end]
        place = end
    yield from _prose(prose, start)


def _prose(lines: list[str], start: int) -> Iterator[Prose]:
    """Rend un morceau de texte, s'il n'est pas vide."""
    full = [number for number, line in enumerate(lines) if line.strip()]
    if full:
        yield Prose(start + full[0], "\n".join(lines[full[0] : full[-1] + 1]))


def _end(lines: list[str], place: int, number: int, problems: Problems) -> int:
    """Rend l'indice de la ligne qui suit ce qui commence à `place`."""
    line = lines[place]
    closing = "```" if line.startswith("```") else CLOSING if line == OPENING else None
    if closing:
        for end in range(place + 1, len(lines)):
            if lines[end].rstrip() == closing:
                return end + 1
        problems.add(number, f"« {line} » n'est pas fermé : il manque une ligne « {closing} »")
        return len(lines)
    if line.startswith("!["):
        while place < len(lines) and lines[place].strip():
            place += 1
        return place
    return place + 1


def _block(lines: list[str], number: int, problems: Problems, *, folded: bool) -> Block | None:
    """Comprend ce que `_end` a délimité ; None : c'est du texte."""
    line = lines[0]
    if line.startswith("```"):
        return _fence(line.removeprefix("```").strip(), lines[1:-1], number, problems)
    if line == OPENING:
        if folded:
            problems.add(number, "une réponse n'en contient pas une autre")
        if len(lines) < 4 or lines[1].strip() or lines[-2].strip():
            problems.add(number, "il faut une ligne vide après « <summary> » et avant la fin")
        inside = _blocks(lines[1:-1], number + 1, problems, folded=True)
        return Answer(number, tuple(inside))
    if line.startswith("!["):
        figure = FIGURE.fullmatch("\n".join(lines).strip())
        if not figure:
            problems.add(number, "une figure est seule dans son paragraphe : ![Légende.](chemin)")
            return None
        return Figure(number, " ".join(figure[1].split()), figure[2])
    if line.lstrip().startswith(("```", "~~~", ":::")):
        problems.add(number, "un bloc commence par ``` en début de ligne")
    if re.search(r"</?(details|summary)\b", line):
        problems.add(
            number,
            f"une réponse s'écrit « {OPENING} » seul, une ligne vide, sa suite, et « "
            f"{CLOSING} » seul",
        )
    return None


def _fence(info: str, body: list[str], number: int, problems: Problems) -> Block | None:
    """Comprend un bloc entre deux lignes de ```."""
    directive = DIRECTIVE.fullmatch(info)
    if directive and any(map(str.strip, body)):
        problems.add(number, f"« {info} » ne contient rien : fermez-le à la ligne suivante")
    if directive and directive[1] == "montre":
        return Shown(number, directive[2])
    if directive:
        name, _, example = directive[2].partition("?exemple=")
        return Workshop(number, name, example)
    if info == "python":
        return Call(number + 1, "\n".join(body).strip("\n"))
    if info not in SHOWN_ONLY:
        problems.add(number, f"bloc « ```{info} » inconnu : python, text, sh, montre ou atelier")
    return None


def all_blocks(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Rend les blocs dans l'ordre ; une réponse est suivie des siens."""
    for block in blocks:
        yield block
        if isinstance(block, Answer):
            yield from all_blocks(block.blocks)


# --- Ce que {montre} montre ----------------------------------------------------------


class Definition(NamedTuple):
    """Ce que désigne un `{montre}`."""

    path: Path
    module: str  # le nom du fichier, sans `.py` ; `"plain"` pour le programme de départ
    node: ast.stmt | None  # None : tout le fichier
    source: str


def find_definition(slug: str, name: str) -> Definition:
    """Trouve ce que désigne un `{montre}`.

    Args:
        slug: l'exercice.
        name: voir `Shown`.

    Returns:
        Son code, décorateurs et commentaires du dessus compris.

    Raises:
        ValueError: l'exercice ne définit rien de ce nom.
    """
    files = {path.stem: path for path in sources(slug)}
    plain = FOLDER / PLAIN / f"{slug}.py"
    files |= {PLAIN: plain} if plain.is_file() else {}
    if name in files and name != slug:
        source = files[name].read_text(encoding="utf-8")
        docstring = ast.parse(source).body[0]
        code = "\n".join(source.splitlines()[docstring.end_lineno :])
        return Definition(files[name], name, None, code.strip("\n"))
    module, _, bare = name.rpartition(".")
    path = files.get(module or slug)
    if path is None:
        raise ValueError(
            f"« {name} » : devant le nom, il faut celui d'un fichier de {slug}, parmi "
            + ", ".join(sorted(files.keys() - {"__init__", "__main__"}))
        )
    source = path.read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if bare in defined_names(node):
            return Definition(path, module or slug, node, source_of(node, source.splitlines()))
    raise ValueError(f"« {name} » : {path.relative_to(FOLDER.parent)} ne définit pas « {bare} »")


def module_name(slug: str, stem: str) -> str:
    """Rend le nom complet d'un fichier de l'exercice : `"exercises.ex09_grad_cam.cam"`."""
    if stem == PLAIN:
        return f"exercises.{PLAIN}.{slug}"
    return f"exercises.{slug}" if stem in (slug, "__init__") else f"exercises.{slug}.{stem}"


def defined_names(node: ast.stmt) -> set[str]:
    """Rend les noms que définit une instruction d'un fichier, imports à part."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = [part for target in targets for part in ast.walk(target)]
        return {part.id for part in parts if isinstance(part, ast.Name)}
    return set()


def source_of(node: ast.stmt, lines: list[str]) -> str:
    """Rend le code d'une instruction, décorateurs et commentaires du dessus compris."""
    first = min(each.lineno for each in (node, *getattr(node, "decorator_list", [])))
    while first > 1 and lines[first - 2].startswith("#") and not RULE.match(lines[first - 2]):
        first -= 1
    return "\n".join(lines[first - 1 : node.end_lineno])
