"""Chaque bloc de `docs/api_hier_aujourdhui.md` est exécuté, et son affichage comparé."""

import contextlib
import fnmatch
import io
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "api_hier_aujourdhui.md"
TEXT = PAGE.read_text(encoding="utf-8")
WORKERS = "MultiWorkerMirroredStrategy"  # son premier bloc demande deux processus


class Block(NamedTuple):
    """Un bloc de code, sa section, et ce qu'il doit afficher."""

    section: str
    code: str
    printed: str


def read_blocks():
    blocks, section = [], ""
    pattern = r"^## `([^`\n]+)`$|^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?"
    for match in re.finditer(pattern, TEXT, re.MULTILINE | re.DOTALL):
        if match[1]:
            section = match[1]
        else:
            blocks.append(Block(section, match[2], match[3]))
    return blocks


BLOCKS = read_blocks()
DISTRIBUTED = next(block for block in BLOCKS if block.section == WORKERS)
ALONE = [block for block in BLOCKS if block != DISTRIBUTED]


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
    sections = re.findall(r"^## `([^`\n]+)`$", TEXT, re.MULTILINE)
    assert table == sections and len(table) == 9
    assert {block.section for block in BLOCKS} == set(sections)
    assert all(block.printed for block in BLOCKS)
    assert len(BLOCKS) == TEXT.count("```python\n")


@pytest.mark.question("S1 et S2, fonctions citées")
@pytest.mark.parametrize("block", ALONE, ids=[f"{k}-{b.section}" for k, b in enumerate(ALONE)])
def test_the_block_prints_what_the_page_says(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run(block.code)
    assert same(printed, block.printed), printed


@pytest.mark.question("S1 et S2, versions")
def test_the_versions_named_by_the_page_are_those_installed():
    import keras
    import tensorflow as tf

    named = re.search(r"TensorFlow (\d+\.\d+) et Keras (\d+\.\d+)", TEXT)
    assert tf.__version__.split(".")[:2] == named[1].split(".")
    assert keras.__version__.split(".")[:2] == named[2].split(".")


@pytest.mark.slow
def test_two_workers_fail_as_the_page_says(tmp_path):
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    program = tmp_path / "worker.py"
    program.write_text(
        f"try:\n    exec({DISTRIBUTED.code!r})\n"
        "except Exception as error:\n    print(f'{type(error).__name__}: {error}')\n",
        encoding="utf-8",
    )
    workers = []
    for index in range(2):
        task = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        workers.append(
            subprocess.Popen(
                [sys.executable, str(program)],
                env={**os.environ, "TF_CONFIG": task},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
    try:
        for worker in workers:
            printed, _ = worker.communicate(timeout=300)
            assert same(printed, DISTRIBUTED.printed), printed
    finally:
        for worker in workers:
            worker.kill()
