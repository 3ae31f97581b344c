"""Le trimestre inventé : trois classes, vingt élèves, et ce qui arrive dans les vrais."""

import csv
import html
import io
import re
import subprocess
import sys

import pytest

from grading.term import command
from tests.grading.term import invented


def notes(home):
    text = (home / "notes/notes.csv").read_text(encoding="utf-8-sig")
    return {each["nom"]: each for each in csv.DictReader(io.StringIO(text), delimiter=";")}


def shown(home, name):
    return html.unescape((home / "notes" / name).read_text(encoding="utf-8"))


def alike(home):
    """Rend les paires de la page des ressemblances."""
    return re.findall(r'<a href="#[^"]+">([^<]+)</a>', shown(home, "ressemblances.html"))


def test_late_absent_and_by_hand(tmp_path, marker, capsys):
    course = invented.write(tmp_path / "trimestre", exercises=("ex02",))
    assert command.main([str(course)]) == 0
    printed = capsys.readouterr().out
    assert "pas dans la liste" not in printed and "est pris pour" not in printed
    found = notes(course.parent)
    assert len(found) == 20
    late, absent = found["Lina LOPEZ"], found["Noé ORTIZ"]
    assert "3 jours de retard, −4,5" in late["ex02, état"]
    assert (absent["ex02 /20"], absent["ex02, état"], absent["note /20"]) == ("0", "absent", "0")
    assert found["Théo ÉVRARD"]["ex02, état"] == "rendu"
    assert {each["ex02.comparaison /4"] for each in found.values()} == {"4", "2,5", "3", "1,25", ""}
    assert alike(course.parent) == []
    french, english = (
        (course.parent / f"notes/moodle/ex02-ex02-{group}.csv").read_text(encoding="utf-8-sig")
        for group in "AB"
    )
    assert '"19,' in french and "7,25" not in french
    assert re.search(r",1\d\.\d+,12\.50,", english) and "7.25" not in english


@pytest.mark.slow
def test_the_whole_term_then_one_changed_hand_in(tmp_path, repo):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=repo,
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=3600,
        ).stdout

    home = tmp_path / "trimestre"
    run("tests.grading.term", home)
    printed = run("grading", home / "cours.toml")
    assert printed.count("19 notés, 0 inchangé") == len(invented.EXERCISES)
    found = notes(home)
    assert len({each["note /20"] for each in found.values()}) > 10
    assert found["Jade ROUX"]["ex04 /20"] == "14,5"
    assert found["Inès ALAMI"]["ex00 /20"] == "20"
    assert "1 jour de retard, −1,5" in found["Tom GARCIA"]["ex00, état"]
    assert alike(home) == ["Camille FAURE (A) et Jean-Marie KLEIN (B)"]
    weights = shown(home, "ressemblances.html").partition("Poids partis du même point")[2]
    assert re.findall(r'<th scope="row">([^<]+)</th><td>ex02', weights) == [
        "Léo BERNARD (A) et Eva PETIT (C)"
    ]
    before = {path: path.read_bytes() for path in (home / "notes/eleves").iterdir()}
    name, exercise = invented.CHANGED
    path = home / "rendus" / f"{exercise}-C" / name / "ex01_filters.py"
    path.write_text("def convolve(image, filters, *, border='reflect'):\n    return image\n")
    again = run("grading", home / "cours.toml")
    assert again.count("0 noté, 19 inchangés") == len(invented.EXERCISES) - 1
    assert again.count("1 noté, 18 inchangés") == 1
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert changed == [f"rose-urban-{notes(home)['Rose URBAN']['numéro']}.html"]
