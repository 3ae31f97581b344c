"""Des timbres de synthèse : des notes, des coups, et ceux que l'on garde pour le test.

D'après : S3 « CNN & Time-Frequency representation ».

Chaque timbre est une fonction, et chaque note ou coup en tire les réglages au hasard. Les timbres
de `UNSEEN` ne servent qu'au test : le réseau ne les a jamais entendus. Ce sont des sons fabriqués,
plus simples que de vrais enregistrements ; en échange, on connaît exactement chaque source.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import signal

RATE_HZ = 8000  # échantillons par seconde : on n'entend donc rien au-dessus de 4000 Hz
PARTIALS = np.arange(1.0, 25)[:, None]  # fréquence de chacun, rapportée à celle de la note


# --- Question : des notes ------------------------------------------------------------


def _tone(rng, phase, frequency_hz, ratios, amplitudes) -> np.ndarray:
    """Additionne les partiels d'une note, sauf ceux qui dépasseraient 4000 Hz.

    Args:
        rng: générateur aléatoire.
        phase: phase du premier partiel, en radians `(n,)`.
        frequency_hz: sa fréquence.
        ratios: fréquence de chaque partiel, rapportée à celle du premier, `(k, 1)`.
        amplitudes: celles des partiels, constantes `(k, 1)` ou au fil du temps `(k, n)`.
    """
    heard = ratios * frequency_hz < 0.48 * RATE_HZ
    starts = rng.uniform(0, 2 * np.pi, ratios.shape)
    return np.sum(heard * amplitudes * np.sin(ratios * phase + starts), axis=0)


def _phase(rng, frequency_hz, t, *, vibrato=(0.0, 0.0)) -> np.ndarray:
    """Rend la phase d'une note dont la hauteur ondule de `vibrato`, part tirée entre deux."""
    depth, speed_hz = rng.uniform(*vibrato), rng.uniform(4.5, 6.5)
    wobble = depth / speed_hz * np.sin(2 * np.pi * speed_hz * t + rng.uniform(0, 2 * np.pi))
    return 2 * np.pi * frequency_hz * t + frequency_hz * wobble


def _envelope(t, *, attack_s: float, release_s: float = 0.04) -> np.ndarray:
    """Monte en `attack_s` et redescend en `release_s` avant la fin."""
    return np.clip(t / attack_s, 0, 1) * np.clip((t[-1] - t) / release_s, 0, 1)


def _organ(rng, frequency_hz, t):
    phase, ratios = _phase(rng, frequency_hz, t), PARTIALS[[0, 1, 2, 3, 5, 7]]
    tone = _tone(rng, phase, frequency_hz, ratios, rng.uniform(0.1, 1, ratios.shape))
    return tone * _envelope(t, attack_s=0.02)


def _string(rng, frequency_hz, t):
    amplitudes = PARTIALS ** -rng.uniform(0.9, 1.6)
    phase = _phase(rng, frequency_hz, t, vibrato=(0.002, 0.006))
    tone = _tone(rng, phase, frequency_hz, PARTIALS, amplitudes)
    return tone * _envelope(t, attack_s=rng.uniform(0.04, 0.12), release_s=0.08)


def _reed(rng, frequency_hz, t):
    ratios = PARTIALS[::2]  # rien que les impairs, comme une clarinette
    amplitudes = ratios ** -rng.uniform(0.6, 1.2)
    phase = _phase(rng, frequency_hz, t, vibrato=(0.0, 0.002))
    return _tone(rng, phase, frequency_hz, ratios, amplitudes) * _envelope(t, attack_s=0.03)


def _pluck(rng, frequency_hz, t):
    decays = rng.uniform(1, 4) + rng.uniform(0.2, 0.8) * PARTIALS  # les aigus s'éteignent d'abord
    amplitudes = np.exp(-decays * t) / PARTIALS
    tone = _tone(rng, _phase(rng, frequency_hz, t), frequency_hz, PARTIALS, amplitudes)
    return tone * _envelope(t, attack_s=0.004)


def _voice(rng, frequency_hz, t):
    formants_hz = rng.uniform((300, 800, 2200), (800, 1800, 3000))
    gaps = (PARTIALS * frequency_hz - formants_hz) / 150  # (24, 3)
    spectrum = np.exp(-(gaps**2) / 2).sum(axis=1, keepdims=True) + 0.05
    phase = _phase(rng, frequency_hz, t, vibrato=(0.008, 0.015))  # plus que celui des cordes
    tone = _tone(rng, phase, frequency_hz, PARTIALS, spectrum / np.sqrt(PARTIALS))
    return tone * _envelope(t, attack_s=0.07)


