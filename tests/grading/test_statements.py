"""L'énoncé, complété au plus simple, est payé en entier : le seul fichier du rendu, sans le cours.

Les réponses sont celles de `right/` ; `handins.completed` les recopie dans l'énoncé.
"""

import ast
import importlib.util

import nbformat
import pytest

from convnets.core import paths
from convnets.datasets import sources
from exercises import EXERCISES, sheet
from grading.questions import networks
from grading.reading import handin
from grading.scale import FULL, read_scale
from tests.grading import handins

pytestmark = pytest.mark.ci

ANSWERS = {
    "ex00": ["convolution_simple"],
    "ex01": ["filtres_numpy"],
    "ex02": ["fashion_simple"],
    "ex03": ["cifar_simple"],
    "ex04": ["lenet_simple"],
    "ex05": ["base_appelee", "tete"],
}
LATER = [name for name in read_scale() if name not in ANSWERS]
ANSWERS |= {name: [f"{name}_simple"] for name in LATER}
QUICK = ("ex02",)
STATEMENTS = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in ANSWERS
]  # celui des autres prend des secondes
LEARNT = {  # ce qui s'entraîne : module, jeu, époques pour le retenir
    "ex02": ("ex02_fashion", "fashion_mnist", 60),
    "ex03": ("ex03_cifar10", "cifar10", 60),
    "ex04": ("ex04_lenet", "mnist", 25),
}
NEED_WEIGHTS = ("weights", "command")
BLANK = "raise NotImplementedError"


@pytest.fixture
def handed(tmp_path):
    """handed("ex02") -> le fichier qu'un élève rend : l'énoncé `ex02.py`, complété."""

    def complete(exercise):
        text = sheet.to_python(exercise_of(exercise), sheet.sheet_cells(exercise_of(exercise)))
        for name in ANSWERS[exercise]:
            for answer in handins.answers(name).values():
                text = handins.completed(text, answer)
        path = tmp_path / "dupont" / f"{exercise}.py"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        return path

    return complete


def exercise_of(name):
    return next(each for each in EXERCISES if each.slug.startswith(name))


def received(path, copy):
    (submitted,) = handin.collect(path, copy, one=True).submissions
    return submitted


def check_all_but_the_weights(made, submitted, exercise):
    for rule in read_scale()[exercise].rules:
        if rule.name not in NEED_WEIGHTS:
            mark = made.grade(submitted, rule)
            assert (mark.level, mark.reason) == (1, None), (rule.id, mark.detail)


@pytest.mark.parametrize("exercise", STATEMENTS)
def test_a_statement_completed_plainly_gets_everything_but_the_weights(
    made, handed, exercise, tmp_path
):
    submitted = received(handed(exercise), tmp_path / "copie")
    check_all_but_the_weights(made, submitted, exercise)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", LEARNT)
def test_with_the_weights_that_its_command_saves_it_gets_20(
    made, handed, exercise, extract, monkeypatch, tmp_path
):
    module, dataset, epochs = LEARNT[exercise]
    path = handed(exercise)
    # Les 400 images de l'extrait, pour apprendre et pour mesurer : ici, on essaie le chemin.
    monkeypatch.setattr(sources, f"load_{dataset}", lambda: (extract(dataset), extract(dataset)))
    monkeypatch.setattr(networks, "unseen", networks.extract)
    spec = importlib.util.spec_from_file_location(f"eleve_{module}", path)
    pupil = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pupil)
    for name in ("MODELS_DIR", "RUNS_DIR"):  # peu d'époques : la leçon est abrégée
        monkeypatch.setattr(paths, name, path.parent / "models")
    assert pupil.main(["--epochs", str(epochs), "--output", str(tmp_path / "vues")]) == 0
    submitted = received(path.parent, tmp_path / "copie")
    marks = [made.grade(submitted, rule) for rule in read_scale()[exercise].rules]
    assert [(mark.rule.id, mark.reason, mark.detail) for mark in marks if mark.level < 1] == []
    assert sum(mark.points for mark in marks) == FULL


@pytest.mark.slow
@pytest.mark.parametrize("exercise", ANSWERS)
def test_its_notebook_completed_plainly_and_handed_in_alone_gets_as_much(made, exercise, tmp_path):
    """Le notebook de l'énoncé : chaque fonction à écrire, et une cellule de plus."""
    book = sheet.to_notebook(sheet.sheet_cells(exercise_of(exercise)))
    written, helpers = {}, []
    for name in ANSWERS[exercise]:
        for text in handins.answers(name).values():
            for node in ast.parse(text).body:
                if isinstance(node, handins.DEFINITIONS):
                    written[node.name] = node
                else:
                    helpers.append(node)
    for cell in book.cells:
        if cell.cell_type == "code" and BLANK in cell.source:
            tree = ast.parse(cell.source)
            tree.body = [written.pop(getattr(each, "name", ""), each) for each in tree.body]
            cell.source = ast.unparse(tree)
    more = "\n\n".join(map(ast.unparse, [*helpers, *written.values()]))
    book.cells.insert(1, nbformat.v4.new_code_cell(more))
    path = tmp_path / f"{exercise}.ipynb"
    nbformat.write(book, path)
    check_all_but_the_weights(made, received(path, tmp_path / "copie"), exercise)


@pytest.mark.parametrize("exercise", STATEMENTS)
def test_an_untouched_statement_gets_nothing(made, exercise, tmp_path):
    cells = sheet.sheet_cells(exercise_of(exercise))
    path = tmp_path / f"{exercise}.py"
    path.write_text(sheet.to_python(exercise_of(exercise), cells), encoding="utf-8")
    submitted = received(path, tmp_path / "copie")
    assert [made.grade(submitted, rule).points for rule in read_scale()[exercise].rules] == [
        0
    ] * len(read_scale()[exercise].rules)
