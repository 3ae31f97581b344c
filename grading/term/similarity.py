"""Montrer les rendus qui se ressemblent, face à face, sans accuser personne.

L'outil est copydetect (licence MIT), qui fait d'un code les empreintes de tous ses morceaux, noms
remplacés, commentaires et blancs ôtés. La page est la nôtre : son compte rendu à lui demande le
réseau, et ne sait pas ôter ce que toute une classe a écrit.

Source : Schleimer, Wilkerson et Aiken, *Winnowing: Local Algorithms for Document Fingerprinting*,
SIGMOD 2003.
"""

import copy
import functools
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from grading import skeleton, submission
from grading.archives import MAX_SOURCE_BYTES
from grading.submission import EXERCISES, Submission, file_of
from grading.term.marks import Term
from grading.term.pages import UNSEEN, render
from grading.term.sheets import write_file

# Mesuré sur tests/grading/right : deux réponses au même énoncé partagent au plus 0,62 de ce qui
# leur reste ; un rendu dont noms, ordre et commentaires sont changés en garde au moins 0,75.
LENGTH = 30  # signes d'un morceau, un nom comptant pour un ; une ligne et demie
SHARE = 0.65  # de ce qui reste de l'un des deux, au moins
MIN_SIGNS = 120  # en commun, au moins : quatre lignes
SPREAD, MIN_SPREAD = 1 / 4, 4  # part des rendus, et nombre, qui rendent un morceau ordinaire
MAX_SIGNS = 100_000  # lus d'un rendu : dix fois un long exercice
MAX_PAIRS = 30  # montrées, par exercice
RUNTIME = "from exercises._cellules import"  # dans un module fait d'un notebook
AROUND = 2  # lignes montrées autour de ce qui est commun


class Pair(NamedTuple):
    """Deux rendus qui se ressemblent.

    Attributes:
        names: leurs élèves.
        shares: part de ce qui reste de chacun qui est aussi chez l'autre, de 0 à 1.
        codes: leurs codes, ce qui est commun surligné.
    """

    names: tuple[str, str]
    shares: tuple[float, float]
    codes: tuple[Markup, Markup]


class Compared(NamedTuple):
    """Ce qu'a donné la comparaison des rendus d'un exercice.

    Attributes:
        exercise: `"ex02"`.
        count: nombre de rendus comparés.
        pairs: ceux qui se ressemblent, les plus ressemblants d'abord.
        close: ceux qui sont proches du corrigé, et la part de leur code qui y est, énoncé ôté.
    """

    exercise: str
    count: int
    pairs: list[Pair]
    close: dict[str, float]


def read_code(submitted: Submission, exercise: str) -> str:
    """Lit le code d'un rendu pour un exercice : ses fichiers, et les cellules de ses notebooks."""
    found: dict[str, str] = {}  # par fichier ou cellule : plusieurs modules viennent d'un notebook
    for module in sorted(submitted.modules):
        path = submitted.root / file_of(module)
        if module.startswith(exercise) and path.stat().st_size <= MAX_SOURCE_BYTES:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            found |= (RUNTIME in text and _cells(path)) or {path.name: text}
    texts = {place: UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text) for place, text in found.items()}
    return "".join(f"# {p}\n{t.strip()}\n\n" for p, t in texts.items() if t.strip())[:MAX_SIGNS]


def _cells(path: Path) -> dict[str, str]:
    """Lit les cellules que `notebooks.convert` a posées à côté d'un module ; rien sinon."""
    try:
        cells = json.loads(path.with_suffix(".cells.json").read_bytes())["cells"]
        return {str(label): str(text) for label, text in cells}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}


# --- Comparer ------------------------------------------------------------------------


def _fingerprint(text: str):
    """Prend l'empreinte d'un code, par copydetect."""
    from copydetect import CodeFingerprint

    found = CodeFingerprint("code.py", LENGTH, 1, fp=io.StringIO(text))
    if len(found.offsets):  # un nom de classe y recule ; les autres ne reculent jamais
        found.offsets[:, 1] = np.maximum.accumulate(found.offsets[:, 1])
    return found


