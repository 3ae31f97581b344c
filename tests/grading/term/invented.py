"""Un trimestre inventé : trois classes, vingt élèves, six exercices, ce qui arrive dans les vrais.

Les rendus sont faits des collections de `tests/grading/right` et `wrong`, et d'énoncés complétés.
Deux classes rendent par Moodle, en français et en anglais ; la troisième, dans des dossiers.
"""

import csv
import importlib.util
import io
import json
import os
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from grading import skeleton
from grading.submission import REPO, file_of
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
TRAINED_ON = "Léo Bernard", "Eva Petit"  # la seconde a repris les poids d'ex02 du premier
OVERRIDDEN = "Jade Roux", "ex04"
CHANGED = "Rose Urban", "ex01"  # dans un dossier : c'est lui qu'un essai modifie
DUE = {
    exercise: datetime(2025, 9, 8, 23, 59) + timedelta(weeks=2 * rank)
    for rank, exercise in enumerate(EXERCISES)
}
MAXIMUM = {"A": "20,00", "B": "12.50"}  # note maximale dans Moodle
BASES = {"ex02": "fashion_simple", "ex04": "lenet_simple"}  # sinon, le corrigé
ONLY_ONE = {  # réponses justes qu'un seul élève rend
    "ex00": ("convolution_simple",),
    "ex01": (),
    "ex02": ("fashion_classe", "fashion_generateur", "fashion_logits"),
    "ex04": (),
    "ex07": ("ex07_simple",),
    "ex17": ("ex17_simple",),
}
FRENCH = (
    "Identifiant,Nom complet,Adresse de courriel,Statut,Note,Note maximale,"
    "La note peut être modifiée,Dernière modification (travail remis),"
    "Dernière modification (note),Feedback par commentaires"
)
ENGLISH = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments"
)
DAYS = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
MANUAL = """
[[exercises.manual]]
id = "comparaison"
title = "Comparer les performances de deux réseaux"
points = 4
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
    wrong = [
        each.files for each in handins.wrong() if each.exercise == exercise and _near(each, base)
    ]
    wrong = [{path: files[path] for path in files if path != "predict.py"} for files in wrong]
    few = [handins.answers(name) for name in ONLY_ONE[exercise]]
    if exercise == "ex01":
        statement = skeleton.make_skeleton("ex01_filters")
        text = handins.answers("filtres_numpy")["ex01_filters.py"]
        few.append({"ex01_filters.py": handins.completed(statement, text)})
    made = [*few, base, *({**base, **wrong[k % len(wrong)]} for k in range(len(present)))]
    found = dict(zip(present, made[: len(present)], strict=True))
    if exercise == "ex01":
        ((path, text),) = handins.answers("filtres_tenseurs").items()
        found[COPY[0]], found[COPY[1]] = {path: text}, {path: handins.disguised(text)}
    if exercise == "ex00":
        found["Paul Jolly"] = {"pooling.py": school.POOLING}  # le reste n'est pas rendu
    return found


def _base(exercise: str) -> dict[str, str]:
    if exercise in BASES:
        return handins.answers(BASES[exercise])
    modules = {each.modules[0] for each in handins.wrong() if each.exercise == exercise}
    modules |= {needed for each in modules for needed in skeleton.needed_modules(each)}
    return {file_of(each): handins.solution(each) for each in sorted(modules)}


def _near(handin: handins.HandIn, base: dict[str, str]) -> bool:
    """Dit si un rendu faux est fait de cette base, et non d'une autre réponse."""
    new = [
        line
        for path, text in handin.files.items()
        for line in set(text.splitlines()) - set(base.get(path, "").splitlines())
        if path in base
    ]
    return len(new) < 10


def _packed(exercise: str, rank: int, files: dict[str, str | bytes]) -> dict[str, str | bytes]:
    """Met un rendu sous une des formes que les élèves choisissent."""
    if exercise in ("ex01", "ex02") and rank % 5 == 0:
        (name, text), *others = files.items()
        cells = text.removesuffix("\n").split("\n\n\n")
        if exercise == "ex02":  # c'est à ses données qu'un notebook est reconnu
            cells.append("(x, y), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()")
        return {f"TP {exercise} (1).ipynb": school.book(*cells), **dict(others)}
    if rank % 5 == 1:
        return {"rendu.zip": school.packed({f"mon TP/{name}": files[name] for name in files})}
    return files


