"""`python -m grading cours.toml` : noter un trimestre, ou ce qui y a changé."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import filelock

from convnets.core.cli import FrenchParser, agreed, printable, run
from convnets.figures import charts
from grading import report, sandbox
from grading.grader import random_seed
from grading.scale import FULL, read_reasons, read_scale
from grading.term import moodle, similarity, totals
from grading.term.answers import SHARED, Answer, grade_all
from grading.term.course import Course, Work, read_course
from grading.term.hand_ins import Gathered, gather
from grading.term.manual import Given, read_manual
from grading.term.marks import ABSENT, HANDED_IN, ExerciseMark, Student, StudentMarks, Term
from grading.term.pages import student_page, write_pages
from grading.term.sheets import write_file
from grading.term.tables import write_tables

CACHE = ".cache"  # dans le dossier de sortie : rendus copiés, notes gardées, graine


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
            grade_term(course, everything=everything)
    except filelock.Timeout as error:
        raise ValueError(
            f"une autre correction écrit dans {course.output} ; attendez qu'elle finisse."
        ) from error
    return 0


def grade_term(course: Course, *, everything: bool = False) -> None:
    """Note un trimestre et écrit tout ce qui en vient.

    Args:
        course: le trimestre.
        everything: renoter aussi ce qui n'a pas changé.

    Raises:
        OSError: fichier impossible à lire ou à écrire.
        ValueError: une phrase ; rien n'est alors noté, et ce qui l'était est gardé.
    """
    cache = course.output / CACHE
    heard = [_hear(course, work, cache) for work in course.works]
    seed = _seed(cache / "graine.txt", course)
    answers = [_answers(course, each, seed, cache, everything) for each in heard]
    term = _term(course, heard, answers)
    written = [*write_tables(course, term), write_pages(term)[-1]]
    for place, each in enumerate(heard):
        written += _for_moodle(course, each, term, place)
    if course.similarity:
        found = zip(course.works, answers, strict=True)
        same = [(work.exercise, pair) for work, each in found for pair in _shared(each)]
        written.append(similarity.write_similarity(term, same))
    _summary(term)
    print(f"\nÉcrit dans {printable(str(course.output))} : eleves/, ", end="")
    print(", ".join(printable(str(each.relative_to(course.output))) for each in written))


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


def _seed(path: Path, course: Course) -> int:
    """Rend la graine des essais ; tirée au hasard, elle est gardée d'une fois à l'autre."""
    if course.seed is None and path.exists():
        return int(path.read_text(encoding="utf-8"))
    seed = random_seed() if course.seed is None else course.seed
    write_file(path, str(seed))
    return seed


# --- Noter ---------------------------------------------------------------------------


def _answers(
    course: Course, heard: Heard, seed: int, cache: Path, everything: bool
) -> dict[str, list[Answer]]:
    """Note les rendus d'un exercice, en disant ce qui l'est."""
    work, exercise = heard.work, read_scale()[heard.work.exercise]
    hand_ins = heard.gathered.hand_ins.values()
    ready = [each.submission for each in hand_ins if each.answers(work.exercise)]
    points = {rule.id: rule.points for rule in work.rules}
    names = {each.number: printable(each.name) for each in course.students}
    graded = set()

    def tell(number: str, answers: list[Answer]) -> None:
        mark = FULL * sum(each.level * points[each.id] for each in answers) / sum(points.values())
        graded.add(number)
        print(f"  {names[number]} : {report.number(mark)}/{FULL}", flush=True)

    title = f"{work.exercise} — {exercise.title}"
    if not work.hand_ins:
        print(f"{title} : pas encore demandé")
        return {}
    print(f"{title} : {agreed(len(ready), 'rendu')}{_dates(work)}", flush=True)
    folder = cache / "notes" / work.exercise
    found = grade_all(ready, work.rules, folder, seed=seed, everything=everything, tell=tell)
    for pair in _shared(found):
        print(f"  Mêmes poids : {' et '.join(names[number] for number in pair)}")
    print(f"  {agreed(len(graded), 'noté')}, {agreed(len(found) - len(graded), 'inchangé')}")
    return found


def _shared(found: dict[str, list[Answer]]) -> list[tuple[str, str]]:
    """Rend les paires de rendus qui ont les mêmes poids, d'après le correcteur."""
    pairs = {
        tuple(sorted((number, answer.detail)))
        for number, answers in found.items()
        for answer in answers
        if answer.reason == SHARED
    }
    return sorted(pairs)


