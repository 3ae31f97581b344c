"""Les minutes des leçons : chacune une fois, et ce qui est écrit est ce qui a été mesuré."""

import json

import pytest

from benchmarks import minutes
from convnets.core import reports
from exercises import EXERCISES


def test_a_cut_measure_goes_on_where_it_stopped(monkeypatch, tmp_path, capsys):
    seen, here = [], reports.environment()["hardware"]
    monkeypatch.setattr(minutes, "FOLDER", tmp_path)
    monkeypatch.setattr(minutes, "time_lesson", lambda slug: seen.append(slug) or 60.0)
    known = {"ancienne": {"ex00_convolution": 90.0}, here: {EXERCISES[0].slug: 30.0}}
    (tmp_path / "minutes.json").write_text(json.dumps(known), encoding="utf-8")
    assert minutes.main([]) == 0
    assert seen == [exercise.slug for exercise in EXERCISES[1:]]
    found = json.loads((tmp_path / "minutes.json").read_text(encoding="utf-8"))
    assert len(found[here]) == len(EXERCISES) and found["ancienne"] == known["ancienne"]
    page = (tmp_path / "minutes.md").read_text(encoding="utf-8")
    assert f"| minutes | ancienne | {here} |" in page
    assert "| `python -m exercises.ex00_convolution` | 1,5 | 0,5 |" in page
    assert "| `python -m exercises.ex01_filters` |  | 1,0 |" in page
    assert "ex01_filters : 60,0 s" in capsys.readouterr().out


@pytest.mark.ci
def test_a_failed_lesson_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(minutes, "FOLDER", tmp_path)
    monkeypatch.setattr(minutes, "EXERCISES", (EXERCISES[1]._replace(slug="ex99_absent"),))
    assert minutes.main([]) == 1
    assert "ex99_absent a échoué" in capsys.readouterr().err
