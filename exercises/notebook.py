"""Faire d'un exercice un notebook : le `.py` est la seule source, le notebook s'en déduit.

Commande : python -m exercises.notebook ex02_fashion --output DOSSIER
           python -m exercises.notebook ex02 --output DOSSIER --student   corps à écrire
           python -m exercises.notebook --output DOSSIER                  tous les exercices

Les docstrings des fichiers et leurs filets deviennent du texte et des titres ; les imports, les
constantes, puis chaque fonction ont leur cellule ; la dernière lance l'exercice et montre ses
figures. Avec `--student`, les corps sont vidés comme par `python -m grading.skeleton`. Aucune
sortie n'est enregistrée, et deux générations donnent les mêmes octets.
"""

import ast
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import v4

from convnets.core.cli import FrenchParser, run
from convnets.core.files import own_suffix, replacing
from exercises import EXERCISES, FOLDER, RULE, Exercise, sources

LABEL = re.compile(r"(D'après|Documents?|Commandes?|Résultats?( mesurés?)?|Nombres attendus) : ")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Les options d'un `main`, quand `--output` n'est pas la seule utile.
RUNS = {"ex00_convolution.__main__": ("[]", '["--figures", "{folder}"]')}

BEFORE = """\
## Avant de commencer

La première cellule trouve le dépôt du cours et n'installe que ce qui manque. Si elle ne le trouve \
pas, téléchargez-le en zip, déposez ce zip à côté du notebook (sur Colab : dans le volet des \
fichiers, à gauche), puis relancez-la."""

SETUP = '''\
# Rien à changer ici.
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {  # ce qui s'importe, et le nom sous lequel cela s'installe
    "tensorflow": "tensorflow",
    "keras": "keras",
    "numpy": "numpy",
    "scipy": "scipy",
    "matplotlib": "matplotlib",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "networkx": "networkx",
    "filelock": "filelock",
    "cpuinfo": "py-cpuinfo",
    "ai_edge_litert": "ai-edge-litert",
}


def find_course():
    """Cherche le dépôt du cours autour du notebook ; None s'il n'y est pas."""
    here = Path.cwd()
    folders = [here, *here.parents, *here.glob("*/")]
    return next((each for each in folders if (each / "convnets/core/cli.py").is_file()), None)


if sys.version_info < (3, 11):
    raise RuntimeError(f"Ce noyau est Python {sys.version.split()[0]} ; il faut 3.11 au moins.")
for path in Path.cwd().glob("*.zip"):
    if not find_course() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("convnets/core/cli.py") for name in archive.namelist()):
                archive.extractall()
course = find_course()
if course is None:
    raise FileNotFoundError(
        f"Le dépôt du cours n'est pas dans {Path.cwd()} : déposez-y son zip, puis relancez."
    )
os.chdir(course)  # les chemins du cours, comme samples/chat.png, partent de là
sys.path.insert(0, str(course))
missing = [package for name, package in PACKAGES.items() if not find_spec(name)]
if missing:
    print("À installer :", ", ".join(missing))
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)
import exercises  # avant TensorFlow, dont il règle les messages'''

SHOW_FIGURES = '''\
def show_figures(folder):
    """Montre ici les images qu'un exercice a écrites dans un dossier."""
    from IPython.display import Image, display

    for path in sorted(each for each in Path(folder).glob("*") if each.suffix in (".png", ".gif")):
        print(path)
        display(Image(filename=path))'''

PARTS = """\
Chaque partie est un fichier de `{folder}/`. Ce qu'elle prend à une autre, elle l'importe du \
dépôt : après les deux premières cellules de code, toute partie se lance seule."""

STUDENT = """\
**À vous** : écrivez à la place de chaque `raise NotImplementedError`, sans changer les noms des \
fonctions ni leurs arguments. Rendez ce fichier, et le `.keras` qu'il enregistre si le barème note \
des poids."""

