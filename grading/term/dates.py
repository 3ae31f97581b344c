"""Lire une date de Moodle ou de tableur, en français ou en anglais."""

from datetime import datetime

from dateutil import parser

# Une date sans heure finit à 23 h 59 ; une date sans jour, lue de deux façons, n'en est pas une.
DEFAULTS = (datetime(2001, 1, 1, 23, 59), datetime(2002, 2, 2, 23, 59))


class _Words(parser.parserinfo):
    """Les mots d'une date."""

    JUMP = [*parser.parserinfo.JUMP, "à", "le", "du", "er", "1er"]
    WEEKDAYS = [
        (*english, french)
        for english, french in zip(
            parser.parserinfo.WEEKDAYS,
            "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
            strict=True,
        )
    ]
    MONTHS = [
        (*english, *french.split())
        for english, french in zip(
            parser.parserinfo.MONTHS,
            (
                "janvier janv",
                "février févr fevrier",
                "mars",
                "avril avr",
                "mai",
                "juin",
                "juillet juil",
                "août aout",
                "septembre",
                "octobre",
                "novembre",
                "décembre déc decembre",
            ),
            strict=True,
        )
    ]


WORDS = _Words(dayfirst=True)


def read_date(text: str) -> datetime:
    """Lit une date, et son heure si elle y est.

    Args:
        text: `"lundi 12 octobre 2026, 23:52"`, `"Monday, 12 October 2026, 11:52 PM"`,
            `"12/10/2026 23:52"` (le jour d'abord), `"2026-10-12T23:52"`.

    Returns:
        L'instant, sans fuseau.

    Raises:
        ValueError: ce n'en est pas une.
    """
    try:
        iso = text.strip()[:4].isdigit()
        found = {parser.parse(text, WORDS, default=day, dayfirst=not iso) for day in DEFAULTS}
    except (ValueError, OverflowError):
        found = set()
    if len(found) != 1:
        raise ValueError(
            f"date illisible : « {text} » ; attendu, par exemple, 2026-10-12 23:59 ou "
            "12/10/2026 23:59"
        )
    return found.pop().replace(tzinfo=None)
