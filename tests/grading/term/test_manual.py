from fractions import Fraction

import pytest

from grading.term import sheets
from grading.term.course import read_course
from grading.term.manual import Given, read_manual


@pytest.fixture
def course(home):
    return read_course(home / "cours.toml")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_file_is_made_empty_then_read_and_never_written_again(course, suffix):
    path = course.works[0].manual_file.with_suffix(suffix)
    work = course.works[0].model_copy(update={"manual_file": path})
    given, (remark,) = read_manual(work, course.students)
    assert given == {} and "est à remplir" in remark
    assert read_manual(work, course.students) == ({}, [])
    if suffix == ".xlsx":
        rows = sheets.read_rows(path)
        rows[1][3:] = [Fraction(7, 2), "=bien"]
        sheets.write(path, rows)
    else:
        text = path.read_text(encoding="utf-8-sig")
        text = text.replace("Inès Alami;3A", "Inès Alami;3A;3,5;=bien")
        path.write_text(text, encoding="utf-8")
    before = path.read_bytes()
    given, remarks = read_manual(work, course.students)
    assert given == {("1001", "comparaison"): Given(Fraction(7, 2), "=bien")} and not remarks
    assert path.read_bytes() == before


def test_a_spreadsheet_may_have_rewritten_it(course):
    work, students = course.works[0], course.students
    students = (students[0]._replace(number="0012"), students[1])
    table = "numéro,nom,comparaison (sur 5)\n12,Inès Alami,4.5\n"
    work.manual_file.write_text(table, encoding="cp1252")
    given, (remark,) = read_manual(work, students)
    assert given == {("0012", "comparaison"): Given(Fraction(9, 2), "")}
    assert remark == "ex00-a-noter.csv n'a pas de ligne pour Léo Costa."


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
