"""Les étages de pyproject.toml : ce que chaque dossier a le droit d'importer."""

import subprocess
import sys

import pytest

# Dans un autre processus : il referme les journaux de celui où il s'exécute.
COMMAND = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def broken_contracts(repo, config):
    """Rend une ligne par contrat rompu, puis ce qui le rompt, ou "" si tous sont tenus."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "--config", config, "--no-cache", "--no-logo"],
        cwd=repo,
        capture_output=True,
        encoding="utf-8",
    )
    if not done.returncode:
        return ""
    names = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    return "\n".join([*names, done.stdout.partition("Broken contracts")[2], done.stderr])


def test_imports_only_go_down(repo):
    broken = broken_contracts(repo, repo / "pyproject.toml")
    if broken:
        pytest.fail(broken, pytrace=False)


def test_a_broken_floor_is_named(repo, tmp_path):
    (tmp_path / "setup.cfg").write_text(
        "[importlinter]\nroot_package = convnets\n"
        "[importlinter:contract:1]\nname = Sens dessus dessous\ntype = layers\n"
        "layers =\n    convnets.core\n    convnets.serving\n",
        encoding="utf-8",
    )
    broken = broken_contracts(repo, tmp_path / "setup.cfg")
    assert broken.startswith("Sens dessus dessous") and "convnets.core.files" in broken
