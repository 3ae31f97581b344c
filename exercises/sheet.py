"""Faire l'énoncé d'un exercice : un dossier qui se suffit, sans aucune réponse.

Commande : python -m exercises.sheet ex07 --output DOSSIER

Le dossier contient le texte de la leçon sans ses réponses, en notebook (`ex07.ipynb`) et en fichier
Python (`ex07.py`), et le cours dans `cours/`. Seules les fonctions que le barème note sont à
écrire ; chacune est suivie de ses points et d'un `check`, qui dit aussitôt si elle est juste. Ce
qui n'est pas à écrire est donné, et tout ce qui appelle une fonction à écrire appelle la vôtre.
"""

import ast
import functools
import re
import shutil
import tempfile
import textwrap
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import v4

from convnets.core.cli import FrenchParser, run
from convnets.explaining.methods import EXPLANATIONS, OWN_NETWORK
from exercises import EXERCISES, FOLDER, Exercise, find, notebook, sources
from exercises.lesson_cells import to_markdown, with_pictures
from exercises.lesson_names import (
    Module,
    bound_names,
    find_names,
    imported_names,
    read_modules,
    used_names,
)
from exercises.lesson_text import (
    PLAIN,
    Answer,
    Block,
    Call,
    Definition,
    Lesson,
    Shown,
    Workshop,
    find_definition,
    lesson_path,
    module_name,
    read_lesson,
    source_of,
)
from grading import check, sealed, skeleton
from grading.report import number
from grading.scale import Rule, read_scale

ROOT = FOLDER.parent
COURSE = "cours"  # le dossier du cours, dans celui de l'énoncé
MAX_SHARED_BYTES = 3_000_000  # d'un modèle, dans l'archive du site
QUOTED = re.compile(r"`(\w+)")  # ce qu'une docstring nomme
WIDTH = 96  # d'un commentaire, dans le fichier
STUDY = "thumbnails"  # le réseau que les explications montrent, quand rien n'est demandé

ADVICE = """\
**À vous** : écrivez à la place de chaque `raise NotImplementedError`, sans changer les noms des \
fonctions ni leurs arguments. Le `check` qui suit une fonction dit si elle est juste, ou ce qui \
reste à faire. Un appel s'arrête tant que la fonction dont il se sert est à écrire. Rendez ce \
fichier{weights}."""
WEIGHTS = ", et les fichiers que l'exercice enregistre dans `cours/models/`"
ITSELF = "# Ce qu'un fichier sait de lui-même, et qu'un notebook ignore."
GIVEN = "# Donné : ce dont vos fonctions peuvent se servir."
PREPARE = """\
# Le correcteur charge TensorFlow à part, pendant que vous lisez ; il y exécutera votre programme.
from grading.check import prepare

prepare()"""
MINE = """\
# Vos fonctions prennent la place de celles du cours : tout ce qui les appelle s'en sert.
from exercises.mine import use_mine
from grading.check import check

use_mine(globals(), {writes})"""
HEAD = '''\
"""{title}

L'énoncé de l'exercice {number:02}, en un fichier. Pour vérifier ce que vous avez écrit :
python {name}.py
"""

import os
import sys
from pathlib import Path

course = Path(__file__).resolve().parent / "{course}"
sys.path.insert(0, str(course))
if course.is_dir():
    os.chdir(course)  # les chemins du cours, comme samples/chat.png, partent de là
'''
README = """\
# Exercice {number:02} : {title}

- `{name}.ipynb` est l'énoncé en notebook, `{name}.py` le même en un fichier : choisissez.
- Écrivez vos fonctions à la place de chaque `raise NotImplementedError`.
- Le `check` qui suit une fonction dit si elle est juste. `python {name}.py` les lance tous.
- Rendez le fichier où vous avez écrit{weights}.

Le dossier `{course}/` contient ce dont l'énoncé se sert ; vous n'avez rien à y changer. Les paquets
s'installent par `python -m pip install -r {course}/requirements.txt`. Les jeux de données se
téléchargent la première fois qu'une cellule les lit.

Si cet énoncé vient du site, `{course}/` n'est pas entier : décompressez `cours_eleve.zip`, que le
site donne aussi, dans ce dossier.
"""


class Cell(NamedTuple):
    """Un morceau de l'énoncé, en notebook comme en fichier."""

    kind: str  # "text", "code", "call" (montré seulement, dans un fichier) ou "notebook" (lui seul)
    source: str


