"""Les rendus d'un exercice : les ouvrir, dire à qui est chacun, et quand il a été rendu.

Seule la feuille de Moodle dit quand un travail a été rendu : la date d'un fichier, qui change quand
on le copie, est montrée et ne coûte rien. Elle ne sert qu'à choisir entre deux rendus d'un élève.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grading.asking.grader import Mark
from grading.reading import folders, handin
from grading.reading.handin import Received
from grading.reading.submission import Submission
from grading.report import grouped
from grading.term import moodle, sheets
from grading.term.course import Course, Work
from grading.term.moodle import Row
from grading.term.students import Student

NOTHING = "Le rendu ne contient rien pour cet exercice"
NO_FILE = "Moodle dit qu'un travail est rendu, où il n'y a aucun fichier à noter"


class Gathered(NamedTuple):
    """Ce qui a été reçu pour un exercice.

    Le travail d'un groupe est noté une fois, sous le numéro de son premier membre (`holder`).

    Attributes:
        work: l'exercice.
        submissions: rendus à noter, par numéro d'élève.
        notes: ce qu'il faut dire de ce que chacun a rendu, par numéro d'élève.
        worksheets: feuilles de Moodle, par fichier.
        rows: ce que Moodle dit de chaque élève, par numéro d'élève.
        marks: notes des questions, par numéro d'élève.
        dates: date du fichier le plus récent de chacun, par numéro d'élève.
        unowned: noms des rendus qui ne sont attribués à personne.
    """

    work: Work
    submissions: dict[str, Submission]
    notes: dict[str, str]
    worksheets: dict[Path, sheets.Sheet]
    rows: dict[str, Row]
    marks: dict[str, list[Mark]]
    dates: dict[str, datetime | None]
    unowned: list[str]

    def team(self, number: str) -> tuple[str, ...]:
        """Rend les numéros de ceux qui ont travaillé avec un élève, le sien compris."""
        return self.work.teams.get(number, (number,))

    def holder(self, number: str) -> str:
        """Rend le numéro sous lequel le travail d'un élève est noté."""
        return self.team(number)[0]


class HandIn(NamedTuple):
    """Un rendu, et ceux à qui il est.

    Attributes:
        received: ce qui a été reçu.
        workspace: dossier des copies de la classe.
        owners: leurs numéros.
        sender: numéro de celui qui l'a envoyé ; "" s'il n'est pas connu.
    """

    received: Received
    workspace: Path
    owners: tuple[str, ...]
    sender: str

    @property
    def dated(self) -> datetime | None:
        """Date de son fichier le plus récent ; None s'il n'a pas de fichier."""
        files = [file for path in self.received.paths for file in (path, *handin.walk(path))]
        dates = [file.stat().st_mtime for file in files if file.is_file()]
        return datetime.fromtimestamp(max(dates)) if dates else None


def gather(course: Course, work: Work, workspace: Path) -> Gathered:
    """Ouvre les rendus d'un exercice, et dit à l'enseignant ce qui n'est à personne.

    Args:
        course: le trimestre.
        work: l'exercice.
        workspace: dossier des copies ; ce qu'il contenait est effacé.

    Raises:
        FileNotFoundError: `as` nomme un fichier absent.
        ValueError: une phrase ; deux rendus de même date pour un élève, une feuille d'un autre
            devoir…
    """
    folders.remove(workspace)
    workspace.mkdir(parents=True)
    workspace.chmod(0o700)  # personne d'autre ne lit les rendus, ni ne les change avant leur note
    gathered = Gathered(work, {}, {}, {}, {}, {}, {}, [])
    for path, students in _classes(course, work.worksheets).items():
        gathered.worksheets[path], rows = moodle.read_worksheet(path, students, work)
        gathered.rows.update(rows)
    hand_ins: list[HandIn] = []
    for rank, (path, students) in enumerate(_classes(course, work.hand_ins).items()):
        hand_ins += _open(path, workspace / str(rank), students, gathered)
    names = {each.number: each.name for each in course.students}
    kept = [
        _latest(mine, gathered, " et ".join(names[number] for number in owners))
        for owners, mine in grouped(hand_ins, lambda each: each.owners).items()
    ]
    for place, mine in grouped(kept, lambda each: each.workspace).items():
        _prepare(mine, place, gathered)
    for file in (said.partition("=")[2] for said in work.chosen):
        if not any(each.as_posix().endswith(f"/{file}") for each in workspace.rglob("*")):
            raise FileNotFoundError(f"{work.exercise}, as : aucun rendu n'a de fichier {file}.")
    for number, row in gathered.rows.items():
        if row.handed_at:
            gathered.notes.setdefault(number, NO_FILE)
    return gathered


def _classes(course: Course, places: dict[str, Path]) -> dict[Path, list[Student]]:
    """Rend, pour chaque chemin, les élèves des classes pour lesquelles il est donné."""
    given = [each for each in course.students if each.group in places]
    return grouped(given, lambda each: places[each.group])


# --- À qui est un rendu --------------------------------------------------------------


