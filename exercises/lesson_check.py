"""Vérifier le texte d'une leçon, sans construire le site.

Commande : python -m exercises.lesson_check ex09       une leçon
           python -m exercises.lesson_check            toutes

Dit, avec leur ligne, les défauts du texte : ce que son lecteur ne comprend pas, un nombre qui n'est
pas celui de sa formule, un nom que l'exercice ne définit pas, une formule que le site ne sait pas
écrire, un lien ou une figure absents. Donne ensuite le nombre de mots et de questions.

Un nombre suivi de `<!-- = expression -->` est recalculé : Python, `sqrt`, `exp`, `log`, `log2`,
`ceil`, `floor`, `sum`, `max`, `min`, `abs`, `round`, `pi`, et les mesures publiées. Il est comparé
à la précision où il est écrit. Les mesures publiées sont :

- `report("ex02_fashion", "accuracy")`, la moyenne d'une mesure ;
- `seeds("ex16_bag_of_words", "soft_800")`, ses valeurs, une par graine, qui s'additionnent ou se
  retranchent une à une ;
- `margin(seeds(…) - seeds(…))`, ce qui suit « ± » : la moitié de l'intervalle à 95 % ;
- `image_margin("ex11_curves", "insertion_gap lime")`, la même d'une mesure faite sur des images ;
- `gap("ex21_citations", "cora_smooth")` et `gap_margin(…)`, un écart de deux méthodes et la moitié
  de son intervalle, comptés sur les graines et les images ensemble ;
- `confused("ex03_cifar10", "Chien", "Chat")`, les images de chien prises pour un chat ; une liste
  de classes compte toutes leurs erreurs ;
- `shown("16_ex14_style", "style", 2)`, le deuxième nombre qui suit « style », au début d'une ligne
  de ce qu'une commande affiche dans la galerie : `docs/galerie/16_ex14_style/sortie.txt`.
"""

import ast
import importlib.util
import math
import operator
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import stats

from convnets.core import intervals
from convnets.core.cli import FrenchParser, run
from convnets.core.paths import MEASURES_DIR
from convnets.core.reports import Metric, load_measures
from exercises import EXERCISES, FOLDER, find
from exercises.lesson_names import find_imports
from exercises.lesson_text import (
    COMMENT,
    LESSONS,
    SHOWN_ONLY,
    Answer,
    Call,
    Figure,
    Lesson,
    Problems,
    Prose,
    Shown,
    Workshop,
    all_blocks,
    find_definition,
    lesson_path,
    parse,
)

GALLERY = MEASURES_DIR.parent / "galerie"
WORDS = range(700, 1801)  # de prose, formules, code et tableaux à part
GUESSES = range(3, 7)
CALL_LINES = 10
GUESS = "**Devinez"
LAST_TITLES = ("## À retenir", "## Pour aller plus loin")
NOT_PROSE = re.compile(
    r"```.*?```|\$\$.*?\$\$|\$[^$\n]*\$|`[^`]*`|\]\([^)]*\)|https?://\S+|(?m:^\|[^\n]*$)", re.S
)

# Un nombre écrit en français ou dans une formule, juste avant son commentaire.
NUMBER = re.compile(
    r"(?<![\w.,])(?P<sign>[-−+]?)(?P<whole>\d{1,3}(?:(?:[ \u00a0\u202f]|\\,)\d{3})+|\d+)"
    r"(?:(?:[.,]|\{,\})(?P<decimals>\d+))?"
    r"(?:\s*\\times\s*10\^\{?(?P<power>-?\d+)\}?)?(?P<percent>[ \u00a0\u202f]?\\?%)?[*`$]*$"
)
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
# Ce que les pages de Sphinx, GitHub et Jupyter lisent tous trois.
UNDERSTOOD = set(
    "text softbreak strong_open strong_close em_open em_close code_inline link_open link_close "
    "math_inline math_block fence heading_open heading_close inline paragraph_open paragraph_close "
    "bullet_list_open bullet_list_close ordered_list_open ordered_list_close list_item_open "
    "list_item_close table_open table_close thead_open thead_close tbody_open tbody_close tr_open "
    "tr_close th_open th_close td_open td_close".split()
)


# --- Les mesures publiées ------------------------------------------------------------


def find_metric(slug: str, metric: str) -> Metric:
    """Rend une mesure publiée, de `docs/mesures/` ou de `models/`."""
    metrics = load_measures(slug).metrics
    if metric not in metrics:
        raise ValueError(f"{slug} n'a pas de mesure {metric} ; il a {', '.join(sorted(metrics))}")
    return metrics[metric]


def report(slug: str, metric: str) -> float:
    """Rend la moyenne publiée d'une mesure."""
    return find_metric(slug, metric).mean


