"""Rejouer les exemples : comparer, au chiffre près, ce qui sort au fichier de données.

D'après : S0 à S4.
Commande : python -m exercises.ex00_convolution --example N6
Nombres attendus : examples.json, à côté ; `imprimé` est ce que le document montre,
`attendu` ce qui a été recalculé hors de ce code.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from convnets.core.cli import agreed
from exercises.ex00_convolution.examples import EXAMPLES

EXAMPLES_PATH = Path(__file__).with_name("examples.json")
PARTS = ("imprimé", "attendu")
GIVEN = ("image", "grille", "barres", "filtres")  # imprimés, mais lus et non calculés


def use_utf8() -> None:
    """Écrit en UTF-8 sur les deux sorties, quelle que soit la langue du terminal."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def read_examples(path: Path = EXAMPLES_PATH) -> dict[str, dict]:
    """Lit les nombres attendus, décimales exactes.

    Args:
        path: fichier JSON `{"N1": {"imprimé": {...}, "attendu": {...}}, ...}`.

    Returns:
        Le même dictionnaire ; les décimales y sont des `Fraction`.

    Raises:
        FileNotFoundError: fichier absent.
        ValueError: fichier illisible, exemple inconnu, oublié ou en double.
    """
    path = Path(path)
    if not path.is_file():
        state = "est un dossier" if path.is_dir() else "n'existe pas"
        raise FileNotFoundError(f"{path} {state} : il faut le fichier des nombres attendus.")
    try:
        data = json.loads(
            path.read_text(encoding="utf-8-sig"),  # le Bloc-notes ajoute une marque au début
            parse_float=Fraction,
            object_pairs_hook=_no_duplicate,
        )
        if not isinstance(data, dict) or not all(map(_has_both_parts, data.values())):
            raise ValueError("chaque exemple doit avoir « imprimé » et « attendu », deux objets")
    except json.JSONDecodeError as error:
        place = f"ligne {error.lineno}, colonne {error.colno}"
        raise ValueError(f"{path} est illisible : {place}, ce n'est pas du JSON.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} est illisible : ce n'est pas du texte en UTF-8.") from error
    except (ValueError, RecursionError) as error:
        cause = "trop d'imbrications" if isinstance(error, RecursionError) else error
        raise ValueError(f"{path} est illisible : {cause}.") from error
    different = sorted(set(data) ^ set(EXAMPLES))
    if different:
        raise ValueError(f"{path} : exemples inconnus ou oubliés : {', '.join(different)}.")
    return {name: data[name] for name in EXAMPLES}


def _has_both_parts(entry) -> bool:
    if not isinstance(entry, dict) or set(entry) != set(PARTS):
        return False
    return all(isinstance(entry[part], dict) for part in PARTS)


def _no_duplicate(pairs):
    names = [name for name, _ in pairs]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"{', '.join(sorted(repeated))} en double")
    return dict(pairs)


def plain(value):
    """Rend un résultat en listes, entiers et fractions, pour une égalité exacte."""
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.integer):
        return int(value)
    return Fraction(value) if isinstance(value, float | np.floating) else value


def compute(name: str, expected: dict) -> dict:
    """Refait un exemple.

    Args:
        name: son identifiant, par exemple `"N6"`.
        expected: son entrée dans le fichier de données ; seul N20 y lit sa grille.

    Returns:
        Les résultats, par clé, en valeurs simples (`plain`).
    """
    results = EXAMPLES[name].compute(expected["imprimé"])
    return {key: plain(value) for key, value in results.items()}


def failures(expected: dict, obtained: dict) -> list[str]:
    """Rend les clés dont la valeur diffère ou n'a pas de vis-à-vis ; aucune si tout va bien."""
    wanted = every_value(expected)
    keys = [*wanted, *(key for key in obtained if key not in wanted)]
    return [key for key in keys if not _same(wanted.get(key), obtained.get(key))]


def every_value(expected: dict) -> dict:
    """Réunit ce que le document imprime et ce qui a été recalculé."""
    return {**expected["imprimé"], **expected["attendu"]}


def _same(wanted, obtained) -> bool:
    if isinstance(wanted, list) and isinstance(obtained, list):
        return len(wanted) == len(obtained) and all(map(_same, wanted, obtained))
    return wanted == (str(obtained) if isinstance(wanted, str) else obtained)  # "5/9"


# --- Ce que le terminal montre -------------------------------------------------------


def show(value) -> str:
    """Écrit une valeur sur une ligne : `4 3 4 / 2 4 3`, ou le début d'un grand tableau."""
    if not isinstance(value, list):
        return show_number(value)
    shape = np.shape(np.array(value, dtype=object))
    if len(shape) == 1:
        return " ".join(show_number(each) for each in value)
    if len(shape) == 2 and np.prod(shape) <= 25:
        return " / ".join(show(row) for row in value)
    first = value
    while first and first[0] and isinstance(first[0], list):
        first = first[0]
    return f"{'×'.join(map(str, shape))} nombres : {show(first[:4])} …"


