"""Ce que lit la page « Écrire et vérifier » : les énoncés en NumPy, et le correcteur."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

from exercises import FOLDER, find
from exercises.lesson_names import bound_names, find_names
from exercises.sheet import Statement, blank_source, given, read_statement
from grading import sealed
from grading.scale import Rule

ROOT = FOLDER.parent
SLUGS = ("ex00_convolution", "ex01_filters", "ex17_detection", "ex22_by_hand")  # NumPy suffit
VERIFIER = Path(__file__).parent / "static" / "python" / "practice.py"
# Ce que `grading.check` importe du cours : seuls les fichiers sont lus, et non les jeux de données.
COURSE = ("convnets/__init__.py", "convnets/core/*.py", "exercises/__init__.py")
INSIDE = tuple(f"grading/{room}/**/*.py" for room in ("asking", "reading", "inside"))
GRADER = ("grading/*.py", "grading/*.toml", "grading/sealed.txt", *INSIDE)
QUESTIONS = ("__init__.py", "defaults.toml", "filtering.py", "programs.py")


def statements() -> list[dict]:
    """Rend ce que la page montre de chaque exercice : ce qui est donné, ce qui est à écrire.

    Returns:
        Par exercice, `id`, `title`, `given`, le code donné, et `functions` : `name`, `code`, la
        signature et la docstring, et `rules`, les questions où elle est jugée.
    """
    return [_statement(slug) for slug in SLUGS]


def _statement(slug: str) -> dict:
    statement, exercise = read_statement(find(slug)), find(slug)
    blanks = {name: blank_source(statement, name) for name in statement.graded}
    functions = [
        {"name": name, "code": code, "rules": _rules(statement, name)}
        for name, code in blanks.items()
    ]
    title = f"{exercise.number:02}. {exercise.title.replace('`', '')}"
    code = _given(statement, blanks)
    return {"id": slug[:4], "page": slug, "title": title, "given": code, "functions": functions}


def _given(statement: Statement, blanks: dict[str, str]) -> str:
    """Rend le code donné, et les imports de ce que les fonctions à écrire nomment."""
    copies = given(statement)
    read = [*copies, *((statement.graded[name], code) for name, code in blanks.items())]
    bound = {name for _, code in copies for name in bound_names(code)}
    imports, _ = find_names(read, statement.exercise.slug, {*bound, *statement.graded})
    return "\n\n\n".join([imports, *(code for _, code in copies)])


def _rules(statement: Statement, name: str) -> list[dict]:
    """Rend les questions posées à une fonction, la dernière de celles qu'elle attend."""
    return [_shown(rule) for rule in statement.rules if rule.writes[-1:] == (name,)]


def _shown(rule: Rule) -> dict:
    points = float(rule.points)
    return {"id": rule.id, "title": rule.title, "points": points, "levels": list(rule.levels)}


def course_archive() -> bytes:
    """Rend l'archive que Python ouvre dans le navigateur : le correcteur et le corrigé."""
    paths = {path for pattern in COURSE + GRADER for path in ROOT.glob(pattern)}
    folder = ROOT / "grading" / "questions"
    paths |= {folder / name for name in QUESTIONS}
    paths |= {path for slug in SLUGS for path in folder.glob(f"{slug[:4]}.*")}
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted(paths)}
    files[VERIFIER.name] = VERIFIER.read_bytes()
    return _zip(files | {"grading/sealed.zip": _zip(_answers())})


def _answers() -> dict[str, bytes]:
    """Rend les fichiers du corrigé, tels que le correcteur les lit."""
    found = {}
    for slug in SLUGS:
        with tempfile.TemporaryDirectory() as folder:
            path = sealed.write_archive(Path(folder) / "sealed.zip", slug[:4])
            with zipfile.ZipFile(path) as archive:
                found |= {name: archive.read(name) for name in archive.namelist()}
    return found


def _zip(files: dict[str, bytes]) -> bytes:
    """Rend une archive sans date : les mêmes fichiers donnent les mêmes octets."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, each in files.items():
            archive.writestr(zipfile.ZipInfo(name), each, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def to_json() -> bytes:
    """Rend `statements`, en JSON."""
    return json.dumps(statements(), ensure_ascii=False).encode()
