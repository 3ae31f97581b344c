"""Comparer, au chiffre près, ce que donne chaque exemple à ce qui en est attendu, et le dire.

D'après : S0 à S4.
Commande : python -m exercises.ex00_convolution --example N6
"""

from fractions import Fraction
from textwrap import shorten

import numpy as np

from exercises.ex00_convolution.examples import EXAMPLES, read_examples

LINE_WIDTH = 60  # caractères d'un résultat, sur la ligne de son exemple
NUMBER_WIDTH = 5  # caractères d'un nombre, dans un tableau montré en entier


def plain(value):
    """Rend un nombre, ou un tableau, en fractions et en listes, pour une égalité exacte."""
    return np.vectorize(Fraction, otypes=[object])(value).tolist()


def compute(name: str) -> dict:
    """Refait un exemple ; rend ses résultats par clé, en fractions (`plain`)."""
    return {key: plain(value) for key, value in EXAMPLES[name].compute().items()}


def failures(entry: dict, obtained: dict) -> list[str]:
    """Rend les clés dont la valeur n'est pas celle attendue, ou qui manquent d'un côté.

    Args:
        entry: ce que `read_examples` dit de l'exemple.
        obtained: rendu par `compute`.
    """
    wanted = every_value(entry)
    return [key for key in wanted | obtained if wanted.get(key) != obtained.get(key)]


def every_value(entry: dict) -> dict:
    """Réunit ce que le document imprime et ce qui a été recalculé."""
    return {key: plain(value) for key, value in (entry["imprimé"] | entry["attendu"]).items()}


# --- Ce que le terminal montre -------------------------------------------------------


def show(value, width: int = 0) -> str:
    """Écrit une valeur ; `/` sépare les lignes d'un tableau, `//` deux tableaux."""
    if isinstance(value, list):
        depth = np.array(value, dtype=object).ndim
        return [" ", " / ", " // "][depth - 1].join(show(each, width) for each in value)
    is_decimal = value.denominator > 1 and 10000 % value.denominator == 0
    text = f"{float(value):g}".replace(".", ",") if is_decimal else str(value)
    return text.rjust(width)


def line(name: str, entry: dict, obtained: dict) -> str:
    """Résume un exemple en une ligne : ✔ ou ✘, document, résultat, ce qui en est imprimé."""
    described, wrong = EXAMPLES[name], failures(entry, obtained)
    key = wrong[0] if wrong else next(iter(obtained))
    found = shorten(show(obtained[key]), LINE_WIDTH, placeholder=" …")
    expected = f" au lieu de {show(every_value(entry)[key])}" if wrong else ""
    return (
        f"{'✘' if wrong else '✔'} {name:<4}{described.document:<12}{described.title} — "
        f"{key} : {found}{expected} (imprimé : {', '.join(entry['imprimé']) or 'rien'})"
    )


def details(name: str, entry: dict, obtained: dict) -> str:
    """Écrit un exemple en entier : chaque valeur, d'où elle vient, et si elle est retrouvée."""
    described, wrong = EXAMPLES[name], failures(entry, obtained)
    lines = [f"{name}, {described.document} : {described.title}", described.compute.__doc__]
    for key, value in obtained.items():
        origin = "imprimé" if key in entry["imprimé"] else "recalculé"
        rows = show(value, NUMBER_WIDTH).replace(" // ", "\n\n").replace(" / ", "\n")
        lines.append(f"\n{'✘' if key in wrong else '✔'} {key} ({origin})\n{rows}")
    return "\n".join(lines)


def replay(only: str | None = None) -> int:
    """Refait les exemples et dit lesquels sont retrouvés.

    Args:
        only: un seul identifiant, montré en entier ; None pour tous.

    Returns:
        0 si tout est retrouvé, 1 sinon.

    Raises:
        ValueError: identifiant inconnu.
    """
    examples = read_examples()
    if only and only.upper() not in examples:
        raise ValueError(f"exemple {only!r} inconnu : de N1 à N{len(EXAMPLES)}.")
    names = [only.upper()] if only else list(examples)
    num_wrong = 0
    for name in names:
        obtained = compute(name)
        print((details if only else line)(name, examples[name], obtained), flush=True)
        num_wrong += bool(failures(examples[name], obtained))
    if not only:
        printed = sum(bool(entry["imprimé"]) for entry in examples.values())
        print(f"{len(names) - num_wrong} exemples retrouvés sur {len(names)}.")
        print(
            f"Les documents impriment des nombres pour {printed} d'entre eux ; les "
            f"{len(names) - printed} autres ne sont comparés qu'à un second calcul."
        )
    return int(num_wrong > 0)
