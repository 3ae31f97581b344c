"""`python -m grading cours.toml` : noter un trimestre, ou ce qui y a changé."""

import json
import random
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import filelock

from convnets.core.cli import FrenchParser, agreed, printable, run
from convnets.core.files import own_suffix, replacing
from grading import report, sandbox
from grading.grader import random_seed
from grading.scale import FULL, read_reasons, read_scale
from grading.term import moodle, totals
from grading.term.answers import SHARED, Answer, grade_all
from grading.term.course import Course, Work, read_course
from grading.term.hand_ins import Gathered, gather
from grading.term.manual import Given, read_manual
from grading.term.marks import HANDED_IN, ExerciseMark, Student, StudentMarks, Term
from grading.term.pages import student_page, write_pages
from grading.term.similarity import write_similarity
from grading.term.tables import write_tables

CACHE = ".cache"  # dans le dossier de sortie : rendus copiés, notes gardées, graine, pseudonymes

SIGNS = {"*": "absent, ou rendu illisible", "r": "en retard"}  # dans le tableau du terminal


class Heard(NamedTuple):
    """Ce qui a été lu pour un exercice avant de noter."""

    work: Work
    gathered: Gathered
    given: dict[tuple[str, str], Given]


def main(arguments: Sequence[str] | None = None) -> int:
    """Note le trimestre que décrit un fichier ; rend un code de sortie."""
    parser = FrenchParser(
        prog="python -m grading",
        description="Noter un trimestre : tous les exercices, toutes les classes. Ce qui n'a pas "
        "changé depuis la dernière fois n'est pas renoté.",
        epilog="Le fichier est décrit dans docs/enseignants.md, « Un trimestre dans un dossier ».",
    )
    parser.add_argument("course", type=Path, metavar="cours.toml", help="ce qu'il faut noter")
    parser.add_argument("--all", action="store_true", help="tout renoter, changé ou non")
    options = parser.parse_args(arguments)
    return run(lambda: _run(options.course, everything=options.all))


def _run(path: Path, *, everything: bool) -> int:
    course = read_course(path)
    sandbox.check_system()
    cache = course.output / CACHE
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(cache / "verrou", timeout=0):
            written = grade_term(course, everything=everything)
    except filelock.Timeout as error:
        raise ValueError(
            f"une autre correction écrit dans {course.output} ; attendez qu'elle finisse."
        ) from error
    print()
    for each in written:
        inside = f" : {agreed(len(list(each.iterdir())), 'fichier')}" if each.is_dir() else ""
        print(f"Écrit : {printable(str(each))}{inside}")
    return 0


def grade_term(course: Course, *, everything: bool = False) -> list[Path]:
    """Note un trimestre et écrit tout ce qui en vient.

    Args:
        course: le trimestre.
        everything: renoter aussi ce qui n'a pas changé.

    Returns:
        Les fichiers et les dossiers écrits.

    Raises:
        OSError: fichier impossible à lire ou à écrire.
        ValueError: une phrase ; rien n'est alors noté, et ce qui l'était est gardé.
    """
    cache = course.output / CACHE
    heard = [_hear(course, work, cache) for work in course.works]
    state = _State(cache, course)
    answers = {
        each.work.exercise: _answers(course, each, state.seed, cache, everything) for each in heard
    }
    now = datetime.now().replace(microsecond=0)
    real = _term(course, heard, answers, now)
    shown = state.shown(real) if course.pseudonyms else real
    written = write_tables(course, shown)
    pages = write_pages(shown)
    written += [pages[0].parent, pages[-1]]
    sent = [
        path
        for each in heard
        for path in (*_write_worksheets(course, each, real), *_write_feedback(course, each, real))
    ]
    written += [sent[0].parent] if sent else []
    if course.similarity:
        written += write_similarity(shown)
    _summary(shown)
    return written


# --- Lire ----------------------------------------------------------------------------


def _hear(course: Course, work: Work, cache: Path) -> Heard:
    """Ouvre les rendus d'un exercice et lit ce que l'enseignant en a écrit, avant de rien noter."""
    try:
        gathered = gather(course, work, cache / "rendus" / work.exercise)
        given, remarks = read_manual(work, course.students)
    except ValueError as error:
        raise ValueError(f"{work.exercise} : {error}") from error
    for each in (*gathered.remarks, *remarks):
        print(f"{work.exercise} : {printable(each)}")
    return Heard(work, gathered, given)