def seeds(slug: str, metric: str) -> np.ndarray:
    """Rend les valeurs publiées d'une mesure, une par graine."""
    values = find_metric(slug, metric).values
    if not values:
        raise ValueError(f"{metric} de {slug} n'a pas plusieurs graines")
    return np.array(values)


def margin(values: np.ndarray) -> float:
    """Rend la moitié de l'intervalle à 95 % d'une moyenne de graines."""
    interval = intervals.mean_interval(np.asarray(values)[:, None])
    return interval.high - interval.mean


def image_margin(slug: str, metric: str) -> float:
    """Rend la moitié de l'intervalle à 95 % d'une moyenne d'images, d'après son erreur type."""
    found = find_metric(slug, metric)
    if found.se is None:
        raise ValueError(f"{metric} de {slug} n'est pas une moyenne d'images")
    return float(stats.t.ppf((1 + intervals.LEVEL) / 2, found.n - 1)) * found.se


def gap(slug: str, name: str) -> float:
    """Rend l'écart publié de deux méthodes, sur les mêmes graines et les mêmes images."""
    return find_gap(slug, name).mean


def gap_margin(slug: str, name: str) -> float:
    """Rend la moitié de l'intervalle à 95 % d'un écart publié."""
    found = find_gap(slug, name)
    return found.high - found.mean


def find_gap(slug: str, name: str) -> intervals.Interval:
    """Rend un écart publié de `docs/mesures/`, et son intervalle."""
    details = load_measures(slug).details
    networks = details.get("networks", {})  # de la leçon 23 : l'écart de chacun à la référence
    gaps = details.get("gaps") or {each: found["gap"] for each, found in networks.items()}
    if name not in gaps:
        raise ValueError(f"{slug} n'a pas d'écart {name} ; il a {', '.join(sorted(gaps))}")
    return intervals.Interval(*gaps[name])


def confused(slug: str, truths: str | list[str], answers: str | list[str]) -> int:
    """Compte les images d'une classe qui en reçoivent une autre, d'une matrice publiée.

    Args:
        slug: un exercice dont le modèle livré a une matrice de confusion.
        truths: la vraie classe, en français, ou plusieurs.
        answers: la réponse du réseau, ou plusieurs ; une réponse juste n'est pas comptée.
    """
    found = load_measures(slug)
    matrix = dict(zip(found.classes_fr, found.confusion_matrix, strict=False))
    chosen = [[each] if isinstance(each, str) else each for each in (truths, answers)]
    if unknown := set(sum(chosen, [])) - set(matrix):
        raise ValueError(f"la matrice de {slug} n'a pas de classe {', '.join(sorted(unknown))}")
    places = [(name, found.classes_fr.index(name)) for name in chosen[1]]
    return sum(matrix[t][place] for t in chosen[0] for name, place in places if name != t)


def shown(folder: str, label: str, rank: int) -> float:
    """Rend un nombre de ce qu'une commande affiche dans la galerie.

    Args:
        folder: un dossier de `docs/galerie/`.
        label: le début d'une ligne.
        rank: 1 pour le premier nombre qui suit `label`.
    """
    text = (GALLERY / folder / "sortie.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        numbers = re.findall(r"\d+(?:,\d+)?", line.removeprefix(label))
        if line.startswith(label) and len(numbers) >= rank:
            return float(numbers[rank - 1].replace(",", "."))
    raise ValueError(f"{folder} n'affiche pas {rank} nombres après « {label} »")


FUNCTIONS = {
    name: getattr(math, name) for name in ("sqrt", "exp", "log", "log2", "ceil", "floor")
} | {"sum": sum, "max": max, "min": min, "abs": abs, "round": round}
FUNCTIONS |= {
    each.__name__: each
    for each in (report, seeds, margin, image_margin, gap, gap_margin, confused, shown)
}


# --- Les nombres ---------------------------------------------------------------------


class Number(NamedTuple):
    """Un nombre du texte, et la formule qui le donne."""

    line: int
    written: str
    value: float
    precision: float  # une unité du dernier chiffre écrit
    formula: str


def read_numbers(text: str, problems: Problems) -> Iterator[Number]:
    """Rend les nombres suivis d'une formule.

    Args:
        text: une leçon entière.
        problems: reçoit les commentaires qui n'en sont pas.
    """
    for comment in COMMENT.finditer(text):
        line = text.count("\n", 0, comment.start()) + 1
        formula = re.fullmatch(r" ?<!-- = (.+) -->", comment[0])
        before = text[text.rfind("\n", 0, comment.start()) + 1 : comment.start()]
        number = NUMBER.search(before)
        if len(re.findall("^```", text[: comment.start()], re.MULTILINE)) % 2:
            problems.add(line, "dans un bloc de code, GitHub montrerait ce commentaire : ôtez-le")
            continue
        if not formula or not number:
            problems.add(line, f"« {comment[0].strip()} » n'est pas « nombre <!-- = formule --> »")
            continue
        decimals = number["decimals"] or ""
        scale = 10.0 ** int(number["power"] or 0) / (100 if number["percent"] else 1)
        value = float(re.sub(r"\D", "", number["whole"]) + "." + decimals)
        value *= -scale if number["sign"] in ("-", "−") else scale
        yield Number(
            line, number[0].strip("*`$ "), value, scale * 10.0 ** -len(decimals), formula[1]
        )


def check_numbers(text: str, problems: Problems) -> None:
    """Recalcule chaque nombre d'une leçon qui a une formule."""
    for number in read_numbers(text, problems):
        try:
            value = evaluate(number.formula)
        except (ValueError, ArithmeticError, OSError) as error:
            problems.add(number.line, f"« {number.formula} » ne se calcule pas : {error}")
            continue
        if abs(value - number.value) > number.precision * (0.5 + 1e-9):
            problems.add(
                number.line, f"« {number.written} » est écrit, {number.formula} donne {value:.10g}"
            )


def evaluate(formula: str) -> float:
    """Calcule une formule, sans rien exécuter d'autre que des opérations connues.

    Raises:
        ValueError: ce n'est pas une formule, ou un nom inconnu.
    """
    try:
        return _value(ast.parse(formula, mode="eval").body)
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"ce n'est pas une formule ({error})") from error


