"""Une classe avec des gens : un binôme, un retard, une dispense, un report, deux rendus."""

import os
from datetime import datetime
from fractions import Fraction

import pytest

from grading.term.course import read_course
from grading.term.marks import Decided, decided, rounded
from tests.grading import school
from tests.grading.term.test_command import notes, run

STUDENTS = """nom;numéro
Inès Alami;1
Léo Costa;2
Zoé Faure;3
Tom Garcia;4
Ana Henry;5
Noé Ibis;6
"""
COURSE = """
title = "Réseaux convolutifs"
students = "eleves.csv"
rounding = 0.5
similarity = false
seed = 5
late = { points_per_day = 1.3 }

[[exercises]]
id = "ex00"
hand_ins = "tp0"
worksheet = "Notes.csv"
due = 2026-10-12
owners = { "binôme 4" = ["Inès Alami", 2], "brouillon" = [] }
"""
OVERRIDES = """
[[overrides]]
student = "Faure"
exercise = "ex00"
due = 2026-10-14
comment = "Bon courage pour la reprise."

[[overrides]]
student = 4
exercise = "ex00"
exempt = true
reason = "Arrivé en novembre."

[[overrides]]
student = "Ana Henry"
exercise = "ex00"
question = "relu"
points = 0.5
reason = "Expliqué à l'oral."
"""
SHEET = """Identifiant;Nom complet;Note;Note maximale;Dernière modification (travail remis)
Participant 91;Inès Alami;;20,00;lundi 12 octobre 2026, 20:00
Participant 92;Léo Costa;;20,00;-
Participant 93;Zoé Faure;;20,00;mercredi 14 octobre 2026, 08:00
Participant 94;Tom Garcia;;20,00;-
Participant 95;Ana Henry;;20,00;lundi 12 octobre 2026, 20:00
Participant 96;Noé Ibis;;20,00;mardi 13 octobre 2026, 08:00
"""


@pytest.fixture
def classroom(tmp_path):
    """Écrit la classe ; rend son dossier, où est `cours.toml`."""
    (tmp_path / "cours.toml").write_text(COURSE + OVERRIDES, encoding="utf-8")
    (tmp_path / "eleves.csv").write_text(STUDENTS, encoding="utf-8")
    (tmp_path / "Notes.csv").write_text(SHEET, encoding="utf-8")
    hand_ins = ("binôme 4", "brouillon", "faure", "henry", "ibis", "Noé Ibis", "groupe 9")
    for day, name in enumerate(hand_ins):
        path = tmp_path / "tp0" / name / "ex00_convolution" / "pooling.py"
        path.parent.mkdir(parents=True)
        path.write_text(school.POOLING, encoding="utf-8")
        moment = datetime(2026, 10, 1 + day).timestamp()
        os.utime(path, (moment, moment))
    return tmp_path


def test_each_of_them_has_a_mark(classroom, marker, capsys):
    marker.verdicts = {("1", "ex00.relu"): ("1/2", "absolute_value", "")}
    assert run(classroom) == 0
    shown = capsys.readouterr().out
    ines, leo, zoe, tom, ana, noe = notes(classroom)
    assert sorted(marker.asked) == ["1", "3", "5", "6"], "un binôme est noté une fois"
    assert "Inès Alami et Léo Costa : 19,5/20\n" in shown
    assert ines["ex00 /20"] == leo["ex00 /20"] == "19,5"
    assert leo["ex00.relu /1"] == "0,5" and leo["ex00, état"] == "rendu"
    assert zoe["ex00 /20"] == "20", "avant l'échéance reportée"
    assert "Échéance reportée au 14/10/2026 à 23:59 ; Bon courage" in zoe["ex00, état"]
    assert tom["ex00, état"] == "dispensé ; Arrivé en novembre" and tom["note /20"] == ""
    assert (ana["ex00 /20"], ana["ex00.relu /1"]) == ("19,5", "0,5")
    assert ana["ex00.relu, raison"] == "Points donnés par l'enseignant. Expliqué à l'oral."
    assert noe["ex00 /20"] == "18,5", "18,7 arrondi"
    assert "« Noé Ibis », du 06/10/2026 à 00:00, est le dernier rendu" in noe["ex00, état"]
    assert "lui seul est noté, sans « ibis »" in noe["ex00, état"]
    assert "« brouillon » est mis de côté" in shown


