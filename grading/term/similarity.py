"""Montrer les rendus qui se ressemblent, face à face, sans accuser personne.

L'outil est copydetect (licence MIT), qui fait d'un code les empreintes de tous ses morceaux, noms
remplacés, commentaires et blancs ôtés. La page est la nôtre : la sienne demande le réseau.

Source : Schleimer, Wilkerson et Aiken, *Winnowing: Local Algorithms for Document Fingerprinting*,
SIGMOD 2003.
"""

import copy
import functools
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from copydetect import CodeFingerprint, CopyDetector
from copydetect.utils import get_token_coverage

from grading import sealed, skeleton
from grading.reading.archives import MAX_SOURCE_BYTES
from grading.reading.submission import Submission, file_of
from grading.report import write_file
from grading.term.course import Course
from grading.term.hand_ins import Gathered
from grading.term.pages import render, visible

# Mesuré sur tests/grading/right : deux réponses au même énoncé partagent au plus 0,62 de ce qui
# leur reste ; un rendu dont noms, ordre et commentaires sont changés en garde au moins 0,75.
LENGTH = 30  # signes d'un morceau, un nom comptant pour un ; une ligne et demie
SHARE = 0.65  # de ce qui reste de l'un des deux, au moins
MIN_SIGNS = 120  # en commun, au moins : quatre lignes
SPREAD, MIN_SPREAD = 1 / 4, 4  # part des rendus, et nombre, qui rendent un morceau ordinaire
MAX_SIGNS = 100_000  # lus d'un rendu : dix fois un long exercice
MAX_PAIRS = 30  # montrées, par exercice


def read_code(submitted: Submission, exercise: str) -> str:
    """Lit le code d'un rendu pour un exercice : ses fichiers, et les cellules de ses notebooks."""
    found: dict[str, str] = {}  # par fichier ou cellule : plusieurs modules viennent d'un notebook
    for module in sorted(submitted.modules):
        path = submitted.root / file_of(module)
        if module.startswith(exercise) and path.stat().st_size <= MAX_SOURCE_BYTES:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            found |= _cells(path) or {path.name: text}
    return "".join(f"# {p}\n{visible(t).strip()}\n\n" for p, t in found.items())[:MAX_SIGNS]


def _cells(path: Path) -> dict[str, str]:
    """Lit les cellules que `notebooks.convert` a posées à côté d'un module ; rien sinon."""
    try:
        cells = json.loads(path.with_suffix(".cells.json").read_bytes())["cells"]
        return {str(label): str(text) for label, text in cells}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}


# --- Comparer ------------------------------------------------------------------------


def _fingerprint(text: str) -> CodeFingerprint:
    """Prend l'empreinte d'un code, par copydetect."""
    found = CodeFingerprint("code.py", LENGTH, 1, fp=io.StringIO(text))
    if len(found.offsets):  # un nom de classe y recule ; les autres ne reculent jamais
        found.offsets[:, 1] = np.maximum.accumulate(found.offsets[:, 1])
    return found


def _without(fingerprint: CodeFingerprint, hashes: set) -> CodeFingerprint:
    """Ôte des morceaux d'une empreinte ; `boilerplate=` de copydetect en laisse de répétés."""
    left = copy.copy(fingerprint)
    left.hashes = fingerprint.hashes - hashes
    left.hash_idx = {key: fingerprint.hash_idx[key] for key in left.hashes}
    left.token_coverage = get_token_coverage(left.hash_idx, LENGTH, len(left.filtered_code))
    return left


@functools.cache
def _course(exercise: str) -> set:
    """Rend les morceaux de l'énoncé et du corrigé d'un exercice."""
    modules = skeleton.chosen_modules(exercise)
    texts = [skeleton.make_skeleton(each) for each in modules]
    texts += [(sealed.folder() / file_of(each)).read_text(encoding="utf-8") for each in modules]
    return set().union(*(_fingerprint(each).hashes for each in texts))


def compare(exercise: str, submitted: Mapping[str, Submission]) -> list:
    """Cherche les rendus d'un exercice qui se ressemblent.

    N'est compté ni ce qui est dans l'énoncé ou le corrigé, ni ce que beaucoup ont écrit.

    Args:
        exercise: `"ex02"`.
        submitted: rendus, par nom d'élève.

    Returns:
        Les paires, les plus ressemblantes d'abord, telles que copydetect les décrit
        (`CopyDetector.get_copied_code_list`).
    """
    whole = {name: _fingerprint(read_code(each, exercise)) for name, each in submitted.items()}
    times = Counter(each for found in whole.values() for each in found.hashes)
    ordinary = {each for each, n in times.items() if n >= max(MIN_SPREAD, len(whole) * SPREAD)}
    known = _course(exercise) | ordinary
    detector = CopyDetector(
        noise_t=LENGTH, guarantee_t=LENGTH, display_t=SHARE, truncate=True, silent=True
    )
    detector.test_files = detector.ref_files = list(whole)
    detector.file_data = {name: _without(found, known) for name, found in whole.items()}
    detector.run()
    return [each for each in detector.get_copied_code_list() if each[-1] >= MIN_SIGNS][:MAX_PAIRS]


def write_similarity(course: Course, heard: Sequence[Gathered]) -> Path:
    """Compare les rendus d'un trimestre, exercice par exercice, et en écrit la page.

    Args:
        course: le trimestre.
        heard: ce qui a été reçu pour chaque exercice.
    """
    names = {each.number: f"{each.name} ({each.number})" for each in course.students}
    results = []
    for each in heard:
        exercise = each.work.exercise
        found = {
            " et ".join(names[member] for member in each.team(number)): submitted
            for number, submitted in each.submissions.items()
        }
        if found:
            results.append((exercise, len(found), compare(exercise, found)))
    page = render("ressemblances.html", title=course.title, results=results, least=SHARE)
    return write_file(course.output / "ressemblances.html", page)
