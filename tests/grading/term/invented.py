"""Un trimestre inventé : trois classes, vingt élèves, six exercices, ce qui arrive dans les vrais.

Les rendus sont faits des collections de `tests/grading/right` et `wrong`, et d'énoncés complétés.
Deux classes rendent par Moodle, en français et en anglais ; la troisième, dans des dossiers.
"""

import csv
import io
import os
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from grading import skeleton
from grading.submission import file_of
from tests.grading import handins, school

EXERCISES = ("ex00", "ex01", "ex02", "ex04", "ex07", "ex17")
STUDENTS = {
    "A": "Inès Alami, Léo Bernard, Zoé d'Hérouville, Théo Évrard, Camille Faure, Tom Garcia, "
    "Nour Haddad",
    "B": "Anna Ibrahim, Paul Jolly, Jean-Marie Klein, Lina Lopez, Hugo Moreau, Sarah N'Diaye, "
    "Noé Ortiz",
    "C": "Eva Petit, Adam Quéré, Jade Roux, Louis Silva, Maël Tessier, Rose Urban",
}
ABSENT = "Noé Ortiz"  # n'a rien rendu de tout le trimestre
LATE = {("Tom Garcia", "ex00"): 1, ("Lina Lopez", "ex02"): 3}  # en jours
COPY = "Camille Faure", "Jean-Marie Klein"  # le second a le code d'ex01 du premier, déguisé
SAME_WEIGHTS = "Léo Bernard", "Eva Petit"  # la seconde a repris les poids d'ex02 du premier
OVERRIDDEN = "Jade Roux", "ex04"
CHANGED = "Rose Urban", "ex01"  # dans un dossier : c'est lui qu'un essai modifie
DUE = {
    exercise: datetime(2025, 9, 8, 23, 59) + timedelta(weeks=2 * rank)
    for rank, exercise in enumerate(EXERCISES)
}
BASES = {"ex02": "fashion_simple", "ex04": "lenet_simple"}  # sinon, le corrigé
# La feuille de chaque classe : titres, état remis et état absent, note maximale, « oui ».
SHEETS = {
    "A": (
        "Identifiant,Nom complet,Adresse de courriel,Statut,Note,Note maximale,"
        "La note peut être modifiée,Dernière modification (travail remis),"
        "Dernière modification (note),Feedback par commentaires",
        ("Remis pour évaluation", "Aucun travail remis"),
        "20,00",
        "Oui",
    ),
    "B": (
        "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
        "Last modified (submission),Last modified (grade),Feedback comments",
        ("Submitted for grading", "No submission"),
        "12.50",
        "Yes",
    ),
}
DAYS = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
HEAD = """title = "Réseaux convolutifs, automne 2025"
students = "eleves.csv"
hints = true
seed = 2025
late = { points_per_day = 1.5, refused_after_days = 7 }
"""
DECISION = """[[overrides]]
student = "{}"
exercise = "{}"
points = 14.5
reason = "Réseau refait et expliqué en classe."
"""


class Pupil(NamedTuple):
    """Un élève inventé."""

    name: str
    group: str
    rank: int

    @property
    def number(self) -> str:
        """Son numéro dans la liste de l'enseignant."""
        return str(2025_000 + 7 * self.rank)


def pupils() -> list[Pupil]:
    """Rend les élèves, dans l'ordre des classes."""
    named = [(name, group) for group, names in STUDENTS.items() for name in names.split(", ")]
    return [Pupil(name, group, rank) for rank, (name, group) in enumerate(named)]


# --- Les rendus ----------------------------------------------------------------------


def answers(exercise: str) -> dict[str, dict[str, str]]:
    """Répartit les réponses d'un exercice : par élève présent, chemin et contenu des fichiers."""
    present = [each.name for each in pupils() if each.name != ABSENT]
    base = _base(exercise)
    wrong = [each.files for each in handins.wrong() if each.exercise == exercise]
    wrong = [files for files in wrong if set(files) <= set(base)]
    others = [{**base, **wrong[k % len(wrong)]} for k in range(len(present))]
    found = dict(zip(present, [base, *others], strict=False))
    if exercise == "ex01":
        ((path, text),) = handins.answers("filtres_tenseurs").items()
        found[COPY[0]], found[COPY[1]] = {path: text}, {path: handins.disguised(text)}
    return found


def _base(exercise: str) -> dict[str, str]:
    if exercise in BASES:
        return handins.answers(BASES[exercise])
    modules = {each.modules[0] for each in handins.wrong() if each.exercise == exercise}
    modules |= set(skeleton.chosen_modules(exercise))
    return {file_of(each): handins.solution(each) for each in sorted(modules)}


def _packed(exercise: str, rank: int, files: dict[str, str | bytes]) -> dict[str, str | bytes]:
    """Met un rendu sous une des formes que les élèves choisissent."""
    if exercise in ("ex01", "ex02") and rank % 5 == 0:
        (_, text), *others = files.items()
        cells = text.removesuffix("\n").split("\n\n\n")
        if exercise == "ex02":  # c'est à ses données qu'un notebook est reconnu
            cells.append("(x, y), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()")
        return {f"TP {exercise} (1).ipynb": school.book(*cells), **dict(others)}
    if rank % 5 == 1:
        return {"rendu.zip": school.packed({f"mon TP/{name}": files[name] for name in files})}
    return files


