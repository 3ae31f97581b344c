"""Les étages de pyproject.toml : ce que chaque dossier a le droit d'importer."""

import pytest
from importlinter.cli import lint_imports


def broken_contracts(capsys, config):
    """Rend une ligne par contrat rompu, puis ce qui le rompt, ou "" si tous sont tenus."""
    if not lint_imports(config_filename=str(config), no_cache=True, no_logo=True):
        return ""
    report = capsys.readouterr().out
    names = [line for line in report.splitlines() if " BROKEN" in line]
    return "\n".join([*names, report.partition("Broken contracts")[2]])


def test_imports_only_go_down(repo, monkeypatch, capsys):
    monkeypatch.chdir(repo)  # lint-imports lit les paquets du dossier courant
    broken = broken_contracts(capsys, repo / "pyproject.toml")
    if broken:
        pytest.fail(broken, pytrace=False)


def test_a_broken_floor_is_named(repo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(repo)
    (tmp_path / "setup.cfg").write_text(
        "[importlinter]\nroot_package = convnets\n"
        "[importlinter:contract:1]\nname = Sens dessus dessous\ntype = layers\n"
        "layers =\n    convnets.core\n    convnets.serving\n",
        encoding="utf-8",
    )
    broken = broken_contracts(capsys, tmp_path / "setup.cfg")
    assert broken.startswith("Sens dessus dessous") and "convnets.core.files" in broken
