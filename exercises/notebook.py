"""Faire d'un exercice un notebook : son texte et ses `.py` sont les seules sources.

Commande : python -m exercises.notebook ex02_fashion --output DOSSIER
           python -m exercises.notebook --output DOSSIER                tous les exercices

Le texte de la leçon (`lesson_text`) est suivi dans son ordre : ce qu'il montre fait une cellule,
ses appels aussi, et ses réponses restent repliées. Les dernières cellules lancent l'exercice et
montrent ses figures. Aucune sortie n'est enregistrée, et deux générations donnent les mêmes octets.
L'énoncé d'un élève est fait par `python -m exercises.sheet`.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import v4

from convnets.core.cli import FrenchParser, run
from exercises import EXERCISES, FOLDER, RULE, Exercise, find, lesson_text, sources
from exercises.lesson_cells import text_cells
from exercises.lesson_names import find_imports

LABEL = re.compile(r"(D'après|Documents?|Commandes?|Résultats?( mesurés?)?|Nombres attendus) : ")
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Ce qui lance un exercice, là où ce n'est pas `--output`.
RUNS = {
    "exercises/ex00_convolution/__main__.py": (
        "launch(main, [])",
        'launch(main, ["--figures", "{folder}"], "{folder}")',
    ),
    "exercises/ex15_architectures/operations.py": ("launch(main, [])",),
}
# Minutes des commandes d'une seule partie, sur deux cœurs ; les autres en durent moins d'une.
MINUTES = {
    "cached.py": 2,
    "forgetting.py": 1,
    "layers.py": 4,
    "cam.py": 4,
    "cells.py": 2,
    "instances.py": 3,
    "streets.py": 7,
    "products.py": 5,
}
# Le dépôt public, `"propriétaire/nom"`, à régler une fois ; vide : ni lien vers Colab, ni
# téléchargement du cours. Les notebooks y sont, sans dossier, dans la branche `notebooks`.
REPOSITORY = ""
COLAB = "https://colab.research.google.com/github/"
VERSION = "v0.3.0"  # l'étiquette du dépôt que le notebook télécharge
PACKAGES = {  # ce qui s'importe, et le nom sous lequel cela s'installe
    "tensorflow": "tensorflow",
    "keras": "keras",
    "numpy": "numpy",
    "scipy": "scipy",
    "matplotlib": "matplotlib",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "networkx": "networkx",
    "fontTools": "fonttools",
    "tqdm": "tqdm",
    "filelock": "filelock",
    "cpuinfo": "py-cpuinfo",
    "ai_edge_litert": "ai-edge-litert",
    "pi_heif": "pi-heif",
}

BEFORE = """\
## Avant de commencer

La première cellule trouve le cours et n'installe que ce qui manque, à la version du cours : moins \
d'une minute là où TensorFlow est déjà. « Tout exécuter » dure ensuite {duration} sur deux cœurs."""

QUIET = """\
os.environ["KERAS_BACKEND"] = "tensorflow"
from convnets.core.startup import QuietTensorFlow