# --- Ce qui est à écrire, et ce qui est donné ----------------------------------------


class Statement(NamedTuple):
    """Ce que le barème et les fichiers disent d'un exercice."""

    exercise: Exercise
    rules: tuple[Rule, ...]
    modules: dict[str, Module]
    graded: dict[str, str]  # fonction à écrire : le fichier qui la définit

    @property
    def has_weights(self) -> bool:
        """Dit si le barème note les poids que le programme enregistre."""
        return any(rule.name == "weights" for rule in self.rules)


def read_statement(exercise: Exercise) -> Statement:
    """Lit ce qu'un exercice demande d'écrire."""
    rules = read_scale()[exercise.slug[:4]].rules
    graded = {name: rule.module.rpartition(".")[2] for rule in rules for name in rule.writes}
    return Statement(exercise, rules, read_modules(exercise.slug), graded)


def is_program(statement: Statement) -> bool:
    """Dit si l'énoncé emporte le programme entier, parce que le correcteur l'exécute."""
    return (
        statement.has_weights and "main" in statement.modules[statement.exercise.slug].definitions
    )


def given(statement: Statement) -> list[tuple[str, str]]:
    """Cherche ce que l'exercice définit et dont les fonctions à écrire ont besoin.

    Returns:
        `(fichier, code)`, chacun après ce qu'il lit ; une fonction privée qui ne sert qu'à une
        réponse n'y est pas.
    """
    found: dict[tuple[str, str], str] = {}
    seen: set[tuple[str, str]] = set()

    def visit(stem: str, name: str) -> None:
        module = statement.modules[stem]
        if (stem, name) in seen:
            return
        seen.add((stem, name))
        if name not in module.definitions:
            sibling = _sibling(module.imports.get(name, ""), statement)
            if sibling:
                visit(*sibling)
            return
        code = definition_source(statement, stem, name)
        if statement.graded.get(name) == stem:
            for used in _needed_to_write(code, stem, statement):
                visit(*used)
            return
        for used in sorted(used_names(code)):
            visit(stem, used)
        found[stem, code] = code

    for name, stem in statement.graded.items():
        visit(stem, name)
    if is_program(statement):
        visit(statement.exercise.slug, "main")
    return list(found)


def _sibling(statement_of_import: str, statement: Statement) -> tuple[str, str] | None:
    """Rend le fichier et le nom d'un import d'un autre fichier de l'exercice."""
    match = re.fullmatch(r"from exercises\.\w+\.(\w+) import (\w+)", statement_of_import)
    if match and match[2] in statement.modules[match[1]].definitions:
        return match[1], match[2]
    return None


def _needed_to_write(code: str, stem: str, statement: Statement) -> Iterator[tuple[str, str]]:
    """Rend ce dont se sert ou que nomme une fonction à écrire, sauf ce qui est privé."""
    module = statement.modules[stem]
    quoted = [name for name in QUOTED.findall(code) if name in module.definitions]
    for name in [*sorted(used_names(code)), *quoted]:
        if not name.startswith("_"):
            yield stem, name
    yield from _of_siblings(code, module, statement)


def _of_siblings(code: str, module: Module, statement: Statement) -> Iterator[tuple[str, str]]:
    """Rend ce qu'un code demande à d'autres fichiers de l'exercice : `head.BATCH_SIZE`."""
    package = f"from exercises.{statement.exercise.slug} import "
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            stem = module.imports.get(node.value.id, "").removeprefix(package)
            if stem in statement.modules and node.attr in statement.modules[stem].definitions:
                yield stem, node.attr


def blank_source(statement: Statement, name: str) -> str:
    """Rend une fonction à écrire : sa signature et sa docstring."""
    stem, slug = statement.graded[name], statement.exercise.slug
    source = skeleton.make_skeleton(slug if stem == slug else f"{slug}.{stem}")
    for node in ast.parse(source).body:
        if getattr(node, "name", "") == name:
            return source_of(node, source.splitlines())
    raise ValueError(f"{slug} ne définit pas {name}, que le barème demande.")


# --- Le texte ------------------------------------------------------------------------


