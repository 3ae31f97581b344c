import io
import zipfile
from datetime import datetime
from fractions import Fraction

import pytest

from grading.term import moodle
from grading.term.course import Work
from grading.term.students import Student

CLASS = [Student("Inès Alami", "1", ""), Student("Léo Costa", "2", "")]
ENGLISH = (
    "Identifier,Full name,ID number,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 812,Ines Alami,77,Submitted,,100.00,Yes,"Monday, 12 October 2026, 11:52 PM",-,\n'
    'Participant 813,Leo Costa,78,Submitted,50.00,100.00,Yes,-,"2 November 2026, 9:00 AM",\n'
    'Participant 900,Some Teacher,79,No submission,,100.00,Yes,-,-,"<p>a, b</p>"\n'
)
FRENCH = (
    "Identifiant;Nom complet;Statut;Note;Note maximale;Dernière modification (travail remis)\r\n"
    "Participant 31;Alami Inès;Remis;;20,00;lundi 12 octobre 2026, 23:52\r\n"
    "Participant 32;Costa Léo;-;;20,00;-\r\n"
)


def sheet(path, text):
    """Écrit une feuille ; rend ce qui en est lu."""
    path.write_text(text, encoding="utf-8", newline="")
    work = Work(id="ex02")
    return moodle.read_worksheet(path, CLASS, work)


def test_an_english_worksheet(tmp_path):
    found, rows = sheet(tmp_path / "a.csv", ENGLISH)
    assert rows["1"].participant == "812"
    assert rows["1"].handed_at == datetime(2026, 10, 12, 23, 52)
    assert rows["2"].handed_at is None  # la date de sa note n'est pas celle de son rendu
    filled = moodle.filled(found, {1: Fraction(137, 8), 2: Fraction(0)}).decode().replace("\r", "")
    # 17,125 sur 20 font 85,625 sur 100.
    wanted = ENGLISH.replace("Submitted,,100", "Submitted,85.625,100").replace(",50.00,", ",0,")
    assert filled == wanted


def test_a_french_worksheet(tmp_path):
    found, rows = sheet(tmp_path / "a.csv", FRENCH)
    assert rows["1"].participant == "31"
    assert rows["1"].handed_at == datetime(2026, 10, 12, 23, 52)
    filled = moodle.filled(found, {1: Fraction(137, 8)}).decode()
    assert filled == FRENCH.replace("Remis;;20,00", "Remis;17,125;20,00")
    found, _ = sheet(tmp_path / "a.csv", FRENCH.replace("20,00", "vingt"))
    with pytest.raises(ValueError, match="vingt » n'est pas un nombre"):
        moodle.filled(found, {1: Fraction(1)})


def test_anonymous_marking_goes_by_number(tmp_path):
    text = "Identifier,Status,Grade,Maximum Grade\nParticipant 2,x,,20.00\nParticipant 1,x,,20.00\n"
    _, rows = sheet(tmp_path / "a.csv", text)
    assert [rows[number].participant for number in ("1", "2")] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENGLISH.replace("Alami", "X").replace("Costa", "Y"), "pas la feuille de ces élèves"),
        ("nom;note\nInès Alami;12\n", "pas de colonne « identifiant »"),
        ("", "un fichier vide"),
        (ENGLISH.replace("October 2026", "Vendémiaire 2026"), "ligne 2 : date illisible"),
        (ENGLISH.replace("Leo Costa", "Inès Alami"), "Inès Alami y est deux fois"),
    ],
)
def test_what_is_not_the_right_worksheet_is_said(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        sheet(tmp_path / "a.csv", text)


def test_the_feedback_zip_is_what_moodle_cuts_at_underscores():
    made = moodle.feedback({moodle.Row("Zoé D_A/x", "12"): "<p>Zoé</p>"}, "ex02.html")
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        (member,) = archive.infolist()
        assert archive.read(member).decode() == "<p>Zoé</p>"
    assert member.filename == "Zoé D A x_12_assignfeedback_file_/ex02.html"
    assert member.filename.split("_", 4)[1:4] == ["12", "assignfeedback", "file"]