class _State:
    """Ce qu'un trimestre garde d'une fois à l'autre : la graine, et les pseudonymes.

    Args:
        cache: où.
        course: le trimestre.
    """

    def __init__(self, cache: Path, course: Course):
        path = cache / "trimestre.json"
        try:
            kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            self.seed = int(kept.get("seed", random_seed()) if course.seed is None else course.seed)
            self._numbers = {str(k): int(v) for k, v in kept.get("pseudonyms", {}).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} est abîmé ; sans lui, les notes d'avant ne se retrouvent pas. Remettez-le "
                "d'une sauvegarde, ou effacez-le pour tout renoter avec d'autres essais."
            ) from error
        new = [each.number for each in course.students if each.number not in self._numbers]
        random.Random(self.seed + len(self._numbers)).shuffle(new)
        for number in new:
            self._numbers[number] = len(self._numbers) + 1
        content = json.dumps({"seed": self.seed, "pseudonyms": self._numbers}, indent=1)
        with replacing(path, suffix=own_suffix()) as temporary:
            temporary.write_text(content, encoding="utf-8")

    def shown(self, term: Term) -> Term:
        """Remplace les noms et les numéros par ceux des pseudonymes, dans leur ordre."""
        students = [each._replace(student=self._pseudonym(each.student)) for each in term.students]
        return term._replace(
            students=tuple(sorted(students, key=lambda each: int(each.student.number)))
        )

    def _pseudonym(self, student: Student) -> Student:
        number = self._numbers[student.number]
        return Student(f"Élève {number}", str(number), student.group)


# --- Noter ---------------------------------------------------------------------------


def _answers(
    course: Course, heard: Heard, seed: int, cache: Path, everything: bool
) -> dict[str, list[Answer]]:
    """Note les rendus d'un exercice, en disant ce qui l'est."""
    work, exercise = heard.work, read_scale()[heard.work.exercise]
    rules = work.rules
    ready = [
        each.submission for each in heard.gathered.hand_ins.values() if each.answers(work.exercise)
    ]
    names = {each.number: each.name for each in course.students}
    graded = []

    def tell(number: str, answers: list[Answer]) -> None:
        points = {rule.id: rule.points for rule in rules}
        mark = FULL * sum(each.level * points[each.id] for each in answers) / sum(points.values())
        graded.append(number)
        print(f"  {printable(names[number])} : {report.number(mark)}/{FULL}", flush=True)

    title = f"{work.exercise} — {exercise.title}"
    if not work.hand_ins:
        print(f"{title} : pas encore demandé")
        return {}
    print(f"{title} : {agreed(len(ready), 'rendu')}{_dates(heard)}", flush=True)
    folder = cache / "notes" / work.exercise
    found = grade_all(ready, rules, folder, seed=seed, everything=everything, tell=tell)
    pairs = {
        tuple(sorted((names[number], names[answer.detail])))
        for number, each in found.items()
        for answer in each
        if answer.reason == SHARED
    }
    for pair in sorted(pairs):
        print(f"  Mêmes poids : {printable(' et '.join(pair))}")
    num_new = len(set(graded))
    print(f"  {agreed(num_new, 'noté')}, {agreed(len(found) - num_new, 'inchangé')}")
    return found


def _dates(heard: Heard) -> str:
    """Dit d'où viennent les dates des rendus, s'il y a une échéance."""
    work, sheets = heard.work, heard.gathered.worksheets
    moodle_knows = {
        group for group, path in work.worksheets.items() if path in sheets and sheets[path].dated
    }
    unknown = [group for group in work.due if group not in moodle_knows]
    if not work.due or not unknown:
        return " ; dates de Moodle" if work.due else ""
    named = f" pour {', '.join(unknown)}" if any(unknown) and moodle_knows else ""
    return f" ; sans la feuille de Moodle, aucun retard n'est compté{named}"


def _term(course: Course, heard: Sequence[Heard], answers: dict[str, dict], now: datetime) -> Term:
    students = []
    for student in course.students:
        marks = tuple(
            _exercise(course, each, answers[each.work.exercise], student, now) for each in heard
        )
        students.append(StudentMarks(student, marks, totals.average(marks)))
    return Term(
        course.title, now.date(), tuple(students), course.hints, course.pseudonyms, course.output
    )


