"""Faire d'un exercice un notebook : le `.py` est la seule source, le notebook s'en déduit.

Commande : python -m exercises.notebook ex02_fashion --output DOSSIER
           python -m exercises.notebook ex02 --output DOSSIER --student   corps à écrire
           python -m exercises.notebook --output DOSSIER                  tous les exercices

Les docstrings des fichiers et leurs filets deviennent du texte et des titres. Les imports et les
constantes ont leur cellule, puis chaque fonction. La dernière lance l'exercice et montre ses
figures. Avec `--student`, les corps sont vidés comme par `python -m grading.skeleton`. Aucune
sortie n'est enregistrée, et deux générations donnent les mêmes octets.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import v4

from convnets.core.cli import FrenchParser, run
from exercises import EXERCISES, FOLDER, RULE, Exercise, find, sources

LABEL = re.compile(r"(D'après|Documents?|Commandes?|Résultats?( mesurés?)?|Nombres attendus) : ")
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Ce que `main` reçoit, là où ce n'est pas `--output`.
RUNS = {"exercises/ex00_convolution/__main__.py": ("[]", '["--figures", "{folder}"]')}

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
    "tqdm": "tqdm",
    "filelock": "filelock",
    "cpuinfo": "py-cpuinfo",
    "ai_edge_litert": "ai-edge-litert",
    "pi_heif": "pi-heif",
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

ITSELF = """\
# Ce qu'un fichier sait de lui-même, et qu'un notebook ignore.
__doc__ = {!r}
__file__ = {!r}"""

RUN = "La cellule suivante répond 0 si tout s'est bien passé."

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


def code_cells(source: str, level: str) -> Iterator[nbformat.NotebookNode]:
    """Découpe un fichier en titres et en cellules, dans l'ordre, commentaires compris.

    Une fonction ou une classe a sa cellule ; les imports, la leur ; les constantes aussi. Restent
    de côté la docstring du fichier et `if __name__ == "__main__"`.

    Args:
        source: texte du fichier, qui commence par une docstring.
        level: celui des titres, `"##"` par exemple.
    """
    lines, nodes = source.splitlines(), ast.parse(source).body
    nodes = [each for each in nodes if not ast.unparse(each).startswith("if __name__")]
    bounds = [nodes[0].end_lineno]
    for before, node in itertools.pairwise(nodes):
        gap = lines[before.end_lineno : node.lineno - 1]
        alone = isinstance(before, DEFINITIONS) or isinstance(node, DEFINITIONS)
        other = isinstance(before, IMPORTS) != isinstance(node, IMPORTS)
        if alone or other or any(map(RULE.match, gap)):
            bounds.append(before.end_lineno)
    for first, last in itertools.pairwise([*bounds, nodes[-1].end_lineno]):
        chunk = lines[first:last]
        rules = filter(None, map(RULE.match, chunk))
        yield from (v4.new_markdown_cell(f"{level} {rule[1]}") for rule in rules)
        code = "\n".join(line for line in chunk if not RULE.match(line)).strip("\n")
        if code:
            yield v4.new_code_cell(code)


def to_markdown(docstring: str) -> str:
    """Met une docstring en Markdown : ce qu'elle aligne (étiquettes, retraits) reste aligné."""
    paragraphs = []
    for each in docstring.split("\n\n"):
        labelled = LABEL.match(each) and "\n" in each
        aligned = labelled or ("\n  " in each and not each.startswith("- "))
        paragraphs.append(f"```text\n{each}\n```" if aligned else each)
    return "\n\n".join(paragraphs)


def _titled(docstring: str, level: str, *more: str) -> str:
    """Fait un titre de la première ligne d'une docstring, et un texte du reste."""
    title, _, rest = docstring.partition("\n")
    texts = [f"{level} {title.removesuffix('.')}", *more, to_markdown(rest.strip("\n"))]
    return "\n\n".join(text for text in texts if text)


# --- Assembler -----------------------------------------------------------------------