def networks() -> dict[str, dict[str, bytes]]:
    """Rend les fichiers de poids, tirés au hasard, de `SAME_WEIGHTS` et d'une troisième élève."""
    import keras

    found = {}
    for name, seed in ((SAME_WEIGHTS[0], 1), (SAME_WEIGHTS[1], 1), ("Maël Tessier", 2)):
        keras.utils.set_random_seed(seed)
        pixels = keras.Input((28, 28, 1))
        flat = keras.layers.Flatten()(keras.layers.Conv2D(8, 3, activation="relu")(pixels))
        model = keras.Model(pixels, keras.layers.Dense(10, activation="softmax")(flat))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "poids.keras"
            model.save(path)
            found[name] = {"models/ex02_fashion.keras": path.read_bytes()}
    return found


# --- Le dossier ----------------------------------------------------------------------


def write(folder: Path, *, exercises: Sequence[str] = EXERCISES) -> Path:
    """Écrit le trimestre : la liste des élèves, les rendus, les feuilles de Moodle.

    Args:
        folder: dossier, créé au besoin.
        exercises: exercices demandés, parmi `EXERCISES`.

    Returns:
        Son `cours.toml`.
    """
    (folder / "rendus").mkdir(parents=True)
    trained = networks()
    text = [HEAD]
    for exercise in exercises:
        found = answers(exercise)
        made = {}
        for each in pupils():
            if each.name != ABSENT:
                weights = trained.get(each.name, {}) if exercise == "ex02" else {}
                made[each] = _packed(exercise, each.rank, {**found[each.name], **weights})
        for group in STUDENTS:
            _hand_in(folder / "rendus", exercise, group, made)
        text += _section(exercise)
    number = next(each.number for each in pupils() if each.name == OVERRIDDEN[0])
    text.append(DECISION.format(number, OVERRIDDEN[1]))
    rows = [["nom", "prénom", "numéro", "classe"]]
    for each in pupils():
        first, _, family = each.name.partition(" ")
        rows.append([family.upper(), first, each.number, each.group])
    _write_csv(folder / "eleves.csv", rows, delimiter=";")
    course = folder / "cours.toml"
    course.write_text("\n".join(text), encoding="utf-8")
    return course


def _write_csv(path: Path, rows: list[list[str]], delimiter: str) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    path.write_bytes(b"\xef\xbb\xbf" + file.getvalue().encode())


def _section(exercise: str) -> list[str]:
    due, name = DUE[exercise], f"rendus/{exercise}"
    return [
        "[[exercises]]",
        f'id = "{exercise}"',
        f"due = {due:%Y-%m-%dT%H:%M:%S}",
        f'hand_ins = {{ A = "{name}-A.zip", B = "{name}-B.zip", C = "{name}-C" }}',
        f'worksheet = {{ A = "{name}-A.csv", B = "{name}-B.csv" }}',
        *(["without_weights = true"] if exercise == "ex04" else []),
        "",
    ]


def _hand_in(folder: Path, exercise: str, group: str, made: dict[Pupil, dict]) -> None:
    """Écrit les rendus d'une classe : un zip de Moodle et sa feuille, ou un dossier par élève."""
    mine = [each for each in pupils() if each.group == group]
    dates = {}
    for each in mine:
        early = timedelta(hours=3 * each.rank + 1)
        days = LATE.get((each.name, exercise))
        dates[each] = DUE[exercise] + (timedelta(days=days, hours=-2) if days else -early)
    if group == "C":
        for each in mine:
            for name, content in made[each].items():
                path = folder / f"{exercise}-C" / each.name / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
                os.utime(path, (dates[each].timestamp(),) * 2)
        return
    # Moodle donne à un élève un autre numéro à chaque devoir.
    participants = {each: 40_000 + 1000 * EXERCISES.index(exercise) + each.rank for each in mine}
    members = {
        f"{each.name}_{participants[each]}_assignsubmission_file_/{name}": content
        for each in mine
        for name, content in made.get(each, {}).items()
    }
    (folder / f"{exercise}-{group}.zip").write_bytes(school.packed(members))
    titles, states, maximum, yes = SHEETS[group]
    rows = [titles.split(",")]
    for each in mine:
        absent = each not in made
        date = "-" if absent else _write_date(dates[each], french=group == "A")
        who = [f"Participant {participants[each]}", each.name, f"eleve{each.number}@exemple.fr"]
        rows.append([*who, states[absent], "", maximum, yes, date, "-", ""])
    _write_csv(folder / f"{exercise}-{group}.csv", rows, delimiter=",")


def _write_date(date: datetime, *, french: bool) -> str:
    if not french:
        return f"{date:%A, %d %B %Y, %I:%M %p}"
    day, month = DAYS[date.weekday()], MONTHS.split()[date.month - 1]
    return f"{day} {date.day} {month} {date:%Y, %H:%M}"