def _value(node: ast.expr):
    match node:
        case ast.Constant(value=int() | float() | str() as value):
            return value
        case ast.Name(id="pi"):
            return math.pi
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return [_value(part) for part in parts]
        case ast.UnaryOp(op=sign, operand=part) if type(sign) in OPERATORS:
            return OPERATORS[type(sign)](_value(part))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            return OPERATORS[type(sign)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*map(_value, parts))
    raise ValueError(f"« {ast.unparse(node)} » n'est pas permis")


# --- Les noms ------------------------------------------------------------------------


def check_names(lesson: Lesson, problems: Problems) -> None:
    """Vérifie que l'exercice définit ce qui est montré, et que les appels se lisent."""
    before = len(problems.sentences)
    for block in all_blocks(lesson.blocks):
        if isinstance(block, Shown):
            try:
                find_definition(lesson.slug, block.name)
            except ValueError as error:
                problems.add(block.line, str(error))
        if isinstance(block, Call):
            try:
                ast.parse(block.code)
            except SyntaxError as error:
                problems.add(block.line + (error.lineno or 1) - 1, f"appel illisible : {error.msg}")
            if len([line for line in block.code.splitlines() if line.strip()]) > CALL_LINES:
                problems.add(block.line, f"un appel a {CALL_LINES} lignes au plus")
        if isinstance(block, Workshop):
            if not (FOLDER.parent / "web" / "pages" / f"{block.name}.md").is_file():
                problems.add(block.line, f"le site n'a pas d'atelier « {block.name} »")
    if len(problems.sentences) == before:
        for trouble in find_imports(lesson).troubles:
            problems.add(*trouble)


# --- La prose ------------------------------------------------------------------------


def check_prose(lesson: Lesson, problems: Problems) -> None:
    """Lit la prose comme le site la lira : formules, liens, figures, constructions permises.

    Il faut les paquets du site.
    """
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    config = MdParserConfig(enable_extensions={"dollarmath"})
    parser = create_md_parser(config, RendererHTML)
    for block in all_blocks(lesson.blocks):
        if isinstance(block, Figure):
            _check_target(block.path, block.line, problems)
            text = block.caption
        elif isinstance(block, Prose):
            text = block.text
        else:
            continue
        for token in parser.parse(text):
            line = block.line + (token.map[0] if token.map else 0)
            for each in token.children or [token]:
                line += each.type == "softbreak"
                _check_token(each, line, problems)


def _check_token(token, line: int, problems: Problems) -> None:
    """Vérifie un morceau de Markdown."""
    if token.type in ("math_inline", "math_block"):
        _check_formula(token.content, line, problems)
    elif token.type == "link_open":
        _check_target(token.attrs["href"], line, problems)
    elif token.type == "text" and re.search(r"\$|\*\*|`", token.content):
        problems.add(line, f"« {token.content.strip()} » : formule, gras ou code mal fermé")
    elif token.type == "heading_open" and token.tag not in ("h2", "h3"):
        problems.add(line, "un titre du texte commence par « ## » ou « ### »")
    elif token.type not in UNDERSTOOD or (token.type == "fence" and token.info not in SHOWN_ONLY):
        shown = token.content.strip().splitlines()[:1]
        problems.add(line, " ".join(["construction inconnue :", token.type, *shown]))


