import re
import subprocess
import sys

import pytest

from convnets.core import reports
from exercises import __main__ as listing

FOLDERS = ("exercises", "tests", "benchmarks", "grading", "demo", "cluster")


@pytest.fixture(scope="module")
def readme():
    return listing.README.read_text(encoding="utf-8")


def test_results_table_is_the_one_of_the_sidecars(readme):
    table = readme.split(listing.START)[1].split(listing.END)[0].strip()
    assert table == listing.results_table()
    assert "ex03_cifar10" in table and "ex02_fashion" in table


def test_studies_table_is_the_one_of_the_sidecars(readme):
    table = readme.split(listing.STUDY_START)[1].split(listing.STUDY_END)[0].strip()
    assert table == listing.studies_table()
    assert table.count("\n") == 1 + len(listing.STUDIES)  # aucun compte rendu ne manque


def test_methods_table_is_the_one_of_the_sidecar(readme):
    table = readme.split(listing.METHOD_START)[1].split(listing.METHOD_END)[0].strip()
    assert table == listing.methods_table()
    assert "au hasard" in table and "le milieu" in table  # les deux témoins


def test_systems_table_is_the_one_of_the_sidecars(readme):
    table = readme.split(listing.SYSTEM_START)[1].split(listing.SYSTEM_END)[0].strip()
    assert table == listing.systems_table()


def test_update_readme_writes_between_the_marks(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(
        f"avant\n{listing.START}\nvieux\n{listing.END}\nentre\n"
        f"{listing.STUDY_START}\nvieux\n{listing.STUDY_END}\npuis\n"
        f"{listing.METHOD_START}\nvieux\n{listing.METHOD_END}\n"
        f"{listing.SYSTEM_START}\nvieux\n{listing.SYSTEM_END}\naprès\n",
        encoding="utf-8",
    )
    listing.update_readme(readme=path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("avant\n") and text.endswith("après\n") and "vieux" not in text
    assert f"{listing.END}\nentre\n{listing.STUDY_START}" in text
    path.write_text("rien")
    with pytest.raises(ValueError, match="repères"):
        listing.update_readme(readme=path)


def test_each_earlier_training_counts_once():
    first = {"sha256": "a", "duration_s": 10.0}
    second = {"sha256": "b", "duration_s": 100.0, "start": first}
    twin = {"sha256": "c", "duration_s": 1000.0, "teacher": first, "share": 0.3}
    third = {"sha256": "d", "duration_s": 5.0, "start": second, "partner": twin}
    assert listing.earlier_durations({"start": third}) == {"a": 10, "b": 100, "c": 1000, "d": 5}
    assert listing.earlier_durations({"duration_s": {"mean": 3}}) == {}


def test_format_result():
    metric = {"mean": 0.94125, "sd": 0.0012, "n": 3}
    report = {"metrics": {"accuracy": metric, "accuracy_tta": {**metric, "mean": 0.95}}}
    for more, count in (({}, "six"), ({"num_views": 7}, "sept")):
        assert listing.format_result(report | more) == (
            f"94,12 % ± 0,12 en une passe ; 95,00 % ± 0,12 en moyennant {count} vues (3 graines)"
        )


def test_format_result_of_another_system():
    report = {
        "metrics": {
            "mean_iou": {"mean": 0.8125, "sd": 0.01, "n": 3},
            "gain": {"mean": 7.5, "sd": None, "n": 1},
        },
        "headline": [
            {"metric": "mean_iou", "label": "IoU moyenne", "unit": "%"},
            {"metric": "gain", "label": "gain", "unit": "dB"},
        ],
    }
    assert listing.format_result(report) == (
        "IoU moyenne : 81,25 % ± 1,00 (3 graines) ; gain : 7,50 dB (1 graine)"
    )


def test_every_exercise_is_in_the_readme_and_has_a_test(readme, repo):
    for exercise in listing.list_exercises():
        assert exercise.slug in readme, exercise.slug
        assert (repo / "tests" / f"test_{exercise.slug}.py").exists(), exercise.slug


def test_listing_shows_state_and_result(run_module):
    result = run_module("exercises")
    assert result.returncode == 0, result.stderr
    for exercise in listing.list_exercises():
        assert exercise.slug in result.stdout
    report = reports.read_sidecar("ex03_cifar10")
    assert listing.format_result(report) in result.stdout


def test_listing_without_models(tmp_path):
    states = {
        exercise.slug: listing.describe(exercise, models_dir=tmp_path)[0]
        for exercise in listing.list_exercises()
    }
    assert states["ex03_cifar10"] == "à entraîner" and states["ex01_filters"] == "rien à entraîner"


def test_linked_files_exist(readme, repo):
    for target in re.findall(r"\]\(([^)#]+)\)", readme):
        if "://" not in target:
            assert (repo / target).exists(), target


def test_two_one_line_commands_at_the_top(readme, repo):
    commands = re.findall(r"```sh\n(.+?)\n```", readme, re.DOTALL)[:2]
    assert all("\n" not in command for command in commands)
    assert commands[0].endswith("./predict samples/avion.png")
    assert commands[1].endswith("-m pytest")
    assert all("-r requirements.txt" in command for command in commands)


def test_predictions_shown_are_those_of_predict(readme, run_predict):
    block = readme.split("<!-- prédictions : début -->")[1].split("<!-- prédictions : fin -->")[0]
    rows = re.findall(r"^\$ \./predict (\S+)\n(.+)$", block, re.MULTILINE)
    assert len(rows) >= 6
    for path, printed in rows:
        assert run_predict(path).stdout.decode().strip() == printed, path


def test_requirements_are_pinned(repo):
    for line in (repo / "requirements.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        assert not line or re.fullmatch(r"[a-z-]+==[0-9][0-9.]*", line), line


def test_no_registry_host_is_named(repo):
    hosts = ["registry." + "npmjs", "pypi." + "org", "files.python" + "hosted", "deb." + "debian"]
    listed = subprocess.run(["git", "ls-files"], cwd=repo, capture_output=True, text=True)
    names = listed.stdout.split() or [str(p.relative_to(repo)) for p in repo.rglob("*.py")]
    for name in names:
        content = (repo / name).read_bytes() if (repo / name).is_file() else b""
        assert not any(host.encode() in content for host in hosts), name


def test_style(repo):
    for command in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *FOLDERS],
            cwd=repo,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stdout
