"""Les programmes de départ : courts, copiables, et le réseau que la leçon améliore."""

import ast
import io
import json
import subprocess
import sys
import tokenize

import pytest

from exercises import FOLDER
from tests.conftest import REPO, color_writer

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
# Lance chaque programme dans son dossier, sans le dépôt, l'un après l'autre : Keras n'est chargé
# qu'une fois. De petits jeux remplacent ceux de keras.datasets.
RUNNER = """
import contextlib, io, json, os, runpy, sys
import keras, numpy

def base(include_top, weights, pooling):
    assert (include_top, weights, pooling) == (False, "imagenet", "avg")
    images = keras.Input((None, None, 3))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))

keras.applications.InceptionV3 = base
said = {}
for data, program, *arguments in json.loads(sys.argv[1]):
    file = numpy.load(data)
    x, y = file["x"], file["y"].reshape(-1)
    small = (x[:150], y[:150]), (x[150:200], y[150:200])
    for name in ("fashion_mnist", "mnist", "cifar10"):
        getattr(keras.datasets, name).load_data = lambda: small
    folder, name = os.path.split(program)
    os.chdir(folder)
    sys.argv[:] = [name, *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(name, run_name="__main__")
    said[" ".join(sys.argv)] = out.getvalue()
print(json.dumps(said))
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


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """Tous, lancés : le dossier de chacun, et ce qu'a affiché chaque commande."""
    folders = {path.stem: tmp_path_factory.mktemp(path.stem) for path in PROGRAMS}
    jobs = []
    for path in PROGRAMS:
        program = folders[path.stem] / path.name
        program.write_bytes(path.read_bytes())
        kind = {"ex02": "fashion_mnist", "ex03": "cifar10"}.get(path.stem[:4], "mnist")
        jobs.append([str(REPO / "tests" / "extracts" / f"{kind}_test.npz"), str(program)])
        if path.stem == "ex03_cifar10":
            jobs.append([*jobs[-1], str(REPO / "samples" / "avion.png")])
    color_writer()(folders["ex05_inception"] / "images", ("rouge", "vert"))
    command = [sys.executable, "-c", RUNNER, json.dumps(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folders["ex02_fashion"])
    assert done.returncode == 0, done.stderr
    return folders, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.ci
@pytest.mark.question("S1, exercices 2 et 3 ; TD, questions 1 et 2")
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_it_runs_in_an_empty_folder(path, launched):
    folders, said = launched
    assert " %" in said[path.name].replace("%", " %")
    saved = {each.name for each in folders[path.stem].glob("*.keras")}
    alone = {f"{path.stem}.keras"}
    assert saved == ({"lenet.keras", "dense.keras"} if path.stem == "ex04_lenet" else alone)
    if path.stem == "ex03_cifar10":
        printed = said[f"{path.name} {REPO / 'samples' / 'avion.png'}"].split("Prédiction: ")
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
