"""Le tableau dit ce que disent les mesures, et la page aussi."""

import re

import pytest

from convnets.core import reports
from exercises.ex23_what_matters import figures
from exercises.ex23_what_matters.intervals import sign
from exercises.ex23_what_matters.networks import CHANGES, NAMES_FR

QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"


@pytest.fixture(scope="module")
def published():
    return reports.load_measures("ex23_what_matters")


@pytest.mark.question(QUESTION)
def test_the_table_has_a_line_per_network(published):
    lines = figures.results_table(published).splitlines()
    assert len(lines) == 16
    for line, gap in zip(lines[2:], figures.gaps(published).values(), strict=True):
        assert line.endswith(figures.VERDICTS[sign(gap)]) and figures.bounds(gap) in line


def test_the_page_says_what_the_measures_say(published, repo):
    page = (repo / "docs" / "systemes.md").read_text(encoding="utf-8")
    told = [" ".join(each.replace("\n>", " ").split()) for each in page.split("\n\n")]
    (short,) = [each for each in told if "CIFAR-10, référence à" in each]
    _, above, below, unknown = re.split("au-dessus :|au-dessous :|peut être dû au hasard :", short)
    for key, gap in figures.gaps(published).items():
        if key in CHANGES:
            part = {1: above, -1: below, 0: unknown}[sign(gap)]
            assert f"{NAMES_FR[key]} ({figures.points(gap.difference)})" in part