def sheet_cells(exercise: Exercise) -> list[Cell]:
    """Rend les cellules de l'énoncé d'un exercice.

    Args:
        exercise: un élément d'`EXERCISES`.

    Raises:
        ValueError: le texte de la leçon a un défaut, ou un nom n'est défini nulle part.
    """
    statement, lesson = read_statement(exercise), read_lesson(exercise.slug)
    body = [*_text(statement, lesson)]
    copies = given(statement)
    solutions = [
        (stem, find_definition(exercise.slug, _dotted(exercise.slug, stem, name)).source)
        for name, stem in statement.graded.items()
    ]
    calls = [(_stem_of_calls(statement), cell.source) for cell in body if cell.kind == "call"]
    shown = [(stem, cell.source) for stem, cell in _shown(statement, lesson)]
    bound = {name for _, code in copies for name in bound_names(code)}
    hidden = _private(solutions) - _private([*copies, *shown, *calls])  # le cours ne l'a plus
    known = {*bound, *statement.graded, *hidden, *OURS}
    imports, nowhere = find_names([*copies, *solutions, *shown, *calls], exercise.slug, known)
    if nowhere:
        names = ", ".join(sorted(nowhere))
        raise ValueError(f"{lesson_path(exercise.slug).name} : rien ne définit {names}.")
    writes: dict[str, list[str]] = {}
    for name, stem in statement.graded.items():
        writes.setdefault(module_name(exercise.slug, stem), []).append(name)
    question, *rest = body
    code = "\n\n\n".join([*_itself(exercise, copies), *(code for _, code in copies)])
    advice = ADVICE.format(weights=WEIGHTS if statement.has_weights else "")
    before = notebook.BEFORE.format(duration=exercise.duration)
    head = [
        Cell("text", f"# {lesson.title}"),
        Cell("text", advice),
        question,
        Cell("notebook text", before),
        Cell("notebook", notebook.setup()),
        Cell("notebook", notebook.HELPERS),
    ]
    codes = [
        PREPARE if check.runs_programs(exercise.slug[:4]) else "",
        imports,
        MINE.format(writes=writes),
        f"{GIVEN}\n{code}" if code else "",
    ]
    return [*head, *(Cell("code", each) for each in codes if each), *rest, *_launch(statement)]


OURS = {"check", "prepare", "use_mine"}


