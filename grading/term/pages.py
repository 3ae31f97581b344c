"""Les pages d'un trimestre, une par élève et celle de la classe, et son tableau.

Chaque page tient en un fichier, sans script et sans rien demander au réseau : elle se donne sur une
clé, s'imprime, et ne montre à un élève que ce qui est à lui. Les gabarits sont dans `templates/`.
"""

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import mean
from types import MappingProxyType

import jinja2
from markupsafe import Markup, escape

from convnets.core.cli import agreed, percent
from grading import report
from grading.asking.grader import Mark
from grading.report import Result, explain, grouped, number, write_file
from grading.scale import FULL, read_reasons, read_scale
from grading.term import sheets
from grading.term.course import Course
from grading.term.marks import HANDED_IN, ExerciseMark, StudentMarks

SHARED = "weights_shared"  # la seule raison qui dépende d'un autre rendu ; elle le nomme
NUM_MISTAKES = 3  # par question
# De contrôle, moitiés de caractères, et ceux qui retournent le sens de lecture de ce qui suit.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)


# --- Écrire --------------------------------------------------------------------------


def write_pages(
    course: Course,
    students: Sequence[StudentMarks],
    unowned: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Path:
    """Écrit `eleves/<élève>.html` et `classe.html`.

    Args:
        course: le trimestre.
        students: ses notes.
        unowned: par exercice, les noms des rendus qui ne sont attribués à personne.

    Returns:
        La page de la classe.

    Raises:
        OSError: dossier impossible à écrire.
    """
    for each in students:
        write_file(
            course.output / "eleves" / f"{each.student.slug}.html", student_page(course, each)
        )
    page = render(
        "classe.html",
        course=course,
        students=students,
        unowned=unowned,
        exercises=[_exercise(each) for each in zip(*(s.exercises for s in students), strict=True)],
    )
    return write_file(course.output / "classe.html", page)


def student_page(course: Course, marks: StudentMarks, exercise: str | None = None) -> str:
    """Fait la page d'un élève.

    Args:
        course: le trimestre.
        marks: ses notes.
        exercise: le seul exercice à montrer, `"ex02"` ; None : tous, et la note du trimestre.

    Returns:
        Une page HTML entière.
    """
    shown = [each for each in marks.exercises if exercise in (None, each.exercise)]
    return render("eleve.html", course=course, marks=marks, shown=shown, only=exercise)


def hand_in_page(result: Result, remarks: Sequence[str], *, hints: bool) -> str:
    """Fait la page d'un rendu noté hors d'un trimestre.

    Args:
        result: ses notes.
        remarks: ce qui est dit de ses fichiers, une phrase chacune.
        hints: donner un indice par erreur.
    """
    titles = {name: exercise.title for name, exercise in read_scale().items()}
    said = [each.rstrip(".") for each in remarks]
    return render("rendu.html", result=result, remarks=said, titles=titles, hints=hints)


def write_folder(folder: Path, marks: Sequence[Mark], header: dict, *, hint: bool = False) -> None:
    """Écrit `notes.csv`, et la page de chaque rendu dont la note est complète, à son nom.

    Args:
        folder: créé au besoin.
        marks: notes des questions.
        header: voir `report.write`.
        hint: donner l'indice de chaque erreur.

    Raises:
        OSError: fichier impossible à écrire.
    """
    for each in report.results(marks):
        if each.name not in header.get(report.NOT_YET, ()):
            remarks = header.get("remarques", {}).get(each.name, ())
            page = hand_in_page(each, remarks, hints=hint)
            write_file(folder / f"{report.file_name(each.name)}.html", page)
    report.write(folder / "notes.csv", marks, header, hint=hint)


def _exercise(marks: Sequence[ExerciseMark]) -> dict:
    """Rassemble ce que la page de la classe dit d'un exercice."""
    every = grouped([each for mark in marks for each in mark.marks], lambda mark: mark.rule.id)
    read = [each for each in marks if each.status == HANDED_IN]
    known = [each.mark for each in read if each.mark is not None]
    return {
        "name": marks[0].exercise,
        "title": marks[0].title,
        "num_read": len(read),
        "mean": mean(known) if known else None,
        "questions": [_question(found) for found in every.values()],
    }


def _question(found: list) -> dict:
    judged = [each for each in found if each.level is not None]
    full, none = sum(each.level == 1 for each in judged), sum(each.level == 0 for each in judged)
    reasons = Counter(read_reasons()[each.reason].text for each in found if each.reason)
    return {
        "rule": found[0].rule,
        "counts": (full, len(judged) - full - none, none),
        "unjudged": len(found) - len(judged),
        "mean": mean(each.points for each in judged) if judged else None,
        "mistakes": reasons.most_common(NUM_MISTAKES),
    }


# --- Le tableau ----------------------------------------------------------------------


def write_table(course: Course, students: Sequence[StudentMarks]) -> Path:
    """Écrit `notes.csv`, un élève par ligne.

    Args:
        course: le trimestre, tel qu'il est demandé.
        students: ses notes.

    Returns:
        Son chemin.
    """
    rows = [["nom", "numéro", "classe", f"note /{FULL}"]]
    for work in course.works:
        rows[0] += [f"{work.exercise} /{FULL}", f"{work.exercise}, état"]
        for rule in work.rules:
            rows[0] += [f"{rule.id} /{number(rule.points)}", f"{rule.id}, raison"]
    for each in students:
        row = [*each.student, each.mark]
        for exercise, work in zip(each.exercises, course.works, strict=True):
            row += [exercise.mark if exercise.asked else None, " ; ".join(exercise.state)]
            found = {mark.rule.id: [mark.points, told(mark)[0]] for mark in exercise.marks}
            for rule in work.rules:
                row += found.get(rule.id, [None, None])
        rows.append(row)
    return sheets.write(course.output / "notes.csv", rows)


# --- Dire ----------------------------------------------------------------------------


def told(mark: Mark) -> tuple[str, str]:
    """Rend la raison et l'indice d'une note, sans nommer l'élève qui a les mêmes poids."""
    return explain(mark._replace(detail="") if mark.reason == SHARED else mark)


def prose(said: str) -> Markup:
    """Met en page une phrase de `reasons.toml` : ce qui est entre accents graves est du code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(visible(said)))))


def visible(value):
    """Remplace par « � » ce qui ne s'affiche pas."""
    return UNSEEN.sub("\N{REPLACEMENT CHARACTER}", value) if type(value) is str else value


def render(name: str, **content) -> str:
    """Remplit un gabarit ; tout texte y est échappé."""
    return _environment().get_template(name).render(full=FULL, day=date.today(), **content)


@functools.cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (agreed, told, percent, number, prose):
        made.filters[each.__name__] = each
    return made