def show_number(value) -> str:
    """Écrit un nombre : entier, décimal s'il tombe juste, fraction sinon ; un texte tel quel."""
    if not isinstance(value, Fraction) or value.denominator == 1:
        return str(value)
    if 10000 % value.denominator:
        return str(value)
    return str(float(value)).replace(".", ",")


def line(name: str, expected: dict, obtained: dict) -> str:
    """Résume un exemple en une ligne : ✔ ou ✘, document, imprimé, obtenu."""
    described, wrong = EXAMPLES[name], failures(expected, obtained)
    printed = next(iter(expected["imprimé"].items()), None)
    key = wrong[0] if wrong else described.shown or next(iter(obtained))
    text = f"{'✘' if wrong else '✔'} {name:<4}{described.document:<12}{described.title}"
    text += " — imprimé : "
    text += "rien, recalculé" if printed is None else f"{printed[0]} {show(printed[1])}"
    text += f" ; obtenu : {key} {show(obtained.get(key, 'rien'))}"
    if wrong:
        wanted = every_value(expected).get(key, "rien")
        text += f" au lieu de {show(wanted)} ({', '.join(wrong)})"
    return text


def details(name: str, expected: dict, obtained: dict) -> str:
    """Écrit un exemple en entier : chaque valeur, d'où elle vient, et si elle est retrouvée."""
    described, wrong = EXAMPLES[name], failures(expected, obtained)
    lines = [f"{name}, {described.document} : {described.title}", described.compute.__doc__]
    for key in dict.fromkeys([*every_value(expected), *obtained]):
        part = next((part for part in PARTS if key in expected[part]), "absent du fichier")
        lines.append(f"\n{'✘' if key in wrong else '✔'} {key} ({part})")
        lines.extend(_rows(obtained.get(key, "rien")))
        if key in wrong:
            lines.append("  au lieu de")
            lines.extend(_rows(every_value(expected).get(key, "rien")))
    return "\n".join(lines)


def count_values(value) -> int:
    """Compte les valeurs d'un résultat : un nombre ou un mot vaut un, un tableau ses cases."""
    return sum(map(count_values, value)) if isinstance(value, list) else 1


def origins(examples: dict[str, dict]) -> str:
    """Dit ce qui est comparé aux documents, et ce qui ne l'est qu'à un second calcul.

    Args:
        examples: ceux de `read_examples`.

    Returns:
        Une phrase : combien de valeurs, et combien d'exemples, de chaque sorte.
    """
    parts = {part: [each[part] for each in examples.values()] for part in PARTS}
    num_printed, num_expected = (
        sum(count_values(value) for each in parts[part] for value in each.values())
        for part in PARTS
    )
    num_given = sum(
        count_values(each[key]) for each in parts["imprimé"] for key in each.keys() & GIVEN
    )
    with_printed = sum(map(bool, parts["imprimé"]))
    return (
        f"Les documents impriment {num_printed} de leurs valeurs, dans "
        f"{agreed(with_printed, 'exemple')}, dont {num_given} données, relues et non calculées ; "
        f"les {num_expected} autres ne sont que recalculées, et "
        f"{agreed(len(examples) - with_printed, 'exemple')} n'ont que de celles-là."
    )


def _rows(value) -> list[str]:
    if not (isinstance(value, list) and value and isinstance(value[0], list)):
        return [f"  {show(value)}"]
    if value[0] and isinstance(value[0][0], list):
        return [row for each in value for row in (*_rows(each), "")][:-1]
    rows = [row if isinstance(row, list) else [row] for row in value]  # le fichier peut mentir
    cells = [[show_number(each) for each in row] for row in rows]
    width = max((len(cell) for row in cells for cell in row), default=0)
    return ["  " + " ".join(cell.rjust(width) for cell in row) for row in cells]


def replay(path: Path = EXAMPLES_PATH, *, only: str | None = None) -> int:
    """Refait les exemples et dit lesquels sont retrouvés.

    Args:
        path: fichier des nombres attendus.
        only: un seul identifiant, montré en entier ; None pour tous.

    Returns:
        0 si tout est retrouvé, 1 sinon.

    Raises:
        FileNotFoundError: fichier absent.
        ValueError: fichier illisible, ou identifiant inconnu.
    """
    examples = read_examples(path)
    if only is not None and only.upper() not in examples:
        raise ValueError(f"exemple {only!r} inconnu : de N1 à N{len(EXAMPLES)}.")
    names = [only.upper()] if only else list(examples)
    num_wrong = 0
    for name in names:
        obtained = compute(name, examples[name])
        print((details if only else line)(name, examples[name], obtained), flush=True)
        num_wrong += bool(failures(examples[name], obtained))
    if not only:
        print(f"{len(names) - num_wrong} exemples retrouvés sur {len(names)}.")
        print(origins(examples))
    return int(num_wrong > 0)
