"""Les rendus qui se ressemblent, et ceux qui n'ont en commun que l'exercice."""

import html
import re

import pytest

from grading import skeleton
from grading.reading import handin
from grading.reading.submission import file_of
from grading.term import similarity
from grading.term.course import Course, Work
from grading.term.hand_ins import Gathered
from grading.term.students import Student
from tests.grading import handins, school

FASHION = "ex02_fashion.py"


@pytest.fixture
def collected(tmp_path):
    """Écrit des rendus, `{élève: {fichier: contenu}}`, et les prépare comme pour les noter."""

    def collect(classroom: dict[str, dict[str, str | bytes]]):
        for name, files in classroom.items():
            for inside, content in files.items():
                path = tmp_path / "rendus" / name / inside
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        found = handin.collect(tmp_path / "rendus", tmp_path / "copie")
        return {each.name: each for each in found.submissions}

    return collect


def pairs(exercise, submitted):
    return {tuple(sorted(each[2:4])) for each in similarity.compare(exercise, submitted)}


def test_a_disguised_copy_is_seen(collected):
    (path, text), *_ = handins.answers("filtres_numpy").items()
    other = "filtres_tenseurs"
    submitted = collected(
        {"a": {path: text}, "b": {path: handins.disguised(text)}, "c": handins.answers(other)}
    )
    assert pairs("ex01", submitted) == {("a", "b")}


@pytest.mark.parametrize(
    ("name", "line"),
    [("filtres_numpy", "def to_grey_levels"), ("ex13_simple", "class Reconstruction")],
)
def test_lines_face_each_other(collected, name, line):
    ((path, text),) = handins.answers(name).items()
    submitted = collected({"a": {path: f"\n\n{text}"}, "b": {path: handins.disguised(text)}})
    (pair,) = similarity.compare(path[:4], submitted)
    for code in pair[4:6]:
        marked = re.findall("<span[^>]*>(.*?)</span>", code, re.S)
        assert any(line.partition(" ")[2] in each for each in marked)


def test_a_hand_in_cannot_stop_the_comparison(collected):
    """Un plan de notebook falsifié, un module vide, une ligne sans fin, un texte illisible."""
    forged = "from exercises._cellules import define\n"
    submitted = collected(
        {
            "a": {"ex01_filters.py": forged, "ex01_filters.cells.json": "[" * 50_000},
            "b": {"ex01_filters.py": forged, "ex01_filters.cells.json": '{"cells": [1]}'},
            "c": {"ex01_filters.py": "\n\n"},
            "d": {"ex01_filters.py": "x = '" + "a" * 500_000 + "'"},
            "e": {"ex01_filters.py": b"x = '\xe9\x00'\n" + b"class A: pass\n" * 200},
        }
    )
    assert similarity.compare("ex01", submitted) == []
    assert forged in similarity.read_code(submitted["a"], "ex01")
    assert len(similarity.read_code(submitted["d"], "ex01")) <= similarity.MAX_SIGNS


def test_answers_to_the_same_statement_are_not_alike(collected):
    """Leur énoncé complété fait la moitié de chaque fichier, et n'est pas compté."""
    statement = skeleton.make_skeleton("ex01_filters")
    submitted = collected(
        {
            name: {path: handins.completed(statement, text)}
            for name in ("filtres_numpy", "filtres_tenseurs")
            for path, text in handins.answers(name).items()
        }
    )
    assert pairs("ex01", submitted) == set()


@pytest.mark.parametrize(("names", "found"), [("abc", 3), ("abcd", 0)])
def test_what_many_wrote_is_ordinary(collected, names, found):
    files = handins.answers("filtres_numpy")
    assert len(pairs("ex01", collected(dict.fromkeys(names, files)))) == found


def test_the_solution_is_not_a_pair(collected):
    """Deux élèves qui ont rendu le corrigé : il est public."""
    files = {file_of("ex01_filters"): handins.solution("ex01_filters")}
    assert pairs("ex01", collected({"a": files, "b": files})) == set()


def test_the_page_shows_lines_of_notebooks_and_escapes_them(collected, tmp_path):
    text = handins.answers("filtres_numpy")["ex01_filters.py"]
    hostile = "<script>alert(1)</script>&"
    marked = text.replace("def as_filters", f"SIGNATURE = '{hostile}'\n\n\ndef as_filters", 1)
    book = school.book(*handins.disguised(marked).split("\n\n\n"))
    files = {"a": {"ex01_filters.py": marked}, "b": {"tp <i>.ipynb": book}}
    students = [Student(f"<b>{name}", name, "") for name in files]
    course = Course.model_construct(title="<u>", students=students, output=tmp_path)
    heard = Gathered(Work(id="ex01"), collected(files), {}, {}, {}, {}, {}, [])
    path = similarity.write_similarity(course, [heard])
    page = path.read_text(encoding="utf-8")
    assert not re.search(r"<(script|b|i|u)>", page)
    shown = html.unescape(page)
    assert "<span class" in page and hostile in shown
    assert re.search(r"# cellule \d+ de tp <i>.ipynb", shown)
