"""`python -m exercises.notebook` : tout vient du `.py`, rien ne s'y perd, tout s'y exécute."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec

import nbclient
import pytest
from packaging.requirements import Requirement

from exercises import EXERCISES, FOLDER, RULE, find, notebook, sources

pytestmark = pytest.mark.ci


def make(slug, *, student=False):
    return notebook.make_notebook(find(slug), student=student)


def codes(found):
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


def flat(text):
    """Les lignes pleines ; d'un filet, ou du titre d'une cellule, les mots."""
    lines = (RULE.sub(r"\1", line).removeprefix("## ") for line in text.splitlines() if line)
    return "\n".join(line.removeprefix("### ") for line in lines)


# --- Ce qu'ils contiennent -----------------------------------------------------------


@pytest.mark.parametrize("slug", [exercise.slug for exercise in EXERCISES])
def test_no_line_of_the_files_is_lost(slug):
    """Les instructions, les commentaires et les titres de chaque fichier, dans leur ordre."""
    found = make(slug)
    written = flat("\n".join(cell.source for cell in found.cells))
    for path in sources(slug):
        source = path.read_text(encoding="utf-8").partition('\nif __name__ == "__main__"')[0]
        docstring = ast.parse(source).body[0]
        assert flat("\n".join(source.splitlines()[docstring.end_lineno :])) in written, path
    for cell in codes(found)[1:]:
        nodes = ast.parse(cell).body
        assert len(nodes) == 1 or not any(isinstance(n, notebook.DEFINITIONS) for n in nodes)
        assert len({isinstance(n, notebook.IMPORTS) for n in nodes}) == 1


def test_student_cells_are_empty_and_the_scale_is_said():
    found = make("ex02_fashion", student=True)
    text = "\n".join(codes(found))
    assert 'raise NotImplementedError("À vous : build_model")' in text
    assert "Conv2D" not in text
    assert "- architecture, 5 points : respecter l'architecture." in found.cells[0].source
    assert found.cells[1].source.startswith("**À vous**")


@pytest.mark.parametrize("slug", [each.slug for each in EXERCISES if len(sources(each.slug)) > 1])
def test_parts_come_in_reading_order(slug):
    """Celui du sommaire, et la commande à la fin."""
    contents, *parts, command = notebook.reading_order(find(slug))
    text = contents.read_text(encoding="utf-8")
    places = [text.index(path.name) for path in parts]
    assert command.name == "__main__.py" and places == sorted(places)
    assert sorted([contents, *parts, command]) == sources(slug)


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
    installed = {Requirement(text).name for text in asked}
    packages = dict(re.findall(r'^    "(\w+)": "([\w-]+)",$', notebook.SETUP, re.MULTILINE))
    assert set(packages.values()) == installed - {"nbformat"}  # qui ne sert qu'à les faire
    assert all(map(find_spec, packages))


def start_notebook(folder, *, hidden=()):
    """Exécute la première cellule dans un dossier, sur une machine sans ces paquets."""
    code = (
        "import importlib.util as util\nfind = util.find_spec\n"
        f"util.find_spec = lambda name: None if name in {set(hidden)!r} else find(name)\n"
        f"exec({notebook.SETUP!r})\nprint(exercises.__file__)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command, options = [sys.executable, "-c", code], {"capture_output": True, "encoding": "utf-8"}
    return subprocess.run(command, cwd=folder, env=environment, **options)


def test_setup_finds_the_repository_or_says_what_to_do(repo, tmp_path):
    done = start_notebook(repo / "docs")
    assert done.stdout == f"{repo / 'exercises/__init__.py'}\n", done.stderr
    done = start_notebook(tmp_path)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("déposez-y son zip, puis relancez.")


def test_setup_opens_the_zip_beside_the_notebook(repo, tmp_path):
    """Et n'installe que ce qui manque : le zip du dépôt est réduit, et pip est un faux."""
    root, folder = tmp_path / "zip" / "cours-main", tmp_path / "élève et notebook"
    for name in ("convnets/core", "exercises"):
        shutil.copytree(repo / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "pip.py").write_text("import json, sys; json.dump(sys.argv[1:], open('pip.json', 'w'))")
    folder.mkdir()
    shutil.make_archive(folder / "cours", "zip", root.parent)
    (folder / "autre.zip").write_text("ceci n'est pas un zip")
    done = start_notebook(folder)
    assert done.stdout == f"{folder / 'cours-main/exercises/__init__.py'}\n", done.stderr
    done = start_notebook(folder, hidden={"sklearn", "cpuinfo"})
    asked = json.loads((folder / "cours-main/pip.json").read_text())
    assert asked == ["install", "--quiet", "scikit-learn", "py-cpuinfo"]
    assert done.stdout.startswith("À installer : scikit-learn, py-cpuinfo\n"), done.stderr


# --- La commande ---------------------------------------------------------------------


def test_command(tmp_path, capsys):
    paths = [tmp_path / "x" / f"{slug}.ipynb" for slug in ("ex02_fashion", "ex01_filters")]
    for _ in range(2):  # la seconde fois, les mêmes octets : rien à dire
        assert notebook.main(["ex02", "ex01_filters", "--output", str(tmp_path / "x")]) == 0
        assert capsys.readouterr().out == "".join(f"{path}\n" for path in paths)


def test_the_work_of_a_student_is_never_replaced(tmp_path, capsys):
    mine = tmp_path / "ex02_fashion.ipynb"
    mine.write_text("mon travail\n")
    assert notebook.main(["ex01", "ex02", "--output", str(tmp_path)]) == 1
    assert "existe déjà, et a changé : rien n'est écrit" in capsys.readouterr().err
    assert mine.read_text() == "mon travail\n" and [*tmp_path.iterdir()] == [mine]


def test_unknown_exercise(tmp_path, capsys):
    assert notebook.main(["ex42", "--output", str(tmp_path / "x")]) == 1
    assert "Pas d'exercice ex42" in capsys.readouterr().err


def test_a_notebook_runs_and_shows_its_figures(tmp_path):
    """Un exercice sans TensorFlow, le plus court, dans un vrai noyau."""
    found = make("ex07_occlusion")
    for cell in found.cells[-2:]:  # celle qui lance, celle qui montre
        cell.source = cell.source.replace('"figures/', f'"{tmp_path.as_posix()}/')
    place = {"metadata": {"path": FOLDER.parent / "docs"}}
    nbclient.NotebookClient(found, timeout=300, resources=place).execute()
    launched, shown = (
        [each.data for each in cell.outputs if "data" in each] for cell in found.cells[-2:]
    )
    assert [each["text/plain"] for each in launched] == ["0"]
    assert ["image/png" in each for each in shown] == [True]
    assert [path.name for path in tmp_path.rglob("*.png")] == ["chien_occlusion.png"]