def _dates(work: Work) -> str:
    """Dit d'où viennent les dates des rendus, s'il y a une échéance."""
    unknown = " ".join(group for group in work.due if group not in work.worksheets)
    if set(work.due) <= set(work.worksheets):
        return " ; dates de Moodle" if work.due else ""
    return f" ; sans la feuille de Moodle, aucun retard n'est compté : {unknown}".rstrip(" :")


def _term(course: Course, heard: Sequence[Heard], answers: list[dict]) -> Term:
    students = []
    for student in course.students:
        marks = tuple(
            _exercise(course, each, found.get(student.number, []), student)
            for each, found in zip(heard, answers, strict=True)
        )
        students.append(StudentMarks(student, marks, totals.average(marks)))
    return Term(course.title, date.today(), tuple(students), course.hints, course.output)


def _exercise(course: Course, heard: Heard, found: list[Answer], student: Student) -> ExerciseMark:
    work, exercise = heard.work, read_scale()[heard.work.exercise]
    override = course.overrides.get((student.number, work.exercise))
    given = {name: each for (number, name), each in heard.given.items() if number == student.number}
    if student.group not in work.hand_ins and not given and override is None:
        zero = Fraction(0)
        return ExerciseMark(work.exercise, exercise.title, zero, (), zero, zero, ABSENT)
    automatic = totals.automatic(found, exercise, read_reasons(), course.hints)
    return totals.exercise_mark(
        work,
        exercise,
        heard.gathered.hand_ins.get(student.number),
        [*automatic, *totals.by_hand(work, given)],
        due=work.due.get(student.group),
        override=override,
    )


# --- Écrire --------------------------------------------------------------------------


def _for_moodle(course: Course, heard: Heard, term: Term, place: int) -> list[Path]:
    """Remplit les feuilles de Moodle d'un exercice, et fait le zip de ses pages.

    N'y sont que ceux dont l'exercice compte déjà ; les autres ont encore le temps.
    """
    exercise, folder = heard.work.exercise, course.output / "moodle"
    marks, pages, written = {}, {}, []
    for each in term.students:
        mark, number = each.exercises[place], each.student.number
        known = heard.gathered.rows.get(number) or heard.gathered.hand_ins.get(number)
        if mark.asked:
            marks[number] = mark.mark
        if mark.asked and known and known.participant:
            page = student_page(each, exercise, course=course.title)
            pages[known.name, known.participant] = page
    sheets = heard.gathered.worksheets
    for rank, (path, sheet) in enumerate(sheets.items(), 1):
        twice = [each.name for each in sheets].count(path.name) > 1
        name = f"{exercise}-{f'{rank}-' if twice else ''}{path.name}"
        written.append(write_file(folder / name, moodle.filled(sheet, marks)))
    if pages:
        content = moodle.feedback(pages, f"{exercise}.html")
        written.append(write_file(folder / f"{exercise}-retours.zip", content))
    return written


def _summary(term: Term) -> None:
    """Affiche une ligne par élève."""
    heads = ["", *(mark.exercise for mark in term.students[0].exercises), f"note /{FULL}"]
    rows = [
        [printable(each.student.name), *map(_short, each.exercises), _written(each.mark)]
        for each in term.students
    ]
    print(f"\n{charts.table(heads, rows)}\n* absent, ou rendu illisible ; r en retard")


def _short(mark: ExerciseMark) -> str:
    sign = "*" if mark.status != HANDED_IN else "r" if mark.days_late else ""
    return f"{_written(mark.mark)} {sign}".rstrip() if mark.asked else "-"


def _written(mark: Fraction | None) -> str:
    return "-" if mark is None else report.number(mark)