STUDENT_PARTS = """\
Les parties importent le corrigé les unes des autres : une fonction vide n'arrête pas la suite, et \
la dernière partie montre ce que l'ensemble doit donner. Elle ne dit rien de vos fonctions."""


# --- Lire un fichier -----------------------------------------------------------------


class Piece(NamedTuple):
    """Un morceau d'un fichier : un titre, ou le code d'une cellule."""

    kind: str  # "titre", "imports", "constantes" ou "définition"
    name: str  # ce que le morceau définit en premier
    text: str


def read_pieces(source: str) -> Iterator[Piece]:
    """Découpe un fichier en titres et en cellules, dans l'ordre, commentaires compris.

    Restent de côté sa docstring et `if __name__ == "__main__"`.

    Args:
        source: texte du fichier, qui commence par une docstring.
    """
    lines, (docstring, *nodes) = source.splitlines(), ast.parse(source).body
    kind, name, first, last = "", "", 0, docstring.end_lineno
    for node in nodes:
        begin = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        above = range(last, begin - 1)  # commentaires et lignes vides
        rules = [index for index in above if RULE.match(lines[index])]
        found = _kind(node)
        if kind and (rules or found != kind or kind == "définition"):
            yield Piece(kind, name, _join(lines[first:last]))
            kind = ""
        for index in rules:
            title = RULE.match(lines[index])[1]
            yield Piece("titre", title, title)
        if not kind:
            kind, name = found, _name(node)
            first = rules[-1] + 1 if rules else last
        last = node.end_lineno
    if kind != "lancement":
        yield Piece(kind, name, _join(lines[first:last]))


