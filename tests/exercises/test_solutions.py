"""Le corrigé des exercices 04 à 14, noté comme un rendu : le barème refait chaque calcul."""

import pytest

from grading.asking import grader
from grading.reading import submission
from grading.scale import read_scale

LEARNT = ("train", "weights", "command")  # ces questions demandent un entraînement
EXERCISES = [each for name, each in read_scale().items() if "ex04" <= name <= "ex14"]


@pytest.fixture(scope="module")
def made():
    made = grader.Grader(grader.Options(seed=grader.random_seed()))
    yield made
    made.close()


@pytest.mark.ci
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.rules[0].exercise)
def test_the_solution_gets_everything(made, exercise):
    rules = [rule for rule in exercise.rules if rule.name not in LEARNT]
    marks = [made.grade(submission.reference(), rule) for rule in rules]
    assert [(mark.rule.id, mark.reason) for mark in marks if mark.level < 1] == []
