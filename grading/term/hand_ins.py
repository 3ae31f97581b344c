"""Les rendus d'un exercice : les ouvrir, dire à qui est chacun, et quand il a été rendu.

Seule la feuille de Moodle dit quand un travail a été rendu : la date d'un fichier, qui change quand
on le copie, est montrée et ne compte pas.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grading.asking.grader import Mark
from grading.reading import folders, handin
from grading.reading.handin import Received
from grading.reading.submission import Submission
from grading.report import grouped
from grading.term import moodle, sheets
from grading.term.course import Course, Student, Work
from grading.term.moodle import Row

NOTHING = "Le rendu ne contient rien pour cet exercice"


class Gathered(NamedTuple):
    """Ce qui a été reçu pour un exercice.

    Attributes:
        work: l'exercice.
        submissions: rendus à noter, par numéro d'élève.
        notes: ce qu'il faut dire de ce que chacun a rendu, par numéro d'élève.
        worksheets: feuilles de Moodle, par fichier.
        rows: ce que Moodle dit de chaque élève, par numéro d'élève.
        marks: notes des questions, par numéro d'élève.
        dates: date du fichier le plus récent de chacun, par numéro d'élève.
    """

    work: Work
    submissions: dict[str, Submission]
    notes: dict[str, str]
    worksheets: dict[Path, sheets.Sheet]
    rows: dict[str, Row]
    marks: dict[str, list[Mark]]
    dates: dict[str, datetime | None]


def gather(course: Course, work: Work, workspace: Path) -> Gathered:
    """Ouvre les rendus d'un exercice, et dit à l'enseignant ce qui n'est à personne.

    Args:
        course: le trimestre.
        work: l'exercice.
        workspace: dossier des copies ; ce qu'il contenait est effacé.

    Raises:
        FileNotFoundError: `--as` nomme un fichier absent.
        ValueError: une phrase ; deux rendus pour un élève, une feuille d'un autre devoir…
    """
    folders.remove(workspace)
    workspace.mkdir(parents=True)
    workspace.chmod(0o700)  # personne d'autre ne lit les rendus, ni ne les change avant leur note
    gathered = Gathered(work, {}, {}, {}, {}, {}, {})
    for path, students in _classes(course, work.worksheets).items():
        gathered.worksheets[path], rows = moodle.read_worksheet(path, students, work)
        gathered.rows.update(rows)
    for number, (path, students) in enumerate(_classes(course, work.hand_ins).items()):
        _gather(path, workspace / str(number), students, work, gathered)
    note = "Moodle dit qu'un travail est rendu, où il n'y a aucun fichier à noter"
    for number, row in gathered.rows.items():
        if row.handed_at:
            gathered.notes.setdefault(number, note)
    return gathered


def _classes(course: Course, places: dict[str, Path]) -> dict[Path, list[Student]]:
    """Rend, pour chaque chemin, les élèves des classes pour lesquelles il est donné."""
    given = [each for each in course.students if each.group in places]
    return grouped(given, lambda each: places[each.group])


def _gather(
    path: Path, workspace: Path, students: list[Student], work: Work, gathered: Gathered
) -> None:
    workspace.mkdir()
    owners: dict[str, Received] = {}  # par numéro d'élève
    for each in handin.received(handin.open_class(path, workspace)):
        owner = _owner(each, students, work, gathered)
        if owner is None:
            work.say(
                f"{path.name} : à qui est « {each.name} » ? Aucun élève de ce nom, ou plusieurs ; "
                f'écrivez owners = {{ "{each.name}" = "numéro" }}. Il n\'est pas noté.'
            )
        elif owner.number not in owners:
            owners[owner.number] = each
        elif not each.refusal:
            raise ValueError(
                f"{path.name} : deux rendus pour {owner.name}, dont « {each.name} » ; gardez-en un."
            )
    found = handin.collect_received(
        [*owners.values()], workspace, chosen=work.chosen, asked=work.exercise
    )
    ready = {each.name: each for each in found.submissions}
    for number, each in owners.items():
        submission = ready.get(each.name)
        note = {**found.empty, **found.ungraded}.get(each.name, NOTHING)
        if submission and any(name.startswith(work.exercise) for name in submission.modules):
            gathered.submissions[number] = submission._replace(name=number)
            note = ". ".join(submission.remarks)
        gathered.notes[number] = note
        files = [file for path in each.paths for file in (path, *handin.walk(path))]
        dates = [file.stat().st_mtime for file in files if file.is_file()]
        gathered.dates[number] = datetime.fromtimestamp(max(dates)) if dates else None
        row = gathered.rows.get(number) or Row(each.owner, each.number)
        gathered.rows[number] = row._replace(participant=each.number or row.participant)


def _owner(
    each: Received, students: list[Student], work: Work, gathered: Gathered
) -> Student | None:
    """Dit à qui est un rendu : d'après l'enseignant, Moodle, son nom."""
    told = work.owners.get(each.name) or work.owners.get(each.number, "")
    named, sure = moodle.owner(each.owner, each.number, students, told)
    row = gathered.rows.get(named.number) if named and not told else None
    if each.number and row and row.participant != each.number:
        raise ValueError(
            f"la feuille de Moodle n'est pas celle de ce devoir : {named.name} y est le "
            f"participant {row.participant}, et {each.number} dans l'export des rendus."
        )
    if named and not sure:
        work.say(f"« {each.name} » est pris pour {named.name}.")
    if named is None and each.number:
        same = [key for key, row in gathered.rows.items() if row.participant == each.number]
        return next((student for student in students if student.number in same), None)
    return named
