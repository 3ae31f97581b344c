"""L'accueil : ce qu'il montre est vrai ; et `python -m exercises`, qui le résume."""

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from convnets.core import reports
from docs import tables
from exercises import EXERCISES, FOLDER, find, sources

MAX_LINES = 120


@pytest.fixture(scope="module")
def readme():
    return tables.README.read_text(encoding="utf-8")


def test_one_screen_and_a_half(readme):
    assert readme.count("\n") <= MAX_LINES


def test_tables_are_those_of_the_reports(tmp_path):
    pages = (tables.README, tables.RESULTS, tables.SCALE)
    copies = [Path(shutil.copy(page, tmp_path)) for page in pages]
    readme, results, scale = copies
    tables.update_pages(readme=readme, results=results, scale=scale)
    for page, copy in zip(pages, copies, strict=True):
        assert copy.read_text(encoding="utf-8") == page.read_text(encoding="utf-8"), page


def test_every_exercise_is_in_the_readme_and_has_a_test(readme, repo):
    numbers = [exercise.number for exercise in EXERCISES]
    assert numbers == sorted(set(numbers)) and numbers[:23] == list(range(23))
    assert f"Les {len(numbers)} exercices d'un cours" in readme
    for exercise in EXERCISES:
        assert f"]({(FOLDER / 'lessons' / exercise.slug).relative_to(FOLDER.parent)}.md)" in readme
        assert any((repo / "tests" / "exercises").rglob(f"*{exercise.slug}*")), exercise.slug


def test_the_registry_is_what_the_folder_holds():
    found = {path.stem for path in FOLDER.iterdir() if path.name.startswith("ex")}
    for exercise in EXERCISES:
        assert sources(exercise.slug) and find(exercise.slug) is exercise
        assert exercise.slug.startswith(f"ex{exercise.number:02}_") and exercise.slug in found
        for name in exercise.models:
            assert reports.load_measures(name).metrics
    with pytest.raises(ValueError, match="Pas d'exercice ex99_rien"):
        find("ex99_rien")


@pytest.mark.ci
def test_listing_shows_state_and_result(run_module):
    result = run_module("exercises")
    assert result.returncode == 0, result.stderr
    shown = " ".join(result.stdout.split())  # les lignes coupées, recousues
    assert all(f"{each.slug} : {each.title}" in shown for each in EXERCISES)
    assert reports.format_result(reports.load_measures("ex18_segmentation")) in shown
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.ci
def test_every_command_of_an_exercise_shows_its_help(repo, capsys, monkeypatch):
    """Celles que nomment les docstrings, et non la seule leçon ; dans un terminal étroit."""
    monkeypatch.setenv("COLUMNS", "80")
    for path in (path for each in EXERCISES for path in sources(each.slug)):
        if "\ndef main(" not in path.read_text(encoding="utf-8"):
            continue
        name = ".".join(path.relative_to(repo).with_suffix("").parts)
        with pytest.raises(SystemExit) as stop:
            importlib.import_module(name).main(["--help"])
        shown = capsys.readouterr().out
        assert stop.value.code == 0 and name.removesuffix(".__main__") in shown, name
        assert max(map(len, shown.splitlines())) <= 80, name


def test_linked_files_exist(repo):
    for page in (
        tables.README,
        *(repo / "docs").glob("*.md"),
        *(repo / "docs/laboratoire").glob("*.md"),
    ):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), (page.name, target)


def test_two_one_line_commands_at_the_top(readme):
    commands = re.findall(r"```sh\n(.+?)\n```", readme, re.DOTALL)[:2]
    assert all("\n" not in command for command in commands)
    assert commands[0].endswith("./predict samples/avion.png")
    assert commands[1].endswith("-m pytest")
    assert "pip install -q . ;" in commands[0] and "-r requirements.txt" in commands[1]


@pytest.mark.ci
def test_predictions_shown_are_those_of_predict(repo, run_predict):
    page = (repo / "docs" / "predire.md").read_text(encoding="utf-8")
    start, end = tables.marks("prédictions")
    block = page.partition(start)[2].partition(end)[0]
    rows = re.findall(r"^\$ \./predict (\S+)\n(.+)$", block, re.MULTILINE)
    assert len(rows) >= 6
    for path, printed in rows:
        assert run_predict(path).stdout.decode().strip() == printed, path


def test_no_registry_host_is_named(repo):
    hosts = ["registry." + "npmjs", "pypi." + "org", "files.python" + "hosted", "deb." + "debian"]
    listed = subprocess.run(["git", "ls-files"], cwd=repo, capture_output=True, text=True)
    for name in listed.stdout.split():
        content = (repo / name).read_bytes() if (repo / name).is_file() else b""
        assert not any(host.encode() in content for host in hosts), name
