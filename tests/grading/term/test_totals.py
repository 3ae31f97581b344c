from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from grading.term import marks as totals
from grading.term.course import Late

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
