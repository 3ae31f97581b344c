"""Le squelette : les mêmes signatures que le corrigé, sans la solution."""

import ast
import shutil
import subprocess
import sys

import pytest

from grading import skeleton

MODULES = sorted(path.stem for path in skeleton.FOLDER.glob("ex[0-9][0-9]_*.py"))


@pytest.fixture(scope="module")
def made():
    return {module: skeleton.make_skeleton(module) for module in MODULES}


def functions(tree):
    """Rend les fonctions et méthodes publiques, hors `main`, par nom."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found |= {
                f"{node.name}.{each.name}": each
                for each in node.body
                if isinstance(each, ast.FunctionDef)
            }
    return {
        name: node
        for name, node in found.items()
        if name != "main" and not name.rpartition(".")[2].startswith("_")
    }


def is_blank(node):
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return len(body) == 1 and ast.unparse(body[0]).startswith("raise NotImplementedError('À vous")


@pytest.mark.parametrize("module", MODULES)
def test_signatures_and_docstrings_stay_bodies_go(made, module):
    solution = ast.parse((skeleton.FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    statement = ast.parse(made[module])
    before, after = functions(solution), functions(statement)
    assert list(before) == list(after)
    for name, node in before.items():
        mine = after[name]
        assert ast.unparse(mine.args) == ast.unparse(node.args)
        assert ast.get_docstring(mine) == ast.get_docstring(node)
        assert list(map(ast.unparse, mine.decorator_list)) == (
            list(map(ast.unparse, node.decorator_list))
        )
    whole = [name for name, node in after.items() if not is_blank(node)]
    # Ne restent entières que les fonctions que l'import du module exécute.
    assert whole == ({"ex00_examples": ["example"]}.get(module, [])), whole
    assert ast.get_docstring(statement).startswith(ast.get_docstring(solution))


def test_the_solution_is_gone(made):
    text = made["ex02_fashion"]
    for trace in ("Conv2D", "_normalise", "PEAK_RATE", "FILTERS", "Muon(", "random_crop"):
        assert trace not in text, trace
    assert "class_names = data.FASHION_CLASSES" in text  # l'énoncé les donne
    assert "EPOCHS = 30" in text  # `main` en a besoin
    assert "IMAGE = [[1, 1, 1, 0, 0]" in made["ex00_convolution"]  # S3
    assert "sliding_window_view" not in made["ex03_cifar10"]
    assert "# --- Question : respecter l'architecture ---" in text


def test_every_skeleton_is_clean_python(made, tmp_path):
    skeleton.write_skeletons(MODULES, tmp_path)
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--no-cache",
            "--target-version",
            "py311",
            "--line-length",
            "100",
            "--select",
            "E,W,F821,F811",
            tmp_path,
        ],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
    assert not any("\n\n\n\n" in text or text.endswith("\n\n") for text in made.values())


def test_every_skeleton_imports_and_does_nothing(tmp_path, repo):
    package = tmp_path / "exercises"
    ignored = shutil.ignore_patterns("ex[0-9][0-9]_*", "__pycache__")
    shutil.copytree(repo / "exercises", package, ignore=ignored)
    skeleton.write_skeletons(MODULES, package)
    code = (
        "import importlib, sys\n"
        f"for name in {MODULES!r}:\n"
        "    module = importlib.import_module(f'exercises.{name}')\n"
        f"    assert module.__file__.startswith({str(tmp_path)!r}), module.__file__\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr[-2000:]


def test_the_scale_is_in_the_statement(made, monkeypatch, tmp_path):
    assert "- architecture, 5 points : respecter l'architecture." in made["ex02_fashion"]
    assert "Barème" not in made["ex00_networks"]  # pas noté
    monkeypatch.setattr(skeleton, "SCALE", tmp_path / "absent.toml")
    assert "Barème" not in skeleton.make_skeleton("ex02_fashion")


def test_needed_modules_are_listed():
    assert skeleton.needed_modules("ex02_fashion") == ["ex02_lessons"]
    assert skeleton.needed_modules("ex00_pooling") == ["ex00_geometry"]
    assert skeleton.needed_modules("ex03_cifar10") == ["ex03_refinement", "ex03_views"]
    assert "ex00_geometry" in skeleton.needed_modules("ex00_x_or_o")


def test_command(tmp_path, capsys):
    output = tmp_path / "sous" / "rendu"
    assert skeleton.main(["ex02_fashion", "ex00_pooling", "--output", str(output)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [path.name for path in sorted(output.iterdir())] == [
        "ex00_pooling.py",
        "ex02_fashion.py",
    ]
    assert printed[1].endswith("ex00_pooling.py ; a aussi besoin de ex00_geometry")


def test_nothing_is_ever_replaced(tmp_path, capsys):
    mine = tmp_path / "ex00_pooling.py"
    mine.write_text("mon travail\n")
    assert skeleton.main(["ex00", "--output", str(tmp_path)]) == 1
    assert "existe déjà : rien n'est écrit" in capsys.readouterr().err
    assert mine.read_text() == "mon travail\n" and list(tmp_path.iterdir()) == [mine]


@pytest.mark.parametrize(
    "name", ["ex99_rien", "common", "../ex02_fashion", "ex02_fashion.py", "ex42"]
)
def test_unknown_exercise(tmp_path, capsys, name):
    assert skeleton.main([name, "--output", str(tmp_path / "x")]) == 1
    assert f"Pas d'exercice {name}" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_skeleton_can_be_filled_back_in(tmp_path):
    """Remettre le corps du corrigé dans le squelette redonne les mêmes résultats."""
    text = skeleton.make_skeleton("ex00_pooling")
    blank = 'raise NotImplementedError("À vous : mettre les valeurs négatives à zéro (relu)")'
    assert text.count(blank) == 1
    space = {}
    exec(compile(text.replace(blank, "return np.maximum(values, 0)"), "squelette", "exec"), space)
    assert space["relu"]([-1, 2]).tolist() == [0, 2]