def test_the_class_page_begins_with_what_is_nobody_s(classroom, marker):
    run(classroom)
    page = (classroom / "notes" / "classe.html").read_text(encoding="utf-8")
    assert page.index("Rendus qui ne sont attribués à personne") < page.index("<h2>À regarder</h2>")
    assert '"<bdi>groupe 9</bdi>" = "numéro"' in page and "brouillon" not in page
    assert "ressemblances.html" not in page, "cette page n'a pas été demandée"
    assert "avec <bdi>Léo Costa</bdi>" in page and "avec <bdi>Inès Alami</bdi>" in page
    leo = (classroom / "notes" / "eleves" / "leo-costa-2.html").read_text(encoding="utf-8")
    assert "Travail fait avec <bdi>Inès Alami</bdi>" in leo
    noe = (classroom / "notes" / "eleves" / "noe-ibis-6.html").read_text(encoding="utf-8")
    assert "soit 20 sur 20. Une note est arrondie au multiple de 0,5 le plus proche." in noe
    tom = (classroom / "notes" / "eleves" / "tom-garcia-4.html").read_text(encoding="utf-8")
    assert "Dispense : cet exercice ne compte pas dans votre note." in tom


def test_a_member_who_hands_in_too_hands_in_for_the_group(classroom, marker):
    """Sans la date de Moodle de chacun, le plus récent des deux est celui du binôme."""
    path = classroom / "tp0" / "costa" / "ex00_convolution" / "pooling.py"
    path.parent.mkdir(parents=True)
    path.write_text(school.POOLING, encoding="utf-8")
    run(classroom)
    ines, leo, *_ = notes(classroom)
    assert marker.asked.count("1") == 1 and "2" not in marker.asked
    for each in (ines, leo):
        assert "« costa »" in each["ex00, état"] and "sans « binôme 4 »" in each["ex00, état"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"Inès Alami", 2]', '"Inès Alamy", 2]', "« Inès Alamy » ; le plus proche est Inès Alami"),
        ('"brouillon" = []', '"b" = [2, 3]', r"ex00, owners : Léo Costa \(2\) est dans deux"),
        ('student = "Faure"', 'student = "o"', "aucun élève n'a le numéro ou le nom « o »"),
        (
            'question = "relu"',
            'question = "r"',
            "ex00 n'a pas de question « r » ; au choix, .*relu",
        ),
        ("points = 0.5", "points = 3", "points, attendu une note sur 1, reçu 3"),
        ("points = 0.5", "", "il manque points, ceux de la question"),
        ("exempt = true", "", "n° 2 : il manque points, exempt, due ou comment"),
        ("exempt = true", "exempt = true\npoints = 3", "exempt et points se contredisent"),
        ("student = 4", 'student = "henry"', "Ana Henry .5., ex00 : exempt et points se contred"),
        ("student = 4", "student = 4\ncommentaire = 'a'", "la plus proche est comment"),
        ("rounding = 0.5", "rounding = 0", "rounding : attendu un nombre plus grand que 0"),
        ('exercise = "ex00"\ndue', 'exercise = "ex01"\ndue', "ex01 n'est pas demandé"),
    ],
)
def test_a_mistake_names_the_key_that_exists(classroom, old, new, said):
    path = classroom / "cours.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=said) as caught:
        read_course(path)
    assert "\n" not in str(caught.value)


def test_an_option_is_said_by_its_key(classroom, marker, capsys):
    path = classroom / "cours.toml"
    text = path.read_text(encoding="utf-8")
    for given, said in (
        ('["ex00=absent.py"]', "Erreur : ex00, as : aucun rendu n'a de fichier absent.py.\n"),
        ('["tp2.ipynb"]', 'as = ["tp2.ipynb"] : écrivez as = ["ex02=tp2.ipynb"], un exercice'),
    ):
        asked = f"due = 2026-10-12\nas = {given}\n"
        path.write_text(text.replace("due = 2026-10-12\n", asked), encoding="utf-8")
        assert run(classroom) == 1
        assert said in capsys.readouterr().err


def test_several_tables_for_one_student_add_up(classroom):
    course = read_course(classroom / "cours.toml")
    zoe, tom, ana = (decided([each]) for each in course.decisions)
    assert zoe.due == datetime(2026, 10, 14, 23, 59) and zoe.comments == (
        "Bon courage pour la reprise.",
    )
    assert tom.exempt and tom.comments == ("Arrivé en novembre.",)
    assert set(ana.questions) == {"ex00.relu"} and ana.whole is None and ana.comments == ()
    both = decided(course.decisions)
    assert (both.exempt, both.due, set(both.questions)) == (True, zoe.due, {"ex00.relu"})
    assert decided(()) == Decided()


@pytest.mark.parametrize(
    ("mark", "step", "said"),
    [
        ("18.7", "0.5", "18.5"),
        ("18.75", "0.5", "19"),
        ("13.1", "0.25", "13"),
        ("13.1", None, "13.1"),
    ],
)
def test_marks_are_rounded_as_the_course_says(mark, step, said):
    assert rounded(Fraction(mark), step and Fraction(step)) == Fraction(said)
