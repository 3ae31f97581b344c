"""Le squelette : les mêmes signatures que le corrigé, sans la solution."""

import ast
import shutil
import subprocess
import sys

import pytest

from exercises import EXERCISES
from grading import skeleton
from grading.scale import read_scale
from grading.submission import file_of

MODULES = [module for each in EXERCISES for module in skeleton.chosen_modules(each.slug)]
LIGHT = [rule.module for rule in read_scale()["ex00"].rules]  # sans TensorFlow


@pytest.fixture(scope="module")
def made():
    return {module: skeleton.make_skeleton(module) for module in MODULES}


def functions(text):
    """Rend les fonctions et les méthodes publiques d'un fichier, hors `main` et `teach`."""
    nodes = ast.parse(text).body
    classes = [each for each in nodes if isinstance(each, ast.ClassDef)]
    nodes += [method for each in classes for method in each.body if each.name[0] != "_"]
    found = [each for each in nodes if isinstance(each, ast.FunctionDef)]
    return [each for each in found if each.name not in skeleton.LESSON and each.name[0] != "_"]


def test_signatures_and_docstrings_stay_bodies_go(made):
    for module, text in made.items():
        solution = (skeleton.FOLDER / file_of(module)).read_text(encoding="utf-8")
        for before, after in zip(functions(solution), functions(text), strict=True):
            same = [(ast.unparse(each.args), ast.get_docstring(each)) for each in (before, after)]
            assert same[0] == same[1], (module, after.name)
            todo = f"raise NotImplementedError('À vous : {after.name}')"
            assert ast.unparse(after.body[-1]) == todo or "(donnée)" in text, (module, after.name)
        head = ast.get_docstring(ast.parse(solution))
        assert ast.get_docstring(ast.parse(text)).startswith(head), module


def test_the_solution_is_gone(made):
    text = made["ex02_fashion"]
    for trace in ("Conv2D", "BatchNormalization", "FILTERS", "AdamW"):
        assert trace not in text, trace
    for given in ('"Ankle boot"', "EPOCHS = ", "# --- Question : respecter l'architecture ---"):
        assert given in text, given
    assert "IMAGE = [[1, 1, 1, 0, 0]" in made["ex00_convolution.operations"]  # S3


def test_a_graded_statement_needs_keras_numpy_and_the_shared_code_only(made):
    shared = {"keras", "numpy", "tensorflow", "PIL", "convnets", *sys.stdlib_module_names}
    shared |= {"scipy", "networkx", "sklearn", "tqdm", "threadpoolctl"}  # qui vient avec sklearn
    for module, text in made.items():
        for node in ast.walk(ast.parse(text)):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            for name in names:
                package, _, rest = name.partition(".")
                found = f"exercises.{rest[:4]}" if package == "exercises" else package
                assert found in shared | {f"exercises.{module[:4]}"}, (module, name)


@pytest.mark.ci
@pytest.mark.parametrize(
    "imported", [LIGHT, pytest.param(MODULES, marks=pytest.mark.slow)], ids=len
)
def test_every_skeleton_imports_and_does_nothing(imported, tmp_path, repo):
    package = tmp_path / "exercises"
    package.mkdir()
    shutil.copy(repo / "exercises/__init__.py", package)
    (tmp_path / "convnets").symlink_to(repo / "convnets")
    skeleton.write_skeletons([each.slug for each in EXERCISES], package)
    code = (
        "import importlib\n"
        f"for name in {imported!r}:\n"
        "    module = importlib.import_module(f'exercises.{name}')\n"
        f"    assert module.__file__.startswith({str(tmp_path)!r}), module.__file__\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr[-2000:]


def test_command(tmp_path, capsys):
    output = tmp_path / "sous" / "rendu"
    assert skeleton.main(["ex02_fashion", "ex13", "--output", str(output)]) == 0
    found = [path.relative_to(output).as_posix() for path in sorted(output.rglob("*.py"))]
    assert found == ["ex02_fashion.py", "ex13_reconstruction.py"]
    assert capsys.readouterr().out.endswith("ex13_reconstruction.py\n")


def test_nothing_is_ever_replaced(tmp_path, capsys):
    mine = tmp_path / "ex00_convolution/pooling.py"
    mine.parent.mkdir()
    mine.write_text("mon travail\n")
    assert skeleton.main(["ex00", "--output", str(tmp_path)]) == 1
    assert "existe déjà : rien n'est écrit" in capsys.readouterr().err
    assert mine.read_text() == "mon travail\n" and [*tmp_path.rglob("*.py")] == [mine]


@pytest.mark.parametrize(
    "name", ["ex99_rien", "ex00_pooling", "../ex02_fashion", "ex02_fashion.py", "ex42"]
)
def test_unknown_exercise(tmp_path, capsys, name):
    assert skeleton.main([name, "--output", str(tmp_path / "x")]) == 1
    assert f"Pas d'exercice {name}" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
