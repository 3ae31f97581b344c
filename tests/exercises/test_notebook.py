"""`python -m exercises.notebook` : tout vient du `.py`, rien ne s'y perd, tout s'y exécute."""

import ast
import copy
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

from exercises import EXERCISES, FOLDER, RULE, notebook, sources
from grading.skeleton import make_skeleton

pytestmark = pytest.mark.ci

SLUGS = [exercise.slug for exercise in EXERCISES]
MODES = ("full", "student")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Tous les notebooks, corrigés et à compléter."""
    folder = tmp_path_factory.mktemp("notebooks")
    for mode in MODES:
        notebook.write_notebooks([], folder / mode, student=mode == "student")
    return folder


@pytest.fixture(scope="module")
def read(written):
    """read("ex02_fashion", "student") -> le notebook, relu."""
    found = {}

    def find(slug, mode):
        path = written / mode / f"{slug}.ipynb"
        if path not in found:
            found[path] = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        return found[path]

    return find


def codes(found):
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


def own_sources(slug, mode):
    """Les textes dont le notebook est fait, sans les sommaires, qui n'ont pas de code."""
    paths = [path for path in sources(slug) if path.stem != "__init__"]
    names = [".".join(path.relative_to(FOLDER).with_suffix("").parts) for path in paths]
    if mode == "student":
        return [make_skeleton(name) for name in names]
    return [path.read_text(encoding="utf-8") for path in paths]


def statements(source):
    """Les instructions d'un fichier, sans sa docstring ni `if __name__ == "__main__"`."""
    found = [ast.dump(node) for node in ast.parse(source).body[1:]]
    return [each for each in found if "'__main__'" not in each]


def comments(source):
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [each.string for each in tokens if each.type == tokenize.COMMENT]


# --- Ce qu'ils contiennent -----------------------------------------------------------


def test_all_are_written(written):
    for mode in MODES:
        assert sorted(path.stem for path in (written / mode).iterdir()) == SLUGS


@pytest.mark.parametrize("mode", MODES)
def test_every_notebook_is_valid(read, mode):
    for slug in SLUGS:
        found = read(slug, mode)
        nbformat.validate(found)
        assert (found.nbformat, found.nbformat_minor) >= (4, 5)
        identifiers = [cell.id for cell in found.cells]
        assert len(set(identifiers)) == len(identifiers), slug
        for cell in found.cells:
            assert cell.source.strip()
            if cell.cell_type == "code":
                assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.slow
def test_a_second_generation_writes_the_same_bytes(written, tmp_path, run_module):
    """Dans un autre processus, où les ensembles n'ont pas le même ordre."""
    student = ["ex02", "ex17", "--student"]  # vider les réponses est plus long
    for mode, options in zip(MODES, ([], student), strict=True):
        done = run_module("exercises.notebook", *options, "--output", tmp_path / mode)
        assert done.returncode == 0, done.stderr
        again = list((tmp_path / mode).iterdir())
        assert len(again) == (2 if options else len(SLUGS))
        for path in again:
            assert path.read_bytes() == (written / mode / path.name).read_bytes(), path


@pytest.mark.parametrize("mode", MODES)
def test_no_line_of_the_files_is_lost(read, mode):
    """Les mêmes instructions et les mêmes commentaires, dans le même ordre pour chaque fichier."""
    for slug in SLUGS:
        cells = codes(read(slug, mode))
        found = [ast.dump(node) for cell in cells for node in ast.parse(cell).body]
        kept = [each for cell in cells for each in comments(cell)]
        for source in own_sources(slug, mode):
            wanted = statements(source)
            starts = [i for i, each in enumerate(found) if each == wanted[0]]
            assert any(found[i : i + len(wanted)] == wanted for i in starts), (slug, source[:60])
            assert {each for each in comments(source) if not RULE.match(each)} <= set(kept), slug


@pytest.mark.parametrize("mode", MODES)
def test_titles_are_those_of_the_files(read, mode):
    for slug in SLUGS:
        texts = [cell.source for cell in read(slug, mode).cells if cell.cell_type == "markdown"]
        titles = [text.splitlines()[0].lstrip("#").strip() for text in texts]
        assert texts[0].startswith(f"# {titles[0]}") and texts[0].count("\n# ") == 0
        for source in own_sources(slug, mode):
            rules = [RULE.match(line) for line in source.splitlines()]
            wanted = [rule[1] for rule in rules if rule]
            assert [title for title in titles if title in wanted and title] >= wanted, slug


