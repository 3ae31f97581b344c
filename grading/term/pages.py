"""Les pages d'un trimestre : une par élève, et celle de la classe.

Chacune tient en un fichier, sans script et sans rien demander au réseau : elle se donne sur une
clé, s'imprime, et ne montre à un élève que ce qui est à lui.
"""

from pathlib import Path

from convnets.core.cli import agreed
from convnets.core.files import replacing
from grading.term import figures
from grading.term.elements import GENERATOR, Html, bar, document, join, table, tag
from grading.term.marks import (
    FULL,
    HANDED_IN,
    NOT_YET,
    ExerciseMark,
    QuestionMark,
    StudentMarks,
    Term,
)
from grading.term.overview import class_page
from grading.term.wording import day, handing_in, name, points, prose, steps, title, wanted

STUDENTS, CLASS = "eleves", "classe.html"


def write_pages(term: Term) -> list[Path]:
    """Écrit `eleves/<élève>.html` et `classe.html` ; efface les pages d'une autre liste.

    Args:
        term: le trimestre noté.

    Returns:
        Les fichiers écrits, celui de la classe en dernier.

    Raises:
        ValueError: deux élèves auraient la même page, ou l'un n'aurait pas de nom de fichier.
        OSError: dossier impossible à écrire.
    """
    folder = term.output / STUDENTS
    pages: dict[Path, str] = {}
    for marks in term.students:
        path = folder / f"{marks.student.slug}.html"
        if path in pages or not marks.student.slug:
            raise ValueError(
                f"L'élève {marks.student.name} ({marks.student.number}) n'a pas de page à lui : "
                "donnez à chacun un numéro, différent de ceux des autres."
            )
        pages[path] = student_page(marks, course=f"{term.title}, {day(term.date)}")
    pages[term.output / CLASS] = class_page(term)
    folder.mkdir(parents=True, exist_ok=True)
    for path in set(folder.glob("*.html")) - set(pages):
        if f'content="{GENERATOR}"' in path.read_text(encoding="utf-8", errors="replace")[:1000]:
            path.unlink()
    for path, page in pages.items():
        with replacing(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
    return list(pages)


def student_page(marks: StudentMarks, exercise: str | None = None, *, course: str = "") -> str:
    """Fait la page d'un élève.

    Args:
        marks: ses notes.
        exercise: le seul exercice à montrer, `"ex02"` ; None : tous, et la note du trimestre.
        course: ce qui est écrit au-dessus de son nom.

    Returns:
        Une page HTML entière.
    """
    shown = [each for each in marks.exercises if exercise in (None, each.exercise)]
    student = marks.student
    known = [f"Groupe {student.group}"] if student.group else []
    known += [f"Numéro {student.number}"] if student.number else []
    head = [
        tag("p", course, class_="discret") if course else None,
        tag("h1", name(student)),
        tag("p", " · ".join(known), class_="discret") if known else None,
    ]
    if exercise is None:
        head.append(_summary(marks))
    what = title(shown[0]) if exercise and shown else "vos notes"
    return document(
        f"{student.name} : {what}", tag("header", *head), *(_exercise(each) for each in shown)
    )


def _summary(marks: StudentMarks) -> Html:
    """Dit la note du trimestre, et d'où elle vient."""
    if marks.mark is None or not marks.exercises:
        return tag("p", "Aucun exercice n'est encore noté.")
    whole = sum(each.weight for each in marks.exercises)
    count = agreed(sum(each.asked for each in marks.exercises), "exercice")
    rows = [
        [
            tag("a", title(each), href=f"#{each.exercise}"),
            points(each.mark) if each.asked else "–",
            points(each.weight),
            _state(each),
        ]
        for each in marks.exercises
    ]
    return join(
        tag("p", "Note : ", tag("strong", points(marks.mark)), f" sur {FULL}", class_="note"),
        table(
            f"Moyenne de {count}, pondérée par les coefficients (en tout {points(whole)})",
            ["Exercice", f"Note sur {FULL}", "Coef.", "Remise"],
            rows,
        ),
    )


def _state(mark: ExerciseMark) -> str:
    if not mark.asked:
        return NOT_YET
    if mark.status != HANDED_IN:
        return mark.status
    late = agreed(mark.days_late, "jour")
    return f"{late} de retard" if mark.days_late else "dans les temps" if mark.handed_at else "reçu"


def _exercise(mark: ExerciseMark) -> Html:
    total = tag("p", tag("strong", points(mark.mark)), f" sur {mark.out_of}", class_="note")
    said, remark = steps(mark), "À savoir : " if mark.asked else ""
    parts = [
        tag("h2", title(mark), id=f"{mark.exercise}"),
        total if mark.asked else None,
        tag("p", handing_in(mark)),
        tag("ul", *(tag("li", step) for step in said)) if said else None,
        tag("p", remark + mark.note, class_="a-savoir") if mark.note else None,
    ]
    if mark.questions:
        parts.append(
            table(
                "Vos réponses, question par question",
                ["Question", "Points", "Ce qui a été vu"],
                [_question(each) for each in mark.questions],
                class_="questions",
            )
        )
    seen = figures.network(mark.folder, mark.exercise) if mark.folder else None
    if seen:
        parts += [tag("h3", "Vos figures"), seen]
    return tag("section", *parts)


def _question(question: QuestionMark) -> list:
    share = float(question.points / question.out_of) if question.out_of else 0.0
    level = "juste" if share >= 1 else "partie" if share > 0 else "faux"
    words = {"juste": "Juste.", "partie": "Juste en partie.", "faux": "À reprendre."}
    said = [tag("strong", words[level], class_=level)]
    if question.manual:
        said = [tag("p", "Notée par votre enseignant."), tag("p", question.remark)]
    elif question.reason:
        said += [" ", prose(question.reason)]
    if question.hint:
        said.append(tag("p", "Indice : ", prose(question.hint)))
    score = f"{points(question.points)} / {points(question.out_of)}"
    return [wanted(question), join(score, bar(min(share, 1.0))), join(*said)]
