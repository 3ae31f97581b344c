"""Chaque bloc de `docs/api_hier_aujourdhui.md` est exécuté, et son affichage comparé."""

import contextlib
import fnmatch
import importlib
import io
import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[3]
PAGE = REPO / "docs" / "api_hier_aujourdhui.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTION = re.compile(r"^## `([^`\n]+)`$", re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```\n", re.MULTILINE | re.DOTALL)

_, *SECTIONS = SECTION.split(TEXT)  # titre, texte, titre, texte…
BLOCKS = [  # ce qui l'annonce, le code, ce qu'il affiche
    (title, code, printed)
    for title, text in zip(SECTIONS[::2], SECTIONS[1::2], strict=True)
    for code, printed in BLOCK.findall(text)
]


def run(code):
    """Exécute un bloc ; rend ce qu'il écrit, puis `Erreur: message` s'il échoue."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return printed.getvalue()


def same(printed, expected):
    """Compare, `…` valant n'importe quelle suite de caractères."""
    pattern = re.sub(r"([*?[])", r"[\1]", expected.strip()).replace("…", "*")
    return fnmatch.fnmatchcase(printed.strip(), pattern)


def test_every_row_has_a_section_and_every_block_an_output():
    table = re.findall(r"^\| `([^`]+)` \|", TEXT, re.MULTILINE)
    assert table == SECTION.findall(TEXT) == list(dict.fromkeys(title for title, *_ in BLOCKS))
    assert len(BLOCKS) == TEXT.count("```python\n")


@pytest.mark.question("S1 et S2, fonctions citées")
@pytest.mark.parametrize("block", BLOCKS, ids=[f"{k}-{block[0]}" for k, block in enumerate(BLOCKS)])
def test_the_block_prints_what_the_page_says(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run(block[1])
    assert same(printed, block[2]), printed


@pytest.mark.question("S1 et S2, versions")
@pytest.mark.parametrize("package", ["TensorFlow", "Keras"])
def test_the_versions_named_by_the_page_are_those_installed(package):
    version = importlib.import_module(package.lower()).__version__
    assert f"{package} {'.'.join(version.split('.')[:2])}" in TEXT
