"""La page de l'enseignant : la classe, ses notes, et ce qui a été mal compris."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from statistics import mean, median

from convnets.core.cli import agreed
from grading.report import number
from grading.term.elements import Html, bar, document, join, table, tag
from grading.term.marks import (
    ABSENT,
    FULL,
    HANDED_IN,
    UNREADABLE,
    ExerciseMark,
    QuestionMark,
    StudentMarks,
    Term,
)
from grading.term.wording import day, name, points, prose, title, wanted, without_detail

BIN = 2  # largeur d'une barre de la distribution, en points
NUM_MISTAKES = 3  # par question
SUMMED = {"Moyenne": mean, "Médiane": median, "Plus basse": min, "Plus haute": max}


def class_page(term: Term) -> str:
    """Fait la page de la classe.

    Args:
        term: le trimestre ; ses élèves ont déjà leur pseudonyme, s'il en faut.

    Returns:
        Une page HTML entière. Avec des pseudonymes, elle ne recopie ni nom de fichier ni phrase de
        l'enseignant, qui pourraient nommer quelqu'un.
    """
    students = term.students
    marks = [each.mark for each in students if each.mark is not None]
    return document(
        f"{term.title} : la classe",
        _head(term, students, marks),
        _to_do(students, told=not term.pseudonyms),
        _list(students),
        _spread(students),
        *(_questions(students, exercise) for exercise in _exercises(students)),
    )


def _exercises(students: Sequence[StudentMarks]) -> dict[str, str]:
    """Rend les exercices demandés, et leur titre."""
    return {each.exercise: title(each) for one in students for each in one.exercises}


def _of(students: Sequence[StudentMarks], exercise: str) -> list[ExerciseMark]:
    return [each for one in students for each in one.exercises if each.exercise == exercise]


def _head(term: Term, students: Sequence[StudentMarks], marks: list[Fraction]) -> Html:
    said = [f"Page de l'enseignant, du {day(term.date)}. {agreed(len(students), 'élève')}."]
    if marks:
        said.append(
            f" Moyenne {number(mean(marks))}, médiane {number(median(marks))}, de "
            f"{points(min(marks))} à {points(max(marks))} sur {FULL}."
        )
    read = "lisent un indice par erreur" if term.hints else "ne lisent aucun indice"
    hints = f"Les élèves {read}."
    if term.pseudonyms:
        hints += " Les noms sont remplacés par des pseudonymes."
    return tag(
        "header",
        tag("h1", f"{term.title} : la classe"),
        tag("p", *said),
        tag("p", hints, class_="discret"),
    )


def _to_do(students: Sequence[StudentMarks], *, told: bool) -> Html:
    """Nomme les absents, les retards, les illisibles et les questions qui attendent une note.

    Args:
        students: les élèves.
        told: recopier aussi ce qui est dit d'un rendu ou d'une décision.
    """
    kinds = ("Absents", "Illisibles", "En retard", "Notes décidées", "À noter")
    lines: dict[str, list[Html]] = {kind: [] for kind in kinds}
    for one in students:
        said: dict[str, list[str]] = {kind: [] for kind in kinds}
        for each in filter(lambda mark: mark.asked, one.exercises):
            what = each.exercise
            if each.status == ABSENT:
                said["Absents"].append(what)
            elif each.status == UNREADABLE:
                said["Illisibles"].append(f"{what}, {each.note}" if each.note and told else what)
            if each.days_late:
                late = agreed(each.days_late, "jour")
                said["En retard"].append(f"{what}, {late}, {points(each.penalty)} en moins")
            if each.override:
                why = f", {each.override.reason}" if told else ""
                said["Notes décidées"].append(f"{what}, {points(each.override.points)}{why}")
            said["À noter"] += [f"{what}, {awaited}" for awaited in each.pending]
        for kind in filter(said.get, kinds):
            lines[kind].append(join(name(one.student), f" : {' ; '.join(said[kind])}"))
    parts = [
        join(tag("h3", kind), tag("ul", *(tag("li", each) for each in found)))
        for kind, found in lines.items()
        if found
    ]
    if not parts:
        parts = [tag("p", "Aucun absent, aucun retard, aucune question sans note.")]
    return tag("section", tag("h2", "À regarder"), *parts)


def _list(students: Sequence[StudentMarks]) -> Html:
    exercises = _exercises(students)
    rows = []
    for one in students:
        mine = {each.exercise: each for each in one.exercises}
        link = tag("a", name(one.student), href=f"eleves/{one.student.slug}.html")
        final = "–" if one.mark is None else tag("strong", points(one.mark))
        cells = (_cell(mine.get(exercise)) for exercise in exercises)
        rows.append([link, one.student.group or "–", final, *cells])
    return tag(
        "section",
        tag("h2", "Notes"),
        table(
            f"Notes sur {FULL}",
            ["Élève", "Groupe", "Note", *exercises],
            rows,
            class_="nombres",
            wide=True,
        ),
    )


def _cell(mark: ExerciseMark | None) -> Html:
    if mark is None or not mark.asked:
        return join("–")
    said = [mark.status] if mark.status != HANDED_IN else []
    said += [f"{mark.days_late} j de retard"] if mark.days_late else []
    said += ["décidée"] if mark.override else []
    small = tag("div", ", ".join(said), class_="discret") if said else None
    return join(points(mark.mark), small)


def _spread(students: Sequence[StudentMarks]) -> Html:
    """Répartit les notes du trimestre par tranches, résume celles des groupes et des exercices."""
    parts = [_bins([each.mark for each in students if each.mark is not None])]
    groups = dict.fromkeys(one.student.group for one in students)
    if len(groups) > 1:
        rows = []
        for group in groups:
            found = [one.mark for one in students if one.student.group == group]
            marks = [mark for mark in found if mark is not None]
            rows.append([group or "–", len(found), *_summed(marks)])
        heads = ["Groupe", "Élèves", *SUMMED]
        caption = "Notes du trimestre, par groupe"
        parts.append(table(caption, heads, rows, class_="nombres", wide=True))
    rows = []
    for exercise, said in _exercises(students).items():
        mine = [each for each in _of(students, exercise) if each.asked]
        statuses = Counter(each.status for each in mine)
        counts = [statuses[status] for status in (HANDED_IN, ABSENT, UNREADABLE)]
        late = sum(each.days_late > 0 for each in mine)
        here = [each.mark for each in mine if each.status == HANDED_IN]
        rows.append([said, *counts, late, *_summed(here)])
    heads = ["Exercice", "Rendus", "Absents", "Illisibles", "En retard", *SUMMED]
    caption = "Notes des exercices, parmi les rendus lus"
    parts.append(table(caption, heads, rows, class_="nombres", wide=True))
    return tag("section", tag("h2", "Distribution"), *parts)


def _bins(marks: list[Fraction]) -> Html:
    counts = Counter(min(int(mark // BIN) * BIN, FULL - BIN) for mark in marks)
    most = max(counts.values(), default=1)
    rows = []
    for start in range(0, FULL, BIN):
        end = "compris" if start + BIN == FULL else "exclu"
        label = f"de {start} à {start + BIN} {end}"
        rows.append([label, counts[start], bar(counts[start] / most)])
    return table("Notes du trimestre", ["Note", "Élèves", "Répartition"], rows)


def _summed(marks: list[Fraction]) -> list[str]:
    """Résume des notes par les nombres de `SUMMED`."""
    return [number(each(marks)) if marks else "–" for each in SUMMED.values()]


def _questions(students: Sequence[StudentMarks], exercise: str) -> Html:
    """Montre, question par question, ce qui a été réussi et les erreurs les plus fréquentes."""
    answers: dict[str, list[QuestionMark]] = {}
    for each in _of(students, exercise):
        for question in each.questions:
            answers.setdefault(question.id, []).append(question)
    head = tag("h2", _exercises(students)[exercise])
    if not answers:
        return tag("section", head, tag("p", "Aucun rendu n'a été lu."))
    rows = []
    for found in answers.values():
        full = sum(each.points == each.out_of for each in found)
        none = sum(each.points == 0 for each in found)
        part = len(found) - full - none
        out_of = points(found[0].out_of)
        average = number(mean(each.points for each in found))
        reasons = Counter(without_detail(each) for each in found if each.reason)
        mistakes = [
            tag("li", f"{times} fois : ", prose(reason))
            for reason, times in reasons.most_common(NUM_MISTAKES)
        ]
        rows.append(
            [
                wanted(found[0]),
                join(f"{full} / {part} / {none}", bar(full / len(found), part / len(found))),
                f"{average} / {out_of}",
                tag("ul", *mistakes) if mistakes else "–",
            ]
        )
    return tag(
        "section",
        head,
        table(
            f"{exercise} : élèves qui ont tous les points, une partie, aucun, parmi les rendus lus",
            ["Question", "Tous / en partie / aucun", "Moyenne", "Erreurs les plus fréquentes"],
            rows,
            class_="erreurs",
            wide=True,
        ),
    )
