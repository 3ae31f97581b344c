"""Les pages d'un trimestre : entières, seules, sans danger, et à un seul élève."""

import re
from datetime import date, datetime
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from grading.term.marks import (
    ABSENT,
    UNREADABLE,
    ExerciseMark,
    Override,
    QuestionMark,
    Student,
    StudentMarks,
    Term,
)
from grading.term.pages import points, write_pages

VOID = {"meta"}
HOSTILE = '<script>alert(1)</script> "O\'Neil" & fils'
HANDED_AT = datetime(2026, 10, 1, 23, 5)


class Page(HTMLParser):
    """Lit une page : ses éléments fermés dans l'ordre, ses textes, ses adresses."""

    def __init__(self, content: str):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def links(self):
        """Ses adresses."""
        return [value for name, value in self.attributes if name in ("href", "src")]

    @property
    def text(self):
        """Ce qui se lit, sur une ligne."""
        return " ".join("".join(self.texts).split())


def read(content: str) -> Page:
    page = Page(content)
    assert page.open == []
    assert "script" not in page.tags
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "http://" not in content and "https://" not in content
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    return page


def question(name, points, out_of=4, **said):
    return QuestionMark(name, f"le {name}", Fraction(points), Fraction(out_of), **said)


def graded(exercise, *questions, **kept):
    whole = sum(each.out_of for each in questions)
    before = 20 * sum(each.points for each in questions) / whole
    kept = {"handed_at": HANDED_AT, "mark": before} | kept
    return ExerciseMark(exercise, f"Titre d'{exercise}", Fraction(1), questions, before, **kept)


def missed(exercise, status, note=""):
    zero = Fraction(0)
    return ExerciseMark(
        exercise, f"Titre d'{exercise}", Fraction(1), (), zero, zero, status=status, note=note
    )


def wrong(points, detail=""):
    """Une réponse dont la raison est connue, avec un indice."""
    return question(
        "pooling",
        points,
        reason=f"Le pas est ignoré. ({detail})" if detail else "Le pas est ignoré.",
        detail=detail,
        hint="Regardez `stride`.",
    )


def marks_of(name, number, *exercises, group="A"):
    mark = sum(each.mark for each in exercises) / len(exercises)
    return StudentMarks(Student(name, number, group), exercises, mark)


@pytest.fixture
def term(tmp_path):
    """Quatre élèves : un retard, une absence, un zip illisible, une note décidée."""
    late = {"days_late": 2, "penalty": Fraction(3, 2), "mark": Fraction(6)}
    students = (
        marks_of(
            "Alami Inès",
            "70101",
            graded("ex00", question("padding", 4), wrong(2, "ligne 12")),
            graded(
                "ex02",
                question("poids", 0, reason="Communs."),
                question("avis", "3/2", remark="Bien <i>vu</i>.", manual=True),
            ),
        ),
        marks_of(
            HOSTILE,
            "70102",
            graded("ex00", question("padding", 0), wrong(3, "<img src=x onerror=y>"), **late),
            missed("ex02", ABSENT),
        ),
        marks_of(
            "محمد \u202eexe.عبد",
            "70103",
            missed("ex00", UNREADABLE, "tp<b>.zip est abîmé"),
            graded("ex02", question("poids", 4), pending=("Comparez",)),
            group="B",
        ),
        marks_of(
            "Cohen Noé",
            "70104",
            graded("ex00", question("padding", 4), wrong(0)),
            graded(
                "ex02",
                question("poids", 1),
                override=Override(Fraction(12), "Salle en panne"),
                mark=Fraction(12),
            ),
        ),
    )
    return Term("CNN", date(2026, 11, 1), students, True, tmp_path)


def test_a_page_each_and_one_for_the_class(term):
    paths = write_pages(term)
    assert [path.relative_to(term.output).as_posix() for path in paths[1:]] == [
        "eleves/script-alert-1-script-o-neil-fils-70102.html",
        "eleves/exe-70103.html",
        "eleves/cohen-noe-70104.html",
        "classe.html",
    ]
    contents = [path.read_text(encoding="utf-8") for path in paths]
    for marks, content in zip(term.students, contents[:-1], strict=True):
        page = read(content)
        assert page.links == ["#ex00", "#ex02"]
        for each in marks.exercises:
            assert f"{each.exercise} — {each.title} {points(each.mark)} sur 20" in page.text
            for asked in each.questions:
                assert f"{points(asked.points)} / {points(asked.out_of)}" in page.text
        others = [each.student for each in term.students if each is not marks]
        hidden = [text for other in others for text in (other.name, other.number, other.slug)]
        assert not any(text in page.text or text in content for text in hidden)


def test_what_a_student_reads(term):
    paths = write_pages(term)
    ines, hostile, unreadable, noah = (
        read(path.read_text(encoding="utf-8")).text for path in paths[:4]
    )
    assert "Note : 9,375 sur 20" in ines  # 15 et 3,75
    assert "Rendu le 01/10/2026 à 23:05." in ines
    assert "Juste en partie. Le pas est ignoré. (ligne 12) Indice : Regardez stride." in ines
    assert "À reprendre. Communs." in ines
    assert "Notée par votre enseignant.Bien <i>vu</i>." in ines
    assert HOSTILE in hostile and "(<img src=x onerror=y>)" in hostile
    assert "Questions : 3 points, soit 7,5 sur 20." in hostile
    assert "Retard : 2 jours commencés, 1,5 en moins." in hostile
    assert "avec 2 jours de retard." in hostile
    assert "Aucun rendu n'a été reçu pour cet exercice." in hostile
    assert "محمد \N{REPLACEMENT CHARACTER}exe.عبد" in unreadable
    assert "il n'a pas pu être lu." in unreadable and "À savoir : tp<b>.zip est abîmé" in unreadable
    assert "Note décidée par votre enseignant : 12 sur 20. Salle en panne." in noah


def test_the_class_page_counts(term):
    page = read(write_pages(term)[-1].read_text(encoding="utf-8"))
    assert f"{HOSTILE}, ex02 : absent" in page.text
    assert "ex00 : rendu ; 2 jours de retard, −1,5" in page.text
    assert "ex00 : illisible ; tp<b>.zip est abîmé" in page.text
    assert "Cohen Noé, ex02 : rendu ; note décidée, 12, Salle en panne" in page.text
    assert "ex02 : rendu ; à noter : Comparez" in page.text
    assert "Plus bassePlus haute A37,799,38311 B110101010" in page.text  # 9,375, 3 et 11 ; 10
    # Trois rendus lus d'ex00 : le padding juste deux fois, le pooling deux fois à moitié.
    assert "Le padding 2 / 0 / 1 2,667 / 4" in page.text
    assert "Le pooling 0 / 2 / 1 1,667 / 4 3 fois : Le pas est ignoré." in page.text
    assert "ligne 12" not in page.text  # la raison, sans ce qui n'est vrai que d'un rendu
    counts = re.findall(r"de \d+ à \d\d?(?: exclu)?(\d+) ", page.text)
    assert sum(map(int, counts)) == len(term.students)
