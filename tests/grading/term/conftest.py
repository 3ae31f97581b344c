"""Un petit trimestre : deux classes, cinq élèves, deux exercices, et un correcteur imité."""

import shutil
from fractions import Fraction

import pytest

from grading.asking import grader
from grading.inside import sandbox
from grading.term import command
from tests.grading import handins, school

HEAD = (
    '"Identifiant","Nom complet",Statut,Note,"Note maximale","Modifiable",'
    '"Dernière modification (travail remis)","Dernière modification (note)"\r\n'
)
ROW = '"Participant {}","{}","Remis\npour ""évaluation""",,"20,00",Oui,"{}",-\r\n'
ROWS = [
    (901, "Inès Alami", "lundi 12 octobre 2026, 23:52"),
    (902, "COSTA Léo", "mercredi 14 octobre 2026, 08:10"),
    (903, "Zoé Faure", "lundi 12 octobre 2026, 10:00"),
    (904, "Tom Garcia", "-"),
]
STUDENTS = """numéro;nom;prénom;classe
1001;Alami;Inès;3A
1002;Costa;Léo;3A
1003;Faure;Zoé;3B
1004;Garcia;Tom;3B
"""
COURSE = """
title = "Réseaux convolutifs"
students = "eleves.csv"
hints = true
seed = 5
similarity = false
late = { points_per_day = 1, maximum = 5 }

[[exercises]]
id = "ex00"
hand_ins = "tp0.zip"
worksheet = "Notes TP0.csv"
due = { 3A = 2026-10-13, 3B = "12/10/2026 23:59" }
weight = 2

[[exercises]]
id = "ex01"
hand_ins = { 3A = "tp1" }

[[overrides]]
student = 1003
exercise = "ex00"
points = 12.5
reason = "rattrapé à l'oral"
"""


@pytest.fixture
def home(tmp_path):
    """Écrit le trimestre ; rend son dossier, où est `cours.toml`."""
    place, pooling = "_assignsubmission_file_/ex00_convolution/pooling.py", school.POOLING
    wrong = pooling.replace("np.maximum(values, 0)", "np.abs(values)")
    hand_ins = {
        f"Inès Alami_901{place}": pooling,
        f"Léo Costa_902{place}": pooling,
        f"Zoé Faure_903{place}": wrong,
    }
    (tmp_path / "tp0.zip").write_bytes(school.packed(hand_ins))
    sheet = HEAD + "".join(ROW.format(*row) for row in ROWS)
    (tmp_path / "Notes TP0.csv").write_bytes(b"\xef\xbb\xbf" + sheet.encode())
    (tmp_path / "eleves.csv").write_text(STUDENTS, encoding="cp1252")
    for name in ("alami", "costa"):
        shutil.copytree(handins.HERE / "right" / "filtres_numpy", tmp_path / "tp1" / name)
    (tmp_path / "cours.toml").write_text(COURSE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def marker(monkeypatch):
    """Imite le correcteur : juste, sauf ce que dit `verdicts` ; `asked` garde ce qu'il a noté."""

    class Marker:
        verdicts, asked, broken = {}, [], ""

        def __init__(self, options, *, submissions=()):
            pass

        def grade(self, submitted, rule):
            if submitted.name == Marker.broken:
                raise RuntimeError("l'atelier s'est arrêté")
            if submitted.name not in Marker.asked[-1:]:
                Marker.asked.append(submitted.name)
            verdict = Marker.verdicts.get((submitted.name, rule.id), (1, None, ""))
            return grader.Mark(submitted.name, rule, Fraction(verdict[0]), *verdict[1:])

        def close(self):
            pass

    monkeypatch.setattr(command.grader, "Grader", Marker)
    monkeypatch.setattr(sandbox, "check_system", lambda: None)
    return Marker
