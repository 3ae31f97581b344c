import csv
from fractions import Fraction

import pytest

from grading import report, scale
from grading.report import Line

SCALE = scale.read_scale()


def line(name, exercise, question, level, *, out_of=2, reason="", text="", hint=""):
    level, out_of = Fraction(level), Fraction(out_of)
    told = (level * out_of, out_of, level, reason, text, hint)
    return Line(name, exercise, question, f"{exercise}_x", "un titre", *told)


LINES = [
    line("anne", "ex00", "relu", 1),
    line(
        "anne",
        "ex00",
        "pads",
        "1/4",
        reason="pad_before",
        text="La case | en trop",
        hint="Regardez.",
    ),
    line("anne", "ex02", "output", "1/2", out_of=4, reason="softmax_twice", text="Deux fois."),
    line("=cmd()", "ex00", "relu", 0, reason="not_done", text="-2+3"),
    line("=cmd()", "ex00", "pads", 0, reason="not_done", text="Pas fait."),
]


def test_totals_by_hand():
    marks = report.totals(LINES, SCALE)
    # (2 + 0,5) / 4 × 20 = 12,5 ; 2 / 4 × 20 = 10 ; leur moyenne, 11,25.
    assert marks["anne"] == {"ex00": Fraction(25, 2), "ex02": 10, "note": Fraction(45, 4)}
    assert marks["=cmd()"] == {"ex00": 0, "note": 0}


def test_the_table_of_one_hand_in_and_of_a_class():
    one = "\n".join(report.table(LINES[:3], SCALE, every=True))
    assert "anne : 11,25/20" in one and "0,5/2  La case" in one and "→ Regardez." in one
    several = report.table(LINES, SCALE, every=False)
    assert several[0].split() == ["rendu", "ex00", "ex02", "note", "/20"]
    assert several[2].split() == ["=cmd()", "0", "-", "0"]


def test_csv_is_no_formula(tmp_path):
    path = tmp_path / "notes.csv"
    report.write(path, LINES, SCALE, {})
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines(), delimiter=";"))
    (anne,) = [row for row in rows if row[0] == "anne"]
    assert dict(zip(rows[0], anne, strict=True))["ex00"] == "12,5"
    assert not any(cell.startswith(("=", "-", "+", "@")) for row in rows for cell in row)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("1/2", False), ("3-4", False), ("1.5", False), ("12 mai", False), ("=1", False)]
    + [("ex02", True), ("Marc Dupont", True), ("12345", True), ("", True), ("2 erreurs", True)],
)
def test_a_spreadsheet_keeps_a_text_as_it_is(text, kept):
    assert report.plain(text) == (text if kept else f"'{text}")


def test_nobody_disappears_from_a_report(tmp_path):
    header = {"sans rendu": {"petit": "zip abîmé"}, "remarques": {"dupont": ["=1", "cellule 7"]}}
    report.write(tmp_path / "notes.csv", LINES, SCALE, header)
    text = (tmp_path / "notes.csv").read_text("utf-8-sig")
    rows = list(csv.reader(text.splitlines(), delimiter=";"))
    said = {row[0]: (row[1], row[-1]) for row in rows}
    assert said["petit"] == ("0", "sans rendu : zip abîmé")
    report.write(tmp_path / "notes.md", LINES, SCALE, header)
    assert "  - petit : zip abîmé\n" in (tmp_path / "notes.md").read_text()


def test_markdown_tables_stay_tables(tmp_path):
    path = tmp_path / "notes.md"
    report.write(path, LINES, SCALE, {"graine": 7, "exercices": ["ex00", "ex02"]})
    text = path.read_text()
    assert "| anne | 12,5 | 10 | **11,25** |" in text and "La case \\| en trop" in text
