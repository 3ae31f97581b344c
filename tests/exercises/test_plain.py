"""Les programmes de départ : courts, copiables, et le réseau que la leçon améliore."""

import ast
import io
import subprocess
import sys
import tokenize

import pytest

from exercises import FOLDER

PROGRAMS = sorted((FOLDER / "plain").glob("ex*.py"))
MOST_LINES = 45  # de code : ni docstring, ni commentaire, ni ligne vide
LAYOUT = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)
# Lancé dans un dossier vide, sans le dépôt : de petits jeux y remplacent ceux de keras.datasets.
RUNNER = """
import runpy, sys
import keras, numpy
file = numpy.load(sys.argv[1])
x, y = file["x"], file["y"].reshape(-1)
small = (x[:150], y[:150]), (x[150:200], y[150:200])
for name in ("fashion_mnist", "mnist", "cifar10"):
    getattr(keras.datasets, name).load_data = lambda: small

def base(include_top, weights, pooling):
    assert (include_top, weights, pooling) == (False, "imagenet", "avg")
    images = keras.Input((None, None, 3))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))

keras.applications.InceptionV3 = base
sys.argv[:] = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def count_lines(source):
    """Compte les lignes qui ont du code."""
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            found |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            text = node.body[0]
            found -= set(range(text.lineno, text.end_lineno + 1))
    return len(found)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_it_is_short_and_needs_keras_and_numpy_alone(path):
    source = path.read_text(encoding="utf-8")
    assert count_lines(source) <= MOST_LINES
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported <= {"keras", "numpy", "sys"}
    assert "callbacks" not in source


@pytest.mark.ci
@pytest.mark.question("S1, exercices 2 et 3 ; TD, questions 1 et 2")
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_it_runs_in_an_empty_folder(path, repo, tmp_path, write_colors):
    (tmp_path / path.name).write_bytes(path.read_bytes())
    kind = {"ex02": "fashion_mnist", "ex03": "cifar10"}.get(path.stem[:4], "mnist")
    data = repo / "tests" / "extracts" / f"{kind}_test.npz"
    if path.stem.startswith("ex05"):
        write_colors(tmp_path / "images", ("rouge", "vert"))

    def launch(*arguments):
        program = [sys.executable, "-c", RUNNER, str(data), path.name, *arguments]
        done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert " %" in launch().replace("%", " %")
    saved = {each.name for each in tmp_path.glob("*.keras")}
    alone = {f"{path.stem}.keras"}
    assert saved == ({"lenet.keras", "dense.keras"} if path.stem == "ex04_lenet" else alone)
    if path.stem == "ex03_cifar10":
        printed = launch(str(repo / "samples" / "avion.png")).split("Prédiction: ")
        assert len(printed) == 2 and printed[1].strip().isalpha()


@pytest.mark.question("TD, question 1")
def test_the_two_networks_of_mnist_have_the_weights_of_the_lesson():
    from exercises import ex04_lenet
    from exercises.plain import ex04_lenet as plain

    assert plain.build_lenet().count_params() == ex04_lenet.build_lenet().count_params() == 61_706
    assert plain.build_dense().count_params() == ex04_lenet.build_dense().count_params() == 62_020


@pytest.mark.question("S1, exercice 2")
def test_the_network_of_the_clothes_has_the_imposed_layers():
    from exercises.plain import ex02_fashion

    kinds = [type(layer).__name__ for layer in ex02_fashion.build_model().layers]
    imposed = [kind for kind in kinds if kind in {"Conv2D", "MaxPooling2D", "Dense"}]
    assert imposed == "Conv2D MaxPooling2D Conv2D MaxPooling2D Conv2D Dense Dense".split()
