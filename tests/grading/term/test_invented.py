"""Le trimestre inventé : trois classes, vingt élèves, et ce qui arrive dans les vrais."""

import csv
import html
import io
import re

import pytest

from tests.grading.term import invented


def notes(home):
    text = (home / "notes/notes.csv").read_text(encoding="utf-8-sig")
    return {each["nom"]: each for each in csv.DictReader(io.StringIO(text), delimiter=";")}


@pytest.mark.slow
def test_the_whole_term_then_one_changed_hand_in(tmp_path, run_module):
    def run(*arguments):
        done = run_module(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    home = tmp_path / "trimestre"
    run("tests.grading.term", home)
    printed = run("grading", home / "cours.toml")
    assert printed.count("/20\n") >= 19 * len(invented.EXERCISES) and "inchangé" not in printed
    found = notes(home)
    assert len({each["note /20"] for each in found.values()}) > 10
    assert found["Jade ROUX"]["ex04 /20"] == "14,5"
    assert found["Inès ALAMI"]["ex00 /20"] == "20"
    assert "Retard : 1 jour commencé, 1,5 en moins" in found["Tom GARCIA"]["ex00, état"]
    page = html.unescape((home / "notes/ressemblances.html").read_text(encoding="utf-8"))
    pairs = re.findall(r'<a href="#[^"]+">([^<]+)</a>', page)
    assert [re.sub(r" \(\d+\)", "", each) for each in pairs] == [
        "Camille FAURE et Jean-Marie KLEIN"
    ]
    assert "Eva PETIT : " in printed and ", mêmes poids que Léo BERNARD" in printed
    before = {path: path.read_bytes() for path in (home / "notes/eleves").iterdir()}
    name, exercise = invented.CHANGED
    path = home / "rendus" / f"{exercise}-C" / name / "ex01_filters.py"
    path.write_text("def convolve(image, filters, *, border='reflect'):\n    return image\n")
    again = run("grading", home / "cours.toml")
    assert again.count(", inchangé\n") == 19 * len(invented.EXERCISES) - 1
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert changed == [f"rose-urban-{notes(home)['Rose URBAN']['numéro']}.html"]
