"""Des réseaux écrits sans nos signatures, en notebook ou en script, notés pour de bon."""

import pytest

from grading import handin
from grading.scale import read_scale
from tests.grading import school

TRIED = ("architecture", "network", "non_linearity", "output", "scaling", "train")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "reasons"),
    [
        ("TP fashion (1).ipynb", school.book(*school.FASHION), {}),
        ("reseau.py", school.PLAIN, {"architecture": "missing_layer"}),
        ("mon script.py", school.CIFAR, {"train": "validation_is_test"}),
    ],
)
def test_a_network_of_another_shape_is_graded(made, tmp_path, name, content, reasons):
    path = tmp_path / "Costa Léo" / name
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    exercise = "ex03" if "cifar10" in str(content) else "ex02"
    chosen = [f"{exercise}={name}"]
    found = handin.collect(path.parent, tmp_path / "copie", chosen=chosen, one=True)
    rules = [rule for rule in read_scale()[exercise].rules if rule.name in TRIED]
    marks = [made.grade(found.submissions[0], rule) for rule in rules]
    lost = {mark.rule.name: mark.reason for mark in marks if mark.level < 1}
    assert lost == reasons and all(mark.level > 0 for mark in marks)
