"""`python -m exercises.notebook` : tout vient du `.py`, rien ne s'y perd, tout s'y exécute."""

import ast
import io
import json
import os
import shutil
import subprocess
import sys
import tokenize
import tomllib
from importlib.util import find_spec

import nbclient
import nbformat
import pytest
from packaging.requirements import Requirement

from exercises import EXERCISES, FOLDER, RULE, find, notebook, sources

pytestmark = pytest.mark.ci

SLUGS = [exercise.slug for exercise in EXERCISES]


def make(slug, *, student=False):
    return notebook.make_notebook(find(slug), student=student)


def codes(found):
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


def texts(found):
    return [cell.source for cell in found.cells if cell.cell_type == "markdown"]


def comments(source):
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {each.string for each in tokens if each.type == tokenize.COMMENT}


# --- Ce qu'ils contiennent -----------------------------------------------------------


FEW = ("ex01_filters", "ex02_fashion", "ex09_grad_cam", "ex22_by_hand")


@pytest.mark.parametrize(
    "slug", [*FEW, *(pytest.param(slug, marks=pytest.mark.ci) for slug in SLUGS if slug not in FEW)]
)
def test_no_line_of_the_files_is_lost(slug):
    """Les instructions, les commentaires et les titres de chaque fichier, dans leur ordre."""
    found = make(slug)
    nbformat.validate(found)
    assert len({cell.id for cell in found.cells}) == len(found.cells)
    cells = codes(found)
    written = [ast.dump(node) for cell in cells for node in ast.parse(cell).body]
    kept = set().union(*map(comments, cells))
    for path in sources(slug):
        source = path.read_text(encoding="utf-8")
        nodes = [ast.dump(node) for node in ast.parse(source).body[1:]]
        wanted = [each for each in nodes if "'__main__'" not in each]
        starts = [i for i, each in enumerate(written) if each in wanted[:1]] or [0]
        assert any(written[i : i + len(wanted)] == wanted for i in starts), path
        assert {each for each in comments(source) if not RULE.match(each)} <= kept, path
        rules = [rule[1] for rule in map(RULE.match, source.splitlines()) if rule]
        titles = iter(text.lstrip("#").strip() for text in texts(found))
        assert all(rule in titles for rule in rules), path  # `in` avance : dans cet ordre
    for cell in cells[1:]:
        nodes = ast.parse(cell).body
        assert len(nodes) == 1 or not any(isinstance(n, notebook.DEFINITIONS) for n in nodes)


def test_the_question_stands_above_its_function():
    found = [(cell.cell_type, cell.source) for cell in make("ex02_fashion").cells]
    title = found.index(("markdown", "## Question : respecter l'architecture"))
    assert found[title + 1][1].startswith("def build_model()")
    assert "L'énoncé impose l'ordre convolution → max-pooling" in found[0][1]


def test_student_cells_are_empty_and_the_scale_is_said():
    found = make("ex02_fashion", student=True)
    text = "\n".join(codes(found))
    assert 'raise NotImplementedError("À vous : respecter l’architecture (build_model)")' in text
    assert "Conv2D" not in text and "Conv2D" in "\n".join(codes(make("ex02_fashion")))
    assert "- architecture, 5 points : respecter l'architecture." in found.cells[0].source
    assert found.cells[1].source.startswith("**À vous**")


@pytest.mark.parametrize("slug", ["ex00_convolution", "ex20_source_separation"])
def test_parts_come_in_reading_order(slug):
    """Celui du sommaire, et la commande à la fin."""
    prose = texts(make(slug))
    marks = [line for text in prose for line in text.splitlines() if line.startswith("`exercises/")]
    stems = [mark.strip("`").rpartition("/")[2] for mark in marks]
    assert sorted(stems) == sorted(path.name for path in sources(slug) if path.stem[0] != "_")
    assert stems == sorted(stems, key=prose[0].index)
    last = max(rank for rank, text in enumerate(prose) if "\n`exercises/" in text)
    assert prose.index("## Lancer l'exercice") > last


def test_docstrings_become_markdown():
    text = (
        "Lire deux lignes\nqui se suivent.\n\nDocument : S0.\nCommandes : python -m a   un\n"
        "            python -m b   deux\n\n- un ;\n  suite."
    )
    assert notebook.to_markdown(text) == (
        "Lire deux lignes\nqui se suivent.\n\n```text\nDocument : S0.\nCommandes : python -m a   un"
        "\n            python -m b   deux\n```\n\n- un ;\n  suite."
    )


# --- La cellule d'installation -------------------------------------------------------


def test_packages_are_those_of_the_course(repo):
    project = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["exercices"]]
    space = {}
    start = notebook.SETUP.index("PACKAGES")
    exec(notebook.SETUP[start : notebook.SETUP.index("}", start) + 1], space)
    installed = {Requirement(text).name for text in asked}
    assert set(space["PACKAGES"].values()) == installed - {"nbformat"}  # qui ne sert qu'à les faire
    assert all(map(find_spec, space["PACKAGES"]))


