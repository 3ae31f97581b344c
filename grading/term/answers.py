"""Noter les rendus d'un exercice, et ne renoter que ce qui a changé.

La note d'une question est gardée dans un fichier par élève et par exercice, avec l'empreinte de
tout ce dont elle dépend. Chaque fichier est écrit dès que le rendu est noté : une correction
interrompue reprend au rendu suivant.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from convnets.core.files import file_sha256
from grading import grader, scale
from grading.scale import Rule
from grading.submission import Submission
from grading.term.sheets import write_file

SHARED = "weights_shared"  # la seule raison qui dépende d'un autre rendu ; elle le nomme


class Answer(NamedTuple):
    """Ce que vaut la réponse à une question."""

    id: str
    level: Fraction
    reason: str
    detail: str


class Kept(BaseModel):
    """Les réponses d'un rendu, et l'empreinte de ce dont elles dépendent."""

    key: str = ""
    answers: list[Answer] = []


def grade_all(
    submissions: Sequence[Submission],
    rules: Sequence[Rule],
    folder: Path,
    *,
    seed: int,
    everything: bool = False,
    tell: Callable[[str, list[Answer]], None] = lambda name, answers: None,
) -> dict[str, list[Answer]]:
    """Note les rendus d'un exercice.

    Args:
        submissions: les rendus, au nom du numéro de leur élève.
        rules: questions posées.
        folder: où garder les notes.
        seed: graine des essais.
        everything: renoter aussi ce qui n'a pas changé.
        tell: appelée après chaque rendu noté, pas pour ceux qui n'ont pas changé.

    Returns:
        Les réponses de chacun, par nom de rendu.

    Raises:
        OSError: le correcteur ne peut pas travailler ; ce qui est déjà noté est gardé.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = {each.name: fingerprint(each, rules, seed) for each in submissions}
    kept = {name: _read(folder / f"{name}.json") for name in keys}
    same = [name for name in keys if kept[name].key == keys[name] and not everything]
    found = {name: kept[name].answers for name in same}
    todo = [each for each in submissions if each.name not in found]
    done: set[str] = set()
    while todo:
        with contextlib.closing(grader.Grader(grader.Options(seed), submissions=submissions)) as it:
            for each in todo:
                found[each.name] = _grade(it, each, rules)
                content = Kept(key=keys[each.name], answers=found[each.name])
                write_file(folder / f"{each.name}.json", content.model_dump_json(indent=1))
                tell(each.name, found[each.name])
                done.add(each.name)
        changed = {each.name for each in todo}
        touched = _touched(found, changed)
        todo = [each for each in submissions if each.name in touched - done]
    return found


def _touched(found: dict[str, list[Answer]], changed: set[str]) -> set[str]:
    """Rend les rendus dont les poids étaient, ou sont maintenant, ceux d'un rendu renoté."""
    named = {name: _partners(answers) for name, answers in found.items()}
    were = {name for name, others in named.items() if others & changed}
    now = {other for name in changed for other in named[name] if not named.get(other)}
    return were | now


def _partners(answers: list[Answer]) -> set[str]:
    """Rend les rendus qui ont les mêmes poids."""
    return {answer.detail for answer in answers if answer.reason == SHARED}


def fingerprint(submitted: Submission, rules: Sequence[Rule], seed: int) -> str:
    """Résume tout ce dont dépend la note d'un rendu.

    Args:
        submitted: le rendu, copié dans son propre dossier.
        rules: questions posées.
        seed: graine des essais.

    Returns:
        L'empreinte de ses fichiers, du barème, des questions et de la graine.
    """
    home = submitted.home
    files = sorted(path for path in home.rglob("*") if path.is_file())
    content = {
        "seed": seed,
        "questions": [rule.id for rule in rules],
        "files": [(path.relative_to(home).as_posix(), file_sha256(path)) for path in files],
        "root": submitted.root.relative_to(home).as_posix(),
        "sources": [file_sha256(path) for path in _sources(rules[0].exercise)],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sources(exercise: str) -> list[Path]:
    """Rend le barème d'un exercice, ses questions, et ce que ces fichiers partagent."""
    shared = [path for path in scale.SCALE.glob("*.py") if not path.stem[2:].isdigit()]
    own = [scale.SCALE / f"{exercise}{suffix}" for suffix in (".py", ".toml")]
    return [*sorted(shared), scale.SCALE / "defaults.toml", *own]


def _grade(marker: grader.Grader, submitted: Submission, rules: Sequence[Rule]) -> list[Answer]:
    answers = []
    for rule in rules:
        try:
            mark = marker.grade(submitted, rule)
        except RuntimeError as error:  # le correcteur est en panne : ce n'est pas un zéro
            raise OSError(str(error)) from error
        answers.append(Answer(rule.id, mark.level, mark.reason or "", mark.detail))
    return answers


def _read(path: Path) -> Kept:
    """Relit une note gardée ; une empreinte vide, qui n'est celle de rien, si elle manque."""
    try:
        return Kept.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return Kept()