def _itself(exercise: Exercise, copies: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Rend ce qu'un code sait de son propre fichier, s'il le lit.

    `check` juge le fichier que dit `__file__` : ce que le code ne lit pas n'est pas défini.
    """
    place = sources(exercise.slug)[0].relative_to(ROOT).as_posix()
    known = {"__doc__": read_lesson(exercise.slug).title, "__file__": place}
    read = [name for name in known if any(name in code for _, code in copies)]
    if read:
        yield "\n".join([ITSELF, *(f"{name} = {known[name]!r}" for name in read)])


def _private(pieces: Iterable[tuple[str, str]]) -> set[str]:
    """Rend les noms privés que des morceaux de code emploient."""
    return {name for _, code in pieces for name in used_names(code) if name.startswith("_")}


def _dotted(slug: str, stem: str, name: str) -> str:
    return name if stem == slug else f"{stem}.{name}"


def _stem_of_calls(statement: Statement) -> str:
    """Rend le fichier où chercher d'abord ce qu'un appel emploie."""
    return next(iter(statement.graded.values()))


def _shown(statement: Statement, lesson: Lesson) -> Iterator[tuple[str, Cell]]:
    """Rend ce que le texte montre et que l'élève n'écrit pas, avec son fichier."""
    for block in lesson.blocks:
        if isinstance(block, Shown):
            definition = find_definition(lesson.slug, block.name)
            bare = block.name.rpartition(".")[2]
            if _is_only_shown(statement, definition, bare):
                yield definition.module, Cell("code", definition.source)


def _is_only_shown(statement: Statement, definition: Definition, bare: str) -> bool:
    """Dit si ce que le texte montre est une définition du corrigé que l'élève n'écrit pas."""
    is_of_course = definition.node is not None and definition.module != PLAIN
    return is_of_course and bare not in statement.graded


def needed(statement: Statement, code: str) -> list[str]:
    """Rend les fonctions à écrire dont un code se sert, de près ou de loin.

    Args:
        statement: l'exercice.
        code: un appel, ou une fonction du corrigé.

    Returns:
        Leurs noms, chacun après ceux dont elle se sert.
    """
    found: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for stem, module in statement.modules.items():
            if name in module.definitions and stem != PLAIN:
                for used in sorted(_named_by(definition_source(statement, stem, name))):
                    visit(used)
        if name in statement.graded:
            found.append(name)

    for name in sorted(_named_by(code)):
        visit(name)
    return found


@functools.cache  # les fonctions du corrigé reviennent d'un appel à l'autre
def _named_by(code: str) -> set[str]:
    """Rend les noms qu'un code lit ou importe, et ceux qu'il demande à un module."""
    attributes = {
        each.attr for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Attribute)
    }
    return used_names(code) | imported_names(code) | attributes


def definition_source(statement: Statement, stem: str, name: str) -> str:
    """Rend le code du corrigé qui définit un nom, dans un fichier de l'exercice."""
    module = statement.modules[stem]
    return source_of(module.definitions[name], module.path.read_text("utf-8").splitlines())


def _text(statement: Statement, lesson: Lesson) -> Iterator[Cell]:
    """Rend le texte sans ses réponses.

    Une fonction à écrire vient là où le texte la montre, ou avant la première qui s'en sert ;
    celles qu'il ne montre pas viennent à la fin.
    """
    left = dict(statement.graded)
    for block in lesson.blocks:
        yield from _of_block(statement, lesson, block, left)
    if left:
        yield Cell("text", "## Ce qui reste à écrire")
    for name in statement.graded:
        yield from _place(statement, name, left)
    others = [rule for rule in statement.rules if not rule.writes]
    if others:
        rows = [row for rule in others for row in _points(rule)]
        yield Cell("text", "## Le barème note aussi\n\n" + "\n".join(rows))


def _of_block(statement: Statement, lesson: Lesson, block: Block, left: dict) -> Iterator[Cell]:
    """Rend les cellules d'un bloc du texte ; ce qu'il demande d'écrire est retiré de `left`."""
    if isinstance(block, Answer | Workshop):
        return
    if isinstance(block, Call):
        yield from _place(statement, block.code, left)
        yield Cell("call", block.code)
    elif isinstance(block, Shown):
        definition = find_definition(lesson.slug, block.name)
        bare = block.name.rpartition(".")[2]
        if definition.node and definition.module in (statement.graded.get(bare), PLAIN):
            yield from _place(statement, bare, left)
        elif _is_only_shown(statement, definition, bare):
            yield from _place(statement, definition.source, left)
            yield Cell("code", definition.source)
    elif text := to_markdown(lesson.slug, block):
        yield Cell("text", text)


def _place(statement: Statement, code: str, left: dict) -> Iterator[Cell]:
    """Rend les fonctions à écrire dont un code se sert et qui n'ont pas encore de place."""
    for name in needed(statement, code):
        if name in left:
            del left[name]
            yield from _to_write(statement, name, left)


def _points(rule: Rule) -> list[str]:
    """Écrit ce qu'une question rapporte, et ce qu'il faut pour chaque part de ses points."""
    points = f"{number(rule.points)} point{'s' if rule.points >= 2 else ''}"
    levels = [f"  - {level}" for level in rule.levels]
    return [f"- {rule.name}, {points} : {rule.title}.", *levels]


def _to_write(statement: Statement, name: str, left: dict) -> Iterator[Cell]:
    """Rend une fonction à écrire : ses points, sa signature, et les vérifications qu'elle permet.

    Args:
        statement: l'exercice.
        name: la fonction.
        left: celles qui viennent plus bas ; une question qui en a besoin attend la dernière.
    """
    rules = [rule for rule in statement.rules if name in rule.writes]
    rows = [row for rule in rules for row in _points(rule)]
    yield Cell("text", f"**À écrire : `{name}`.**\n\n" + "\n".join(rows))
    yield Cell("code", blank_source(statement, name))
    ready = [rule for rule in rules if not set(rule.writes) & left.keys()]
    if ready:
        yield Cell("code", "\n".join(f'check("{rule.id}")' for rule in ready))


def _launch(statement: Statement) -> Iterator[Cell]:
    """Rend de quoi lancer l'exercice, avec les fonctions de l'élève."""
    exercise = statement.exercise
    yield Cell("notebook text", "## Lancer l'exercice")
    contents, *parts = notebook.reading_order(exercise)
    path = parts[-1] if parts else contents
    program = is_program(statement)
    for cell in notebook.launch_cells(exercise, path, module=not program):
        yield Cell("notebook text" if cell.cell_type == "markdown" else "notebook", cell.source)
    if program:
        yield Cell("file", 'if __name__ == "__main__":\n    raise SystemExit(main())')


# --- Écrire --------------------------------------------------------------------------


def to_notebook(cells: Iterable[Cell]) -> nbformat.NotebookNode:
    """Fait le notebook de l'élève."""
    made = []
    for cell in cells:
        if cell.kind == "file":
            continue
        if cell.kind.endswith("text"):
            made.append(with_pictures(v4.new_markdown_cell(cell.source)))
        else:
            made.append(v4.new_code_cell(cell.source))
    return notebook.number_cells(made)


def to_python(exercise: Exercise, cells: Sequence[Cell]) -> str:
    """Fait le fichier de l'élève : le texte en commentaires, un appel montré et non exécuté."""
    title = cells[0].source.removeprefix("# ")
    head = HEAD.format(title=title, number=exercise.number, name=exercise.slug[:4], course=COURSE)
    pieces = [head + notebook.QUIET]
    for cell in cells[1:]:
        lines = cell.source.splitlines()
        if cell.kind == "text":
            pieces.append("# %% [markdown]\n" + "\n".join(commented(lines)))
        elif cell.kind == "call":
            if not any(piece.startswith("# %% Essayez") for piece in pieces):
                pieces.append(as_comment("Essayez d'abord", notebook.HELPERS.splitlines()))
            pieces.append(as_comment("Essayez", lines))
        elif cell.kind in ("code", "file"):
            pieces.append(f"# %%\n{cell.source}")
    return "\n\n".join(pieces) + "\n"


def as_comment(title: str, lines: Iterable[str]) -> str:
    """Met du code en commentaires, sous un titre : l'élève l'essaie en retirant les dièses."""
    return f"# %% {title} :\n" + "\n".join(f"# {line}".rstrip() for line in lines)


def commented(lines: Iterable[str]) -> Iterator[str]:
    """Met du Markdown en commentaires ; un paragraphe est replié, une figure garde sa légende."""
    inside = False  # entre deux lignes de ```
    for line in lines:
        inside ^= line.startswith("```")
        if line.startswith("!["):
            continue
        fixed = inside or line.startswith(("|", "$$", "#", "```"))
        margin = " " * (len(line) - len(line.lstrip("- ")))
        parts = [line] if fixed else textwrap.wrap(line, WIDTH, subsequent_indent=margin)
        yield from (f"# {part}".rstrip() for part in parts or [""])


def sheet_files(exercise: Exercise) -> dict[str, bytes]:
    """Rend les fichiers propres à un énoncé : chemin dans son dossier → contenu."""
    name, cells, statement = exercise.slug[:4], sheet_cells(exercise), read_statement(exercise)
    readme = README.format(
        number=exercise.number,
        title=exercise.title.replace("`", ""),
        name=name,
        course=COURSE,
        weights=WEIGHTS if statement.has_weights else "",
    )
    files = {
        f"{name}.ipynb": (nbformat.writes(to_notebook(cells)) + "\n").encode(),
        f"{name}.py": to_python(exercise, cells).encode(),
        "LISEZMOI.md": readme.encode(),
    }
    for path in sources(exercise.slug):
        inside = path.relative_to(FOLDER)
        text = skeleton.make_skeleton(".".join(inside.with_suffix("").parts))
        files[f"{COURSE}/exercises/{inside.as_posix()}"] = text.encode()
    for path in explained_by(exercise):
        files[f"{COURSE}/exercises/{path.relative_to(FOLDER).as_posix()}"] = path.read_bytes()
    data = [path for path in (FOLDER / exercise.slug).glob("*") if path.is_file()]
    for path in (path for path in data if path.suffix not in (".py", ".pyc")):
        files[f"{COURSE}/exercises/{path.relative_to(FOLDER).as_posix()}"] = path.read_bytes()
    for path in (ROOT / "grading" / "questions").glob(f"{name}.*"):
        files[f"{COURSE}/grading/questions/{path.name}"] = path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        archive = sealed.write_archive(Path(folder) / "sealed.zip", name)
        files[f"{COURSE}/grading/sealed.zip"] = archive.read_bytes()
    return files


def explained_by(exercise: Exercise) -> Iterator[Path]:
    """Rend les fichiers des méthodes d'explication qu'un exercice importe pour les comparer.

    Chacune est la réponse d'un autre exercice, que l'énoncé ne demande pas d'écrire.
    """
    if any("load_method" in path.read_text(encoding="utf-8") for path in sources(exercise.slug)):
        entries = (EXPLANATIONS | OWN_NETWORK).values()
        for slug in sorted({entry.source.partition(":")[0].split(".")[1] for entry in entries}):
            yield from sources(slug)


def course_files(exercises: Sequence[Exercise]) -> Iterator[Path]:
    """Rend les fichiers du cours dont se servent les énoncés de ces exercices, sans réponses."""
    yield ROOT / "requirements.txt"
    yield from (FOLDER / name for name in ("__init__.py", "mine.py"))
    for folder in ("convnets", "grading", "samples"):
        yield from filter(_is_given, sorted((ROOT / folder).rglob("*")))
    for slug in sorted({slug for exercise in exercises for slug in models_of(exercise)}):
        suffixes = (".json", ".keras", ".tflite") if slug == STUDY else (".json", ".keras")
        yield from (ROOT / "models" / f"{slug}{suffix}" for suffix in suffixes)


def _is_given(path: Path) -> bool:
    """Dit si un énoncé emporte un fichier de `convnets`, `grading` ou `samples`.

    De la correction, il n'a ni les questions des autres exercices, ni ce qui suit un trimestre.
    """
    if not path.is_file() or path.suffix == ".pyc":
        return False
    inside = path.relative_to(ROOT)
    if inside.parts[0] != "grading":
        return True
    is_question = re.match(r"ex\d\d\.", path.name)
    is_code = path.suffix in (".py", ".toml", ".txt")
    return is_code and not is_question and "term" not in inside.parts


def models_of(exercise: Exercise) -> set[str]:
    """Cherche les modèles qu'un énoncé lit ; jamais celui que l'élève doit entraîner."""
    texts = [path.read_text(encoding="utf-8") for path in sources(exercise.slug)]
    if lesson_path(exercise.slug).is_file():
        texts.append(lesson_path(exercise.slug).read_text(encoding="utf-8"))
    words = set(re.findall(r"\"(\w+)\"", "\n".join(texts)))
    known = {path.stem for path in (ROOT / "models").glob("*.json")}
    found = {STUDY} if any("convnets.explaining" in text for text in texts) else set()
    own = {exercise.slug, *exercise.models} if read_statement(exercise).has_weights else set()
    return found | (words & known) - own


def write_sheet(exercise: Exercise, output: Path) -> Path:
    """Écrit l'énoncé d'un exercice dans un dossier nouveau.

    Args:
        exercise: un élément d'`EXERCISES`.
        output: le dossier, à créer ou vide.

    Returns:
        `output`.

    Raises:
        ValueError: le dossier contient déjà quelque chose ; rien n'est écrit.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(
            f"{output} contient déjà quelque chose : rien n'est écrit. Donnez à --output un "
            "dossier nouveau, ou déplacez ce qu'il contient."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as temporary:
        made = Path(temporary) / "enonce"
        for path in course_files([exercise]):
            target = made / COURSE / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        for name, content in sheet_files(exercise).items():
            target = made / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if output.exists():
            output.rmdir()
        made.rename(output)
    return output


def write_zips(exercises: Sequence[Exercise], folder: Path) -> None:
    """Écrit, pour le site, une archive par énoncé, et le cours qu'ils partagent.

    Args:
        exercises: ceux dont il s'agit.
        folder: y écrire `exNN_nom_enonce.zip` et `cours_eleve.zip`, sans les plus gros modèles.
    """
    for exercise in exercises:
        _write_zip(folder / f"{exercise.slug}_enonce.zip", sheet_files(exercise))
    paths = [path for path in course_files(exercises) if path.stat().st_size <= MAX_SHARED_BYTES]
    shared = {f"{COURSE}/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in paths}
    _write_zip(folder / "cours_eleve.zip", shared)


def _write_zip(path: Path, files: dict[str, bytes]) -> None:
    """Écrit une archive sans date : les mêmes fichiers donnent les mêmes octets."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


# --- Commande ------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Écrit l'énoncé demandé et donne le chemin de son dossier."""
    parser = FrenchParser(prog="python -m exercises.sheet", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("exercise", metavar="EXERCICE", help="ex07 ou ex07_occlusion")
    add("--output", type=Path, required=True, metavar="DOSSIER", help="dossier à créer")
    options = parser.parse_args(argv)
    known = {each.slug[:4]: each.slug for each in EXERCISES}

    def body() -> int:
        print(write_sheet(find(known.get(options.exercise, options.exercise)), options.output))
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