def _exercise(
    course: Course, heard: Heard, answers: dict, student: Student, now: datetime
) -> ExerciseMark:
    work, exercise = heard.work, read_scale()[heard.work.exercise]
    override = course.overrides.get((student.number, work.exercise))
    given = {name: each for (number, name), each in heard.given.items() if number == student.number}
    if student.group not in work.hand_ins and not given and override is None:
        return totals.not_asked(work, exercise)
    found = answers.get(student.number, [])
    questions = [
        *totals.automatic(found, exercise, read_reasons(), course.hints),
        *totals.by_hand(work, given),
    ]
    return totals.exercise_mark(
        work,
        exercise,
        heard.gathered.hand_ins.get(student.number),
        questions,
        due=work.due.get(student.group),
        override=override,
        now=now,
    )


# --- Écrire --------------------------------------------------------------------------


def _write_worksheets(course: Course, heard: Heard, real: Term) -> list[Path]:
    """Remplit les feuilles de Moodle d'un exercice ; celles de l'enseignant ne changent pas."""
    marks = {number: mark.mark for number, (_, mark) in _counted(course, heard, real).items()}
    sheets = heard.gathered.worksheets
    names = [path.name for path in sheets]
    written = []
    for path, sheet in sheets.items():
        group = next(each for each, given in heard.work.worksheets.items() if given == path)
        group = group.replace("/", "-")
        parts = [heard.work.exercise, *([group] if names.count(path.name) > 1 else []), path.name]
        written.append(_write(course, "-".join(parts), moodle.filled(sheet, marks)))
    return written


def _counted(
    course: Course, heard: Heard, real: Term
) -> dict[str, tuple[StudentMarks, ExerciseMark]]:
    """Rend, par numéro, ceux dont l'exercice compte déjà ; les autres ont encore le temps."""
    place = course.works.index(heard.work)
    marks = {each.student.number: (each, each.exercises[place]) for each in real.students}
    return {
        number: (each, mark)
        for number, (each, mark) in marks.items()
        if mark.weight or mark.status == HANDED_IN
    }


def _write_feedback(course: Course, heard: Heard, real: Term) -> list[Path]:
    """Fait le zip des pages d'un exercice, pour ceux dont Moodle connaît le numéro."""
    exercise, gathered = heard.work.exercise, heard.gathered
    pages = {}
    for number, (each, _) in _counted(course, heard, real).items():
        known = gathered.rows.get(number) or gathered.hand_ins.get(number)
        if not known or not known.participant:
            continue
        name = known.name if isinstance(known, moodle.Row) else known.owner
        pages[name, known.participant] = student_page(each, exercise, course=course.title)
    content = moodle.feedback(pages, f"{exercise}.html")
    return [_write(course, f"{exercise}-retours.zip", content)] if pages else []


def _write(course: Course, name: str, content: bytes) -> Path:
    folder = course.output / "moodle"
    folder.mkdir(exist_ok=True)
    with replacing(folder / name, suffix=own_suffix()) as temporary:
        temporary.write_bytes(content)
    return folder / name


def _summary(term: Term) -> None:
    """Affiche une ligne par élève."""
    exercises = [mark.exercise for mark in term.students[0].exercises]
    width = max(len(each.student.name) for each in term.students)
    print(f"\n{'':<{width}}" + "".join(f"{name:>9}" for name in exercises) + f"{'note /20':>11}")
    for each in term.students:
        cells = "".join(f"{_short(mark):>9}" for mark in each.exercises)
        whole = "-" if each.mark is None else report.number(each.mark)
        print(f"{printable(each.student.name):<{width}}{cells}{whole:>11}")
    shown = " ".join(_short(mark) for each in term.students for mark in each.exercises)
    for sign, meaning in SIGNS.items():
        if sign in shown:
            print(f"{sign} {meaning}")


def _short(mark: ExerciseMark) -> str:
    if not mark.weight and mark.status != HANDED_IN:
        return "-"
    sign = "*" if mark.status != HANDED_IN else "r" if mark.days_late else ""
    return f"{report.number(mark.mark)} {sign}".rstrip()
