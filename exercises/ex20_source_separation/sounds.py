"""Des mélodies, des percussions et leurs mélanges, dont on connaît exactement les deux sources.

D'après : S3 « CNN & Time-Frequency representation ».

Les timbres sont ceux de `timbres`.
"""

import numpy as np

from exercises.ex20_source_separation.timbres import DRUMS, RATE_HZ, Timbres, play

DURATION_S = 2.0
NUM_SAMPLES = int(RATE_HZ * DURATION_S)
NOTES_MIDI = (45, 81)  # du la à 110 Hz à celui à 880 Hz
NOTE_S, NOTE_GAP_S = (0.2, 0.8), (0.15, 0.5)  # durée d'une note, et d'un départ au suivant
CHORD = 0.3  # part des notes jouées à deux
HIT_S, BEATS_S = 0.35, (0.12, 0.35)  # durée d'un coup, et d'un temps à l'autre
REST = 0.25  # part des temps sans coup
LEVELS_DB = (-6.0, 6.0)  # de la mélodie par rapport aux percussions


# --- Question : deux sources ---------------------------------------------------------


def play_melody(timbres: Timbres, rng: np.random.Generator) -> np.ndarray:
    """Joue des notes au hasard, d'un seul instrument.

    Args:
        timbres: où prendre l'instrument.
        rng: générateur aléatoire.

    Returns:
        `(NUM_SAMPLES,)` float32, de moyenne quadratique 1.
    """
    sound = np.zeros(NUM_SAMPLES)
    name = rng.choice([*timbres.melodic.values()])
    start_s = rng.uniform(0, 0.3)
    while start_s < DURATION_S - NOTE_S[0]:
        duration_s = rng.uniform(*NOTE_S)
        for _ in range(2 if rng.random() < CHORD else 1):
            note = rng.integers(*NOTES_MIDI, endpoint=True)
            _add(sound, play(name, note, duration_s) * rng.uniform(0.5, 1), start_s)
        start_s += rng.uniform(*NOTE_GAP_S)
    return _unit(sound)


def play_percussion(timbres: Timbres, rng: np.random.Generator) -> np.ndarray:
    """Frappe deux percussions, une par temps au plus, les temps étant réguliers à peu près.

    Args:
        timbres: où prendre les deux percussions.
        rng: générateur aléatoire.

    Returns:
        `(NUM_SAMPLES,)` float32, de moyenne quadratique 1.
    """
    sound = np.zeros(NUM_SAMPLES)
    kit = rng.choice([*timbres.percussive.values()], 2, replace=False)
    beat_s, start_s, played = rng.uniform(*BEATS_S), rng.uniform(0, 0.2), False
    while start_s < DURATION_S - 0.1:
        if not played or rng.random() > REST:
            hit = play(DRUMS, rng.choice(kit), HIT_S)
            _add(sound, hit * rng.uniform(0.4, 1) / np.abs(hit).max(), start_s)
            played = True
        start_s += beat_s * rng.uniform(0.95, 1.05)
    return _unit(sound)


def make_sounds(num: int, timbres: Timbres, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Joue autant de mélodies que de percussions, indépendantes.

    Args:
        num: nombre de chaque.
        timbres: timbres employés.
        seed: graine ; les `k` premiers sons ne dépendent pas de `num`.

    Returns:
        `(mélodies, percussions)` : float32 `(num, NUM_SAMPLES)`, de moyenne quadratique 1.
    """
    generators = [np.random.default_rng([seed, k]) for k in range(num)]
    melodies = [play_melody(timbres, rng) for rng in generators]
    percussion = [play_percussion(timbres, rng) for rng in generators]
    return np.stack(melodies), np.stack(percussion)


def _add(sound: np.ndarray, event: np.ndarray, start_s: float) -> None:
    start = int(RATE_HZ * start_s)
    event = event[: len(sound) - start]
    sound[start : start + len(event)] += event


def _unit(sound: np.ndarray) -> np.ndarray:
    return (sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


# --- Question : les mélanger ---------------------------------------------------------


def draw_levels(num: int, rng: np.random.Generator) -> np.ndarray:
    """Tire de combien de décibels chaque mélodie dépasse ses percussions, float32 `(num,)`."""
    return rng.uniform(*LEVELS_DB, num).astype(np.float32)


def mix(melodies: np.ndarray, percussion: np.ndarray, levels_db: np.ndarray) -> np.ndarray:
    """Règle le niveau des sources d'un mélange, qui en est la somme.

    Args:
        melodies: `(n, ...)`, réels ou complexes (des spectrogrammes : tout y est linéaire).
        percussion: de même forme.
        levels_db: `(n,)`, niveau de chaque mélodie par rapport à ses percussions.

    Returns:
        Sources `(n, 2, ...)` : mélodie puis percussions ; le mélange est `.sum(axis=1)`.
    """
    gains = 10 ** (levels_db / 20).reshape(-1, *[1] * (melodies.ndim - 1))
    return np.stack([melodies * gains, percussion], axis=1)


def make_mixtures(num: int, timbres: Timbres, *, seed: int) -> np.ndarray:
    """Joue des mélanges ; rend leurs sources `(num, 2, NUM_SAMPLES)` float32, comme `mix`."""
    # Une suite à part : [seed] seul donnerait le même hasard que le premier son.
    levels_db = draw_levels(num, np.random.default_rng([seed, 0, 1]))
    return mix(*make_sounds(num, timbres, seed=seed), levels_db)
