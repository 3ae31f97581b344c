from datetime import datetime

import pytest

from grading.term import sheets
from grading.term.course import Student
from grading.term.moodle import owner
from grading.term.sheets import read_date

QUOTED = 'a,"b, c","dit ""oui""\nsur deux lignes",\r\nd,,é,17\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_that_is_not_changed_comes_out_the_same(tmp_path, encoding, delimiter):
    path = tmp_path / "a.csv"
    path.write_bytes(QUOTED.replace(",", delimiter).encode(encoding))
    found = sheets.read_csv(path)
    assert found.rows[1] == ["d", "", "é", "17"]
    path.write_bytes(found.encode())
    assert sheets.read_csv(path).rows == found.rows


@pytest.mark.parametrize(
    "text",
    [
        "lundi 12 octobre 2026, 23:52",
        "Monday, 12 October 2026, 11:52 PM",
        "October 12, 2026 11:52 pm",
        "12/10/2026 23:52",
        "2026-10-12T23:52",
        "12 oct. 2026 à 23h52",
    ],
)
def test_a_date_in_several_languages(text):
    assert read_date(text) == datetime(2026, 10, 12, 23, 52)


@pytest.mark.parametrize(
    "text",
    ["", "-", "hier", "32/10/2026", "31 février 2026", "12 brumaire 2026", "12:30", "mai 2026"],
)
def test_what_is_not_a_date(text):
    with pytest.raises(ValueError, match="date illisible"):
        read_date(text)


CLASS = [
    Student("Inès Alami", "1", ""),
    Student("Jean Dupont", "2", ""),
    Student("Jean-Marie Dupond", "3", ""),
    Student("Paul Roux", "4", ""),
    Student("Roux Paul", "5", ""),
]


@pytest.mark.parametrize(
    ("name", "number", "whole"),
    [
        ("ALAMI Ines", "1", True),
        ("alami", "1", False),
        ("Marie Dupond Jean", "3", True),
        ("Inès Alami Bensaïd", "1", False),
        ("Jean", None, False),  # deux prénoms pareils
        ("Paul Roux", None, True),  # deux homonymes : un numéro le dirait
        ("Personne", None, False),
        ("42", None, False),
    ],
)
def test_a_name_finds_its_student_or_nobody(name, number, whole):
    found, sure = owner(name, "", CLASS)
    assert (found and found.number) == number and (sure or not whole)
