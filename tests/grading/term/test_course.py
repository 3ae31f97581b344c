import re
from datetime import datetime

import openpyxl
import pytest

from grading.term import moodle
from grading.term.course import Late, read_course
from grading.term.students import Student


def changed(home, old, new):
    path = home / "cours.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_course_is_read_whole(home):
    course = read_course(home / "cours.toml")
    assert course.students[0] == Student("Inès Alami", "1001", "3A")
    first, second = course.works
    assert first.hand_ins == {"3A": home / "tp0.zip", "3B": home / "tp0.zip"}
    assert second.hand_ins == {"3A": home / "tp1"} and second.due == {}
    assert first.due["3A"] == datetime(2026, 10, 13, 23, 59)  # le jour entier
    assert first.due["3B"] == datetime(2026, 10, 12, 23, 59)
    assert first.weight == 2 and course.late == Late(points_per_day=1, maximum=5)
    (decision,) = course.decisions
    assert (decision.student, decision.exercise, decision.points) == ("1003", "ex00", 12.5)
    assert course.output == home / "notes" and course.seed == 5 and course.hints


def test_the_example_of_the_page_is_read(repo, tmp_path):
    page = (repo / "docs/enseignants.md").read_text(encoding="utf-8")
    (example,) = (each for each in re.findall(r"```toml\n(.*?)```", page, re.S) if "late" in each)
    (tmp_path / "cours.toml").write_text(example, encoding="utf-8")
    (tmp_path / "eleves.csv").write_text("nom;numéro;classe\nA B;1003;3A\nLéa Roux;1004;3B\n")
    for name in ("tp2-3A.zip", "Notes-TP2-3A.csv"):
        (tmp_path / name).touch()
    (tmp_path / "rendus/tp2").mkdir(parents=True)
    course = read_course(tmp_path / "cours.toml")
    late = Late(points_per_day=1, maximum=5, refused_after_days=7)
    assert course.late == late and course.works[1].hand_ins == {}
    assert course.decisions[0].reason == "réseau montré en classe"
    assert course.works[0].owners == {"binôme 4": ("1003", "1004")}
    assert course.decisions[1].due == datetime(2026, 10, 20, 23, 59)


def test_students_from_a_workbook_a_class(home):
    book = openpyxl.Workbook()
    for row in (["Élève", "Numéro"], ["Inès Alami", "0012"], ["Zoé Faure", 1003]):
        book.active.append(row)
    book.save(home / "a.xlsx")
    path = changed(home, '"eleves.csv"', '{ 3A = "a.xlsx", 3B = "Notes TP0.csv" }')
    students = read_course(path).students
    assert students[:2] == (Student("Inès Alami", "0012", "3A"), Student("Zoé Faure", "1003", "3A"))
    assert Student("Tom Garcia", "904", "3B") in students  # la feuille de Moodle est une liste


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"eleves.csv"', '"noms.csv"', r"noms\.csv"),
        (
            'id = "ex01"',
            'id = "ex99"',
            "n° 2, id : ex99 n'est pas au barème ; au choix : ex00, ex01",
        ),
        ('id = "ex01"', 'id = "ex00"', "ex00 y est deux fois"),
        ("2026-10-13", '"mardi"', "n° 1, due, 3A : date illisible : « mardi »"),
        ("{ 3A = 2026", "{ 3C = 2026", "3C n'est pas une classe ; au choix : 3A, 3B"),
        ("hints = true", "hints = 4", "hints : attendu true ou false, reçu 4"),
        ("hints = true", "indices = 1", "indices : cette clé n'est pas connue"),
        ("weight = 2", "weight = -2", "n° 1, weight : attendu un nombre d'au moins 0"),
        (
            "late = { points_per_day = 1, maximum = 5 }",
            "[late]\npoints_per_day = 1\noutput = 'ailleurs'",
            "late, output : cette clé n'est pas connue ici ; elle va au début du fichier",
        ),
        ("seed = 5", "due = 2026-10-13", r"due : .* ; elle va dans \[\[exercises\]\]"),
        (
            "weight = 2",
            "poids = 2",
            "n° 1, poids : cette clé n'est pas connue ; au choix ici, id, weight",
        ),
        (
            "student = 1003",
            "student = 12",
            "overrides, n° 1, student : aucun élève n'a le numéro ou le nom « 12 »",
        ),
        (
            "points = 12.5",
            "points = 21",
            "overrides, n° 1 : points, attendu une note sur 20, reçu 21",
        ),
        ('reason = "rattrapé à l\'oral"', "", "overrides, n° 1 : il manque reason"),
        ("title = ", "titre = ", "titre : cette clé n'est pas connue ; la plus proche est title"),
        ("seed = 5", "seed = [5", "pas du TOML, ou .* line 6"),
    ],
)
def test_a_mistake_is_one_sentence(home, old, new, said):
    with pytest.raises((ValueError, FileNotFoundError), match=said) as caught:
        read_course(changed(home, old, new))
    assert "\n" not in str(caught.value)


def test_a_number_with_a_letter_is_kept_whole(home):
    """« s01 » n'est pas le numéro 01 : c'est un élève, que l'enseignant peut nommer."""
    (home / "eleves.csv").write_text("nom;numéro\nInès Alami;s01\nZoé Faure;Participant 7\n")
    path = changed(home, "student = 1003", 'student = "s01"')
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('{ 3A = 2026-10-13, 3B = "12/10/2026 23:59" }', "2026-10-13"))
    path.write_text(path.read_text().replace('{ 3A = "tp1" }', '"tp1"'))
    course = read_course(path)
    assert [each.number for each in course.students] == ["s01", "7"]
    owner, _ = moodle.owner("s01", "", course.students)
    assert owner == course.students[0] and course.decisions[0].student == "s01"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("nom;numéro\nA B;7\nC D;7\n", "deux élèves ont le numéro 7"),
        ("nom;numéro\nA B;\n", "ligne 2, A B : numéro '' ; il faut"),
        ("nom;âge\nA B;20\n", "n'a pas de colonne « numéro » ; reçu : nom, âge"),
        ("nom;numéro\n", "aucun élève"),
        ("", "n'a pas de colonne « nom » ; reçu : un fichier vide"),
    ],
)
def test_a_wrong_list_of_students_is_one_sentence(home, lines, said):
    (home / "eleves.csv").write_text(lines, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_course(home / "cours.toml")


def test_a_column_that_is_not_read_and_a_decision_for_nothing_are_said(home, capsys):
    (home / "eleves.csv").write_text(
        "nom;numéro;âge;classe\nA B;1003;20;3A\nC D;7;20;3B\n", encoding="utf-8"
    )
    read_course(home / "cours.toml")
    assert "eleves.csv : colonnes non lues, âge." in capsys.readouterr().out
    with pytest.raises(ValueError, match="ex02 n'est pas demandé ce trimestre"):
        read_course(changed(home, 'exercise = "ex00"', 'exercise = "ex02"'))
