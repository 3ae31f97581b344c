from fractions import Fraction

import pytest

from grading.term import sheets
from grading.term.course import read_course
from grading.term.hand_ins import read_manual


@pytest.fixture
def course(home):
    return read_course(home / "cours.toml")


def given(work, students):
    """Rend les points et la remarque de chaque élève noté."""
    found = read_manual(work, students)
    return {number: (mark.points, mark.detail) for number, marks in found.items() for mark in marks}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_file_is_made_empty_then_read_and_never_written_again(course, suffix, capsys):
    path = course.works[0].manual_file.with_suffix(suffix)
    work = course.works[0].model_copy(update={"manual_file": path})
    assert given(work, course.students) == {}
    assert "est à remplir" in capsys.readouterr().out
    rows = [[cell or None for cell in cells] for cells in sheets.read(path, {}, ()).rows]
    rows[1][3:] = [Fraction(7, 2), "=bien"]
    sheets.write(path, rows)
    before = path.read_bytes()
    capsys.readouterr()
    assert given(work, course.students) == {"1001": (Fraction(7, 2), "=bien")}
    assert path.read_bytes() == before and capsys.readouterr().out == ""


def test_a_spreadsheet_may_have_rewritten_it(course):
    work, students = course.works[0], course.students
    students = (students[0]._replace(number="0012"), students[1])
    table = "numéro,nom,comparaison (sur 5)\n12,Inès Alami,4.5\n"
    work.manual_file.write_text(table, encoding="cp1252")
    assert given(work, students) == {"0012": (Fraction(9, 2), "")}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("numéro;comparaison\n1001;6\n", "ligne 2, Inès Alami, comparaison : 6 points ; attendu"),
        ("numéro;comparaison\n1001;bien\n", "« bien » n'est pas un nombre"),
        ("numéro;comparaison\n77;3\n", "aucun élève n'a le numéro « 77 »"),
        ("numéro;comparaison\n1001;3\n1001;4\n", "ligne 3 : Inès Alami y est deux fois"),
        ("numéro;autre\n1001;3\n", "n'a pas de colonne « comparaison »"),
        ("nom;comparaison\nInès;3\n", "n'a pas de colonne « numéro »"),
    ],
)
def test_a_mistake_is_one_sentence(course, table, said):
    course.works[0].manual_file.write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_manual(course.works[0], course.students)
