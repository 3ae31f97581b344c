"""Les minutes des leçons : chacune une fois, et ce qui est écrit est ce qui a été mesuré."""

import json

import pytest

from benchmarks import minutes
from exercises import EXERCISES


@pytest.fixture
def timed(monkeypatch):
    """Remplace les leçons ; rend celles qui sont lancées, soixante secondes chacune."""
    seen = []
    monkeypatch.setattr(minutes, "time_lesson", lambda slug: seen.append(slug) or 60.0)
    return seen


def test_a_cut_measure_goes_on_where_it_stopped(timed, tmp_path, capsys):
    known = {"ancienne": {"ex00_convolution": 90.0}, "ici": {EXERCISES[0].slug: 30.0}}
    (tmp_path / "minutes.json").write_text(json.dumps(known), encoding="utf-8")
    assert minutes.main(["--machine", "ici", "--output", str(tmp_path)]) == 0
    assert timed == [exercise.slug for exercise in EXERCISES[1:]]
    found = json.loads((tmp_path / "minutes.json").read_text(encoding="utf-8"))
    assert len(found["ici"]) == len(EXERCISES) and found["ancienne"] == known["ancienne"]
    page = (tmp_path / "minutes.md").read_text(encoding="utf-8")
    assert "| minutes | ancienne | ici |" in page
    assert "| `python -m exercises.ex00_convolution` | 1,5 | 0,5 |" in page
    assert "| `python -m exercises.ex01_filters` |  | 1,0 |" in page
    assert "ex01_filters : 60,0 s" in capsys.readouterr().out


@pytest.mark.ci
def test_a_failed_lesson_is_said_and_the_others_are_kept(monkeypatch, tmp_path, capsys):
    failing = EXERCISES[1]._replace(slug="ex99_absent")
    monkeypatch.setattr(minutes, "EXERCISES", (failing,))
    (tmp_path / "minutes.json").write_text('{"ici": {"a": 1.0}}', encoding="utf-8")
    assert minutes.main(["--machine", "ici", "--output", str(tmp_path)]) == 1
    assert "ex99_absent a échoué" in capsys.readouterr().err
    assert (tmp_path / "minutes.json").read_text(encoding="utf-8") == '{"ici": {"a": 1.0}}'


def test_a_damaged_file_is_said_in_french(timed, tmp_path, capsys):
    (tmp_path / "minutes.json").write_text("abîmé", encoding="utf-8")
    assert minutes.main(["--output", str(tmp_path)]) == 1
    assert "minutes.json est abîmé" in capsys.readouterr().err and not timed