def _bell(rng, frequency_hz, t):
    """Modulation de fréquence. Source : Chowning, J. Audio Eng. Soc. 21(7), 1973."""
    depth = rng.uniform(0.5, 2) * np.exp(-rng.uniform(2, 5) * t)
    modulation = depth * np.sin(2 * np.pi * rng.choice([1.41, 2.0, 2.76]) * frequency_hz * t)
    tone = np.sin(2 * np.pi * frequency_hz * t + modulation) * np.exp(-rng.uniform(1, 4) * t)
    return tone * _envelope(t, attack_s=0.005)


def _brass(rng, frequency_hz, t):
    envelope = _envelope(t, attack_s=rng.uniform(0.05, 0.15), release_s=0.1)
    amplitudes = np.exp(-(0.15 + 0.8 * (1 - envelope)) * PARTIALS)  # plus fort, plus brillant
    phase = _phase(rng, frequency_hz, t, vibrato=(0.0, 0.004))
    return _tone(rng, phase, frequency_hz, PARTIALS, amplitudes) * envelope


# --- Question : des coups ------------------------------------------------------------


def _noise(rng, t, low_hz: float, high_hz: float) -> np.ndarray:
    """Rend un bruit filtré entre deux fréquences."""
    band = signal.butter(2, (low_hz, high_hz), "bandpass", fs=RATE_HZ, output="sos")
    return signal.sosfilt(band, rng.normal(size=len(t)))


def _falling(rng, t, high_hz, low_hz) -> np.ndarray:
    """Rend une sinusoïde qui descend vite d'une fréquence à une autre, comme une peau frappée."""
    speed = rng.uniform(20, 40)
    fall = (high_hz - low_hz) * (1 - np.exp(-speed * t)) / speed
    return np.sin(2 * np.pi * (low_hz * t + fall))


def _kick(rng, t):
    body = _falling(rng, t, rng.uniform(120, 200), rng.uniform(45, 70))
    return (body + 0.3 * _noise(rng, t, 100, 2000) * (t < 0.006)) * np.exp(-rng.uniform(12, 25) * t)


def _snare(rng, t):
    noise = _noise(rng, t, rng.uniform(300, 900), rng.uniform(2200, 3600))
    drum = 0.3 * np.sin(2 * np.pi * rng.uniform(170, 250) * t)
    return (noise + drum) * np.exp(-rng.uniform(15, 35) * t)


def _hat(rng, t):
    return _noise(rng, t, rng.uniform(2200, 3000), 3950) * np.exp(-rng.uniform(25, 80) * t)


def _tom(rng, t):
    body = _falling(rng, t, rng.uniform(250, 400), rng.uniform(90, 180))
    return (body + 0.4 * _noise(rng, t, 200, 1500)) * np.exp(-rng.uniform(8, 16) * t)


def _clap(rng, t):
    hands = sum(np.exp(-150 * np.clip(t - s, 0, None)) * (t >= s) for s in (0, 0.011, 0.023))
    tail = np.exp(-rng.uniform(20, 40) * t) * (t > 0.03)
    return _noise(rng, t, rng.uniform(600, 1000), rng.uniform(1600, 2400)) * (hands + tail)


def _block(rng, t):
    tones = (np.sin(2 * np.pi * rng.uniform(700, 2200) * t) for _ in range(2))
    return sum(tones) * np.exp(-rng.uniform(50, 100) * t)


def _shaker(rng, t):
    rise_s = rng.uniform(0.02, 0.05)
    return _noise(rng, t, rng.uniform(1500, 2200), rng.uniform(3000, 3900)) * (
        np.clip(t / rise_s, 0, 1) * np.exp(-30 * np.clip(t - rise_s, 0, None))
    )


class Timbres(NamedTuple):
    """Les timbres d'un jeu, par leur nom."""

    melodic: dict[str, Callable]  # une note : (rng, fréquence, temps) → son
    percussive: dict[str, Callable]  # un coup : (rng, temps) → son


LEARNED = Timbres(
    {"orgue": _organ, "cordes": _string, "anche": _reed, "corde pincée": _pluck},
    {"grosse caisse": _kick, "caisse claire": _snare, "charleston": _hat},
)
UNSEEN = Timbres(
    {"voix": _voice, "cloche": _bell, "cuivre": _brass},
    {"tom": _tom, "claquement": _clap, "bloc de bois": _block, "maracas": _shaker},
)
