"""`python -m grading cours.toml` : noter un trimestre, ou ce qui y a changé.

La note d'un rendu est gardée dans un fichier, avec l'empreinte de tout ce dont elle dépend. Chaque
fichier est écrit dès que le rendu est noté : une correction interrompue reprend au rendu suivant.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import filelock

from convnets.core.cli import FrenchParser, agreed, printable, run
from convnets.core.files import file_sha256
from convnets.figures import charts
from grading import report, scale
from grading.asking import grader
from grading.asking.grader import Mark
from grading.inside import sandbox
from grading.reading.submission import Submission
from grading.scale import FULL, Rule
from grading.term import moodle
from grading.term.course import Course, read_course
from grading.term.hand_ins import Gathered, gather
from grading.term.marks import StudentMarks, student_marks
from grading.term.pages import SHARED, student_page, write_pages, write_table

CACHE = ".cache"  # dans le dossier de sortie : rendus copiés, notes gardées, graine


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
    with filelock.FileLock(cache / "verrou"):  # une autre correction y écrit : elle finit d'abord
        grade_term(course, everything=everything)
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
    copies = course.output / CACHE / "rendus"  # tout est lu avant que rien ne soit noté
    heard = [gather(course, work, copies / work.exercise) for work in course.works]
    seed = _seed(course)
    for each in heard:
        each.work.say(agreed(len(each.submissions), "rendu"))
        grade_exercise(course, each, seed=seed, everything=everything)
    students = [student_marks(course, heard, each) for each in course.students]
    unowned = {each.work.exercise: each.unowned for each in heard if each.unowned}
    written = [write_table(course, students), write_pages(course, students, unowned)]
    for place, each in enumerate(heard):
        written += _for_moodle(course, each, students, place)
    if course.similarity:
        from grading.term import similarity

        written.append(similarity.write_similarity(course, heard))
    heads = ["", *(work.exercise for work in course.works), f"note /{FULL}"]
    print(f"\n{charts.table(heads, [_row(each) for each in students])}")
    print(f"\nÉcrit dans {printable(str(course.output))} : eleves/, ", end="")
    print(", ".join(printable(str(each.relative_to(course.output))) for each in written))


def _seed(course: Course) -> int:
    """Rend la graine des essais ; tirée au hasard, elle est gardée d'une fois à l'autre."""
    path = course.output / CACHE / "graine.txt"
    if course.seed is not None:
        return course.seed
    if not path.exists():
        report.write_file(path, str(grader.random_seed()))
    return int(path.read_text(encoding="utf-8"))


# --- Noter, ou relire ce qui n'a pas changé --------------------------------------------


def grade_exercise(course: Course, gathered: Gathered, *, seed: int, everything: bool) -> None:
    """Note les rendus d'un exercice qui ont changé, en disant la note de chacun.

    Args:
        course: le trimestre.
        gathered: ce qui a été reçu ; les notes y sont mises.
        seed: graine des essais.
        everything: renoter aussi ce qui n'a pas changé.

    Raises:
        OSError: le correcteur ne peut pas travailler ; ce qui est déjà noté est gardé.
    """
    work, submissions = gathered.work, list(gathered.submissions.values())
    names = _names(course, gathered)
    paths = [path for each in submissions for path in sorted(each.home.rglob("models/*.*"))]
    weights = [file_sha256(path) for path in paths]  # comparés entre eux : tous comptent pour tous
    with contextlib.closing(grader.Grader(grader.Options(seed), submissions=submissions)) as marker:
        for each in submissions:
            path = course.output / CACHE / "notes" / work.exercise / f"{each.name}.json"
            kept = json.loads(path.read_bytes()) if path.is_file() else {}
            key = fingerprint(each, weights, work.rules, seed)
            marks = [report.read_mark(mark) for mark in kept.get("marks", ())]
            late = any(mark.reason == "timeout" for mark in marks)  # peut-être pas cette fois
            same = kept.get("key") == key and not (everything or late)
            marks = marks if same else []
            try:
                marks = marks or [marker.grade(each, rule) for rule in work.rules]
            except RuntimeError as error:  # le correcteur est en panne : ce n'est pas un zéro
                raise OSError(str(error)) from error
            content = {"key": key, "marks": [report.write_mark(mark) for mark in marks]}
            report.write_file(path, json.dumps(content, ensure_ascii=False))
            gathered.marks[each.name] = marks
            _say_mark(marks, names, unchanged=same)


def _names(course: Course, gathered: Gathered) -> dict[str, str]:
    """Rend les noms à afficher de ceux qui ont fait chaque rendu, par numéro du premier."""
    known = {each.number: printable(each.name) for each in course.students}
    return {
        first: " et ".join(known[member] for member in gathered.team(first))
        for first in gathered.submissions
    }


def _say_mark(marks: Sequence[Mark], names: Mapping[str, str], *, unchanged: bool) -> None:
    """Affiche la note d'un rendu, et ce que l'enseignant doit en regarder."""
    (result,) = report.results(marks)
    said = f"{names[result.name]} : {result.total.out_of}"
    shared = [f", mêmes poids que {names[m.detail]}" for m in marks if m.reason == SHARED]
    print(f"  {said}{''.join(shared)}{', inchangé' if unchanged else ''}", flush=True)
    for why in report.alerts(marks).get(result.name, ()):
        print(f"    à regarder : {printable(why)}", flush=True)


def fingerprint(
    submitted: Submission, weights: Sequence[str], rules: Sequence[Rule], seed: int
) -> str:
    """Résume tout ce dont dépend la note d'un rendu.

    Args:
        submitted: le rendu, copié dans son propre dossier.
        weights: empreintes des poids rendus pour l'exercice.
        rules: questions posées.
        seed: graine des essais.

    Returns:
        L'empreinte de ses fichiers, des poids, du barème, des questions et de la graine.
    """
    files = sorted(path for path in submitted.home.rglob("*") if path.is_file())
    sources = sorted(scale.SCALE.glob("*.*"))
    names = [path.relative_to(submitted.home).as_posix() for path in files]
    contents = [file_sha256(path) for path in (*files, *sources)]
    content = [seed, [rule.id for rule in rules], names, contents, weights]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


# --- Écrire --------------------------------------------------------------------------


def _for_moodle(
    course: Course, gathered: Gathered, students: Sequence[StudentMarks], place: int
) -> list[Path]:
    """Remplit les feuilles de Moodle d'un exercice, et fait le zip de ses pages.

    N'y sont que ceux dont l'exercice compte déjà ; les autres ont encore le temps.
    """
    exercise, folder = gathered.work.exercise, course.output / "moodle"
    asked = {each.student.number: each for each in students if each.exercises[place].asked}
    written = []
    for rank, (path, sheet) in enumerate(gathered.worksheets.items()):
        marks = {
            row.line: asked[number].exercises[place].mark
            for number, row in gathered.rows.items()
            if number in asked
            and row.path == path
            and asked[number].exercises[place].mark is not None
        }
        name = f"{exercise}-{f'{rank + 1}-' if rank else ''}{path.name}"
        written.append(report.write_file(folder / name, moodle.filled(sheet, marks)))
    pages = {
        row: student_page(course, asked[name], exercise)
        for name, row in gathered.rows.items()
        if name in asked and row.participant
    }
    if pages:
        content = moodle.feedback(pages, f"{exercise}.html")
        written.append(report.write_file(folder / f"{exercise}-retours.zip", content))
    return written


def _row(marks: StudentMarks) -> list[str]:
    """Écrit la ligne d'un élève : ses notes, « - » pour ce qui n'est pas encore demandé."""
    shown = [report.number(each.mark) if each.asked else "-" for each in marks.exercises]
    total = "-" if marks.mark is None else report.number(marks.mark)
    return [printable(marks.student.name), *shown, total]