def _kind(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return "définition"
    if isinstance(node, ast.Import | ast.ImportFrom):
        return "imports"
    if isinstance(node, ast.If):  # `if TYPE_CHECKING`, ou la fin du fichier
        return "lancement" if "__name__" in ast.unparse(node.test) else "imports"
    return "constantes"


def _name(node: ast.stmt) -> str:
    """Nomme une cellule d'après ce qu'elle définit d'abord : son identifiant en dépend."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    return names[0] if _kind(node) == "constantes" else "imports"


def _join(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


# --- Écrire le texte -----------------------------------------------------------------


def to_markdown(docstring: str) -> str:
    """Met une docstring en Markdown : ses listes restent, ses lignes en retrait sont du code."""
    paragraphs = re.split(r"\n{2,}", docstring)
    return "\n\n".join(
        each if each.startswith("- ") else _paragraph(each.split("\n")) for each in paragraphs
    )


def _paragraph(lines: list[str]) -> str:
    marked = []  # (du code ?, ligne)
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        label = LABEL.match(line)
        if label and following.startswith(" "):  # une commande par ligne
            marked += [(False, label[0]), (True, line[label.end() :])]
        else:
            marked.append((line.startswith(" "), line.strip()))
    blocks = []
    for is_code, group in itertools.groupby(marked, key=lambda each: each[0]):
        text = "\n".join(line for _, line in group)
        broken = re.sub(rf"\n(?={LABEL.pattern})", r"\\\n", text)  # une ligne par étiquette
        blocks.append(f"```text\n{text}\n```" if is_code else broken.rstrip())
    return "\n\n".join(blocks)


def _titled(docstring: str, level: str, *more: str) -> str:
    """Fait un titre de la première ligne d'une docstring, et un texte du reste."""
    title, _, rest = docstring.partition("\n")
    texts = [f"{level} {title.removesuffix('.')}", *more, to_markdown(rest.strip("\n"))]
    return "\n\n".join(text for text in texts if text)


# --- Assembler -----------------------------------------------------------------------


class Cells:
    """Les cellules d'un notebook, dont chacune a un identifiant que le contenu des autres garde."""

    def __init__(self):
        self.cells, self._ids = [], set()

    def add(self, make, identifier: str, text: str) -> None:
        """Ajoute une cellule.

        Args:
            make: `v4.new_markdown_cell` ou `v4.new_code_cell`.
            identifier: ce qu'elle contient ; un numéro départage deux cellules de même nom.
            text: son contenu.
        """
        base = re.sub(r"\W+", "-", identifier, flags=re.ASCII).strip("-")[:56]
        numbered = (f"{base}-{number}" for number in itertools.count(2))
        unique = next(each for each in itertools.chain([base], numbered) if each not in self._ids)
        self._ids.add(unique)
        self.cells.append(make(text, id=unique))

    def prose(self, identifier: str, text: str) -> None:
        """Ajoute du texte."""
        self.add(v4.new_markdown_cell, identifier, text)

    def code(self, identifier: str, text: str) -> None:
        """Ajoute du code."""
        self.add(v4.new_code_cell, identifier, text)


def make_notebook(exercise: Exercise, *, student: bool = False) -> nbformat.NotebookNode:
    """Fait le notebook d'un exercice.

    Args:
        exercise: un élément d'`EXERCISES`.
        student: vider ce que l'élève doit écrire.

    Returns:
        Un notebook valide, sans sorties.
    """
    cells, paths = Cells(), reading_order(exercise)
    opening, *parts = paths if len(paths) > 1 else paths * 2
    source = _source(exercise, opening, student=student)
    advice = [STUDENT] if student else []
    if len(parts) > 1:
        folder = f"exercises/{exercise.slug}"
        advice = [PARTS.format(folder=folder), *advice, *([STUDENT_PARTS] if student else [])]
    cells.prose("exercice", _titled(_docstring(source), "#"))
    if advice:
        cells.prose("mode-d-emploi", "\n\n".join(advice))
    cells.prose("avant-de-commencer", BEFORE)
    cells.code("installation", SETUP)
    cells.code("montrer", SHOW_FIGURES)
    for path in parts:
        _add_part(cells, exercise, path, student=student)
    return v4.new_notebook(cells=cells.cells, metadata=METADATA)


def reading_order(exercise: Exercise) -> list[Path]:
    """Range les fichiers d'un exercice : le sommaire, les parties dans son ordre, `__main__`."""
    contents, *paths = sources(exercise.slug)
    text = contents.read_text(encoding="utf-8")
    last = len(text)

    def place(path: Path) -> int:
        if path.stem == "__main__":
            return last
        return text.index(path.name)

    return [contents, *sorted(paths, key=place)]


def _source(exercise: Exercise, path: Path, *, student: bool) -> str:
    """Lit un fichier ; vidé de ses réponses, si c'est pour l'élève."""
    if not student:
        return path.read_text(encoding="utf-8")
    from grading.skeleton import make_skeleton  # --student est seul à en avoir besoin

    return make_skeleton(_module(path))


def _module(path: Path) -> str:
    """Rend le nom d'un module : `"ex02_fashion"`, `"ex00_convolution.pooling"`."""
    return ".".join(path.relative_to(FOLDER).with_suffix("").parts)


def _docstring(source: str) -> str:
    return ast.get_docstring(ast.parse(source))


def _add_part(cells: Cells, exercise: Exercise, path: Path, *, student: bool) -> None:
    """Ajoute un fichier : son texte, ses cellules, et de quoi le lancer s'il a un `main`."""
    source, stem = _source(exercise, path, student=student), path.stem
    level = "##" if stem == exercise.slug else "###"
    if stem == "__main__":
        stem = "main"
        cells.prose(stem, "## Lancer l'exercice")
    elif stem != exercise.slug:
        name = f"`exercises/{exercise.slug}/{path.name}`"
        cells.prose(stem, _titled(_docstring(source), "##", name))
    itself = {"__doc__": _docstring(source).splitlines()[0], "__file__": f"exercises/{_file(path)}"}
    known = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}"
        for name, value in itself.items()
        if name in source
    ]
    if known:
        note = "# Ce qu'un fichier sait de lui-même, et qu'un notebook ignore."
        cells.code(f"{stem}-fichier", "\n".join([note, *known]))
    pieces = [each for each in read_pieces(source) if each.text]
    for piece in pieces:
        if piece.kind == "titre":
            cells.prose(f"{stem}-titre", f"{level} {piece.text}")
        else:
            cells.code(f"{stem}-{piece.name}", piece.text)
    if any(piece.name == "main" for piece in pieces):
        _add_run(cells, exercise, path, training="training_parser(" in source)


