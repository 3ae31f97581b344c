"""Les pages d'un trimestre : entières, seules, sans danger, et à un seul élève."""

import re
from datetime import datetime
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from grading import scale
from grading.asking.grader import Mark
from grading.report import UNGRADED, Total, number, total
from grading.term.course import Course
from grading.term.marks import ABSENT, NOTHING_GRADED, ExerciseMark, StudentMarks
from grading.term.pages import write_pages
from grading.term.students import Student

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


EX02 = {rule.name: rule for rule in scale.read_scale()["ex02"].rules}


def question(name, level, reason=None, detail=""):
    return Mark("", EX02[name], None if level is None else Fraction(level), reason, detail)


def graded(exercise, *marks, **kept):
    before = total(marks)
    kept = {"handed_at": HANDED_AT, "mark": before.mark} | kept
    return ExerciseMark(exercise, f"Titre d'{exercise}", Fraction(1), marks, before, **kept)


def missed(exercise, status, *notes):
    before = NOTHING_GRADED if status == UNGRADED else Total(Fraction(0), Fraction(0))
    title, weight = f"Titre d'{exercise}", Fraction(1)
    return ExerciseMark(
        exercise, title, weight, (), before, before.mark, status=status, notes=notes
    )


def marks_of(name, number, *exercises, group="A"):
    marks = [each.mark for each in exercises]
    mark = None if None in marks else sum(marks) / len(marks)
    return StudentMarks(Student(name, number, group), exercises, mark)


@pytest.fixture
def term(tmp_path):
    """Quatre élèves : un retard, une absence, un zip que rien ne lit, une note décidée."""
    late = {"days_late": 2, "mark": Fraction(6), "notes": ("Retard : 1,5 en moins",)}
    decided = "Note décidée par l'enseignant : 12 sur 20. Salle en panne"
    students = (
        marks_of(
            "Alami Inès",
            "70101",
            graded(
                "ex00", question("train", 1), question("output", "1/2", "softmax_twice", "l. 12")
            ),
            graded("ex02", question("weights", 0, "weights_shared")),
        ),
        marks_of(
            HOSTILE,
            "70102",
            graded("ex00", question("train", 0, "exception", "<img src=x onerror=y>"), **late),
            missed("ex02", ABSENT),
        ),
        marks_of(
            "محمد \u202eexe.عبد",
            "70103",
            missed("ex00", UNGRADED, "tp<b>.zip est abîmé"),
            graded("ex02", question("weights", 1)),
            group="B",
        ),
        marks_of(
            "Cohen Noé",
            "70104",
            graded("ex00", question("train", 1), question("output", 0, "softmax_twice")),
            graded("ex02", question("weights", "1/4"), mark=Fraction(12), notes=(decided,)),
        ),
    )
    return Course.model_construct(title="CNN", hints=True, output=tmp_path), students


def written(term):
    """Écrit les pages ; rend celles des élèves, dans leur ordre, et celle de la classe."""
    course, students = term
    last = write_pages(*term)
    paths = [course.output / "eleves" / f"{each.student.slug}.html" for each in students]
    return [path.read_text(encoding="utf-8") for path in (*paths, last)]


def test_a_page_each_and_one_for_the_class(term):
    *contents, _ = written(term)
    assert [path.name for path in sorted((term[0].output / "eleves").iterdir())] == [
        "alami-ines-70101.html",
        "cohen-noe-70104.html",
        "exe-70103.html",
        "script-alert-1-script-o-neil-fils-70102.html",
    ]
    for marks, content in zip(term[1], contents, strict=True):
        page = read(content)
        assert page.links == ["#ex00", "#ex02"]
        for each in marks.exercises:
            known = f"{number(each.mark)} sur 20"
            shown = known if each.mark is not None else f"{each.before} : l'enseignant donnera"
            assert f"{each.exercise} — {each.title} {shown}" in page.text
            for asked in each.marks:
                assert f"{number(asked.points)} / {number(asked.rule.points)}" in page.text
        others = [each.student for each in term[1] if each is not marks]
        hidden = [text for other in others for text in (other.name, other.number, other.slug)]
        assert not any(text in page.text or text in content for text in hidden)


def test_what_a_student_reads(term):
    ines, hostile, unreadable, noah = (read(content).text for content in written(term)[:4])
    assert "Rendu le 01/10/2026 à 23:05." in ines
    assert "Juste en partie. " in ines and " (l. 12) Indice : " in ines
    assert "À reprendre. " in ines
    assert HOSTILE in hostile and "(<img src=x onerror=y>)" in hostile
    assert "Questions : 0 points, soit 0 sur 20." in hostile
    assert "Retard : 1,5 en moins." in hostile
    assert "Aucun rendu n'a été reçu pour cet exercice." in hostile
    assert "محمد \N{REPLACEMENT CHARACTER}exe.عبد" in unreadable
    assert "il n'a pas pu être noté ici" in unreadable and "tp<b>.zip est abîmé." in unreadable
    assert "Note décidée par l'enseignant : 12 sur 20. Salle en panne." in noah


def test_what_is_not_judged_has_no_mark(term):
    course, (ines, *others) = term
    judged = graded("ex00", question("train", None, "timeout"), question("output", 1))
    ines = marks_of(ines.student.name, "70101", judged, ines.exercises[1])
    page, *_, classroom = (read(content).text for content in written((course, (ines, *others))))
    train, output = EX02["train"], EX02["output"]
    assert f"de {number(20 * output.points / (output.points + train.points))} à 20" in page
    assert "Non jugé. Non jugé, faute de temps" in page and "Note : pas encore connue" in page
    assert f"– / {number(train.points)}" in page and "non jugé : 1" in classroom


def test_the_class_page_counts(term):
    page = read(written(term)[-1])
    assert f"{HOSTILE}, ex02 : absent" in page.text and "ressemblances.html" in page.links
    assert "ex00 : rendu ; Retard : 1,5 en moins" in page.text
    assert "ex00 : non noté ; tp<b>.zip est abîmé" in page.text
    assert "Cohen Noé, ex02 : rendu ; Note décidée par l'enseignant : 12 sur 20." in page.text
    train, output = EX02["train"], EX02["output"]
    assert f"{train.title[1:]} 2 / 0 / 1 {number(train.points * 2 / 3)} / " in page.text
    assert f"{output.title[1:]} 0 / 1 / 1 {number(output.points / 4)} / " in page.text
    assert "2 fois : " in page.text
    assert "l. 12" not in page.text  # la raison, sans ce qui n'est vrai que d'un rendu