def _open(path: Path, workspace: Path, students: list[Student], gathered: Gathered) -> list[HandIn]:
    """Ouvre les rendus d'une classe ; dit, et met de côté, ceux qui ne sont à personne."""
    workspace.mkdir()
    hand_ins, work = [], gathered.work
    for each in handin.received(handin.open_class(path, workspace)):
        told = work.owners.get(each.name, work.owners.get(each.number))
        if told == ():
            work.say(f"« {each.name} » est mis de côté, comme demandé.")
        elif told:
            sender = _sender(each, told, students)
            hand_ins.append(HandIn(each, workspace, gathered.team(told[0]), sender))
        elif owner := _owner(each, students, gathered):
            hand_ins.append(HandIn(each, workspace, gathered.team(owner.number), owner.number))
        else:
            gathered.unowned.append(each.name)
            work.say(
                f"{path.name} : à qui est « {each.name} » ? Aucun élève de ce nom, ou plusieurs ; "
                f'écrivez owners = {{ "{each.name}" = "numéro" }}. Il n\'est pas noté.'
            )
    return hand_ins


def _sender(each: Received, told: tuple[str, ...], students: list[Student]) -> str:
    """Rend le numéro de celui qui a envoyé le rendu d'un groupe ; "" s'il n'est pas connu."""
    if len(told) == 1:
        return told[0]
    members = [student for student in students if student.number in told]
    sender, _ = moodle.owner(each.owner, each.number, members)
    return sender.number if sender else ""


def _owner(each: Received, students: list[Student], gathered: Gathered) -> Student | None:
    """Dit à qui est un rendu, d'après Moodle ou son nom."""
    named, sure = moodle.owner(each.owner, each.number, students)
    row = gathered.rows.get(named.number) if named else None
    if each.number and row and row.participant != each.number:
        raise ValueError(
            f"la feuille de Moodle n'est pas celle de ce devoir : {named.name} y est le "
            f"participant {row.participant}, et {each.number} dans l'export des rendus."
        )
    if named and not sure:
        gathered.work.say(f"« {each.name} » est pris pour {named.name}.")
    if named is None and each.number:
        same = [key for key, row in gathered.rows.items() if row.participant == each.number]
        return next((student for student in students if student.number in same), None)
    return named


def _moments(hand_ins: Sequence[HandIn], gathered: Gathered) -> list[datetime]:
    """Dit quand chaque rendu est arrivé : selon Moodle s'il les départage, sinon ses fichiers."""
    rows = [gathered.rows.get(each.sender) for each in hand_ins]
    moments = [row.handed_at if row else None for row in rows]
    if None not in moments and len(set(moments)) > 1:
        return moments
    return [each.dated or datetime.min for each in hand_ins]


def _latest(mine: Sequence[HandIn], gathered: Gathered, names: str) -> HandIn:
    """Choisit le rendu le plus récent de ceux des mêmes élèves, et le dit.

    Sa date est celle de Moodle si elle est connue de tous, sinon celle de ses fichiers.

    Raises:
        ValueError: plusieurs ont cette date.
    """
    readable = [each for each in mine if not each.received.refusal] or [mine[0]]
    if len(readable) == 1:
        return readable[0]
    moments = _moments(readable, gathered)
    last = max(moments)
    if moments.count(last) > 1:
        alike = ", ".join(f"« {each.received.name} »" for each in readable)
        raise ValueError(
            f"{gathered.work.exercise} : plusieurs rendus pour {names}, de même date, {alike} ; "
            f'mettez-en un de côté, owners = {{ "{readable[0].received.name}" = [] }}.'
        )
    kept = readable[moments.index(last)]
    others = ", ".join(f"« {each.received.name} »" for each in readable if each is not kept)
    said = (
        f"« {kept.received.name} », du {last:%d/%m/%Y à %H:%M}, est le dernier rendu : lui seul "
        f"est noté, sans {others}"
    )
    gathered.work.say(f"{names} : {said}.")
    for number in kept.owners:
        gathered.notes[number] = said
    return kept


# --- Préparer ------------------------------------------------------------------------


def _prepare(hand_ins: Sequence[HandIn], workspace: Path, gathered: Gathered) -> None:
    """Copie les rendus d'une classe, en fait des modules, et note ce qu'il faut en dire."""
    work = gathered.work
    try:
        found = handin.collect_received(
            [each.received for each in hand_ins], workspace, chosen=work.chosen, asked=work.exercise
        )
    except ValueError as error:
        raise ValueError(_as_key(str(error))) from error
    ready = {each.name: each for each in found.submissions}
    for each in hand_ins:
        name = each.received.name
        submission = ready.get(name)
        note = {**found.empty, **found.ungraded}.get(name, NOTHING)
        if submission and any(m.startswith(work.exercise) for m in submission.modules):
            first = each.owners[0]
            gathered.submissions[first] = submission._replace(name=first)
            note = ". ".join(submission.remarks)
        for number in each.owners:
            said = [gathered.notes.get(number, ""), _as_key(note)]
            gathered.notes[number] = ". ".join(filter(None, said))
            gathered.dates[number] = each.dated
        _note_sender(each, gathered)


def _note_sender(each: HandIn, gathered: Gathered) -> None:
    """Garde le numéro que Moodle donne, pour ce devoir, à celui qui a envoyé un rendu."""
    if each.sender:
        received = each.received
        row = gathered.rows.get(each.sender) or Row(received.owner, received.number)
        participant = received.number or row.participant
        gathered.rows[each.sender] = row._replace(participant=participant)


def _as_key(text: str) -> str:
    """Dit par la clé de `cours.toml` ce que le correcteur dit par son option `--as`."""
    return re.sub(r"--as (ex\d\d=.*?\.(?:ipynb|py)|\S+)", r'as = ["\1"]', text)
