"""De courts mélanges, composés par l'exercice 20, que la page « Deux sources » sépare."""

import base64

import numpy as np

from exercises.ex20_source_separation.sounds import make_mixtures
from exercises.ex20_source_separation.timbres import LEARNED, RATE_HZ, UNSEEN

SEED = 2026  # ni celles de l'entraînement, ni celles de la mesure
SETS = (("timbres appris", LEARNED, 1), ("timbres jamais entendus", UNSEEN, 3))


def mixtures() -> list[dict]:
    """Compose des mélanges, les premiers de leur graine.

    Returns:
        `title`, `rate` en hertz, et `sources` : mélodie puis percussions, en base 64, des entiers
        de 16 bits dont le plus fort des deux sons fait la pleine échelle.
    """
    found = []
    for title, timbres, num in SETS:
        for sources in make_mixtures(num, timbres, seed=SEED):
            samples = np.round(sources * (32767 / abs(sources).max())).astype("<i2")
            sounds = [base64.b64encode(each.tobytes()).decode() for each in samples]
            name = f"Mélange {len(found) + 1}, {title}"
            found.append({"title": name, "rate": RATE_HZ, "sources": sounds})
    return found
