"""Le barème, les raisons, les questions et l'énoncé disent la même chose."""

import ast
import re
import shutil
import tomllib
from collections import Counter
from fractions import Fraction

import pytest

from exercises import EXERCISES as COURSE
from exercises import sheet
from grading import scale
from grading.asking import ask
from grading.reading import submission

EXERCISES = scale.read_scale()
RULES = [rule for exercise in EXERCISES.values() for rule in exercise.rules]
REASONS = scale.read_reasons()


def test_every_exercise_of_the_course_is_graded():
    assert list(EXERCISES) == [each.slug[:4] for each in COURSE]


def test_every_question_of_the_scale_is_written_and_the_reverse():
    for name in EXERCISES:
        ask.load(name)
    assert {rule.id for rule in RULES} == set(ask.QUESTIONS)


def test_every_question_has_a_module_points_and_levels(repo):
    for rule in RULES:
        assert (repo / "exercises" / submission.file_of(rule.module)).exists(), rule.id
        assert rule.module.startswith(rule.exercise) and rule.points > 0
        assert rule.levels[-1].startswith("1 : ")
        parts = [Fraction(level.partition(" : ")[0]) for level in rule.levels]
        assert parts == sorted(set(parts)) and parts[-1] == 1 and parts[0] > 0


def test_exercises_are_worth_as_much():
    assert {sum(rule.points for rule in each.rules) for each in EXERCISES.values()} == {20}


@pytest.mark.ci
@pytest.mark.slow
def test_thresholds_stand_in_the_statement_the_student_reads():
    statements = {}
    for rule in RULES:
        if rule.exercise not in statements:
            exercise = next(each for each in COURSE if each.slug.startswith(rule.exercise))
            texts = [cell.source for cell in sheet.sheet_cells(exercise)]
            statements[rule.exercise] = "\n".join(texts)
        statement = statements[rule.exercise]
        assert f"- {rule.name}, " in statement and rule.title in statement, rule.id
        for level in rule.levels:
            assert f"- {level}" in statement, rule.id
        thresholds = {**rule.settings}
        thresholds.pop("epochs", None)  # une durée, qui ne décide de rien
        for name, value in thresholds.items():
            shown = str(value).replace(".", ",")
            assert re.search(rf"\b{shown}\b", " ".join(rule.levels)), (rule.id, name)


def test_two_exercises_do_not_give_the_same_name_to_their_reasons():
    found = [*tomllib.loads(scale.REASONS.read_text(encoding="utf-8"))]
    for path in scale.SCALE.glob("ex*.toml"):
        found += tomllib.loads(path.read_text(encoding="utf-8")).get("reasons", {})
    assert [name for name, count in Counter(found).items() if count > 1] == []


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_sheet_has_every_reason_its_questions_may_give(exercise):
    # Une feuille n'emporte que son barème : une raison d'un autre exercice y manquerait.
    files, said = [scale.SCALE / f"{exercise}.py"], set()
    for path in files:  # s'allonge
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.add(node.value)
            if isinstance(node, ast.ImportFrom) and "grading.questions" in (node.module or ""):
                names = [node.module.rpartition(".")[2], *(each.name for each in node.names)]
                beside = [scale.SCALE / f"{name}.py" for name in names]
                files += [each for each in beside if each.is_file() and each not in files]
    own = tomllib.loads((scale.SCALE / f"{exercise}.toml").read_text(encoding="utf-8"))
    common = tomllib.loads(scale.REASONS.read_text(encoding="utf-8"))
    assert said & REASONS.keys() <= common.keys() | own.get("reasons", {}).keys()


def test_reasons_and_hints_are_french_sentences_without_code_of_the_grader(repo):
    graders = [path.read_text() for path in (repo / "grading").rglob("*.py")]
    for reason in REASONS.values():
        assert reason.text.endswith(".")
        for text in (reason.text, reason.hint):
            assert text[0].isupper() or text[0] in "`/« 7", text
            assert text.endswith((".", "?", "!")), text
            assert not re.search(r"\w[:;?!](\s|$)", text.replace("`", "")), text
            assert not any(text in source for source in graders)


def test_a_teacher_can_change_points_and_thresholds(tmp_path):
    shutil.copy(scale.SCALE / "defaults.toml", tmp_path)
    text = (scale.SCALE / "ex02.toml").read_text().replace("full = 0.90", "full = 0.875")
    changed = text.replace("points = 5\nlevels", "points = 2.5\nlevels", 1)
    (tmp_path / "ex02.toml").write_text(changed)
    rules = {rule.name: rule for rule in scale.read_scale(tmp_path)["ex02"].rules}
    assert rules["architecture"].points == Fraction(5, 2)
    assert "0,875" in rules["weights"].levels[-1]
    assert rules["weights"].settings["full"] == 0.875
