"""Les programmes de départ : courts, copiables, et le réseau que la leçon améliore."""

import ast
import contextlib
import io
import runpy
import sys
import tokenize

import keras
import pytest

from exercises import FOLDER
from tests.conftest import REPO, color_writer, load_extract

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


def base(include_top, weights, pooling):
    """Ce que rend `keras.applications.InceptionV3`, sans rien télécharger."""
    assert (include_top, weights, pooling) == (False, "imagenet", "avg")
    images = keras.Input((None, None, 3))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))


def small_dataset(program):
    """De petits jeux remplacent ceux de `keras.datasets`."""
    x, y = load_extract({"ex02": "fashion_mnist", "ex03": "cifar10"}.get(program[:4], "mnist"))
    return (x[:150], y[:150].reshape(-1)), (x[150:200], y[150:200].reshape(-1))


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """Tous, lancés : le dossier de chacun, et ce qu'a affiché chaque commande."""
    folders = {path.stem: tmp_path_factory.mktemp(path.stem) for path in PROGRAMS}
    color_writer()(folders["ex05_inception"] / "images", ("rouge", "vert"))
    commands = [(path, path.name) for path in PROGRAMS]
    named = FOLDER / "plain" / "ex03_cifar10.py"
    commands.append((named, named.name, str(REPO / "samples" / "avion.png")))
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.applications, "InceptionV3", base)
        for path, *words in commands:
            dataset = small_dataset(path.stem)
            for name in ("fashion_mnist", "mnist", "cifar10"):
                patch.setattr(getattr(keras.datasets, name), "load_data", lambda d=dataset: d)
            patch.chdir(folders[path.stem])
            patch.setattr(sys, "argv", words)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                runpy.run_path(str(path), run_name="__main__")
            said[" ".join(words)] = out.getvalue()
    return folders, said


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
