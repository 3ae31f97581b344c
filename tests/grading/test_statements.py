"""L'énoncé, complété au plus simple, est payé en entier : le seul fichier du rendu, sans le dépôt.

Les réponses sont celles de `right/` ; `handins.completed` les recopie dans le squelette.
"""

import ast
import importlib.util

import nbformat
import pytest

from convnets.core import paths
from convnets.datasets import sources
from exercises import notebook
from grading import handin, skeleton, submission
from grading.questions import networks
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
QUICK = ("ex00", "ex02", "ex03")
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
    """handed("ex02") -> le dossier d'un élève : l'énoncé, complété."""

    def complete(exercise):
        folder = tmp_path / "dupont"
        skeleton.write_skeletons([exercise], folder)
        for name in ANSWERS[exercise]:
            for path, answer in handins.answers(name).items():
                statement = folder / path
                text = handins.completed(statement.read_text(encoding="utf-8"), answer)
                statement.write_text(text, encoding="utf-8")
        return folder

    return complete


def check_all_but_the_weights(made, submitted, exercise):
    for rule in read_scale()[exercise].rules:
        if rule.name not in NEED_WEIGHTS:
            mark = made.grade(submitted, rule)
            assert (mark.level, mark.reason) == (1, None), (rule.id, mark.detail)


@pytest.mark.parametrize("exercise", STATEMENTS)
def test_a_statement_completed_plainly_gets_everything_but_the_weights(made, handed, exercise):
    check_all_but_the_weights(made, submission.find(handed(exercise)), exercise)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", LEARNT)
def test_with_the_weights_that_its_command_saves_it_gets_20(
    made, handed, exercise, extract, monkeypatch, tmp_path
):
    module, dataset, epochs = LEARNT[exercise]
    folder = handed(exercise)
    # Les 400 images de l'extrait, pour apprendre et pour mesurer : ici, on essaie le chemin.
    monkeypatch.setattr(sources, f"load_{dataset}", lambda: (extract(dataset), extract(dataset)))
    monkeypatch.setattr(networks, "unseen", networks.extract)
    spec = importlib.util.spec_from_file_location(f"eleve_{module}", folder / f"{module}.py")
    pupil = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pupil)
    for name in ("MODELS_DIR", "RUNS_DIR"):  # peu d'époques : la leçon est abrégée
        monkeypatch.setattr(paths, name, folder / "models")
    assert pupil.main(["--epochs", str(epochs), "--output", str(tmp_path / "vues")]) == 0
    submitted = submission.find(folder)
    marks = [made.grade(submitted, rule) for rule in read_scale()[exercise].rules]
    assert [(mark.rule.id, mark.reason, mark.detail) for mark in marks if mark.level < 1] == []
    assert sum(mark.points for mark in marks) == FULL


@pytest.mark.slow
@pytest.mark.parametrize("exercise", ANSWERS)
def test_its_notebook_completed_plainly_and_handed_in_alone_gets_as_much(made, exercise, tmp_path):
    """Le notebook à compléter du cours : chaque fonction à écrire, et une cellule de plus."""
    (path,) = notebook.write_notebooks([exercise], tmp_path, student=True)
    book = nbformat.read(path, as_version=nbformat.NO_CONVERT)
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
    nbformat.write(book, path)
    (submitted,) = handin.collect(path, tmp_path / "copie", one=True).submissions
    check_all_but_the_weights(made, submitted, exercise)
