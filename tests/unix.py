"""Les tests qui emploient ce que Windows n'a pas : ils y sont passés, en le disant."""

import ast
import functools
import inspect
import re
from pathlib import Path

# Un shell, des signaux, des tubes, des droits, des liens, /proc.
WORDS = re.compile(
    r"""shell=True|["']sh["']|#!/bin/sh|os\.(execl|getuid|kill|mkfifo|pipe)|send_signal|SIGINT"""
    r"""|SIGKILL|preexec_fn|run_process\(|\.chmod\(|symlink_to|/dev/|/proc/|["']fork["']"""
    r"""|import resource"""
)


def needed_by(function) -> bool:
    """Dit si un test, ou ce que son fichier définit autour de lui, emploie un mot d'Unix."""
    around, tests = _read(Path(inspect.getsourcefile(function)))
    name = function.__name__
    return any(WORDS.search(text) for text in (around, tests.get(name, "")))


@functools.cache
def _read(path: Path) -> tuple[str, dict[str, str]]:
    """Rend ce qu'un fichier définit hors de ses tests, et le texte de chaque test."""
    content = path.read_text(encoding="utf-8")
    lines, around, tests = content.splitlines(), [], {}
    for node in ast.parse(content).body:
        start = min(each.lineno for each in (node, *getattr(node, "decorator_list", ())))
        text = "\n".join(lines[start - 1 : node.end_lineno])
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            tests[node.name] = text
        else:
            around.append(text)
    return "\n".join(around), tests