sys.meta_path.insert(0, QuietTensorFlow())  # TensorFlow se charge sans rien afficher
import exercises"""
SETUP = '''\
# Rien à changer ici.
import importlib.metadata
import os
import subprocess
import sys
import urllib.request
import zipfile
from importlib.util import find_spec
from pathlib import Path

COURSE = %(address)r  # le cours, à sa version ; vide : posez son zip à côté du notebook
PACKAGES = {  # ce qui s'importe, et ce qui s'installe
%(pins)s
}
LEAST = {"keras": (3, 15)}  # les réseaux du cours ne se chargent pas avec un Keras plus ancien


def stop(sentence):
    """Arrête « Tout exécuter » ; Jupyter ne montre que la phrase."""
    error = RuntimeError(sentence)
    error._render_traceback_ = lambda: [sentence]
    raise error


def find_course():
    """Cherche le dépôt du cours autour du notebook ; None s'il n'y est pas."""
    here = Path.cwd()
    folders = [here, *here.glob("*/"), *here.parents]
    return next((each for each in folders if (each / "convnets/core/cli.py").is_file()), None)


def is_missing(name):
    """Dit si un paquet est absent, ou trop ancien."""
    if not find_spec(name):
        return True
    version = importlib.metadata.version(name) if name in LEAST else "0.0"
    return tuple(map(int, version.split(".")[:2])) < LEAST.get(name, (0, 0))


if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    stop(f"Ce noyau est Python {sys.version.split()[0]} : prenez-en un de 3.11 à 3.13.")
if COURSE and not find_course():
    try:
        urllib.request.urlretrieve(COURSE, "cours.zip")
    except OSError as error:
        stop(f"Le cours ne se télécharge pas ({error}) : vérifiez la connexion, puis relancez.")
for path in Path.cwd().glob("*.zip"):
    if not find_course() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("convnets/core/cli.py") for name in archive.namelist()):
                archive.extractall()
course = find_course()
if course is None:
    stop(f"Le dépôt du cours n'est pas dans {Path.cwd()} : déposez-y son zip, puis relancez.")
missing = [package for name, package in PACKAGES.items() if is_missing(name)]
if missing:
    if "keras" in sys.modules and is_missing("keras"):
        stop("Un Keras trop ancien est déjà chargé : redémarrez le noyau, puis relancez.")
    print("J'installe", ", ".join(missing))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *missing]
    if subprocess.run(pip, cwd=course).returncode:
        stop("L'installation a échoué : dans un terminal, lancez " + " ".join(pip))
    importlib.invalidate_caches()
os.chdir(course)  # les chemins du cours, comme samples/chat.png, partent de là
sys.path.insert(0, str(course))
'''

HELPERS = '''\
import tempfile

from convnets.core.cli import percent
from convnets.figures.charts import Picture, number, picture_rows


def show_pictures(*pictures, side=2.4):
    """Montre ici des images, ou des `Picture`, côte à côte."""
    with tempfile.TemporaryDirectory() as folder:
        picture_rows(Path(folder) / "images.png", {"": pictures}, side=side)
        show_figures(folder)


def show_figures(folder):
    """Montre ici les images qu'un exercice a écrites dans un dossier."""
    from IPython.display import Image, display

    for path in sorted(each for each in Path(folder).glob("*") if each.suffix in (".png", ".gif")):
        display(Image(filename=path))


