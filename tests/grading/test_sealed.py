"""Un rendu est comparé au corrigé du cours, et jamais à ce que l'élève a écrit à sa place."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from grading import sealed
from grading.questions import copies

COURSE = "exercises/ex07_occlusion.py"
MODEL = "models/ex02_fashion.tflite"


@pytest.fixture
def place(tmp_path, monkeypatch, repo):
    """Un dossier qui n'est pas dans git, dont seuls quelques fichiers sont ceux du cours."""
    for path in (COURSE, "exercises/__init__.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((repo / path).read_bytes())
    seals = {path: sealed.seals()[path] for path in (COURSE, "exercises/__init__.py")}
    monkeypatch.setattr(sealed, "seals", lambda: seals)
    monkeypatch.setattr(sealed, "REPO", tmp_path)
    monkeypatch.setattr(sealed, "ARCHIVE", tmp_path / "sealed.zip")
    for cached in (sealed.changed, sealed.folder):
        cached.cache_clear()
    yield tmp_path
    for cached in (sealed.changed, sealed.folder):
        cached.cache_clear()


def test_the_seals_are_those_of_the_course(repo):
    paths = {each.relative_to(repo).as_posix() for each in sealed.answers()}
    assert paths == set(sealed.sources()), "relancez python -m grading.sealed"
    wrong = [path for path, known in sealed.seals().items() if _seal(repo / path) != known]
    assert not wrong, f"relancez python -m grading.sealed : {', '.join(wrong)}"


def _seal(path):
    content = path.read_bytes()
    return sealed.seal(content.replace(b"\r\n", b"\n") if path.suffix == ".py" else content)


def test_a_seal_is_the_name_that_git_gives():
    assert sealed.seal(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_a_changed_course_without_its_original_is_refused(place):
    assert sealed.folder().parent != place and (sealed.folder() / "ex07_occlusion.py").is_file()
    (place / COURSE).write_text("def drops(): ...\n")
    sealed.changed.cache_clear(), sealed.folder.cache_clear()
    with pytest.raises(sealed.UnsealedError, match="ex07_occlusion.py n'est plus celui du cours"):
        sealed.folder()


def test_the_original_is_found_in_the_archive_of_a_sheet(place, tmp_path):
    sealed.write_archive(tmp_path / "ailleurs.zip", "ex07")
    (place / COURSE).unlink()
    (tmp_path / "ailleurs.zip").rename(sealed.ARCHIVE)
    sealed.changed.cache_clear(), sealed.folder.cache_clear()
    assert "def drops(" in (sealed.folder() / "ex07_occlusion.py").read_text(encoding="utf-8")
    with zipfile.ZipFile(sealed.ARCHIVE) as archive:
        assert set(archive.namelist()) == {"exercises/__init__.py", COURSE}


def test_the_course_is_read_apart_from_the_module_of_the_pupil(monkeypatch):
    import exercises.ex07_occlusion as theirs

    monkeypatch.setattr(theirs, "drops", lambda *_: "à eux")
    assert sealed.module("ex07_occlusion").drops is not theirs.drops
    assert sys.modules["exercises.ex07_occlusion"] is theirs


def test_weights_written_over_those_of_the_course_are_not_called_copied(monkeypatch):
    found = copies.shipped("ex02_fashion", ".tflite")
    assert {sealed.seal(each) for each in found.values()} <= set(sealed.seals().values())
    copies.shipped.cache_clear()
    monkeypatch.setattr(sealed, "_in_place", lambda path: None if path == MODEL else b"")
    monkeypatch.setattr(sealed, "_from_git", lambda paths: {})
    try:
        assert "ex02_fashion.tflite" not in copies.shipped("ex02_fashion", ".tflite")
    finally:
        copies.shipped.cache_clear()


@pytest.mark.ci
def test_wrong_answers_written_in_place_are_marked_wrong(tmp_path, repo):
    clone = tmp_path / "cours"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repo}", clone], check=True)
    path, report = clone / COURSE, tmp_path / "notes.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("whole - probability", "probability - whole"), encoding="utf-8")
    command = [sys.executable, "-m", "grading", ".", "--exercises", "ex07", "-n0"]
    command += ["-p", "no:cacheprovider", "--grade-report", report]
    ended = subprocess.run(
        command, cwd=clone, env=os.environ, capture_output=True, text=True, timeout=300
    )
    assert "ex07_occlusion.py n'est plus celui du cours" in ended.stdout, ended.stderr
    (found,) = json.loads(report.read_text())["submissions"]
    assert {q["id"]: q["reason"] for q in found["questions"]} == {
        "ex07.fill_color": None,
        "ex07.positions": None,
        "ex07.drops": "gain_for_drop",
        "ex07.occlusion": None,
    }
