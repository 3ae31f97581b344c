"""Les timbres : de vrais instruments, dont certains sont gardés pour le test.

D'après : S3 « CNN & Time-Frequency representation ».

Les sons viennent d'un soundfont, où chaque instrument est enregistré toutes les quelques notes. Les
instruments de `UNSEEN` ne servent qu'au test : le réseau ne les a jamais entendus. Chaque famille
(clavier, cordes pincées, cordes frottées, bois, cuivre, soufflerie) en a un de part et d'autre.
"""

from typing import NamedTuple

import numpy as np
from scipy import signal

from convnets.datasets.soundfont import load_instruments

RATE_HZ = 8000  # échantillons par seconde : on n'entend donc rien au-dessus de 4000 Hz
FINER = 4  # une note est lue à 32 000 Hz, puis filtrée, sans quoi l'aigu se replierait
FADE_S = 0.04  # fin d'une note
DRUMS = "Standard0"  # la batterie : chaque note y est une percussion


class Timbres(NamedTuple):
    """Les timbres d'un jeu, en français, et ce qu'ils sont dans le soundfont."""

    melodic: dict[str, str]  # un instrument
    percussive: dict[str, int]  # une note de `DRUMS`


LEARNED = Timbres(
    {
        "piano": "Piano 1",
        "guitare": "Nylon Guitar",
        "violon": "Violin",
        "flûte": "Flute TB",
        "trompette": "SoloTrumpet",
        "orgue": "Organ 1",
    },
    {"grosse caisse": 36, "caisse claire": 38, "charleston": 42, "cymbale": 49},
)
UNSEEN = Timbres(
    {
        "clavecin": "Harpsichord",
        "harpe": "Harp LP",
        "violoncelle": "Cello",
        "clarinette": "Clarinet",
        "trombone": "Trombone",
        "harmonium": "Reed Organ0",
    },
    {"tom": 45, "claquement": 39, "cloche de vache": 56, "maracas": 70},
)


# --- Question : une note, ou un coup -------------------------------------------------


def play(name: str, note: int, duration_s: float) -> np.ndarray:
    """Joue une note : un enregistrement lu plus ou moins vite, et qui s'éteint.

    Args:
        name: un instrument du soundfont.
        note: numéro MIDI, le la à 440 Hz étant 69.
        duration_s: durée, en secondes.

    Returns:
        `(m,)`, à `RATE_HZ`.
    """
    zones = load_instruments()[name]
    zone = next(each for each in zones if each.lowest <= note <= each.highest)
    t = np.arange(FINER * int(RATE_HZ * duration_s)) / (FINER * RATE_HZ)
    place = t * zone.rate_hz * 2 ** ((note - zone.root) / 12)  # dans l'enregistrement
    if zone.loop:
        start, end = zone.loop
        place = np.where(place < end, place, start + (place - start) % (end - start))
    sound = np.interp(place, np.arange(len(zone.wave)), zone.wave, right=0)
    sound *= 10 ** (-np.minimum(t * zone.decay_db_s, zone.sustain_db) / 20)
    fade = np.clip((duration_s - t) / FADE_S, 0, 1)
    return signal.decimate(sound * fade, FINER, ftype="fir")
