"""Montrer les rendus qui se ressemblent, lignes en face, sans accuser personne.

Commande : python -m grading.term.similarity DOSSIER --exercise ex02 --output ressemblances.html
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from convnets.core.cli import FrenchParser, agreed, percent, run
from convnets.core.files import own_suffix, replacing
from exercises import EXERCISES
from grading import handin, submission
from grading.submission import Submission
from grading.term.elements import Html, document, table, tag
from grading.term.marks import Student, Term
from grading.term.similar_code import SHARE, Compared, Line, Pair, compare_codes, read_code
from grading.term.similar_weights import SameStart, compare_weights

MAX_PAIRS = 30  # montrées en entier, par exercice
MAX_WIDTH = 200  # signes d'une ligne montrée
REASONS = (
    "l'énoncé, un cours ou une documentation donnent la même réponse, que chacun a recopiée ;",
    "la question est courte, ou n'a guère qu'une réponse ;",
    "le travail à deux était permis ;",
    "l'un a aidé l'autre, ou un tiers a aidé les deux ;",
    "pour des poids : le même réseau, lancé avec la même graine, part des mêmes nombres.",
)


class Found(NamedTuple):
    """Ce qui se ressemble dans un exercice : codes, et poids."""

    code: Compared
    weights: list[SameStart]


def compare(exercise: str, submitted: Mapping[str, Submission]) -> Found:
    """Compare entre eux les rendus d'un exercice.

    Args:
        exercise: `"ex02"`.
        submitted: rendus, par nom d'élève.
    """
    codes = {name: read_code(each, exercise) for name, each in submitted.items()}
    codes = {name: lines for name, lines in codes.items() if lines}
    slug = next(each.slug for each in EXERCISES if each.slug.startswith(exercise))
    return Found(compare_codes(exercise, codes), compare_weights(submitted, slug))


def write_similarity(term: Term) -> list[Path]:
    """Écrit la page des ressemblances d'un trimestre.

    Args:
        term: le trimestre, noté ; un exercice y a le dossier de son rendu.

    Returns:
        Le fichier écrit, `ressemblances.html`.
    """
    labels = _labels([each.student for each in term.students])
    submitted: dict[str, dict[str, Submission]] = {}
    for each in term.students:
        for mark in each.exercises:
            found = submitted.setdefault(mark.exercise, {})
            if mark.folder is not None:
                found[labels[each.student]] = submission.find(mark.folder)
    results = [compare(exercise, found) for exercise, found in submitted.items()]
    warning = (
        "Les élèves ont ici leur pseudonyme, mais leur code est montré tel quel : un nom de "
        "fichier ou un commentaire peut dire un vrai nom."
    )
    path = term.output / "ressemblances.html"
    term.output.mkdir(parents=True, exist_ok=True)
    _write(path, page(term.title, term.date, results, warning=warning if term.pseudonyms else None))
    return [path]


def _labels(students: Sequence[Student]) -> dict[Student, str]:
    """Nomme chaque élève, homonymes compris."""
    named = {each: f"{each.name} ({each.group})" if each.group else each.name for each in students}
    shown = list(named.values())
    return {
        each: f"{name} n° {each.number}" if shown.count(name) > 1 else name
        for each, name in named.items()
    }


def _write(path: Path, content: str) -> None:
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_text(content, encoding="utf-8")


# --- La page -------------------------------------------------------------------------


def page(title: str, day: date, results: Sequence[Found], *, warning: str | None = None) -> str:
    """Fait la page : ce qui a été vu, les lignes en face, comment c'est compté.

    Args:
        title: titre du cours.
        day: jour de la comparaison.
        results: exercices comparés.
        warning: ce qu'il faut savoir avant de la montrer.
    """
    results = [each for each in results if each.code.codes]
    return document(
        f"Rendus qui se ressemblent — {title}",
        tag(
            "header",
            tag("p", title, class_="discret"),
            tag("h1", "Rendus qui se ressemblent"),
            tag("p", f"Comparés le {day:%d/%m/%Y}, sans réseau.", class_="discret"),
            tag("p", warning, class_="a-savoir") if warning else None,
            tag(
                "p",
                "Cette page dit ce qui se ressemble ; elle ne dit pas pourquoi. Deux rendus se "
                "ressemblent souvent pour des raisons ordinaires :",
            ),
            tag("ul", *(tag("li", each) for each in REASONS)),
            tag("p", "Lisez les lignes, puis parlez-en avec les deux élèves."),
        ),
        _summary(results),
        *(_exercise(each) for each in results if each.code.pairs),
        _weights(results),
        _close(results),
        _method(results),
    )


def _anchor(result: Found, number: int) -> str:
    return f"{result.code.exercise}-{number}"


def _summary(results: Sequence[Found]) -> Html:
    rows = [
        (
            tag("a", " et ".join(pair.names), href=f"#{_anchor(each, number)}"),
            each.code.exercise,
            percent(pair.shares[0]),
            percent(pair.shares[1]),
            sum(len(passage.left) for passage in pair.passages),
        )
        for each in results
        for number, pair in enumerate(each.code.pairs[:MAX_PAIRS], start=1)
    ]
    counts = [f"{each.code.exercise}, {agreed(len(each.code.codes), 'rendu')}" for each in results]
    compared = (
        f"Exercices comparés : {' ; '.join(counts)}." if counts else "Aucun rendu à comparer."
    )
    if not rows:
        shown = tag("p", "Aucune paire de codes ne se ressemble plus que deux réponses ordinaires.")
    else:
        heads = ("paire", "exercice", "part du premier", "part du second", "lignes")
        shown = table("Paires de codes, les plus ressemblantes d'abord", heads, rows, wide=True)
    return tag("section", tag("h2", "En bref"), tag("p", compared), shown)


def _exercise(result: Found) -> Html:
    code = result.code
    hidden = len(code.pairs) - MAX_PAIRS
    more = tag("p", f"{hidden} autres paires ne sont pas montrées.") if hidden > 0 else None
    shown = enumerate(code.pairs[:MAX_PAIRS], start=1)
    return tag(
        "section",
        tag("h2", f"Exercice {code.exercise}"),
        *(_pair(code, pair, _anchor(result, number)) for number, pair in shown),
        more,
    )


def _pair(code: Compared, pair: Pair, anchor: str) -> Html:
    one, two = pair.names
    said = (
        f"Énoncé, corrigé et code ordinaire ôtés, {percent(pair.shares[0])} de ce qui reste à "
        f"{one} se retrouve chez {two}, et {percent(pair.shares[1])} de ce qui reste à {two} chez "
        f"{one}, aux noms et aux commentaires près."
    )
    passages = [
        tag(
            "div",
            _side(one, code.codes[one], passage.left),
            _side(two, code.codes[two], passage.right),
            class_="face-a-face",
        )
        for passage in pair.passages
    ]
    return tag("article", tag("h3", " et ".join(pair.names)), tag("p", said), *passages, id=anchor)


def _side(name: str, lines: Sequence[Line], chosen: range) -> Html:
    """Montre les lignes d'un passage chez l'un des deux."""
    mine = [lines[rank] for rank in chosen]
    rows = [
        tag(
            "span",
            f"{each.number:>4}  {each.text.expandtabs(4)[:MAX_WIDTH]}",
            "…" if len(each.text) > MAX_WIDTH else None,
            class_="ligne",
        )
        for each in mine
    ]
    first, last = mine[0], mine[-1]
    if first.place != last.place:
        where = f"{first.place}, ligne {first.number}, à {last.place}, ligne {last.number}"
    elif first == last:
        where = f"{first.place}, ligne {first.number}"
    else:
        where = f"{first.place}, lignes {first.number} à {last.number}"
    return tag("figure", tag("figcaption", f"{name} — {where}"), tag("pre", *rows))


def _weights(results: Sequence[Found]) -> Html | None:
    rows = [
        (
            " et ".join(pair.names),
            each.code.exercise,
            "le même fichier" if pair.identical else f"{pair.cosine:.3f}".replace(".", ","),
        )
        for each in results
        for pair in each.weights
    ]
    if not rows:
        return None
    return tag(
        "section",
        tag("h2", "Poids partis du même point"),
        tag(
            "p",
            "Le cosinus des poids de deux réseaux entraînés chacun de son côté reste près de 0. "
            "Près de 1, l'un a été fait de l'autre, ou les deux ont eu la même graine et le même "
            "réseau : les poids seuls ne disent pas lequel.",
        ),
        table("Paires de poids", ("paire", "exercice", "cosinus"), rows),
    )


def _close(results: Sequence[Found]) -> Html | None:
    found = {
        each.code.exercise: [
            f"{name} ({percent(share)})"
            for name, share in each.code.close.items()
            if share >= SHARE
        ]
        for each in results
    }
    rows = [(exercise, ", ".join(names)) for exercise, names in found.items() if names]
    if not rows:
        return None
    return tag(
        "section",
        tag("h2", "Rendus proches du corrigé"),
        tag(
            "p",
            "Le corrigé est public. Ce que ces rendus en ont n'est pas compté dans les paires ; la "
            "part est celle de leur code qui y est aussi, énoncé ôté.",
        ),
        table("Par exercice", ("exercice", "élèves, et part de leur code"), rows),
    )


def _method(results: Sequence[Found]) -> Html:
    common = sorted({each.code.ordinary for each in results})
    said = f" (au moins {' ou '.join(map(str, common))} rendus)" if common else ""
    return tag(
        "section",
        tag("h2", "Comment c'est compté"),
        tag(
            "p",
            "Chaque code est réduit à sa forme : les noms deviennent un même signe, les "
            "commentaires et les blancs disparaissent. En sont ôtés ce qui est dans l'énoncé, ce "
            f"qui est dans le corrigé, et le code ordinaire, que beaucoup ont écrit{said}. Une "
            f"paire est montrée quand {percent(SHARE)} au moins de ce qui reste de l'un est aussi "
            "chez l'autre, où que ce soit dans le fichier.",
        ),
        tag(
            "p",
            "Une fonction recopiée au milieu d'un long rendu peut donc passer inaperçue, comme "
            "un code réécrit d'une autre façon.",
        ),
    )


# --- Seule ---------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Compare les rendus d'un dossier ou d'un zip, sans les noter."""
    parser = FrenchParser(
        prog="python -m grading.term.similarity", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DOSSIER", help="rendus d'une classe, dossier ou zip")
    add(
        "--exercise",
        action="append",
        required=True,
        choices=[each.slug[:4] for each in EXERCISES],
        metavar="ex02",
        help="exercice à comparer ; peut être répétée",
    )
    add(
        "--output",
        type=Path,
        default=Path("ressemblances.html"),
        metavar="FICHIER",
        help="page à écrire (ressemblances.html)",
    )
    options = parser.parse_args(argv)
    return run(lambda: _compare_folder(options))


def _compare_folder(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as workspace:
        found = handin.collect(options.folder, Path(workspace))
        results = []
        for exercise in dict.fromkeys(options.exercise):
            mine = {
                each.name: each
                for each in found.submissions
                if any(module.startswith(exercise) for module in each.modules)
            }
            results.append(compare(exercise, mine))
    _write(options.output, page(options.folder.name, date.today(), results))
    for name, reason in found.empty.items():
        print(f"{name} : non comparé, {reason}.")
    total = sum(len(each.code.codes) for each in results)
    count = sum(len(each.code.pairs) for each in results)
    weights = sum(len(each.weights) for each in results)
    pairs = agreed(count, "paire")
    print(f"{options.output} : {pairs} de codes, {weights} de poids, sur {agreed(total, 'rendu')}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