def _without(fingerprint, hashes: set):
    """Ôte des morceaux d'une empreinte ; `boilerplate=` de copydetect en laisse de répétés."""
    from copydetect.utils import get_token_coverage

    left = copy.copy(fingerprint)
    left.hashes = fingerprint.hashes - hashes
    left.hash_idx = {key: fingerprint.hash_idx[key] for key in left.hashes}
    left.token_coverage = get_token_coverage(left.hash_idx, LENGTH, len(left.filtered_code))
    return left


@functools.cache
def _course(exercise: str) -> tuple:
    """Prend les empreintes de l'énoncé et du corrigé d'un exercice."""
    modules = skeleton.chosen_modules(exercise)
    statement = "\n".join(skeleton.make_skeleton(each) for each in modules)
    answers = [(EXERCISES / file_of(each)).read_text(encoding="utf-8") for each in modules]
    return _fingerprint(statement), _fingerprint("\n".join(answers))


def compare(exercise: str, submitted: Mapping[str, Submission]) -> Compared:
    """Cherche les rendus d'un exercice qui se ressemblent.

    N'est compté ni ce qui est dans l'énoncé ou le corrigé, ni ce que beaucoup ont écrit.

    Args:
        exercise: `"ex02"`.
        submitted: rendus, par nom d'élève.
    """
    from copydetect.detector import compare_files

    codes = {name: read_code(each, exercise) for name, each in submitted.items()}
    whole = {name: _fingerprint(code) for name, code in codes.items() if code}
    statement, answer = _course(exercise)
    times = Counter(each for found in whole.values() for each in found.hashes)
    ordinary = {each for each, n in times.items() if n >= max(MIN_SPREAD, len(whole) * SPREAD)}
    known = statement.hashes | answer.hashes | ordinary
    left = {name: _without(found, known) for name, found in whole.items()}
    pairs = []
    for names in combinations(left, 2):
        signs, shares, slices = compare_files(*(left[name] for name in names))
        if signs >= MIN_SIGNS and max(shares) >= SHARE:
            shown = tuple(_marked(codes[n], where) for n, where in zip(names, slices, strict=True))
            pairs.append(Pair(names, tuple(min(1.0, float(each)) for each in shares), shown))
    solution = _without(answer, statement.hashes)
    close = {
        name: float(compare_files(_without(found, statement.hashes), solution)[1][0])
        for name, found in whole.items()
    }
    pairs.sort(key=lambda pair: (-max(pair.shares), pair.names))
    close = {name: share for name, share in close.items() if share >= SHARE}
    return Compared(exercise, len(whole), pairs[:MAX_PAIRS], close)


def _marked(code: str, slices: np.ndarray) -> Markup:
    """Surligne dans un code ce qui est aussi dans l'autre, et n'en montre guère plus."""
    from copydetect.utils import highlight_overlap

    places = slices[:, np.argsort(slices[0])].astype(int)
    shown, _ = highlight_overlap(
        code, places, "<mark>", "</mark>", truncate=AROUND, escape_html=True
    )
    return Markup(shown)


# --- Écrire --------------------------------------------------------------------------


def write_similarity(term: Term, weights: Sequence[tuple[str, tuple[str, str]]] = ()) -> Path:
    """Compare les rendus d'un trimestre, exercice par exercice, et en écrit la page.

    Args:
        term: le trimestre noté.
        weights: exercice et numéros de ceux qui ont les mêmes poids, d'après le correcteur.
    """
    submitted: dict[str, dict[str, Submission]] = {}
    names: dict[str, str] = {}
    for each in term.students:
        name = each.student.label
        homonym = f"{name} n° {each.student.number}"
        names[each.student.number] = homonym if name in names.values() else name
        for mark in each.exercises:
            if mark.folder is not None:
                found = submitted.setdefault(mark.exercise, {})
                found[names[each.student.number]] = submission.find(mark.folder)
    results = [compare(exercise, found) for exercise, found in submitted.items()]
    same = [(exercise, [names[number] for number in pair]) for exercise, pair in weights]
    return write_page(term.output / "ressemblances.html", term.title, results, same)


def write_page(path: Path, title: str, results: Sequence[Compared], weights=()) -> Path:
    """Écrit la page des ressemblances."""
    shown = [each for each in results if each.count]
    given = {"title": title, "results": shown, "weights": weights, "least": SHARE}
    return write_file(path, render("ressemblances.html", day=date.today(), **given))
