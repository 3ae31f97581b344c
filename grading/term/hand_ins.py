"""Les rendus d'un exercice : les ouvrir, dire à qui est chacun, et quand il a été rendu.

Seule la feuille de Moodle dit quand un travail a été rendu. La date d'un fichier change quand on le
copie : elle est montrée à l'enseignant, et ne coûte jamais rien.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grading import handin
from grading.handin import Received
from grading.submission import Submission
from grading.term import names
from grading.term.course import Course, Work
from grading.term.marks import Student
from grading.term.moodle import Row, Worksheet, read_worksheet


class HandIn(NamedTuple):
    """Ce qu'un élève a rendu pour un exercice.

    Attributes:
        submission: le rendu prêt à noter, None s'il est illisible.
        note: ce qu'il faut en dire.
        handed_at: quand, d'après Moodle, ou None.
        name: nom de l'élève tel que Moodle l'écrit.
        participant: son numéro pour ce devoir dans Moodle, "" hors de Moodle.
    """

    submission: Submission | None
    note: str
    handed_at: datetime | None
    name: str
    participant: str

    def answers(self, exercise: str) -> bool:
        """Dit si le rendu se lit, et contient quelque chose pour un exercice."""
        return bool(self.submission) and any(
            module[:4] == exercise for module in self.submission.modules
        )


class Gathered(NamedTuple):
    """Ce qui a été reçu pour un exercice.

    Attributes:
        hand_ins: rendus, par numéro d'élève.
        worksheets: feuilles de Moodle, par fichier.
        rows: ligne de chaque élève dans sa feuille, par numéro d'élève.
        remarks: ce que l'enseignant doit savoir, une phrase chacun.
    """

    hand_ins: dict[str, HandIn]
    worksheets: dict[Path, Worksheet]
    rows: dict[str, Row]
    remarks: list[str]


def gather(course: Course, work: Work, workspace: Path) -> Gathered:
    """Ouvre les rendus d'un exercice.

    Args:
        course: le trimestre.
        work: l'exercice.
        workspace: dossier des copies ; ce qu'il contenait est effacé.

    Raises:
        FileNotFoundError: `--as` nomme un fichier absent.
        ValueError: une phrase ; deux rendus pour un élève, une feuille d'un autre devoir…
    """
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    workspace.chmod(0o700)  # personne d'autre ne lit les rendus, ni ne les change avant leur note
    gathered = Gathered({}, {}, {}, [])
    for path in dict.fromkeys(work.worksheets.values()):
        students = _students_of(course, work.worksheets, path)
        sheet = read_worksheet(path, students, work.owners)
        gathered.worksheets[path] = sheet
        gathered.rows.update(sheet.rows)
        if sheet.unknown:
            listed = ", ".join(sheet.unknown)
            said = f"{path.name} : pas dans la liste des élèves, ou homonymes : {listed}."
            gathered.remarks.append(said)
    for number, path in enumerate(dict.fromkeys(work.hand_ins.values())):
        students = _students_of(course, work.hand_ins, path)
        _gather(path, workspace / str(number), students, work, gathered)
    for number, row in gathered.rows.items():
        if row.handed_at and number not in gathered.hand_ins:
            note = "Moodle dit qu'un travail est rendu, où il n'y a aucun fichier à noter"
            lost = HandIn(None, note, row.handed_at, row.name, row.participant)
            gathered.hand_ins[number] = lost
    return gathered


def _students_of(course: Course, places: dict[str, Path], path: Path) -> list[Student]:
    """Rend les élèves des classes pour lesquelles un chemin est donné."""
    return [each for each in course.students if places.get(each.group) == path]


def _gather(
    path: Path, workspace: Path, students: list[Student], work: Work, gathered: Gathered
) -> None:
    workspace.mkdir()
    received = handin.received(handin.open_class(path, workspace))
    owners: dict[str, Student] = {}
    for each in received:
        owner, sure = _owner(each, students, work, gathered)
        known = owner and (owner.number in gathered.hand_ins or owner in owners.values())
        if owner is None:
            gathered.remarks.append(
                f"{path.name} : à qui est « {each.name} » ? Aucun élève de ce nom, ou plusieurs ; "
                f'écrivez owners = {{ "{each.name}" = "numéro" }}. Il n\'est pas noté.'
            )
        elif known and each.refusal:
            gathered.remarks.append(f"{path.name} : « {each.name} » est laissé : {each.refusal}.")
        elif known:
            raise ValueError(
                f"{path.name} : deux rendus pour {owner.name}, dont « {each.name} » ; gardez-en un."
            )
        else:
            owners[each.name] = owner
            if not sure:
                said = f"{path.name} : « {each.name} » est pris pour {owner.name}."
                gathered.remarks.append(said)
    ours = [each for each in received if each.name in owners]
    found = handin.collect_received(ours, workspace, chosen=work.chosen, asked=work.exercise)
    ready = {each.name: each for each in found.submissions}
    for each in ours:
        owner, submission = owners[each.name], ready.get(each.name)
        row = gathered.rows.get(owner.number, Row(0, each.number, each.owner, None))
        gathered.hand_ins[owner.number] = HandIn(
            submission._replace(name=owner.number) if submission else None,
            ". ".join(submission.remarks) if submission else found.empty[each.name],
            row.handed_at,
            row.name,
            each.number or row.participant,
        )
        changed, due = _last_change(each.paths), work.due.get(owner.group)
        if row.handed_at is None and due and changed > due:
            gathered.remarks.append(
                f"{owner.name} : fichiers changés après l'échéance, le {changed:%d/%m/%Y à %H:%M}. "
                "Une copie change cette date, qui ne coûte rien ; seule celle de Moodle fait foi."
            )


def _owner(
    each: Received, students: Sequence[Student], work: Work, gathered: Gathered
) -> tuple[Student | None, bool]:
    """Dit à qui est un rendu, et si c'est sûr : d'après l'enseignant, Moodle, son nom."""
    told = work.owners.get(each.name) or work.owners.get(each.number, "")
    named, sure = names.owner(each.owner, each.number, students, told)
    row = gathered.rows.get(named.number) if named and not told else None
    if each.number and row and row.participant != each.number:
        raise ValueError(
            f"la feuille de Moodle n'est pas celle de ce devoir : {named.name} y est le "
            f"participant {row.participant}, et {each.number} dans l'export des rendus."
        )
    participants = {one.participant: number for number, one in gathered.rows.items()}
    if named is None and each.number in participants:
        number = participants[each.number]
        return next((each for each in students if each.number == number), None), True
    return named, sure


def _last_change(paths: Iterable[Path]) -> datetime:
    """Rend la date du fichier le plus récent d'un rendu ; 1970 s'il est vide."""
    files = [file for path in paths for file in (path, *path.rglob("*")) if file.is_file()]
    return datetime.fromtimestamp(max((file.lstat().st_mtime for file in files), default=0))
