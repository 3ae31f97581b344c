from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from grading import scale
from grading.term import totals
from grading.term.answers import SHARED, Answer
from grading.term.course import Late
from grading.term.marks import ABSENT, ExerciseMark

DUE = datetime(2026, 10, 12, 23, 59)


@pytest.mark.parametrize(
    ("hours", "days"), [(-1, 0), (0, 0), (Fraction(1, 3600), 1), (24, 1), (25, 2), (72, 3)]
)
def test_a_day_begun_is_a_day_late(hours, days):
    assert totals.days_late(DUE + timedelta(hours=float(hours)), DUE) == days


@pytest.mark.parametrize(
    ("days", "mark", "lost"), [(1, 15, "3/2"), (2, 15, 3), (3, 15, 4), (3, 2, 2), (4, 15, 15)]
)
def test_what_a_late_hand_in_loses(days, mark, lost):
    late = Late(points_per_day=1.5, maximum=4, refused_after_days=3)
    assert totals.penalty(Fraction(mark), late, days) == Fraction(lost)


def test_another_student_is_not_named_and_the_teacher_gives_hints_or_not():
    exercise, reasons = scale.read_scale()["ex02"], scale.read_reasons()
    answer = Answer("ex02.weights", Fraction(0), SHARED, "1002")
    (mark,) = totals.automatic([answer], exercise, reasons, True)
    assert "1002" not in repr(mark) and mark.reason == reasons[SHARED].text
    assert mark.hint == reasons[SHARED].hint and mark.out_of == 2
    answer = Answer("ex02.train", Fraction(1, 2), "exception", "ligne 3")
    (mark,) = totals.automatic([answer], exercise, reasons, False)
    assert mark.points == 2 and mark.reason.endswith("(ligne 3)") and mark.hint == ""


def test_the_average_is_weighted_and_none_before_anything_is_asked():
    def mark(weight, value):
        return ExerciseMark("ex00", "", Fraction(weight), (), Fraction(0), Fraction(value))

    assert totals.average([mark(2, 10), mark(1, 16), mark(0, 3)]) == 12
    assert totals.average([mark(0, 0)]) is totals.average([]) is None
    assert mark(0, 0)._replace(status=ABSENT).mark == 0