def networks(chosen: Sequence[Pupil]) -> dict[str, dict[str, bytes]]:
    """Entraîne vraiment, en peu d'images, le réseau d'ex02 de quelques élèves ; rend ses fichiers.

    Args:
        chosen: élèves, dans l'ordre ; la seconde de `TRAINED_ON` reprend les poids du premier.
    """
    import keras
    import numpy as np

    path = handins.HERE / "right" / BASES["ex02"] / "ex02_fashion.py"
    spec = importlib.util.spec_from_file_location("reponse", path)
    answer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(answer)
    with np.load(REPO / "tests/extracts/fashion_mnist_test.npz") as extract:
        x, y = extract["x"], extract["y"]
    found, kept = {}, {}
    for each in chosen:
        keras.utils.set_random_seed(each.rank)
        model = answer.build_model()
        if each.name == TRAINED_ON[1]:
            model.set_weights(kept[TRAINED_ON[0]])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, validation_split=0.2, epochs=4, verbose=0).history
        kept[each.name] = model.get_weights()
        bare = answer.build_model()  # sans l'optimiseur, trois fois plus lourd que les poids
        bare.set_weights(kept[each.name])
        with tempfile.TemporaryDirectory() as folder:
            bare.save(Path(folder) / "poids.keras")
            weights = (Path(folder) / "poids.keras").read_bytes()
        report = {"exercise": "ex02_fashion", "seeds": [each.rank], "history": history}
        found[each.name] = {
            "models/ex02_fashion.keras": weights,
            "models/ex02_fashion.json": json.dumps(report).encode(),
        }
    return found


# --- Le dossier ----------------------------------------------------------------------


def write(
    folder: Path, *, exercises: Sequence[str] = EXERCISES, with_networks: bool = False
) -> Path:
    """Écrit le trimestre : la liste des élèves, les rendus, les feuilles de Moodle.

    Args:
        folder: dossier, créé au besoin.
        exercises: exercices demandés, parmi `EXERCISES`.
        with_networks: entraîner le réseau d'ex02 de sept élèves, vingt secondes.

    Returns:
        Son `cours.toml`.
    """
    (folder / "rendus").mkdir(parents=True)
    present = [each for each in pupils() if each.name != ABSENT]
    chosen = [each for each in present if each.group == "C" or each.name == TRAINED_ON[0]]
    trained = networks(chosen) if with_networks and "ex02" in exercises else {}
    text = ['title = "Réseaux convolutifs, automne 2025"', 'students = "eleves.csv"', "hints = 1"]
    text += ["seed = 2025", "", "[late]", "points_per_day = 1.5", "refused_after_days = 7", ""]
    for exercise in exercises:
        found = answers(exercise)
        made = {
            each: _packed(exercise, each.rank, {**found[each.name], **weights})
            for each in present
            for weights in [trained.get(each.name, {}) if exercise == "ex02" else {}]
        }
        for group in STUDENTS:
            _hand_in(folder / "rendus", exercise, group, made)
        text += _section(exercise)
    if OVERRIDDEN[1] in exercises:
        number = next(each.number for each in present if each.name == OVERRIDDEN[0])
        text += [
            "[[overrides]]",
            f'student = "{number}"',
            f'exercise = "{OVERRIDDEN[1]}"',
            "points = 14.5",
            'reason = "Réseau refait et expliqué en classe."',
        ]
    rows = [["nom", "prénom", "numéro", "classe"]]
    rows += [[*_family_first(each.name), each.number, each.group] for each in pupils()]
    _write_csv(folder / "eleves.csv", rows, delimiter=";")
    if "ex02" in exercises:
        _write_manual(folder / "ex02-a-noter.csv")
    course = folder / "cours.toml"
    course.write_text("\n".join(text) + "\n", encoding="utf-8")
    return course


def _family_first(name: str) -> list[str]:
    first, _, family = name.partition(" ")
    return [family.upper(), first]


