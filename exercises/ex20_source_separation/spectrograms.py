"""Le spectrogramme d'un son, le masque qui en garde une source, et le rapport qui la juge.

D'après : S3 « CNN & Time-Frequency representation ».
"""

from functools import cache

import numpy as np
from scipy import signal

from exercises.ex20_source_separation.timbres import RATE_HZ

WINDOW = 512  # échantillons d'une trame : 64 ms ; dans le grave, deux notes voisines s'y mêlent
HOP = 256  # d'une trame à la suivante : 32 ms
NUM_BINS = WINDOW // 2 + 1  # fréquences, de 0 à 4000 Hz, tous les 15,6 Hz
SMALLEST = 1e-10  # énergie ajoutée aux rapports : ni division par zéro, ni logarithme infini


# --- Question : du son au spectrogramme, et retour -----------------------------------


@cache
def _transform(window: int) -> signal.ShortTimeFFT:
    hann = signal.windows.hann(window, sym=False)
    return signal.ShortTimeFFT(hann, HOP, RATE_HZ, scale_to="magnitude")


def stft(sounds: np.ndarray, *, window: int = WINDOW) -> np.ndarray:
    """Calcule la transformée de Fourier de chaque trame d'un son.

    Les trames se suivent tous les `HOP` échantillons. Une fenêtre de Hann efface leurs deux bouts :
    chaque trame est multipliée par `scipy.signal.windows.hann(window, sym=False)`. La première et
    la dernière dépassent toujours du son : `istft` peut le rendre jusqu'à ses bords. Le son est
    donc précédé de `window - HOP` zéros, et suivi d'autant de zéros qu'il en faut pour finir la
    dernière trame qui commence dans le son.
    Toutes les valeurs peuvent être multipliées par un même nombre, que `istft` connaît.

    Args:
        sounds: `(..., m)` réels, `m` échantillons à `RATE_HZ` ; s'il y en a moins d'une trame, ils
            sont suivis de zéros.
        window: échantillons d'une trame, pair, au moins deux fois `HOP`.

    Returns:
        Spectrogrammes `(..., t, window / 2 + 1)` complex64, sans les fréquences négatives.
    """
    missing = max(0, window - sounds.shape[-1])
    sounds = np.pad(sounds, [(0, 0)] * (sounds.ndim - 1) + [(0, missing)])
    return np.swapaxes(_transform(window).stft(sounds), -1, -2).astype(np.complex64)


def istft(spectrograms: np.ndarray, num_samples: int) -> np.ndarray:
    """Refait les sons : l'inverse exact de `stft`.

    Args:
        spectrograms: `(..., t, f)` complexes, de même largeur de trame.
        num_samples: échantillons du son d'origine.

    Returns:
        Sons `(..., num_samples)` float32.
    """
    window = 2 * (spectrograms.shape[-1] - 1)
    spectrograms = np.swapaxes(spectrograms, -1, -2)
    sounds = _transform(window).istft(spectrograms, k1=max(num_samples, window))
    return sounds[..., :num_samples].astype(np.float32)


def network_input(mixtures: np.ndarray) -> np.ndarray:
    """Rend ce que lit le réseau : des modules, de moyenne quadratique 1 par mélange.

    Args:
        mixtures: spectrogrammes complexes `(n, t, NUM_BINS)`.

    Returns:
        `(n, t, NUM_BINS, 1)` float32 ; le volume de l'enregistrement n'y compte donc plus. Un
        silence reste nul.
    """
    magnitudes = np.abs(mixtures)
    level = np.sqrt(np.mean(magnitudes**2, axis=(1, 2), keepdims=True) + SMALLEST**2)
    return (magnitudes / level)[..., None].astype(np.float32)


# --- Question : du masque aux sources ------------------------------------------------


def apply_masks(mixtures: np.ndarray, masks: np.ndarray, num_samples: int) -> np.ndarray:
    """Sépare des mélanges par un masque, avec la phase du mélange.

    Args:
        mixtures: spectrogrammes complexes `(n, t, NUM_BINS)`.
        masks: part de la mélodie `(n, t, NUM_BINS)`, dans [0, 1] ; le reste est aux percussions.
        num_samples: échantillons de chaque son.

    Returns:
        Sources `(n, 2, num_samples)` float32, mélodie puis percussions : leur somme est le
        mélange.
    """
    shares = np.stack([masks, 1 - masks], axis=1)  # (n, 2, t, f)
    return istft(shares * mixtures[:, None], num_samples)


def separate(model, sounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sépare des mélanges.

    Args:
        model: modèle de `network`.
        sounds: mélanges `(n, m)`.

    Returns:
        `(sources, masques)` : `(n, 2, m)` float32, mélodie puis percussions, de somme le mélange,
        et `(n, t, NUM_BINS)`.
    """
    mixtures = stft(sounds)
    masks = model.predict(network_input(mixtures), batch_size=20, verbose=0)[..., 0]
    return apply_masks(mixtures, masks, sounds.shape[-1]), masks


# --- Question : mesurer la séparation ------------------------------------------------


def si_sdr(estimates: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Mesure le rapport signal sur distorsion, en décibels, sans égard au volume.

    La source attendue est mise au volume qui approche le mieux l'estimation ; ce qui reste est
    la distorsion : bruit, autre source, ou son abîmé.

    Args:
        estimates: sons `(..., m)`.
        targets: vraies sources `(..., m)`, non nulles.

    Returns:
        `(...)` float64 : 0 dB quand la distorsion est aussi forte que la source, 100 dB environ
        au plus.

    Source : Le Roux et al., « SDR – half-baked or well done? », ICASSP 2019, équation 3.
    """
    estimates, targets = estimates.astype(np.float64), targets.astype(np.float64)
    energy = np.sum(targets**2, axis=-1, keepdims=True)
    scaled = np.sum(estimates * targets, axis=-1, keepdims=True) / energy * targets
    kept, lost = np.sum(scaled**2, axis=-1), np.sum((scaled - estimates) ** 2, axis=-1)
    floor = SMALLEST * (kept + lost) + np.finfo(float).tiny
    return 10 * np.log10((kept + floor) / (lost + floor))


def improvement(estimates: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Rend ce que la séparation gagne sur le mélange laissé tel quel.

    Args:
        estimates: sources estimées `(n, k, m)`, dans l'ordre des vraies.
        sources: vraies sources `(n, k, m)`, dont la somme est le mélange.

    Returns:
        Décibels `(n, k)` ; 0 quand l'estimation est le mélange.
    """
    mixtures = np.broadcast_to(sources.sum(axis=1, keepdims=True), sources.shape)
    return si_sdr(estimates, sources) - si_sdr(mixtures, sources)