def test_a_cell_holds_one_idea(read):
    for slug in SLUGS:
        for cell in codes(read(slug, "full"))[1:]:
            nodes = ast.parse(cell).body
            defined = [isinstance(node, ast.FunctionDef | ast.ClassDef) for node in nodes]
            imported = [isinstance(node, ast.Import | ast.ImportFrom | ast.If) for node in nodes]
            assert not any(defined) or len(nodes) == 1, cell
            assert not any(imported) or all(imported), cell


def test_the_question_stands_above_its_function(read):
    found = [(cell.cell_type, cell.source) for cell in read("ex02_fashion", "full").cells]
    title = found.index(("markdown", "## Question : respecter l'architecture"))
    assert found[title + 1][1].startswith("def build_model()")
    assert "L'énoncé impose l'ordre convolution → max-pooling" in found[0][1]


def test_student_cells_are_empty_and_the_scale_is_said(read):
    text = "\n".join(codes(read("ex02_fashion", "student")))
    assert 'raise NotImplementedError("À vous : respecter l’architecture (build_model)")' in text
    assert "Conv2D" not in text
    prose = read("ex02_fashion", "student").cells[0].source
    assert "- architecture, 5 points : respecter l'architecture." in prose
    assert "Conv2D" in "\n".join(codes(read("ex02_fashion", "full")))


@pytest.mark.parametrize("slug", ["ex00_convolution", "ex20_source_separation"])
def test_parts_come_in_reading_order(read, slug):
    """Celui du sommaire, et la commande à la fin."""
    texts = [cell.source for cell in read(slug, "full").cells if cell.cell_type == "markdown"]
    marks = [line for text in texts for line in text.splitlines() if line.startswith("`exercises/")]
    stems = [mark.strip("`").rpartition("/")[2] for mark in marks]
    assert sorted(stems) == sorted(path.name for path in sources(slug) if path.stem[0] != "_")
    assert stems == sorted(stems, key=texts[0].index)
    assert "## Lancer l'exercice" in texts[-3:]


def test_docstrings_become_markdown():
    text = (
        "Lire deux lignes\nqui se suivent.\n\nDocument : S0.\nCommandes : python -m a   un\n"
        "            python -m b   deux\nRésultat : rien.\n\n- un ;\n  suite.\n"
    ).rstrip("\n")
    assert notebook.to_markdown(text) == (
        "Lire deux lignes\nqui se suivent.\n\nDocument : S0.\\\nCommandes :\n\n"
        "```text\npython -m a   un\npython -m b   deux\n```\n\nRésultat : rien.\n\n"
        "- un ;\n  suite."
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
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )


def test_setup_finds_the_repository_above_the_notebook(repo):
    done = start_notebook(repo / "docs")
    assert done.stdout == f"{repo / 'exercises/__init__.py'}\n", done.stderr


def test_setup_opens_the_zip_beside_the_notebook(course_zip, tmp_path):
    folder = tmp_path / "élève et notebook"
    folder.mkdir()
    shutil.copy(course_zip, folder)
    (folder / "autre.zip").write_text("ceci n'est pas un zip")
    done = start_notebook(folder)
    assert done.stdout == f"{folder / 'cours-main/exercises/__init__.py'}\n", done.stderr
    assert not (folder / "cours-main/pip.json").exists()  # rien ne manquait


def test_setup_installs_only_what_lacks(course_zip, tmp_path):
    shutil.copy(course_zip, tmp_path / "zip")
    done = start_notebook(tmp_path / "zip", hidden={"sklearn", "cpuinfo"})
    asked = json.loads((tmp_path / "zip/cours-main/pip.json").read_text())
    assert asked == ["install", "--quiet", "scikit-learn", "py-cpuinfo"]
    assert done.stdout.startswith("À installer : scikit-learn, py-cpuinfo\n"), done.stderr


def test_setup_says_what_to_do_without_the_repository(tmp_path):
    done = start_notebook(tmp_path / "vide")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("déposez-y son zip, puis relancez.")


# --- La commande ---------------------------------------------------------------------


def test_command(tmp_path, capsys):
    assert notebook.main(["ex02", "ex01_filters", "--output", str(tmp_path / "x")]) == 0
    paths = [tmp_path / "x" / f"{slug}.ipynb" for slug in ("ex02_fashion", "ex01_filters")]
    assert capsys.readouterr().out == "".join(f"{path}\n" for path in paths)
    assert sorted((tmp_path / "x").iterdir()) == sorted(paths)
    assert notebook.main(["ex02", "--output", str(tmp_path / "x")]) == 0  # identique : rien à dire


def test_the_work_of_a_student_is_never_replaced(tmp_path, capsys):
    mine = tmp_path / "ex02_fashion.ipynb"
    mine.write_text("mon travail\n")
    assert notebook.main(["ex01", "ex02", "--output", str(tmp_path)]) == 1
    assert "existe déjà, et a changé : rien n'est écrit" in capsys.readouterr().err
    assert mine.read_text() == "mon travail\n" and [*tmp_path.iterdir()] == [mine]


