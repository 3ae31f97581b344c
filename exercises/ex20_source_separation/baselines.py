"""Séparer sans apprendre : filtres médians, masque aux sources connues, ACI à deux micros.

D'après : S3 « CNN & Time-Frequency representation » (« Original problem: ICA »).

Les filtres médians sont le témoin qui n'apprend rien ; celui qui apprend des mêmes sons est dans
`factorisation`. Le masque des rapports de modules, qui connaît les sources, est un repère, et non
une borne : d'autres masques feraient peut-être mieux. L'analyse en composantes indépendantes (ACI)
résout un autre problème : autant de micros que de sources.
"""

import numpy as np
from scipy import ndimage

from exercises.ex20_source_separation.spectrograms import (
    SMALLEST,
    WINDOW,
    apply_masks,
    si_sdr,
    stft,
)

# Les réglages des médianes : les meilleurs de vingt-cinq, sur les mélanges de validation.
MEDIAN_WINDOW = 2 * WINDOW  # échantillons d'une trame : elles en préfèrent de longues
MEDIAN_FRAMES = 17  # trames de la médiane qui efface les coups ; impair
MEDIAN_BINS = 17  # fréquences de celle qui efface les notes ; impair


# --- Question : un masque qui connaît les sources ------------------------------------


def ideal_masks(sources: np.ndarray) -> np.ndarray:
    """Donne chaque case à ses deux sources selon leurs modules, que l'on connaît ici.

    D'autres masques, qui les connaissent aussi, feraient peut-être mieux : le rapport des carrés
    des modules, ou la partie réelle de source sur mélange, bornée à [0, 1].

    Args:
        sources: spectrogrammes complexes `(n, 2, t, f)`.

    Returns:
        Masques de la mélodie `(n, t, f)`, dans [0, 1].
    """
    melody, percussion = np.moveaxis(np.abs(sources), 1, 0)
    return melody / (melody + percussion + SMALLEST)


def separate_ideally(sources: np.ndarray) -> np.ndarray:
    """Sépare la somme de vraies sources `(n, 2, m)` par `ideal_masks` ; de même forme."""
    spectrograms = stft(sources)
    masks = ideal_masks(spectrograms)
    return apply_masks(spectrograms.sum(axis=1), masks, sources.shape[-1])


# --- Question : sans rien apprendre --------------------------------------------------


def median_masks(magnitudes: np.ndarray) -> np.ndarray:
    """Sépare par deux médianes : une note dure dans le temps, un coup s'étale en fréquence.

    Args:
        magnitudes: modules des mélanges `(n, t, f)`.

    Returns:
        Masques de la mélodie `(n, t, f)`, dans [0, 1].

    Source : Fitzgerald, « Harmonic/percussive separation using median filtering », DAFx 2010.
    """
    notes = ndimage.median_filter(magnitudes, size=(1, MEDIAN_FRAMES, 1)) ** 2
    hits = ndimage.median_filter(magnitudes, size=(1, 1, MEDIAN_BINS)) ** 2
    return (notes + SMALLEST) / (notes + hits + 2 * SMALLEST)


def separate_by_medians(sounds: np.ndarray) -> np.ndarray:
    """Sépare des mélanges `(n, m)` par `median_masks` ; rend leurs sources `(n, 2, m)`."""
    mixtures = stft(sounds, window=MEDIAN_WINDOW)
    return apply_masks(mixtures, median_masks(np.abs(mixtures)), sounds.shape[-1])


# --- Question : avec deux micros -----------------------------------------------------


def two_microphones(sources: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Enregistre les sources par deux micros, qui les entendent à des niveaux différents.

    Args:
        sources: `(n, 2, m)`.
        rng: générateur aléatoire.

    Returns:
        `(n, 2, m)` : chaque micro est une somme des deux sources, sans écho ni retard.
    """
    near = rng.uniform(0.6, 1, (len(sources), 2))  # le micro est plus près de l'une…
    far = rng.uniform(0.2, 0.8, (len(sources), 2)) * near[:, ::-1]
    gains = np.stack(
        [np.stack([near[:, 0], far[:, 0]], 1), np.stack([far[:, 1], near[:, 1]], 1)], axis=1
    )  # (n, micro, source)
    return gains @ sources


def separate_ica(microphones: np.ndarray) -> np.ndarray:
    """Sépare deux micros en cherchant les composantes les plus indépendantes.

    Args:
        microphones: `(2, m)`.

    Returns:
        Deux sources `(2, m)`, ni l'ordre ni le volume n'étant déterminés.

    Source : Hyvärinen et Oja, Neural Networks 13, 2000 (FastICA).
    """
    from sklearn.decomposition import FastICA

    return FastICA(2, whiten="unit-variance", random_state=0).fit_transform(microphones.T).T


def two_microphone_gain(sources: np.ndarray) -> float:
    """Mesure le gain moyen de l'ACI, par rapport au meilleur des deux micros.

    Args:
        sources: vraies sources `(n, 2, m)`.

    Returns:
        Décibels ; chaque composante est attribuée à la source qui arrange le mieux l'ensemble.
    """
    gains, microphones = [], two_microphones(sources, np.random.default_rng(0))
    for truth, heard in zip(sources, microphones, strict=True):
        found = separate_ica(heard)
        best = max(si_sdr(found[order], truth).mean() for order in ([0, 1], [1, 0]))
        untouched = si_sdr(heard[:, None], truth[None]).max(axis=0).mean()
        gains.append(best - untouched)
    return float(np.mean(gains))