def make_notebook(exercise: Exercise, *, student: bool = False) -> nbformat.NotebookNode:
    """Fait le notebook d'un exercice.

    Args:
        exercise: un élément d'`EXERCISES`.
        student: vider ce que l'élève doit écrire.

    Returns:
        Un notebook valide, sans sorties.
    """
    contents, *parts = reading_order(exercise)
    advice = [PARTS.format(folder=f"exercises/{exercise.slug}")] if parts else []
    if student:
        advice += [STUDENT, STUDENT_PARTS] if parts else [STUDENT]
    title = _titled(ast.get_docstring(ast.parse(_source(contents, student=student))), "#")
    cells = [
        *map(v4.new_markdown_cell, [title, *advice, BEFORE]),
        *map(v4.new_code_cell, [SETUP, SHOW_FIGURES]),
    ]
    for path in parts or [contents]:
        cells += part_cells(exercise, path, student=student)
    for number, cell in enumerate(cells):
        cell.id = f"cellule-{number}"  # deux générations donnent les mêmes octets
    return v4.new_notebook(cells=cells, metadata=METADATA)


def reading_order(exercise: Exercise) -> list[Path]:
    """Range les fichiers d'un exercice : le sommaire, les parties dans son ordre, `__main__`."""
    contents, *paths = sources(exercise.slug)
    text = contents.read_text(encoding="utf-8")
    paths.sort(key=lambda path: (path.stem == "__main__", text.find(path.name)))
    return [contents, *paths]


def _source(path: Path, *, student: bool) -> str:
    """Lit un fichier ; vidé de ses réponses, si c'est pour l'élève."""
    if not student:
        return path.read_text(encoding="utf-8")
    from grading.skeleton import make_skeleton  # --student est seul à en avoir besoin

    return make_skeleton(".".join(path.relative_to(FOLDER).with_suffix("").parts))


def part_cells(exercise: Exercise, path: Path, *, student: bool) -> Iterator:
    """Rend les cellules d'un fichier : son texte, son code, et de quoi le lancer s'il a un `main`.

    Args:
        exercise: l'exercice.
        path: un de ses fichiers.
        student: voir `make_notebook`.
    """
    source, place = _source(path, student=student), path.relative_to(FOLDER.parent).as_posix()
    docstring = ast.get_docstring(ast.parse(source))
    if path.stem == "__main__":
        yield v4.new_markdown_cell("## Lancer l'exercice")
    elif path.stem != exercise.slug:  # sinon, le titre est celui du notebook
        yield v4.new_markdown_cell(_titled(docstring, "##", f"`{place}`"))
    if "__doc__" in source or "__file__" in source:
        yield v4.new_code_cell(ITSELF.format(docstring.split("\n")[0], place))
    yield from code_cells(source, "##" if path.stem == exercise.slug else "###")
    if "\ndef main(" not in source:
        return
    whole = path.stem in ("__main__", exercise.slug)  # ce que lance la commande de l'exercice
    folder = f"figures/{exercise.slug}" + ("" if whole else f"_{path.stem}")
    yield v4.new_markdown_cell(RUN + (f" Durée : {exercise.duration}." if whole else ""))
    for options in RUNS.get(place, ('["--output", "{folder}"]',)):
        yield v4.new_code_cell(f"main({options.format(folder=folder)})")
    yield v4.new_code_cell(f'show_figures("{folder}")')


# --- Commande ------------------------------------------------------------------------


def write_notebooks(names: list[str], output: Path, *, student: bool = False) -> list[Path]:
    """Écrit des notebooks, sans jamais remplacer un travail.

    Args:
        names: `"ex02_fashion"` ou `"ex02"` ; aucun : tous les exercices.
        output: dossier, créé au besoin.
        student: voir `make_notebook`.

    Returns:
        Les fichiers, dans l'ordre des noms.

    Raises:
        ValueError: nom inconnu ; ou un des fichiers existe, différent : rien n'est alors écrit.
    """
    slugs, texts = {each.slug[:4]: each.slug for each in EXERCISES}, {}
    for exercise in [find(slugs.get(name, name)) for name in names] or EXERCISES:
        text = nbformat.writes(make_notebook(exercise, student=student)) + "\n"
        texts[output / f"{exercise.slug}.ipynb"] = text.encode()
    taken = [path for path, text in texts.items() if path.exists() and path.read_bytes() != text]
    if taken:
        raise ValueError(
            f"{', '.join(map(str, taken))} existe déjà, et a changé : rien n'est écrit. Choisissez "
            "un autre dossier avec --output, ou déplacez ce fichier."
        )
    output.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_bytes(text)
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
