"""Le squelette : les mêmes signatures que le corrigé, sans la solution."""

import ast
import shutil
import subprocess
import sys

import pytest

from exercises import EXERCISES
from grading import skeleton
from grading.reading.submission import file_of
from grading.scale import read_scale

MODULES = [module for each in EXERCISES for module in skeleton.chosen_modules(each.slug)]
LIGHT = [rule.module for rule in read_scale()["ex00"].rules]  # sans TensorFlow


@pytest.fixture(scope="module")
def made():
    return {module: skeleton.make_skeleton(module) for module in MODULES}


def definitions(text):
    """Rend les fonctions et les classes d'un fichier."""
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name: node for node in ast.parse(text).body if isinstance(node, kinds)}


@pytest.mark.ci
def test_only_what_the_scale_grades_is_empty(made):
    """Signatures et docstrings restent ; ce qui n'est pas noté reste entier, s'il est public."""
    for module, text in made.items():
        before = definitions((skeleton.FOLDER / file_of(module)).read_text(encoding="utf-8"))
        after, graded = definitions(text), skeleton.graded_names(module)
        assert graded <= after.keys(), module
        for name, node in after.items():
            kept = ast.unparse(before[name]) == ast.unparse(node)
            assert kept == (name not in graded), (module, name)
            assert ast.get_docstring(before[name]) == ast.get_docstring(node), (module, name)
        assert all(name.startswith("_") for name in before.keys() - after.keys()), module


def test_the_solution_is_gone(made):
    text = made["ex02_fashion"]
    for trace in ("Conv2D", "BatchNormalization", "AdamW"):
        assert trace not in text, trace
    for given in ('"Ankle boot"', "EPOCHS = ", "# --- Question : respecter l'architecture ---"):
        assert given in text, given
    assert "IMAGE = [[1, 1, 1, 0, 0]" in made["ex00_convolution.operations"]  # S3
    assert "def _connect(" not in made["ex10_lime"]  # ne sert qu'à une réponse


def test_a_graded_statement_needs_keras_numpy_and_the_shared_code_only(made):
    shared = {"keras", "numpy", "tensorflow", "PIL", "convnets", *sys.stdlib_module_names}
    shared |= {"scipy", "networkx", "sklearn", "tqdm", "threadpoolctl"}  # qui vient avec sklearn
    shared |= {"matplotlib", "torch", "av"}  # figures données ; torch, av : demandés par une option
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


def test_nothing_is_ever_replaced(tmp_path):
    mine = tmp_path / "ex00_convolution/pooling.py"
    mine.parent.mkdir()
    mine.write_text("mon travail\n")
    with pytest.raises(ValueError, match="existe déjà : rien n'est écrit"):
        skeleton.write_skeletons(["ex00"], tmp_path)
    assert mine.read_text() == "mon travail\n" and [*tmp_path.rglob("*.py")] == [mine]
