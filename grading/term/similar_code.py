"""Comparer le code de rendus : ce que deux d'entre eux ont en commun, et qu'aucun n'a reçu.

L'outil est copydetect (licence MIT), qui fait d'un code les empreintes de tous ses morceaux, noms
remplacés, commentaires et blancs ôtés. compare50 a été essayé aussi : il impose un attrs de 2020,
apporte par lib50 de quoi se connecter à GitHub, et sa licence est la GPL ; copydetect n'ajoute que
Jinja2 et tqdm. Tous deux ôtent un énoncé et travaillent sans réseau. copydetect n'a guère changé
depuis 2024 : n'en est employé que le calcul des empreintes et de ce qu'elles ont en commun.
L'énoncé est ôté ici : avec `boilerplate=`, des morceaux répétés restent, et d'autres s'en vont.

Source : Schleimer, Wilkerson et Aiken, *Winnowing: Local Algorithms for Document Fingerprinting*,
SIGMOD 2003.
"""

import copy
import functools
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from grading import skeleton
from grading.submission import EXERCISES, MAX_SOURCE_BYTES, Submission, file_of

# Mesuré sur tests/grading/right : deux réponses au même énoncé partagent au plus 0,62 de ce qui
# leur reste ; un rendu dont noms, ordre et commentaires sont changés en garde au moins 0,75.
LENGTH = 30  # signes d'un morceau, un nom comptant pour un ; une ligne et demie
SHARE = 0.65  # de ce qui reste de l'un des deux, au moins
MIN_SIGNS = 120  # en commun, au moins : quatre lignes
SPREAD, MIN_SPREAD = 1 / 4, 4  # part des rendus, et nombre, qui rendent un morceau ordinaire
MAX_SIGNS = 100_000  # lus d'un rendu : dix fois un long exercice
MAX_LINE = 1000  # signes gardés d'une ligne
MAX_REPEATS = 8  # places d'un même morceau dans un code, quand on cherche quelle ligne en suit une
RUNTIME = "from exercises._cellules import"  # dans un module fait d'un notebook
MAX_GAP = 3  # lignes différentes, commentaires surtout, à l'intérieur d'un passage


class Line(NamedTuple):
    """Une ligne d'un rendu : d'où elle vient, son numéro, ce qu'elle dit."""

    place: str
    number: int
    text: str


class Passage(NamedTuple):
    """Des lignes qui se ressemblent : leurs rangs dans un rendu, et dans l'autre."""

    left: range
    right: range


class Pair(NamedTuple):
    """Deux rendus qui se ressemblent.

    Attributes:
        names: leurs élèves.
        shares: part de ce qui reste de chacun qui est aussi chez l'autre, de 0 à 1.
        passages: lignes semblables, dans l'ordre du premier.
    """

    names: tuple[str, str]
    shares: tuple[float, float]
    passages: list[Passage]


class Compared(NamedTuple):
    """Ce qu'a donné la comparaison des rendus d'un exercice.

    Attributes:
        exercise: `"ex02"`.
        codes: lignes de chaque rendu, par élève.
        pairs: ceux qui se ressemblent, les plus ressemblants d'abord.
        close: part du corrigé dans ce que chacun a écrit, énoncé ôté, de 0 à 1.
        ordinary: nombre de rendus qui rendent un morceau ordinaire.
    """

    exercise: str
    codes: dict[str, list[Line]]
    pairs: list[Pair]
    close: dict[str, float]
    ordinary: int


# --- Lire ----------------------------------------------------------------------------


def read_code(submitted: Submission, exercise: str) -> list[Line]:
    """Lit le code d'un rendu pour un exercice : ses fichiers, et les cellules de ses notebooks.

    Args:
        submitted: le rendu, tel que `handin.collect` le prépare.
        exercise: `"ex02"`.
    """
    found, seen = [], {}
    for module in sorted(submitted.modules):
        path = submitted.root / file_of(module)
        if not module.startswith(exercise) or path.stat().st_size > MAX_SOURCE_BYTES:
            continue
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        notebook, cells = _cells(path) if RUNTIME in text else ("", [])
        if cells:  # plusieurs modules peuvent venir du même
            seen[notebook] = max(cells, seen.get(notebook, []), key=len)
        else:
            found.append((path.name, text))
    found += [(label, text) for cells in seen.values() for label, text in cells]
    lines = [
        Line(place, number, text[:MAX_LINE])
        for place, content in found
        for number, text in enumerate(content.split("\n"), start=1)
    ]
    start = next((rank for rank, each in enumerate(lines) if each.text.strip()), len(lines))
    sizes = np.cumsum([len(each.text) + 1 for each in lines])  # Pygments ôte les lignes de tête
    return lines[start : int(np.searchsorted(sizes, MAX_SIGNS, side="right"))]


