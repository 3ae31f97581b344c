"""Comparer, au chiffre près, ce que donne chaque exemple à ce qui en est attendu, et le dire.

D'après : S0 à S4.
Commande : python -m exercises.ex00_convolution --example N6
"""

from fractions import Fraction
from textwrap import shorten

import numpy as np

from exercises.ex00_convolution import examples

LINE_WIDTH = 60  # caractères d'un résultat, sur la ligne de son exemple
NUMBER_WIDTH = 5  # caractères d'un nombre, dans un tableau montré en entier


def plain(value):
    """Rend un nombre, ou un tableau, en fractions et en listes, pour une égalité exacte."""
    return np.vectorize(Fraction, otypes=[object])(value).tolist()


def compute(name: str) -> dict:
    """Refait un exemple ; rend ses résultats par clé, en fractions (`plain`)."""
    return {key: plain(value) for key, value in getattr(examples, name.lower())().items()}


def wrong_values(entry: dict, obtained: dict) -> dict:
    """Rend ce qui était attendu de chaque résultat qui en diffère.

    Args:
        entry: ce que `read_examples` dit de l'exemple.
        obtained: rendu par `compute`.
    """
    wanted = {key: plain(value) for key, value in (entry["imprimé"] | entry["attendu"]).items()}
    return {key: wanted.get(key) for key, found in obtained.items() if wanted.get(key) != found}


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
    wrong = wrong_values(entry, obtained)
    key = next(iter(wrong or obtained))
    found = shorten(show(obtained[key]), LINE_WIDTH, placeholder=" …")
    expected = f" au lieu de {show(wrong[key])}" if wrong else ""
    return (
        f"{'✘' if wrong else '✔'} {name:<4}{entry['document']:<12}{entry['titre']} — "
        f"{key} : {found}{expected} (imprimé : {', '.join(entry['imprimé']) or 'rien'})"
    )


def details(name: str, entry: dict, obtained: dict) -> str:
    """Écrit un exemple en entier : chaque valeur, d'où elle vient, et si elle est retrouvée."""
    wrong = wrong_values(entry, obtained)
    text = f"{name}, {entry['document']} : {entry['titre']}\n{entry['note']}"
    for key, value in obtained.items():
        origin = "imprimé" if key in entry["imprimé"] else "recalculé"
        rows = show(value, NUMBER_WIDTH).replace(" // ", "\n\n").replace(" / ", "\n")
        text += f"\n\n{'✘' if key in wrong else '✔'} {key} ({origin})\n{rows}"
    return text


def replay(only: str | None = None) -> int:
    """Refait les exemples et dit lesquels sont retrouvés.

    Args:
        only: un seul identifiant, montré en entier ; None pour tous.

    Returns:
        0 si tout est retrouvé, 1 sinon.

    Raises:
        ValueError: identifiant inconnu.
    """
    entries, num_wrong = examples.read_examples(), 0
    if only and only.upper() not in entries:
        raise ValueError(f"exemple {only!r} inconnu : de N1 à N{len(entries)}.")
    for name in [only.upper()] if only else entries:
        obtained = compute(name)
        print((details if only else line)(name, entries[name], obtained), flush=True)
        num_wrong += bool(wrong_values(entries[name], obtained))
    if not only:
        printed = sum(bool(entry["imprimé"]) for entry in entries.values())
        print(
            f"{len(entries) - num_wrong} exemples retrouvés sur {len(entries)}.\n"
            f"Les documents impriment des nombres pour {printed} d'entre eux ; les "
            f"{len(entries) - printed} autres ne sont comparés qu'à un second calcul."
        )
    return int(num_wrong > 0)
