"""Lire une date écrite pour un lecteur, dans une langue ou dans une autre."""

import re
import unicodedata
from datetime import date, datetime, time

MONTHS = {  # débuts de mots, dans les langues d'Europe que Moodle parle le plus
    1: ("jan", "ene", "gen"),
    2: ("fev", "feb"),
    3: ("mar", "maa", "mrt"),
    4: ("avr", "apr", "abr"),
    5: ("mai", "may", "mag", "mei"),
    6: ("juin", "jun", "giu"),
    7: ("juil", "jul", "lug"),
    8: ("aou", "aug", "ago"),
    9: ("sep", "set"),
    10: ("oct", "okt", "ott", "out"),
    11: ("nov",),
    12: ("dec", "dez", "dic"),
}
NUMERIC = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b"),
    re.compile(r"\b(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})\b"),
)
NAMED = (
    re.compile(
        r"\b(?P<day>\d{1,2})(?:er|\.|º)?\s+(?:de\s+)?(?P<name>[a-z]{3,})\.?,?\s+(?:de\s+)?"
        r"(?P<year>\d{4})\b"
    ),
    re.compile(r"\b(?P<name>[a-z]{3,})\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})\b"),
)
HOUR = re.compile(r"\b(\d{1,2})\s*[:h]\s*(\d{2})(?::(\d{2}))?(?:\s*([ap])\.?m)?")
END_OF_DAY = time(23, 59, 59)


def read_date(text: str, *, hour: time = END_OF_DAY) -> datetime:
    """Lit une date, et son heure si elle y est.

    Args:
        text: `"lundi 12 octobre 2026, 23:52"`, `"Monday, 12 October 2026, 11:52 PM"`,
            `"12/10/2026 23:52"` (le jour d'abord), `"2026-10-12T23:52"`.
        hour: heure d'une date qui n'en a pas.

    Returns:
        L'instant, sans fuseau.

    Raises:
        ValueError: ce n'en est pas une.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"(?<=\d)t(?=\d)", " ", plain)
    for pattern in (*NUMERIC, *NAMED):
        found = pattern.search(plain)
        if not found:
            continue
        parts = found.groupdict()
        month = int(parts["month"]) if "month" in parts else _month(parts["name"])
        if not month:
            continue
        rest = plain[: found.start()] + " " + plain[found.end() :]
        try:
            day = date(int(parts["year"]), month, int(parts["day"]))
            return datetime.combine(day, _hour(rest, hour))
        except ValueError:
            break
    raise ValueError(
        f"date illisible : « {text} » ; attendu, par exemple, 2026-10-12 23:59 ou 12/10/2026 23:59"
    )


def _month(name: str) -> int:
    return next((month for month, starts in MONTHS.items() if name.startswith(starts)), 0)


def _hour(text: str, default: time) -> time:
    found = HOUR.search(text)
    if not found:
        return default
    hours, minutes, seconds, half = found.groups()
    hours = int(hours) % 12 + 12 * (half == "p") if half else int(hours)
    return time(hours, int(minutes), int(seconds or 0))
