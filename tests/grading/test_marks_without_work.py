"""Des points sans travail : ce qu'un rendu malhonnête a obtenu un jour, et n'obtient plus."""

from fractions import Fraction

import pytest

from grading import grader, submission
from grading.scale import read_scale

RULES = {rule.id: rule for each in read_scale().values() for rule in each.rules}
REWRITTEN = """
import sys

probes = sys.modules["probes"]
ANSWERS = {ANSWERS}
for name in ANSWERS:
    probes.OPERATIONS[name] = lambda name=name, **ignored: ANSWERS[name]
"""
FACTS = {  # ce que le correcteur croyait du processus du rendu
    "frozen_facts": {"trainable": 0, "output": [[1.0]], "training": [[1.0]], "maps": [[[[1.0]]]]},
    "head_facts": {"outputs": [[0.5, 0.5]] * 12, "loss": {}, "last": "softmax", "accepts": [True]},
    "export": b"PK",
}


@pytest.fixture(scope="module")
def made():
    made = grader.Grader(grader.Options(seed=grader.random_seed()))
    yield made
    made.close()


@pytest.mark.slow
def test_a_hand_in_that_rewrites_the_probes_gets_nothing(made, tmp_path):
    folder = tmp_path / "dupont/ex05_inception"
    folder.mkdir(parents=True)
    for name in ("features", "head"):
        text = REWRITTEN.replace("{ANSWERS}", repr(FACTS))
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    submitted = submission.find(folder.parent)
    rules = [rule for rule in RULES.values() if rule.exercise == "ex05"]
    assert {made.grade(submitted, rule).level for rule in rules} == {Fraction(0)}
