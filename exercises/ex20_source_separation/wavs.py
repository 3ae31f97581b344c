"""Lire et écrire des fichiers WAV.

D'après : S3 « CNN & Time-Frequency representation ».
"""

import math
import warnings
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

from exercises.ex20_source_separation.timbres import RATE_HZ

PEAK = 0.9  # du plus fort des sons écrits, 1 étant la limite du format
MAX_S = 600  # dix minutes : au-delà, la mémoire manquerait


def read_wav(path: Path) -> np.ndarray:
    """Lit un fichier WAV de n'importe quels format et fréquence.

    Args:
        path: fichier WAV, mono ou à plusieurs voies, dont on prend la moyenne.

    Returns:
        `(m,)` float32 dans [-1, 1], à `RATE_HZ`, de maximum 1 (sauf un silence).

    Raises:
        ValueError: ce n'est pas un WAV, ou il est vide ou trop long.
        OSError: fichier absent ou illisible.
    """
    try:
        with warnings.catch_warnings():  # un bloc inconnu ou une fin coupée n'empêchent rien
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate_hz, samples = wavfile.read(path)
    except OSError:
        raise
    except Exception as error:  # SciPy en lève d'une dizaine de sortes, selon ce qui est abîmé
        raise ValueError(
            f"{path} n'est pas un fichier WAV lisible. Convertissez-le en WAV (PCM 16 bits)."
        ) from error
    if not 0 < len(samples) <= MAX_S * rate_hz:
        raise ValueError(
            f"{path} a {len(samples)} échantillons à {rate_hz} Hz : il en faut au moins un, et "
            f"{MAX_S} s au plus. Coupez un fichier trop long."
        )
    middle = 128 if samples.dtype == np.uint8 else 0  # le silence du format 8 bits
    sound = samples.reshape(len(samples), -1).astype(np.float64) - middle
    common = math.gcd(rate_hz, RATE_HZ)
    sound = signal.resample_poly(sound.mean(axis=1), RATE_HZ // common, rate_hz // common)
    return (sound / (np.abs(sound).max() or 1)).astype(np.float32)


def write_wavs(folder: Path, sounds: dict[str, np.ndarray]) -> list[Path]:
    """Écrit des sons en WAV 16 bits, tous à la même échelle : leurs volumes se comparent.

    Args:
        folder: dossier, créé s'il manque.
        sounds: nom de fichier sans extension → `(m,)` réels, ou `(voies, m)`.

    Returns:
        Les fichiers écrits, dans l'ordre.
    """
    loudest = max(float(np.abs(sound).max()) for sound in sounds.values()) or 1
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.wav" for name in sounds]
    for path, sound in zip(paths, sounds.values(), strict=True):
        samples = np.round(sound * (PEAK / loudest * 32767)).astype(np.int16)
        wavfile.write(path, RATE_HZ, samples.T)
    return paths