def launch(main, options, folder=""):
    """Lance la commande d'un exercice, puis montre les figures qu'elle a écrites."""
    code = main(options)
    if code:
        stop(f"La commande s'est arrêtée (code {code}) : la ligne « Erreur » dit pourquoi.")
    if folder:
        show_figures(folder)'''

RUN = "La cellule suivante refait tout, d'un trait. Durée : {duration}."

LAUNCH = 'launch(main, ["--output", "{folder}"], "{folder}")'
LESSON = """\
options = []  # pour essayer, bien plus vite : ["--limit", "2000", "--epochs", "1"]
launch(main, ["--output", "{folder}", *options], "{folder}")"""


# --- Lire un fichier -----------------------------------------------------------------


def code_cells(source: str, level: str) -> Iterator[nbformat.NotebookNode]:
    """Découpe un fichier en titres et en cellules, dans l'ordre, commentaires compris.

    Une fonction ou une classe a sa cellule, avec les privées qui la suivent ; ce qui précède la
    première a la sienne. Restent de côté la docstring du fichier et
    `if __name__ == "__main__"`.

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
        private = getattr(node, "name", "").startswith("_")  # suit celle qui l'appelle
        if any(map(RULE.match, gap)) or (alone and not private):
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


# --- Assembler -----------------------------------------------------------------------


def make_notebook(exercise: Exercise) -> nbformat.NotebookNode:
    """Fait le notebook d'un exercice.

    Args:
        exercise: un élément d'`EXERCISES`.

    Returns:
        Un notebook valide, sans sorties.

    Raises:
        ValueError: le texte de la leçon a un défaut ; une phrase le dit, avec sa ligne.
    """
    return number_cells(lesson_cells_of(exercise))


def number_cells(cells: Iterable) -> nbformat.NotebookNode:
    """Fait un notebook de ces cellules ; deux générations donnent les mêmes octets."""
    cells = list(cells)
    for number, cell in enumerate(cells):
        cell.id = f"cellule-{number}"
    return v4.new_notebook(cells=cells, metadata=METADATA)


def lesson_cells_of(exercise: Exercise) -> Iterator[nbformat.NotebookNode]:
    """Rend les cellules d'une leçon, dans l'ordre de son texte.

    La question vient d'abord ; puis ce qui prépare le notebook, et tous les imports : rien de ce
    que le lecteur change ensuite n'est remplacé. Les dernières cellules lancent l'exercice.
    """
    lesson = lesson_text.read_lesson(exercise.slug)
    imports = find_imports(lesson)
    if imports.troubles:
        path = lesson_text.lesson_path(exercise.slug)
        said = [f"{path.name}, ligne {each.line} : {each.sentence}" for each in imports.troubles]
        raise ValueError("\n".join(said))
    shown = {block.name.rpartition(".")[0] for block in lesson.blocks if hasattr(block, "name")}
    _, *parts = reading_order(exercise)
    commands = [path for path in parts if path.stem in shown or path.stem == "__main__"]
    commands = [path for path in commands or reading_order(exercise)[:1] if has_command(path)]
    minutes = exercise.minutes + sum(MINUTES.get(path.name, 0) for path in commands)
    question, *rest = text_cells(exercise.slug, lesson.blocks)
    yield v4.new_markdown_cell(f"# {lesson.title}")
    yield question
    yield v4.new_markdown_cell(BEFORE.format(duration=exercise._replace(minutes=minutes).duration))
    yield from map(v4.new_code_cell, filter(None, [setup(), HELPERS, imports.code]))
    yield from rest
    yield v4.new_markdown_cell("## Lancer l'exercice")
    for path in commands:
        yield from launch_cells(exercise, path, module=True)


def has_command(path: Path) -> bool:
    """Dit si un fichier de l'exercice se lance."""
    return "\ndef main(" in path.read_text(encoding="utf-8")


def launch_cells(exercise: Exercise, path: Path, *, module: bool) -> Iterator:
    """Rend de quoi lancer un fichier d'un exercice, et voir ses figures.

    Args:
        exercise: l'exercice.
        path: un de ses fichiers, qui a un `main`.
        module: `main` est dans le dépôt, et non dans le notebook.
    """
    place = path.relative_to(FOLDER.parent)
    whole = path.stem in ("__main__", exercise.slug)  # ce que lance la commande de l'exercice
    timed = exercise if whole else exercise._replace(minutes=MINUTES.get(path.name, 0))
    yield v4.new_markdown_cell(RUN.format(duration=timed.duration))
    folder = f"figures/{exercise.slug}" + ("" if whole else f"_{path.stem}")
    usual = (LESSON if "\nEPOCHS = " in path.read_text(encoding="utf-8") else LAUNCH,)
    name = ".".join(place.with_suffix("").parts)
    for call in RUNS.get(place.as_posix(), usual):
        call = call.format(folder=folder)
        if module:
            call = f"import {name}\n\n" + call.replace("launch(main,", f"launch({name}.main,")
        yield v4.new_code_cell(call)


def setup() -> str:
    """Écrit la première cellule : où est le cours, et les versions de `requirements.txt`."""
    pinned = (FOLDER.parent / "requirements.txt").read_text(encoding="utf-8")
    versions = dict(re.findall(r"^([\w-]+)==([\d.]+)", pinned, flags=re.MULTILINE))
    pins = "\n".join(
        f'    "{name}": "{each}=={versions[each]}",' for name, each in PACKAGES.items()
    )
    archive = f"https://github.com/{REPOSITORY}/archive/refs/tags/{VERSION}.zip"
    return SETUP % {"address": archive if REPOSITORY else "", "pins": pins} + QUIET


def colab_address(name: str) -> str:
    """Rend l'adresse qui ouvre un notebook dans Colab ; vide tant que `REPOSITORY` l'est.

    Args:
        name: fichier de la branche `notebooks`, `"ex02_fashion.ipynb"` par exemple.
    """
    return f"{COLAB}{REPOSITORY}/blob/notebooks/{name}" if REPOSITORY else ""


def reading_order(exercise: Exercise) -> list[Path]:
    """Range les fichiers d'un exercice : le sommaire, les parties dans son ordre, `__main__`."""
    contents, *paths = sources(exercise.slug)
    text = contents.read_text(encoding="utf-8")
    paths.sort(key=lambda path: (path.stem == "__main__", text.find(path.name)))
    return [contents, *paths]


# --- Commande ------------------------------------------------------------------------


def write_notebooks(names: list[str], output: Path) -> list[Path]:
    """Écrit des notebooks, sans jamais remplacer un travail.

    Args:
        names: `"ex02_fashion"` ou `"ex02"` ; aucun : tous les exercices.
        output: dossier, créé au besoin.

    Returns:
        Les fichiers, dans l'ordre des noms.

    Raises:
        ValueError: nom inconnu ; ou un des fichiers existe, différent : rien n'est alors écrit.
    """
    slugs, texts = {each.slug[:4]: each.slug for each in EXERCISES}, {}
    for exercise in [find(slugs.get(name, name)) for name in names] or EXERCISES:
        text = nbformat.writes(make_notebook(exercise)) + "\n"
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
    options = parser.parse_args(argv)

    def body() -> int:
        print(*write_notebooks(options.exercises, options.output), sep="\n")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