@pytest.mark.parametrize("name", ["ex42", "ex02_fashion.py", "../ex02_fashion", "notebook"])
def test_unknown_exercise(tmp_path, capsys, name):
    assert notebook.main([name, "--output", str(tmp_path / "x")]) == 1
    assert f"Pas d'exercice {name}" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


# --- Les exécuter --------------------------------------------------------------------

SHORT = {  # les options d'un essai de quelques secondes, pour chaque `main`
    "ex03_cifar10/ex03_cifar10": ["--limit", "600", "--epochs", "1"],  # un lot en a 512
    "ex05_inception/main": ["--limit", "10", "--folds", "2", "--epochs", "1"],
    "ex05_inception/layers": ["--limit", "10", "--epochs", "1"],
    "ex05_inception/forgetting": ["--limit", "10", "--epochs", "1"],
    "ex06_feature_maps/maximisation": ["--steps", "1"],
    "ex11_curves/main": ["--limit", "2"],
    "ex12_deep_dream/ex12_deep_dream": ["--steps", "1", "--octaves", "1", "--size", "75"],
    "ex13_reconstruction/ex13_reconstruction": ["--steps", "1", "--size", "75"],
    "ex14_style/ex14_style": ["--steps", "1", "--size", "75"],
    "ex20_source_separation/main": ["--limit", "3", "--epochs", "1"],
}
TRAINING = ["--limit", "300", "--epochs", "1"]
WITHOUT_MODELS = ("ex00_convolution/main", "ex01_filters/ex01_filters")


@pytest.fixture(scope="module")
def own_models(tmp_path_factory):
    """Une copie des modèles, que les notebooks lisent et à côté de laquelle ils écrivent."""
    return shutil.copytree(FOLDER.parent / "models", tmp_path_factory.mktemp("copie") / "models")


def execute(found, slug, folder, *, models=None, short=True):
    """Exécute un notebook de haut en bas dans un vrai noyau ; ses fichiers vont dans `folder`.

    Args:
        found: le notebook, qui n'est pas modifié.
        slug: son exercice.
        folder: dossier des figures.
        models: dossier des modèles ; None : celui du dépôt.
        short: ajouter les options d'un essai.

    Returns:
        `(réponses des cellules qui lancent, nombre d'images montrées par les suivantes)`.
    """
    found = copy.deepcopy(found)
    trained = {cell.id for cell in found.cells if "--epochs" in cell.source}  # l'avis au-dessus
    launches, shows = [], []
    for cell in found.cells:
        cell.source = cell.source.replace('"figures/', f'"{folder.as_posix()}/')
        part = cell.id.partition("-lancer")[0]
        if cell.source.startswith("show_figures("):
            shows.append(cell)
        elif cell.source.startswith("main("):
            name, options = f"{slug}/{part}", []
            if short:
                options += SHORT.get(name, TRAINING if f"{part}-lancer" in trained else [])
            if models and name not in WITHOUT_MODELS:
                options += ["--models-dir", str(models)]
            cell.source = cell.source.replace("main(", f"main({options} + ")
            launches.append(cell)
    place = {"metadata": {"path": FOLDER.parent / "docs"}}
    nbclient.NotebookClient(found, timeout=3000, resources=place).execute()
    answers = [
        [each.data["text/plain"] for each in cell.outputs if "data" in each] for cell in launches
    ]
    return answers, [sum("data" in each for each in cell.outputs) for cell in shows]


def test_a_notebook_runs_and_shows_its_figures(read, tmp_path):
    """Un exercice sans TensorFlow ; les autres, plus longs, ensuite."""
    answers, pictures = execute(read("ex07_occlusion", "full"), "ex07_occlusion", tmp_path)
    assert answers == [["0"]] and pictures == [1]
    written = [path.name for path in (tmp_path / "ex07_occlusion").iterdir()]
    assert written == ["chien_occlusion.png"]


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_every_notebook_runs_at_a_few_steps(read, tmp_path, own_models, slug):
    answers, pictures = execute(read(slug, "full"), slug, tmp_path, models=own_models)
    assert {tuple(each) for each in answers} == {("0",)} and all(pictures)


@pytest.mark.slow
@pytest.mark.parametrize("slug", [each.slug for each in EXERCISES if each.minutes >= 5])
def test_the_longest_lessons_run_for_real(read, tmp_path, own_models, slug):
    found = read(slug, "full")
    answers, pictures = execute(found, slug, tmp_path, models=own_models, short=False)
    assert answers == [["0"]] and all(pictures)