def _write_csv(path: Path, rows: list[list[str]], delimiter: str) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    path.write_bytes(b"\xef\xbb\xbf" + file.getvalue().encode())


def _write_manual(path: Path) -> None:
    """Remplit la question manuelle comme un enseignant pressé : des points, peu de remarques."""
    rows = [["numéro", "nom", "classe", "comparaison", "comparaison, remarque"]]
    for each in pupils():
        if each.name == ABSENT:
            rows.append([each.number, each.name, each.group, "", ""])
        else:
            points = ("4", "2,5", "3", "1,25")[each.rank % 4]
            remark = "" if each.rank % 4 else "Les deux écarts-types sont donnés, bravo."
            rows.append([each.number, each.name, each.group, points, remark])
    _write_csv(path, rows, delimiter=";")


def _section(exercise: str) -> list[str]:
    due, name = DUE[exercise], f"rendus/{exercise}"
    return [
        "[[exercises]]",
        f'id = "{exercise}"',
        f"due = {due:%Y-%m-%dT%H:%M:%S}",
        f'hand_ins = {{ A = "{name}-A.zip", B = "{name}-B.zip", C = "{name}-C" }}',
        f'worksheet = {{ A = "{name}-A.csv", B = "{name}-B.csv" }}',
        *(MANUAL.splitlines() if exercise == "ex02" else []),
        *(["without_weights = true"] if exercise == "ex04" else []),
        "",
    ]


def _hand_in(folder: Path, exercise: str, group: str, made: dict[Pupil, dict]) -> None:
    """Écrit les rendus d'une classe : un zip de Moodle et sa feuille, ou un dossier par élève."""
    mine = [each for each in pupils() if each.group == group]
    late = {each: LATE.get((each.name, exercise)) for each in mine}
    dates = {
        each: DUE[exercise] + timedelta(days=days, hours=-2)
        if (days := late[each])
        else DUE[exercise] - timedelta(hours=3 * each.rank + 1)
        for each in mine
    }
    if group == "C":
        for each in mine:
            for name, content in made[each].items():
                path = folder / f"{exercise}-C" / each.name / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
                os.utime(path, (dates[each].timestamp(),) * 2)
        return
    members = {
        f"{each.name}_{_participant(exercise, each)}_assignsubmission_file_/{name}": content
        for each in mine
        for name, content in made.get(each, {}).items()
    }
    (folder / f"{exercise}-{group}.zip").write_bytes(school.packed(members))
    write_date = _french if group == "A" else _english
    rows = [(FRENCH if group == "A" else ENGLISH).split(",")]
    for each in mine:
        here = each in made
        rows.append(
            [
                f"Participant {_participant(exercise, each)}",
                each.name,
                f"eleve{each.number}@exemple.fr",
                ("Remis pour évaluation" if here else "Aucun travail remis")
                if group == "A"
                else ("Submitted for grading" if here else "No submission"),
                # Une note d'avant, à virgule dans la feuille française : elle sera remplacée.
                ("7,25" if group == "A" else "7.25") if each is mine[0] else "",
                MAXIMUM[group],
                "Oui" if group == "A" else "Yes",
                write_date(dates[each]) if here else "-",
                "-",
                "",
            ]
        )
    _write_csv(folder / f"{exercise}-{group}.csv", rows, delimiter=",")


def _participant(exercise: str, pupil: Pupil) -> int:
    """Numéro d'un élève pour un devoir : Moodle en donne un autre à chaque devoir."""
    return 40_000 + 1000 * EXERCISES.index(exercise) + 13 * pupil.rank


def _french(date: datetime) -> str:
    day, month = DAYS[date.weekday()], MONTHS.split()[date.month - 1]
    return f"{day} {date.day} {month} {date:%Y}, {date:%H:%M}"


def _english(date: datetime) -> str:
    days = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
    months = "January February March April May June July August September October November December"
    hour = f"{date.hour % 12 or 12}:{date:%M} {'AM' if date.hour < 12 else 'PM'}"
    return (
        f"{days[date.weekday()]}, {date.day} {months.split()[date.month - 1]} {date.year}, {hour}"
    )