@pytest.fixture
def course_zip(repo, tmp_path):
    """Le zip du dépôt, réduit à ce que la cellule y cherche, avec un faux pip."""
    root = tmp_path / "zip" / "cours-main"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo / "convnets" / "core", root / "convnets" / "core", ignore=ignored)
    shutil.copytree(repo / "exercises", root / "exercises", ignore=ignored)
    (root / "pip.py").write_text("import json, sys; json.dump(sys.argv[1:], open('pip.json', 'w'))")
    return shutil.make_archive(tmp_path / "cours", "zip", root.parent)


def start_notebook(folder, *, hidden=()):
    """Exécute la première cellule dans un dossier, sur une machine sans ces paquets."""
    folder.mkdir(exist_ok=True)
    code = (
        "import importlib.util as util\nfind = util.find_spec\n"
        f"util.find_spec = lambda name: None if name in {set(hidden)!r} else find(name)\n"
        f"exec({notebook.SETUP!r})\nprint(exercises.__file__)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command, options = [sys.executable, "-c", code], {"capture_output": True, "encoding": "utf-8"}
    return subprocess.run(command, cwd=folder, env=environment, **options)


@pytest.mark.ci
def test_setup_finds_the_repository_or_says_what_to_do(repo, tmp_path):
    done = start_notebook(repo / "docs")
    assert done.stdout == f"{repo / 'exercises/__init__.py'}\n", done.stderr
    done = start_notebook(tmp_path / "vide")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("déposez-y son zip, puis relancez.")


@pytest.mark.ci
def test_setup_opens_the_zip_beside_the_notebook(course_zip, tmp_path):
    """Et n'installe que ce qui manque."""
    folder = tmp_path / "élève et notebook"
    folder.mkdir()
    shutil.copy(course_zip, folder)
    (folder / "autre.zip").write_text("ceci n'est pas un zip")
    done = start_notebook(folder)
    assert done.stdout == f"{folder / 'cours-main/exercises/__init__.py'}\n", done.stderr
    assert not (folder / "cours-main/pip.json").exists()  # rien ne manquait
    done = start_notebook(folder, hidden={"sklearn", "cpuinfo"})
    asked = json.loads((folder / "cours-main/pip.json").read_text())
    assert asked == ["install", "--quiet", "scikit-learn", "py-cpuinfo"]
    assert done.stdout.startswith("À installer : scikit-learn, py-cpuinfo\n"), done.stderr


# --- La commande ---------------------------------------------------------------------


def test_command(tmp_path, capsys):
    assert notebook.main(["ex02", "ex01_filters", "--output", str(tmp_path / "x")]) == 0
    paths = [tmp_path / "x" / f"{slug}.ipynb" for slug in ("ex02_fashion", "ex01_filters")]
    assert capsys.readouterr().out == "".join(f"{path}\n" for path in paths)
    assert notebook.main(["ex02", "--output", str(tmp_path / "x")]) == 0  # identique : rien à dire
    assert len(notebook.find_exercises([])) == len(EXERCISES)


def test_the_work_of_a_student_is_never_replaced(tmp_path, capsys):
    mine = tmp_path / "ex02_fashion.ipynb"
    mine.write_text("mon travail\n")
    assert notebook.main(["ex01", "ex02", "--output", str(tmp_path)]) == 1
    assert "existe déjà, et a changé : rien n'est écrit" in capsys.readouterr().err
    assert mine.read_text() == "mon travail\n" and [*tmp_path.iterdir()] == [mine]


@pytest.mark.parametrize("name", ["ex42", "../ex02_fashion"])
def test_unknown_exercise(tmp_path, capsys, name):
    assert notebook.main([name, "--output", str(tmp_path / "x")]) == 1
    assert f"Pas d'exercice {name}" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


# --- Les exécuter --------------------------------------------------------------------


def execute(slug, folder):
    """Exécute un notebook de haut en bas dans un vrai noyau ; ses fichiers vont dans `folder`.

    Args:
        slug: son exercice.
        folder: dossier des figures.

    Returns:
        `(réponses des cellules qui lancent, nombre d'images montrées par les suivantes)`.
    """
    found = make(slug)
    launches = [cell for cell in found.cells if cell.source.startswith("main(")]
    shows = [cell for cell in found.cells if cell.source.startswith("show_figures(")]
    for cell in launches + shows:
        cell.source = cell.source.replace('"figures/', f'"{folder.as_posix()}/')
    place = {"metadata": {"path": FOLDER.parent / "docs"}}
    nbclient.NotebookClient(found, timeout=3000, resources=place).execute()
    answers = [
        each.data["text/plain"] for cell in launches for each in cell.outputs if "data" in each
    ]
    return answers, [sum("data" in each for each in cell.outputs) for cell in shows]


@pytest.mark.ci
def test_a_notebook_runs_and_shows_its_figures(tmp_path):
    """Un exercice sans TensorFlow : le plus court."""
    assert execute("ex07_occlusion", tmp_path) == (["0"], [1])
    written = [path.name for path in (tmp_path / "ex07_occlusion").iterdir()]
    assert written == ["chien_occlusion.png"]