def _cells(path: Path) -> tuple[str, list[tuple[str, str]]]:
    """Lit les cellules que `notebooks.convert` a posées à côté d'un module ; rien sinon."""
    plan = path.with_suffix(".cells.json")
    try:
        made = json.loads(plan.read_bytes())
        return str(made["notebook"]), [(str(label), str(text)) for label, text in made["cells"]]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return "", []


# --- Comparer ------------------------------------------------------------------------


def _fingerprint(text: str):
    """Prend l'empreinte d'un code, par copydetect."""
    from copydetect import CodeFingerprint

    found = CodeFingerprint("code.py", LENGTH, 1, fp=io.StringIO(text))
    if len(found.offsets):  # un nom de classe y recule ; les autres ne reculent jamais
        found.offsets[:, 1] = np.maximum.accumulate(found.offsets[:, 1])
    return found


def _without(fingerprint, hashes: set):
    """Ôte des morceaux d'une empreinte ; rend une autre empreinte."""
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


def compare_codes(exercise: str, codes: Mapping[str, list[Line]]) -> Compared:
    """Cherche les rendus d'un exercice qui se ressemblent.

    N'est compté ni ce qui est dans l'énoncé ou le corrigé, ni ce que beaucoup ont écrit.

    Args:
        exercise: `"ex02"`.
        codes: lignes de chaque rendu, par élève (`read_code`).

    Returns:
        Les paires, et ce qui a été laissé de côté.
    """
    from copydetect.detector import compare_files

    statement, answer = _course(exercise)
    whole = {
        name: _fingerprint("\n".join(line.text for line in lines)) for name, lines in codes.items()
    }
    times = Counter(each for found in whole.values() for each in found.hashes)
    ordinary = max(MIN_SPREAD, -int(-len(codes) * SPREAD // 1))
    shared = {each for each, count in times.items() if count >= ordinary}
    left = {
        name: _without(found, statement.hashes | answer.hashes | shared)
        for name, found in whole.items()
    }
    pairs = []
    for one, two in combinations(codes, 2):
        signs, shares, _ = compare_files(left[one], left[two])
        if signs >= MIN_SIGNS and max(shares) >= SHARE:
            passages = _passages(left[one], left[two])
            pairs.append(Pair((one, two), tuple(min(1.0, float(s)) for s in shares), passages))
    solution = _without(answer, statement.hashes)
    written = {name: _without(found, statement.hashes) for name, found in whole.items()}
    close = {name: float(compare_files(each, solution)[1][0]) for name, each in written.items()}
    pairs.sort(key=lambda pair: (-max(pair.shares), pair.names))
    return Compared(exercise, dict(codes), pairs, close, ordinary)


def _passages(one, two) -> list[Passage]:
    """Met en face les lignes que deux empreintes ont en commun."""
    votes: Counter[tuple[int, int]] = Counter()
    lines = _lines_of(one), _lines_of(two)
    for each in one.hashes & two.hashes:
        for here in one.hash_idx[each][:MAX_REPEATS]:
            for there in two.hash_idx[each][:MAX_REPEATS]:
                left, right = lines[0][here : here + LENGTH], lines[1][there : there + LENGTH]
                votes.update(zip(left.tolist(), right.tolist(), strict=True))
    best: dict[tuple[int, int], tuple[int, int]] = {}  # (côté, ligne) : la paire la plus fréquente
    for pair, _ in votes.most_common():
        for side in (0, 1):
            best.setdefault((side, pair[side]), pair)
    passages: list[Passage] = []
    for left, right in sorted(set(best.values())):
        last = passages[-1] if passages else Passage(range(-MAX_GAP, -MAX_GAP), range(0))
        near = left - last.left.stop < MAX_GAP and abs(right - last.right.stop + 1) <= MAX_GAP
        if near and right >= last.right.start:
            stop = max(last.right.stop, right + 1)
            passages[-1] = Passage(range(last.left.start, left + 1), range(last.right.start, stop))
        else:
            passages.append(Passage(range(left, left + 1), range(right, right + 1)))
    return passages


def _lines_of(fingerprint) -> np.ndarray:
    """Rend le rang de la ligne d'où vient chaque signe d'une empreinte."""
    size = len(fingerprint.filtered_code)
    offsets = fingerprint.offsets
    rows = np.searchsorted(offsets[:, 0], np.arange(size)).clip(0, len(offsets) - 1)
    places = np.arange(size) + offsets[rows, 1]
    ends = [match.start() for match in re.finditer("\n", fingerprint.raw_code)]
    return np.searchsorted(ends, places)
