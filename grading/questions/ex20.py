"""Exercice 20 : le spectrogramme et son inverse, le masque, la mesure, la factorisation positive.

Plusieurs spectrogrammes conviennent : à une échelle près, la première trame plus tôt ou plus tard.
Ce qui en dépend est comparé à ce que le rendu lui-même en fait.
"""

from functools import partial

import numpy as np

from grading.asking import failures
from grading.questions import (
    Ask,
    Credit,
    compared,
    credit,
    first_fault,
    judge,
    question,
    same,
    seen,
)

WINDOW, HOP = 512, 256  # ce que dit l'énoncé
TOLERANCE = 1e-3  # float32, et des sons d'amplitude 1
MAX_LEAK = 0.02  # écart sur la part d'une fréquence dans une note : 0,08 sans fenêtre
FEW_FRAMES = 7  # trames que l'on peut mettre en plus ou en moins aux bords
MAX_ERROR = 0.15  # relative, de la somme des parties : 0,01 d'une NMF, 0,3 d'une SVD sans négatifs
NUM_STARTS = 5  # départs de la NMF : l'un d'eux peut finir loin, pas la plupart
MIN_PERFECT_DB = 50  # d'une estimation parfaite

# --- Le spectrogramme ----------------------------------------------------------------


def _profile(num_samples: int, spectrogram) -> np.ndarray | None:
    """Rend la part de chaque fréquence dans l'énergie d'un spectrogramme, `(..., f)`.

    Les bords du son sont laissés de côté. Ce qui n'a pas le bon nombre de trames est rendu tel
    quel ; ce qui n'est pas complexe, non.
    """
    if spectrogram.dtype.kind != "c":
        return None
    num_frames = spectrogram.shape[-2]
    if abs(num_frames - num_samples / HOP) >= FEW_FRAMES:
        return np.abs(spectrogram)
    energy = (np.abs(spectrogram[..., num_frames // 4 : 3 * num_frames // 4, :]) ** 2).mean(-2)
    return energy / (energy.sum(-1, keepdims=True) + np.finfo(np.float32).tiny)


def _strongest(num_samples: int, spectrogram) -> np.ndarray:
    """Rend les deux fréquences les plus fortes."""
    return np.sort(np.argsort(_profile(num_samples, spectrogram))[..., -2:])


@compared("ex20.stft", tolerance=MAX_LEAK)
def ask_stft(ask: Ask) -> list:
    """Regarde où tombe une note, ce qui en fuit, puis plusieurs sons, puis une autre trame."""
    rng, num_samples = ask.rng, HOP * 30

    def note(window=WINDOW):
        """Joue une note entre deux fréquences de la transformée."""
        place = int(rng.integers(window // 12, window // 4)) + 0.5
        return np.sin(2 * np.pi * place / window * np.arange(num_samples))

    one, profile = [((note(),), {})], partial(_profile, num_samples)
    return [
        ("1/2", one, partial(_strongest, num_samples)),
        ("1/2", one, profile),
        ("3/4", [((np.stack([note(), note()]),), {})], profile),
        ("3/4", [((note(2 * WINDOW),), {"window": 2 * WINDOW})], profile),
        (
            "1",
            [((rng.normal(size=(3, HOP)),), {})],
            lambda spectrogram: np.isfinite(spectrogram).all(-2),
        ),  # il n'a que des bords
    ]


def _made(ask: Ask, function: str, calls) -> list[np.ndarray]:
    """Rend ce que le rendu fait lui-même de sons ou de spectrogrammes.

    Raises:
        failures.Failure: la fonction s'est arrêtée.
    """
    answers = ask.calls(function, calls)
    for each in answers:
        if each.error:
            raise failures.failure_of(each.error)
    return [np.asarray(each.value) for each in answers]


@question("ex20.istft")
def ask_istft(ask: Ask) -> Credit:
    """Refait des sons d'après les spectrogrammes qu'en fait le rendu."""
    rng, middle = ask.rng, slice(2 * WINDOW, -2 * WINDOW)
    long = rng.normal(size=(2, HOP * 21 + 37)).astype(np.float32)
    short = rng.normal(size=(3, WINDOW // 2)).astype(np.float32)
    calls = [((long,), {}), ((long,), {"window": 2 * WINDOW}), ((short,), {})]
    spectrograms, sounds = _made(ask, "stft", calls), (long, long, short)
    lengths = [each.shape[-1] for each in sounds]
    found = ask.calls("istft", [(each, {}) for each in zip(spectrograms, lengths, strict=True)])
    inside = seen(found[0], lambda sound: sound[..., middle])
    groups = [
        ("1/2", [((long[:, middle],), {})]),
        ("3/4", [((long,), {})]),
        ("1", [((each,), {}) for each in sounds[1:]]),
    ]
    return judge([inside, *found], groups, lambda sound: sound, tolerance=TOLERANCE)


@question("ex20.apply_masks")
def ask_apply_masks(ask: Ask) -> Credit:
    """Compare les sources à ce que l'inverse du rendu fait du mélange masqué."""
    num_samples = HOP * 12
    sounds = ask.rng.normal(size=(3, num_samples)).astype(np.float32)
    (mixtures,) = _made(ask, "stft", [((sounds,), {})])
    masks = ask.rng.random(mixtures.shape).astype(np.float32)

    def sources(mixtures, masks, num_samples):
        shares = [((share * mixtures, num_samples), {}) for share in (masks, 1 - masks)]
        return np.stack(_made(ask, "istft", shares), axis=1)

    groups = [("1", [((mixtures, masks, num_samples), {})])]
    return ask.judge("apply_masks", groups, sources, tolerance=TOLERANCE)


@compared("ex20.si_sdr", tolerance=1e-4)
def ask_si_sdr(ask: Ask) -> list:
    """Mesure des sons plus ou moins abîmés, à tout volume, puis un son intact."""

    def draw(*shape):
        targets = ask.rng.normal(size=shape)
        noise = ask.rng.uniform(0.1, 2, (*shape[:-1], 1)) * ask.rng.normal(size=shape)
        return (ask.rng.uniform(0.3, 3) * targets + noise, targets), {}

    return [
        ("1/2", [draw(400), draw(300)]),
        ("3/4", [draw(3, 200), draw(2, 2, 250)]),
        (
            "1",
            [((ask.rng.normal(size=(3, 200)),) * 2, {})],
            # Toutes les mesures assez grandes, si elles sont finies, se valent.
            lambda found: np.where(np.isfinite(found), np.minimum(found, MIN_PERFECT_DB), 0),
        ),
    ]


# --- La factorisation ----------------------------------------------------------------


@question("ex20.nmf_parts")
def ask_nmf_parts(ask: Ask) -> Credit:
    """Factorise une somme de trois parties positives, qui se recouvrent."""
    rng, num_parts = ask.rng, 3
    bands = np.maximum(0, 1.2 - np.abs(np.arange(24) / 8 - np.arange(num_parts)[:, None] - 0.5))
    spectra = bands * rng.uniform(0.5, 1.5, bands.shape)
    activations = rng.uniform(0.5, 2, (40, num_parts)) * (rng.random((40, num_parts)) < 0.5)
    mixture = activations @ spectra + 1e-3
    seeds = [int(each) for each in rng.integers(0, 100, NUM_STARTS)]
    calls = [((mixture, num_parts), {"seed": seed}) for seed in (*seeds, seeds[0])]
    found = np.stack(_made(ask, "nmf_parts", calls))
    if found.shape[1:] != (num_parts, *mixture.shape):
        return credit(0, "wrong_shape")
    first, *_, again = found
    lost = np.linalg.norm(found[:NUM_STARTS].sum(1) - mixture, axis=(1, 2))
    values = np.linalg.svd(np.nan_to_num(first), compute_uv=False)  # (k, t ou f)
    return first_fault(
        ("0", "not_a_number", not np.isfinite(found).all()),
        ("1/4", "negative_parts", found.min() < -1e-9),
        ("1/2", "sum_far_from_mixture", np.median(lost) > MAX_ERROR * np.linalg.norm(mixture)),
        ("1/2", "parts_not_spectra", (values[:, 1] > 1e-3 * values[:, 0].max()).any()),
        ("3/4", "seed_ignored", not same(first, again, tolerance=1e-4)),
    )