def _file(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def _add_run(cells: Cells, exercise: Exercise, path: Path, *, training: bool) -> None:
    """Ajoute l'appel de `main`, et ses figures."""
    whole = path.stem in ("__main__", exercise.slug)  # ce que lance la commande de l'exercice
    folder = f"figures/{exercise.slug}" + ("" if whole else f"_{path.stem}")
    advice = "La cellule suivante répond 0 si tout s'est bien passé."
    if whole:
        minutes = f"environ {exercise.minutes:g} min" if exercise.minutes else "moins d'une minute"
        advice += f" Durée sur deux cœurs récents : {minutes}."
    if training:
        advice += ' Pour essayer d\'abord : `main(["--limit", "4000", "--epochs", "1"])`.'
    name = f"{path.stem.strip('_')}-lancer"
    cells.prose(name, advice)
    for options in RUNS.get(_module(path), ('["--output", "{folder}"]',)):
        cells.code(name, f"main({options.format(folder=folder)})")
    cells.code(f"{name}-figures", f'show_figures("{folder}")')


# --- Commande ------------------------------------------------------------------------


def find_exercises(names: list[str]) -> list[Exercise]:
    """Comprend des noms, `"ex02_fashion"` ou `"ex02"` ; aucun : tous les exercices.

    Raises:
        ValueError: nom inconnu.
    """
    known = {name: each for each in EXERCISES for name in (each.slug, each.slug[:4])}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"Pas d'exercice {unknown[0]} : `python -m exercises` les liste.")
    return list(dict.fromkeys(known[name] for name in names)) or list(EXERCISES)


def write_notebooks(names: list[str], output: Path, *, student: bool = False) -> list[Path]:
    """Écrit des notebooks, sans jamais remplacer un travail.

    Args:
        names: voir `find_exercises`.
        output: dossier, créé au besoin.
        student: voir `make_notebook`.

    Returns:
        Les fichiers, dans l'ordre des exercices.

    Raises:
        ValueError: nom inconnu ; ou un des fichiers existe, différent : rien n'est alors écrit.
    """
    texts = {}
    for exercise in find_exercises(names):
        notebook = make_notebook(exercise, student=student)
        nbformat.validate(notebook)
        text = nbformat.writes(notebook) + "\n"
        texts[output / f"{exercise.slug}.ipynb"] = text.encode()
    taken = [path for path, text in texts.items() if path.exists() and path.read_bytes() != text]
    if taken:
        raise ValueError(
            f"{', '.join(map(str, taken))} existe déjà, et a changé : rien n'est écrit. Choisissez "
            "un autre dossier avec --output, ou déplacez ce fichier."
        )
    output.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        with replacing(path, suffix=own_suffix()) as temporary:
            temporary.write_bytes(text)
    return list(texts)


def main(argv: list[str] | None = None) -> int:
    """Écrit les notebooks demandés et donne leurs chemins."""
    parser = FrenchParser(prog="python -m exercises.notebook", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("exercises", nargs="*", metavar="EXERCICE", help="ex02_fashion ou ex02 ; tous par défaut")
    add("--output", type=Path, required=True, metavar="DOSSIER", help="où écrire les notebooks")
    add("--student", action="store_true", help="laisser les fonctions à écrire")
    options = parser.parse_args(argv)

    def body() -> int:
        print(
            *write_notebooks(options.exercises, options.output, student=options.student), sep="\n"
        )
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
