"""Les rendus d'un exercice : les ouvrir, dire à qui est chacun, et quand il a été rendu.

Seule la feuille de Moodle dit quand un travail a été rendu. La date d'un fichier change quand on le
copie : elle est montrée à l'enseignant, et ne coûte jamais rien.
"""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grading import handin
from grading.grader import Mark
from grading.handin import Received
from grading.report import exact, grouped
from grading.scale import Rule
from grading.submission import Submission
from grading.term import moodle, sheets
from grading.term.course import Course, Student, Work
from grading.term.moodle import Row

NOTHING = "Le rendu ne contient rien pour cet exercice"
FIRST = ["numéro", "nom", "classe"]


class Gathered(NamedTuple):
    """Ce qui a été reçu pour un exercice.

    Attributes:
        work: l'exercice.
        submissions: rendus à noter, par numéro d'élève.
        notes: ce qu'il faut dire de ce que chacun a rendu, par numéro d'élève.
        worksheets: feuilles de Moodle, par fichier.
        rows: ce que Moodle dit de chaque élève, par numéro d'élève.
        marks: notes des questions, par numéro d'élève.
    """

    work: Work
    submissions: dict[str, Submission]
    notes: dict[str, str]
    worksheets: dict[Path, sheets.Sheet]
    rows: dict[str, Row]
    marks: dict[str, list[Mark]]


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
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    workspace.chmod(0o700)  # personne d'autre ne lit les rendus, ni ne les change avant leur note
    gathered = Gathered(work, {}, {}, {}, {}, read_manual(work, course.students))
    undated = sorted(set(work.due) - set(work.worksheets))
    if undated:
        listed = " ".join(undated)
        work.say(f"sans la feuille de Moodle, aucun retard n'est compté {listed}".rstrip())
    for path, students in _classes(course, work.worksheets).items():
        sheet, rows = moodle.read_worksheet(path, students, work)
        gathered.worksheets[path] = sheet
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
    owners: dict[str, tuple[Received, Student]] = {}  # par numéro d'élève
    for each in handin.received(handin.open_class(path, workspace)):
        owner = _owner(each, students, work, gathered)
        if owner is None:
            work.say(
                f"{path.name} : à qui est « {each.name} » ? Aucun élève de ce nom, ou plusieurs ; "
                f'écrivez owners = {{ "{each.name}" = "numéro" }}. Il n\'est pas noté.'
            )
        elif owner.number not in owners:
            owners[owner.number] = each, owner
        elif each.refusal:
            work.say(f"{path.name} : « {each.name} » est laissé : {each.refusal}.")
        else:
            raise ValueError(
                f"{path.name} : deux rendus pour {owner.name}, dont « {each.name} » ; gardez-en un."
            )
    ours = [each for each, _ in owners.values()]
    found = handin.collect_received(ours, workspace, chosen=work.chosen, asked=work.exercise)
    ready = {each.name: each for each in found.submissions}
    for number, (each, owner) in owners.items():
        submission, note = ready.get(each.name), found.empty.get(each.name, NOTHING)
        if submission and any(name.startswith(work.exercise) for name in submission.modules):
            gathered.submissions[number] = submission._replace(name=number)
            note = ". ".join(submission.remarks)
        gathered.notes[number] = note
        row = gathered.rows.get(number) or Row(each.owner, each.number)
        gathered.rows[number] = row._replace(participant=each.number or row.participant)
        _compare_dates(each, owner, row, work)


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


def _compare_dates(each: Received, owner: Student, row: Row, work: Work) -> None:
    """Dit d'un rendu sans date de Moodle que ses fichiers ont changé après l'échéance."""
    files = [file for path in each.paths for file in (path, *path.rglob("*")) if file.is_file()]
    last = max((file.lstat().st_mtime for file in files), default=0)
    changed, due = datetime.fromtimestamp(last), work.due.get(owner.group)
    if row.handed_at is None and due and changed > due:
        work.say(
            f"{owner.name} : fichiers changés après l'échéance, le {changed:%d/%m/%Y à %H:%M}. "
            "Une copie change cette date, qui ne coûte rien ; seule celle de Moodle fait foi."
        )


# --- Les notes de l'enseignant ---------------------------------------------------------


def read_manual(work: Work, students: Sequence[Student]) -> dict[str, list[Mark]]:
    """Lit les notes manuelles d'un exercice ; crée le fichier s'il n'existe pas.

    Args:
        work: l'exercice.
        students: la classe, une ligne chacun dans un fichier neuf.

    Returns:
        Ce qui est noté, par numéro d'élève ; la précision d'une note est la remarque écrite.

    Raises:
        ValueError: le fichier ne se lit pas, un nombre de points impossible, un élève inconnu.
    """
    path, names = work.manual_file, [rule.name for rule in work.manual_rules]
    if not names:
        return {}
    if not path.exists():
        _create(work, students)
        work.say(f"{path} est à remplir : une ligne par élève, des points et une remarque.")
    titles = {name: rf"{name}( \(.*)?" for name in (*FIRST, *names)}
    titles |= {_remark(name): _remark(name) for name in names}
    # Un tableur a pu perdre les zéros du début d'un numéro.
    numbered = {each.number.lstrip("0"): each for each in students}
    found: dict[str, list[Mark]] = {}
    for line, said in sheets.read(path, titles, (FIRST[0], *names)).records():
        where, student = f"{path.name}, ligne {line + 1}", numbered.get(said["numéro"].lstrip("0"))
        if student is None:
            raise ValueError(f"{where} : aucun élève n'a le numéro « {said['numéro']} ».")
        if student.number in found:
            raise ValueError(f"{where} : {student.name} y est deux fois.")
        given = [rule for rule in work.manual_rules if said[rule.name]]
        found[student.number] = [_mark(student, rule, said, where) for rule in given]
    return found


def _remark(name: str) -> str:
    return f"{name}, remarque"


def _mark(student: Student, rule: Rule, said: dict[str, str], where: str) -> Mark:
    where = f"{where}, {student.name}, {rule.name}"
    level = sheets.read_number(said[rule.name], where) / rule.points
    if not 0 <= level <= 1:
        raise ValueError(
            f"{where} : {said[rule.name]} points ; attendu de 0 à {exact(rule.points)}."
        )
    remark = said.get(_remark(rule.name), "").removeprefix("'")
    return Mark(student.number, rule, level, None, remark)


def _create(work: Work, students: Sequence[Student]) -> None:
    titles = list(FIRST)
    for rule in work.manual_rules:
        titles += [f"{rule.name} (sur {exact(rule.points)})", _remark(rule.name)]
    rows = [[each.number, each.name, each.group] for each in students]
    sheets.write(work.manual_file, [titles, *rows])