def _check_formula(formula: str, line: int, problems: Problems) -> None:
    """Convertit une formule en MathML, comme le site."""
    from docutils.utils.math import MathError
    from docutils.utils.math.latex2mathml import tex2mathml

    try:
        tex2mathml(formula)
    except MathError as error:
        problems.add(line, f"« {formula.strip()} » ne devient pas du MathML : {error}")


def _check_target(target: str, line: int, problems: Problems) -> None:
    """Vérifie qu'un lien vers le dépôt, ou une figure, y mène."""
    name = target.partition("#")[0]
    if not re.match(r"https?://", target) and not (LESSONS / name).exists():
        problems.add(line, f"« {target} » n'existe pas, cherché depuis exercises/lessons/")


# --- La leçon entière ----------------------------------------------------------------


class Counts(NamedTuple):
    """Ce qu'une leçon contient."""

    words: int
    guesses: int
    answers: int
    figures: int


def count(lesson: Lesson) -> Counts:
    """Compte les mots de prose, réponses et légendes comprises (voir `NOT_PROSE`)."""
    blocks = list(all_blocks(lesson.blocks))
    texts = [block.text for block in blocks if isinstance(block, Prose)]
    captions = [block.caption for block in blocks if isinstance(block, Figure)]
    words = re.findall(r"\w[\w'’-]*", NOT_PROSE.sub(" ", "\n\n".join(texts + captions)))
    return Counts(
        len(words),
        sum(text.count(GUESS) for text in texts),
        len([block for block in blocks if isinstance(block, Answer)]),
        len(captions),
    )


def check_shape(lesson: Lesson, problems: Problems) -> None:
    """Vérifie la longueur du texte, ses questions et ses deux derniers titres."""
    counts = count(lesson)
    if counts.words not in WORDS:
        problems.add(1, f"{counts.words} mots : il en faut de {WORDS[0]} à {WORDS[-1]}")
    if counts.guesses not in GUESSES or counts.guesses != counts.answers:
        problems.add(
            1,
            f"{counts.guesses} « {GUESS}…** » et {counts.answers} réponses : il en faut autant, de "
            f"{GUESSES[0]} à {GUESSES[-1]}",
        )
    texts = [block.text for block in lesson.blocks if isinstance(block, Prose)]
    titles = [line for text in texts for line in text.splitlines() if line.startswith("## ")]
    if tuple(titles[-2:]) != LAST_TITLES:
        problems.add(1, f"les deux derniers titres doivent être {' et '.join(LAST_TITLES)}")


def check_lesson(slug: str, *, prose: bool = True) -> tuple[Lesson, list[str]]:
    """Vérifie tout le texte d'une leçon.

    Args:
        slug: un exercice.
        prose: lire aussi la prose comme le site, ce qui demande ses paquets.

    Returns:
        La leçon, et ses défauts : une phrase chacun, avec le fichier et la ligne.
    """
    path = lesson_path(slug)
    text, problems = path.read_text(encoding="utf-8"), Problems(path)
    lesson = parse(slug, text, problems)
    check_numbers(text, problems)
    check_names(lesson, problems)
    check_shape(lesson, problems)
    if prose:
        check_prose(lesson, problems)
    return lesson, problems.sentences


def main(argv: list[str] | None = None) -> int:
    """Vérifie les leçons demandées ; 1 si l'une d'elles a un défaut."""
    parser = FrenchParser(
        prog="python -m exercises.lesson_check", description=__doc__.split("\n")[0]
    )
    parser.add_argument("exercises", nargs="*", metavar="EXERCICE", help="ex09 ou ex09_grad_cam")
    options = parser.parse_args(argv)
    return run(lambda: _check_all(options.exercises))


def _check_all(names: list[str]) -> int:
    known = {each.slug[:4]: each.slug for each in EXERCISES}
    slugs = [find(known.get(name, name)).slug for name in names]
    installed = importlib.util.find_spec("myst_parser") is not None
    if not installed:
        print("Formules et liens ne sont pas vérifiés : installez web/requirements.txt.")
    failed = False
    for slug in slugs or [each.slug for each in EXERCISES]:
        lesson, sentences = check_lesson(slug, prose=installed)
        counts = count(lesson)
        print(*sentences, sep="\n", end="\n" if sentences else "")
        print(
            f"{slug} : {counts.words} mots, {counts.guesses} questions, {counts.answers} réponses, "
            f"{counts.figures} figures, {len(sentences)} défauts"
        )
        failed = failed or bool(sentences)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
