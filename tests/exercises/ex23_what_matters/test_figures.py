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
    lines = figures.results_table(published, "cifar10").splitlines()
    assert lines[1].split() == "référence 137 818 1 885 440 49,3 % - -".split()
    (dropout,) = [line for line in lines if line.startswith("dropout  ")]
    assert dropout.endswith("45,0 %   −4,3 [−5,1 ; −3,5]     au-dessous")


@pytest.mark.parametrize(("dataset", "title"), figures.DATASETS_FR.items())
def test_the_page_says_what_the_measures_say(published, repo, dataset, title):
    page = (repo / "docs" / "systemes.md").read_text(encoding="utf-8")
    told = [" ".join(each.replace("\n>", " ").split()) for each in page.split("\n>\n")]
    (short,) = [each for each in told if f"{title}, référence à" in each]
    _, above, below, unknown = re.split("au-dessus :|au-dessous :|indiscernables :", short)
    for key, gap in figures.gaps(published, dataset).items():
        if key in CHANGES:
            part = {1: above, -1: below, 0: unknown}[sign(gap)]
            assert f"{NAMES_FR[key]} ({figures.points(gap.difference)})" in part
        if key.endswith("_long"):
            assert any(figures.bounds(gap) in each for each in told)
