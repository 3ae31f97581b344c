"""La page du barème : chacune de ses réponses est celle que reçoit un petit rendu."""

import re
import tomllib
from pathlib import Path

import pytest

from grading.reading import handin
from grading.scale import read_scale

HERE = Path(__file__).with_name("answers")
ANSWERS = tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8"))["answer"]


@pytest.fixture
def handed(tmp_path):
    """handed(réponse) -> le dossier que rend l'élève."""

    def write(answer):
        text = (HERE / answer["base"]).read_text(encoding="utf-8")
        for old, new in answer.get("edits", ()):
            assert old in text, old
            text = text.replace(old, new)
        folder = tmp_path / "dupont"
        folder.mkdir()
        (folder / answer.get("file", "tp.py")).write_text(text, encoding="utf-8")
        for name, other in answer.get("files", {}).items():
            (folder / name).write_text(other, encoding="utf-8")
        return folder

    return write


def test_the_page_says_every_answer(repo):
    page = " ".join((repo / "docs/bareme.md").read_text(encoding="utf-8").split())
    assert [each["says"] for each in ANSWERS if each["says"] not in page] == []


TRIED = [  # InceptionV3 prend des secondes : un seul de ses rendus suffit chaque jour
    pytest.param(
        each,
        id=each["says"],
        marks=pytest.mark.slow if each["base"] == "ex05.py" and "edits" in each else [],
    )
    for each in ANSWERS
]


@pytest.mark.ci
@pytest.mark.parametrize("answer", TRIED)
@pytest.mark.slow
def test_the_answer_is_what_the_grader_does(made, handed, tmp_path, answer):
    folder = handed(answer)
    if "refused" in answer:
        with pytest.raises(FileNotFoundError, match=re.escape(answer["refused"])):
            handin.collect(folder, tmp_path / "copie", one=True)
        return
    (submitted,) = handin.collect(folder, tmp_path / "copie", one=True).submissions
    rules = {rule.name: rule for rule in read_scale()[answer["base"][:4]].rules}
    found = {name: made.grade(submitted, rules[name]).points for name in answer["points"]}
    assert found == {name: None if each == "" else each for name, each in answer["points"].items()}
