"""Ce que `pip install .` installe : la commande predict, ses modèles, et ce qu'elle demande."""

import os
import shutil
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from convnets.serving.say import UNFAMILIAR

REQUIREMENTS = (
    "requirements.txt",
    "cluster/requirements.txt",
    "tests/web/requirements.txt",
    "web/requirements.txt",
)


def read_requirements(path):
    lines = [line.partition("#")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line.strip() not in ("", "-e .")]


@pytest.fixture
def project(repo):
    return tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.ci
def test_predict_answers_outside_of_the_repository(repo, project, tmp_path):
    """Les dossiers du paquet, posés ailleurs comme pip les pose."""
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    site = tmp_path / "site"
    for package in wheel["packages"]:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repo / package, site / package, ignore=ignored)
    for source, target in wheel["force-include"].items():
        (site / target).parent.mkdir(exist_ok=True)
        shutil.copy(repo / source, site / target)
    module, _, function = project["project"]["scripts"]["predict"].partition(":")
    code = f"from {module} import {function}; {function}()"
    for arguments, expected, is_sure in (
        (["avion.png"], "Avion", True),  # une vignette, puis une photo
        (["chien.webp"], "Chien", True),
        (["--model", "garments", "chien.webp"], "Chaussures", False),  # toujours un vêtement
        (["--model", "digits", "chat.png"], "4", False),
    ):
        *options, name = arguments
        result = subprocess.run(
            [sys.executable, "-c", code, *options, repo / "samples" / name],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            encoding="utf-8",
        )
        doubt = "" if is_sure else f"predict : {repo / 'samples' / name} {UNFAMILIAR}"
        assert result.stdout == f"Prédiction: {expected}\n"
        assert result.stderr.startswith(doubt) and bool(result.stderr) == bool(doubt)


def test_uv_run_has_the_versions_of_requirements(repo, project):
    """Le groupe que `uv run` installe, faute de lire requirements.txt."""
    group = list(map(Requirement, project["dependency-groups"]["cours"]))
    assert group == read_requirements(repo / "requirements.txt")


def test_every_dependency_is_pinned_to_a_version_that_fits(repo, project):
    pinned = {}
    for path in REQUIREMENTS:
        for each in read_requirements(repo / path):
            assert each.name not in pinned, f"{each.name} : deux fichiers le fixent"
            (version,) = each.specifier
            assert version.operator == "==", each
            pinned[each.name] = version.version
    asked = [*project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += [text for text in extra if not text.startswith(project["project"]["name"])]
    assert pinned.pop("tensorflow-cpu") == pinned["tensorflow"]  # le même, sous Linux
    for each in map(Requirement, asked):
        assert pinned[each.name] in each.specifier, each
