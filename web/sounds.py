"""De courts mélanges, composés par l'exercice 20, que la page « Deux sources » sépare.

Chacun est un WAV à deux voies, une par source : le site se construit sans réseau. Ce sont celui
de `make_mixtures(1, LEARNED, seed=2026)` et ceux de `make_mixtures(3, UNSEEN, seed=2026)`,
écrits par `write_wavs` : cette graine n'est ni celle de l'entraînement, ni celle de la mesure.
"""

import base64
from pathlib import Path

from scipy.io import wavfile

FOLDER = Path(__file__).parent / "static" / "sounds"


def mixtures() -> list[dict]:
    """Lit les mélanges.

    Returns:
        `title`, `rate` en hertz, et `sources` : mélodie puis percussions, en base 64, des entiers
        de 16 bits.
    """
    found = []
    for path in sorted(FOLDER.iterdir()):
        rate, samples = wavfile.read(path)
        number, title = path.stem.split("_", 1)
        sounds = [base64.b64encode(each.tobytes()).decode() for each in samples.T]
        title = f"Mélange {number}, {title.replace('_', ' ')}"
        found.append({"title": title, "rate": rate, "sources": sounds})
    return found
