"""`python -m exercises.sheet` : un dossier qui se suffit, sans réponse."""

import ast
import functools
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest

from exercises import EXERCISES, find, mine, sheet
from exercises.lesson_names import bound_names, imported_names
from grading import check

SLUGS = [exercise.slug for exercise in EXERCISES]
BLANK = "raise NotImplementedError"


@functools.cache
def read(slug):
    """Ce qu'un exercice a d'écrit et d'à écrire, et les cellules de son énoncé."""
    return sheet.read_statement(find(slug)), sheet.sheet_cells(find(slug))


@functools.cache
def files_of(slug):
    """Ce que contient le dossier d'un énoncé, par nom de fichier."""
    return sheet.sheet_files(find(slug))


def names_of(cells):
    codes = [cell.source for cell in cells if cell.kind == "code"]
    return set().union(*(bound_names(code) | imported_names(code) for code in codes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """L'énoncé de l'exercice 07, comme un élève le reçoit."""
    place = tmp_path_factory.mktemp("eleve") / "ex07"
    assert sheet.main(["ex07", "--output", str(place)]) == 0
    return place


def run_file(folder, name="ex07.py"):
    """Lance le fichier de l'élève, sans rien du dépôt."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, name]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )


def find_source(file, name):
    """Rend une fonction du corrigé."""
    text = (sheet.FOLDER / file).read_text(encoding="utf-8")
    (node,) = [each for each in ast.parse(text).body if getattr(each, "name", "") == name]
    return ast.get_source_segment(text, node)


# --- Ce que contient un énoncé -------------------------------------------------------


@pytest.mark.ci
@pytest.mark.parametrize("slug", SLUGS)
def test_every_name_is_there_and_only_the_graded_functions_are_empty(slug):
    """Les noms des cellules, des docstrings, et ceux que les questions du barème demandent."""
    statement, cells = read(slug)  # dit un nom absent
    have = names_of(cells)
    empty = [cell.source for cell in cells if cell.kind == "code" and BLANK in cell.source]
    written = {node.name for code in empty for node in ast.parse(code).body}
    assert written == statement.graded.keys() and len(empty) == len(written)
    asked = {cell.source for cell in cells if "check(" in cell.source and cell.kind == "code"}
    checks = re.findall(r'check\("([\w.]+)"\)', "\n".join(asked))
    assert sorted(checks) == sorted(rule.id for rule in statement.rules if rule.writes)
    questions = (sheet.ROOT / "grading" / "questions" / f"{slug[:4]}.py").read_text("utf-8")
    for name, stem in statement.graded.items():
        definitions = statement.modules[stem].definitions
        docstring = "".join(
            each for each in empty if f" {name}(" in each or f"class {name}" in each
        )
        quoted = {*re.findall(r"`(\w+)", docstring), *re.findall(r'"(\w+)"', questions)}
        public = {each for each in quoted & definitions.keys() if not each.startswith("_")}
        assert public <= have, name


@pytest.mark.ci
@pytest.mark.parametrize("slug", SLUGS)
def test_a_function_to_write_comes_before_what_uses_it(slug):
    """Un appel du texte, ou un `check`, ne bute pas sur une fonction qui n'est pas encore lue."""
    (statement, cells), seen = read(slug), set()
    for cell in cells:
        if cell.kind == "call":
            assert set(sheet.needed(statement, cell.source)) <= seen, cell.source
        elif cell.kind == "code" and BLANK in cell.source:
            (name,) = bound_names(cell.source)
            assert set(sheet.needed(statement, name)) <= seen | {name}
            seen.add(name)


@pytest.mark.ci
@pytest.mark.parametrize("slug", SLUGS)
def test_what_a_sheet_imports_is_in_its_course(slug):
    """Une fonction privée qui ne sert qu'à une réponse n'y est plus : l'importer arrête tout."""
    files = files_of(slug)
    for node in ast.parse(files[f"{slug[:4]}.py"].decode()).body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith(f"exercises.{slug}"):
            stem = f"{sheet.COURSE}/{node.module.replace('.', '/')}"
            text = files.get(f"{stem}.py", files.get(f"{stem}/__init__.py", b"")).decode()
            have = bound_names(text) | imported_names(text)
            have |= {each.name for each in node.names if f"{stem}/{each.name}.py" in files}
            assert {each.name for each in node.names} <= have, node.module


@pytest.mark.ci
def test_a_sheet_that_compares_methods_has_them(tmp_path):
    """L'exercice 11 compare les réponses des exercices 07 à 10 : il les importe en commençant."""
    sheet.main(["ex11", "--output", str(tmp_path / "ex11")])
    done = run_file(tmp_path / "ex11", "ex11.py")
    assert "Traceback" not in done.stderr
    assert "pas encore" in done.stdout


@pytest.mark.ci
@pytest.mark.parametrize("slug", SLUGS)
def test_no_answer_is_anywhere(slug):
    """Ni le corps d'une fonction à écrire, ni une réponse repliée ; notebook, fichier et cours."""
    (statement, _), files = read(slug), files_of(slug)
    texts = {name: each.decode() for name, each in files.items() if name.endswith((".py", ".md"))}
    book = nbformat.reads(files[f"{slug[:4]}.ipynb"].decode(), as_version=4)
    nbformat.validate(book)
    texts["notebook"] = "\n".join(cell.source for cell in book.cells)
    for text in texts.values():
        assert "<details>" not in text
    for name, stem in statement.graded.items():
        module = statement.modules[stem]
        node = module.definitions[name]
        body = node.body[1:] if ast.get_docstring(node) else node.body
        lines = module.path.read_text(encoding="utf-8").splitlines()
        answer = "\n".join(lines[body[0].lineno - 1 : body[-1].end_lineno])
        for place, text in texts.items():
            if "grading/questions" not in place:
                assert answer not in text, (name, place)


def test_a_folder_is_never_replaced(tmp_path, capsys):
    (tmp_path / "mien.py").write_text("mon travail\n")
    assert sheet.main(["ex07", "--output", str(tmp_path)]) == 1
    assert "contient déjà quelque chose : rien n'est écrit" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mien.py"]
    assert sheet.main(["ex42", "--output", str(tmp_path / "x")]) == 1
    assert "Pas d'exercice ex42" in capsys.readouterr().err


# --- Un énoncé qui tourne ------------------------------------------------------------


@pytest.mark.ci
def test_the_file_checks_itself_alone(folder):
    """Vierge, puis une fonction juste : son `check` le dit, sans le dépôt."""
    done = run_file(folder)
    assert done.returncode == 0 and "✓" not in done.stdout, done.stderr
    assert done.stdout.count(" : pas encore.") == 4
    path = folder / "ex07.py"
    text = path.read_text(encoding="utf-8")
    right = (
        "places = list(range(0, length_px - patch_px + 1, stride_px))\n"
        "    last = length_px - patch_px\n"
        "    return places if places[-1] == last else [*places, last]"
    )
    text = text.replace(f'{BLANK}("À vous : positions")', right) + "\nimport tensorflow\n"
    path.write_text(text, encoding="utf-8")
    done = run_file(folder)
    assert "ex07.positions ✓ juste" in done.stdout and not done.stderr


@pytest.mark.parametrize("slug", [slug for slug in SLUGS if sheet.is_program(read(slug)[0])])
def test_a_program_is_judged_in_the_file_of_the_reader(slug):
    """`check` exécute le fichier que dit `__file__` : ce ne doit pas être celui du cours."""
    assert not re.search(r"^__file__ =", sheet.to_python(find(slug), read(slug)[1]), re.M)


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="un rendu ne s'enferme que sous Linux")
@pytest.mark.parametrize("slug", ["ex02_fashion", "ex03_cifar10", "ex04_lenet", "ex05_inception"])
def test_an_untouched_program_is_told_what_to_write(slug, tmp_path):
    """Et non qu'un fichier du cours manque : l'énoncé en importe un, qui n'est pas rendu."""
    place = sheet.write_sheet(find(slug), tmp_path / "eleve")
    first = read(slug)[0].rules[0]
    found = check.answer(first, {"__file__": str(place / f"{slug[:4]}.py")})
    assert found.credit.reason == "not_done"


@pytest.mark.slow
def test_a_network_written_in_the_file_is_the_one_that_is_judged(tmp_path):
    place = sheet.write_sheet(find("ex03_cifar10"), tmp_path / "ex03")
    text = (place / "ex03.py").read_text(encoding="utf-8")
    whole = find_source("ex03_cifar10.py", "build_model")
    start = text.index("def build_model")
    end = text.index("# %%", start)
    last = text.index('check("ex03.scaling")')
    (place / "ex03.py").write_text(f"{text[:start]}{whole}\n\n{text[end:last]}", encoding="utf-8")
    assert "ex03.network ✓ juste" in run_file(place, "ex03.py").stdout


@pytest.mark.ci
def test_an_untouched_sheet_says_that_nothing_is_written(tmp_path):
    """ex00 comptait ses exemples justes avec les fonctions du corrigé."""
    place = sheet.write_sheet(find("ex00_convolution"), tmp_path / "ex00")
    command = [sys.executable, "-m", "exercises.ex00_convolution"]
    done = subprocess.run(command, cwd=place / "cours", capture_output=True, encoding="utf-8")
    assert "retrouvés sur" not in done.stdout and done.returncode
    assert "À vous" in done.stderr


def test_the_functions_of_the_reader_take_the_place_of_those_of_the_course(monkeypatch):
    """Partout où un module du cours les nomme, et de nouveau après chaque cellule."""
    first, second = (types.ModuleType(f"exercises.essai_{name}") for name in "ab")
    first.drops = second.renamed = lambda: "cours"
    for module in (first, second):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    listeners = []
    events = types.SimpleNamespace(register=lambda name, listener: listeners.append(listener))
    space = {"get_ipython": lambda: types.SimpleNamespace(events=events)}
    mine.use_mine(space, {first.__name__: ["drops"]})
    assert first.drops() == "cours"
    for answer in ("un", "deux"):
        space["drops"] = lambda answer=answer: answer
        listeners[0]()
        assert (first.drops(), second.renamed()) == (answer, answer)


def test_the_sheet_holds_what_a_student_needs_and_no_more(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"ex07.ipynb", "ex07.py", "LISEZMOI.md", "cours/requirements.txt"} <= names
    assert {"cours/models/thumbnails.keras", "cours/samples/chien.webp"} <= names
    modules = {Path(name).name for name in names if name.startswith("cours/exercises/")}
    assert modules == {"__init__.py", "mine.py", "ex07_occlusion.py"}
