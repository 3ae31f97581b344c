import csv
import json
from fractions import Fraction

from grading import report, scale
from grading.asking.grader import Mark
from grading.term import pages

RULES = {rule.id: rule for name in ("ex00", "ex02") for rule in scale.read_scale()[name].rules}


def mark(name, rule, level, reason=None, detail=""):
    return Mark(name, RULES[rule], None if level is None else Fraction(level), reason, detail)


MARKS = [
    mark("anne", "ex00.relu", 1),
    mark("anne", "ex00.pads", "1/4", "pad_before", "La case | en trop"),
    mark("anne", "ex02.output", "1/2", "softmax_twice"),
    mark("=cmd()", "ex00.relu", 0, "not_done", "-2+3"),
    mark("=cmd()", "ex00.pads", 0, "not_done"),
]


def test_totals_by_hand():
    anne, other = report.results(MARKS)
    relu, pads = RULES["ex00.relu"].points, RULES["ex00.pads"].points
    wanted = 20 * (relu + pads / 4) / (relu + pads)
    assert {name: each.mark for name, each in anne.exercises.items()} == {
        "ex00": wanted,
        "ex02": 10,
    }
    assert anne.total.mark == (wanted + 10) / 2
    assert other.total.mark == other.exercises["ex00"].mark == 0


def test_the_table_of_one_hand_in_and_of_a_class():
    one = "\n".join(report.table(MARKS[:3], every=True, hint=True))
    assert "anne : " in one and "(La case | en trop)" in one and "→ " in one
    assert "→ " not in "\n".join(report.table(MARKS[:3], every=True))
    several = report.table(MARKS, every=False)
    assert several[0].split() == ["rendu", "ex00", "ex02", "note", "/20"]
    assert several[2].split() == ["=cmd()", "0", "-", "0"]


def test_what_is_not_judged_is_blank_and_never_zero(tmp_path):
    """Ni zéro, ni des points que personne n'a donnés : entre deux notes, et une case vide."""
    marks = [
        mark("anne", "ex00.relu", 1),
        mark("anne", "ex00.pads", None, "timeout"),
        *(mark("paul", rule, None, "other_library") for rule in ("ex00.relu", "ex00.pads")),
    ]
    relu, pads = RULES["ex00.relu"].points, RULES["ex00.pads"].points
    least = report.number(20 * relu / (relu + pads))
    anne, paul = report.results(marks)
    assert (str(anne.total), str(paul.total)) == (f"de {least} à 20", "non noté")
    path = tmp_path / "notes.csv"
    report.write(path, marks, {"à regarder": report.alerts(marks)}, hint=True)
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines(), delimiter=";"))
    assert [row["note /20"] for row in rows] == ["", ""] and rows[0]["ex00.pads"] == ""
    assert (
        "faute de temps" in rows[0]["ex00.pads, raison"]
        and "Indice" in rows[0]["ex00.pads, raison"]
    )
    assert rows[0]["remarques"].startswith(f"ex00 : de {least} à 20/20, à finir par l'enseignant")
    assert "(ex00.pads)" in rows[0]["remarques"], "une boucle sans fin est dite à l'enseignant"
    report.write(tmp_path / "notes.json", marks, {})
    first = json.loads((tmp_path / "notes.json").read_text())["submissions"][0]
    assert first["mark"] is None and first["questions"][1]["points"] is None
    again = [report.read_mark(report.write_mark(each)) for each in marks]
    assert again == marks


def test_what_a_program_tries_is_told_in_one_line():
    said = "lancer un processus, ligne 4 de operations.py"
    marks = [mark("anne", rule, 1)._replace(tried=(said,)) for rule in ("ex00.relu", "ex00.pads")]
    assert report.alerts(marks) == {"anne": [f"Le programme a tenté de {said}"]}


def test_csv_is_no_formula(tmp_path):
    path = tmp_path / "notes.csv"
    report.write(path, MARKS, {})
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines(), delimiter=";"))
    (anne,) = [row for row in rows if row[0] == "anne"]
    assert dict(zip(rows[0], anne, strict=True))["ex02"] == "10"
    assert not any(cell.startswith(("=", "-", "+", "@")) for row in rows for cell in row)


def test_a_folder_has_a_page_each_with_its_reasons(tmp_path):
    pages.write_folder(
        tmp_path / "notes", MARKS, {"remarques": {"anne": ["<b> laissé"]}}, hint=True
    )
    assert sorted(each.name for each in (tmp_path / "notes").iterdir()) == [
        "=cmd().html",
        "anne.html",
        "notes.csv",
    ]
    page = (tmp_path / "notes/anne.html").read_text(encoding="utf-8")
    assert "La case | en trop" in page and "Indice :" in page and "&lt;b&gt; laissé" in page
    assert "cmd()" not in page, "rien d'un autre élève"
    pages.write_folder(tmp_path / "sans", MARKS, {"pas encore noté": {"anne": "arrêtée"}})
    assert "anne.html" not in {each.name for each in (tmp_path / "sans").iterdir()}
    assert "Indice :" not in (tmp_path / "sans/=cmd().html").read_text(encoding="utf-8")


def test_nobody_disappears_from_a_report(tmp_path):
    header = {
        "sans rendu": {"petit": "aucun fichier à lire"},
        "non noté": {"roy": "zip abîmé"},
        "pas encore noté": {"anne": "arrêtée"},
        "remarques": {"dupont": ["=1", "cellule 7"]},
    }
    report.write(tmp_path / "notes.csv", MARKS, header)
    text = (tmp_path / "notes.csv").read_text("utf-8-sig")
    rows = list(csv.reader(text.splitlines(), delimiter=";"))
    said = {row[0]: (row[1], row[-1]) for row in rows}
    assert said["petit"] == ("0", "sans rendu : aucun fichier à lire")
    assert said["roy"] == ("", "non noté : zip abîmé")
    assert said["anne"] == ("", "pas encore noté : arrêtée")
    assert "  - roy : zip abîmé" in report.header_rows(header)
