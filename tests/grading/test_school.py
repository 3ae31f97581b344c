"""Une classe de douze rendus de toutes les formes, notée d'une commande."""

import csv
import json
import subprocess
import sys

import pytest

from grading import handin
from tests.grading import school

POOL, FILTERS = "ex00_convolution.pooling", "ex01_filters"
MODULES = {
    "Alami Inès": {POOL, "ex00_convolution.geometry"},
    "Bernard": {FILTERS},
    "Costa Léo": {"ex02_fashion"},
    "Dupont": {POOL, FILTERS},
    "Évrard": {POOL},
    "Faure Zoé": {"ex03_cifar10"},
    "Garcia Tom": {POOL},
    "Haddad": {POOL},
    "Klein": {POOL},
    "Lopez": {"ex02_fashion"},
}
EMPTY = {"Ibrahim": "zip lisible", "Jolly": "sort de son dossier", "utilitaire": "aucun exercice"}
REMARKS = {
    "Costa Léo": ["google.colab", "cellule 9 de TP fashion (1).ipynb laissée de côté : %%bash"],
    "Haddad": ["erreur de syntaxe, qui coûte relu"],
    "Klein": ["tout.ipynb laissé de côté : 200 Mo"],
}
CHOICE = "ex02=reseau.py"


@pytest.fixture
def folder(tmp_path):
    return school.write(tmp_path / "rendus de la 3e B")


def test_each_hand_in_is_read(folder, tmp_path):
    assert handin.is_class(folder)
    found = handin.collect(folder, tmp_path / "copie", chosen=[CHOICE])
    assert {each.name: set(each.modules) for each in found.submissions} == MODULES
    assert found.empty.keys() == EMPTY.keys()
    assert all(text in found.empty[name] for name, text in EMPTY.items())
    remarks = {each.name: " ; ".join(each.remarks) for each in found.submissions}
    assert all(text in remarks[name] for name, texts in REMARKS.items() for text in texts)
    assert (folder / "Alami Inès/ex00_convolution/pooling.py").read_text() == school.POOLING


@pytest.mark.slow
def test_each_hand_in_is_graded(folder, tmp_path, repo):
    reports = [tmp_path / f"notes.{end}" for end in ("json", "csv")]
    options = [part for path in reports for part in ("--grade-report", path)]
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "grading",
            folder,
            "--as",
            CHOICE,
            *options,
            "-p",
            "no:cacheprovider",
        ],
        cwd=repo,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    found = {
        each["name"]: {q["id"].partition(".")[2]: q for q in each["questions"] if q["points"]}
        for each in json.loads(reports[0].read_text())["submissions"]
    }
    assert {name: sorted(each) for name, each in found.items()} == {
        "Alami Inès": ["output_size", "pads", "pool2d", "relu"],
        "Bernard": FILTERS_DONE,
        "Costa Léo": ["architecture", "non_linearity", "output", "scaling", "train"],
        "Dupont": sorted([*FILTERS_DONE, "pool2d", "relu"]),
        "Évrard": ["pool2d", "relu"],
        "Faure Zoé": ["network", "output", "scaling", "train"],
        "Garcia Tom": ["pool2d", "relu"],
        "Haddad": ["pool2d"],
        "Klein": ["pool2d", "relu"],
        "Lopez": ["architecture", "non_linearity", "output", "scaling", "train"],
    }
    assert all(each["level"] == "1" for each in found["Costa Léo"].values())
    assert found["Lopez"]["train"]["level"] == found["Faure Zoé"]["network"]["level"] == "1"
    assert found["Faure Zoé"]["train"]["reason"] == "validation_is_test"
    with open(reports[1], encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))
    absent = {row[0] for row in rows if row[3] == "sans rendu"}
    assert absent == set(EMPTY)


FILTERS_DONE = sorted(
    ["as_filters", "convolve", "horizontal_patterns", "to_grey_levels", "vertical_patterns"]
)
