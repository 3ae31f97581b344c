"""Exercice 20 : le spectrogramme et son inverse, le masque, la mesure, la factorisation positive.

Plusieurs spectrogrammes conviennent : à une échelle près, la première trame plus tôt ou plus tard.
Ce qui en dépend est comparé à ce que le rendu lui-même en fait.
"""

from functools import partial

import numpy as np
from scipy import signal

from grading.asking import failures
from grading.questions import (
    VAGUE,
    Ask,
    Credit,
    Mistake,
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
MIN_KEPT = 0.1  # de l'énergie du milieu d'un son : la moitié à un bord, ou rien s'il est coupé
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


def _without_taper(sounds, *, window=WINDOW) -> np.ndarray:
    """Rend le spectrogramme de trames que nulle fenêtre n'efface aux bouts, sans zéros autour."""
    return np.fft.rfft(_frames(sounds, window))


def _frames(sounds, window) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(sounds, window, axis=-1)[..., ::HOP, :]


def _framed(*, before: bool, after: bool):
    """Rend `stft`, où les zéros de tête, ou ceux qui finissent la dernière trame, manquent."""

    def stft(sounds, *, window=WINDOW):
        margins = [(0, 0)] * (sounds.ndim - 1)
        sounds = np.pad(sounds, [*margins, (before * (window - HOP), after * window)])
        frames = _frames(sounds, window) * signal.windows.hann(window, sym=False)
        return np.fft.rfft(frames)

    return stft


def _bounds_kept(spectrograms) -> np.ndarray:
    """Dit si un son d'un seul échantillon, au début, au milieu, puis à la fin, s'entend encore."""
    energy = (np.abs(spectrograms) ** 2).sum((-2, -1))
    return energy > MIN_KEPT * energy[1]


CUT = [
    Mistake("zeros_before_missing", _framed(before=False, after=True), "3/4"),
    Mistake("last_frame_dropped", _framed(before=True, after=False), "3/4"),
    Mistake("taper_missing", _without_taper),
]


@question("ex20.stft")
def ask_stft(ask: Ask) -> Credit:
    """Compare des spectrogrammes ; la forme du résultat dit quelques erreurs."""
    found = ask.compare("stft", _spectrograms(ask), mistakes=CUT, tolerance=MAX_LEAK)
    whole = found.wrong and found.wrong.whole
    if found.reason not in VAGUE or not whole:
        return found
    shapes = [np.shape(each) for each in (whole[0].value, whole[1])]
    bins = shapes[1][-1]
    if shapes[0][-1:] == (2 * (bins - 1),):
        return found._replace(reason="negative_frequencies_kept", detail="")
    if shapes[0][-2:-1] == (bins,) != shapes[0][-1:]:
        return found._replace(reason="frequencies_before_frames", detail="")
    return found


def _spectrograms(ask: Ask) -> list:
    """Regarde où tombe une note, ce qui en fuit, puis plusieurs sons, puis une autre trame."""
    rng, num_samples = ask.rng, HOP * 30

    def note(window=WINDOW):
        """Joue une note entre deux fréquences de la transformée."""
        place = int(rng.integers(window // 12, window // 4)) + 0.5
        return np.sin(2 * np.pi * place / window * np.arange(num_samples))

    bounds = np.zeros((3, num_samples + int(rng.integers(50, 200))))  # la dernière trame dépasse
    bounds[[0, 1, 2], [0, num_samples // 2, -1]] = 1
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
        ("1", [((bounds,), {})], _bounds_kept),
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


def _end_to_end(spectrograms, num_samples) -> np.ndarray:
    frames = np.fft.irfft(spectrograms)
    return frames.reshape(*frames.shape[:-2], -1)[..., :num_samples]


def _added(*, margin: bool, tapered: bool):
    """Rend `istft` sans division par la somme des fenêtres.

    Args:
        margin: ôter les zéros que `stft` a mis avant le son.
        tapered: multiplier encore chaque trame par la fenêtre.
    """

    def istft(spectrograms, num_samples):
        frames = np.fft.irfft(spectrograms)  # (..., t, fenêtre)
        num_frames, window = frames.shape[-2:]
        sounds = np.zeros((*frames.shape[:-2], (num_frames - 1) * HOP + window))
        taper = signal.windows.hann(window, sym=False) if tapered else 1
        for number in range(num_frames):
            start = number * HOP
            sounds[..., start : start + window] += taper * frames[..., number, :]
        start = window - HOP if margin else 0
        return sounds[..., start : start + num_samples]

    return istft


INVERSES = [
    Mistake("frames_end_to_end", _end_to_end),
    Mistake("margin_kept", _added(margin=False, tapered=False)),
    Mistake("margin_kept", _added(margin=False, tapered=True)),
    Mistake("not_divided_by_windows", _added(margin=True, tapered=False), "1/2"),
    Mistake("not_divided_by_windows", _added(margin=True, tapered=True)),
]


@question("ex20.istft")
def ask_istft(ask: Ask) -> Credit:
    """Refait des sons d'après les spectrogrammes qu'en fait le rendu."""
    rng, middle = ask.rng, slice(2 * WINDOW, -2 * WINDOW)
    long = rng.normal(size=(2, HOP * 21 + 37)).astype(np.float32)
    short = rng.normal(size=(3, WINDOW // 2)).astype(np.float32)
    calls = [((long,), {}), ((long,), {"window": 2 * WINDOW}), ((short,), {})]
    spectrograms, sounds = _made(ask, "stft", calls), [long[:, middle], long, long, short]
    given = list(zip(spectrograms, [each.shape[-1] for each in sounds[1:]], strict=True))
    found = ask.calls("istft", [(each, {}) for each in given])
    inside = seen(found[0], lambda sound: sound[..., middle])
    groups = [("1/2", [((0,), {})]), ("3/4", [((1,), {})]), ("1", [((2,), {}), ((3,), {})])]

    def by_number(inverse):
        """Rend ce que donne un inverse des spectrogrammes du rendu, d'après le rang d'un appel."""
        return lambda number: inverse(*given[max(number - 1, 0)])[
            ..., slice(None) if number else middle
        ]

    mistakes = [each._replace(compute=by_number(each.compute)) for each in INVERSES]
    return judge([inside, *found], groups, sounds.__getitem__, mistakes, tolerance=TOLERANCE)


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


def _ratio(*, scaled=True, logarithm=np.log10, times=10, axis=-1):
    """Rend `si_sdr` avec, au choix, une erreur.

    Args:
        scaled: mettre la cible au volume de l'estimation.
        logarithm: celui du rapport.
        times: ce qui le multiplie.
        axis: celui des sommes ; None : tous les sons ensemble.
    """

    def si_sdr(estimates, targets):
        def total(values):
            return np.sum(values, axis=axis, keepdims=True)

        with np.errstate(all="ignore"):
            scale = total(estimates * targets) / total(targets**2) if scaled else 1
            kept, lost = total((scale * targets) ** 2), total((scale * targets - estimates) ** 2)
            found = times * logarithm(kept / lost)
        return found[..., 0] if axis == -1 else found.ravel()[0]

    return si_sdr


RATIOS = [
    Mistake("perfect_not_finite", _ratio(), "3/4"),
    Mistake("volume_not_fitted", _ratio(scaled=False)),
    Mistake("natural_decibels", _ratio(logarithm=np.log)),
    Mistake("amplitude_decibels", _ratio(times=20)),
    Mistake("decibels_not_multiplied", _ratio(times=1)),
    Mistake("sounds_together", _ratio(axis=None), "1/2"),
]


@compared("ex20.si_sdr", mistakes=RATIOS, tolerance=1e-4)
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
    expected, shape = (num_parts, *mixture.shape), found.shape[1:]
    if shape == spectra.shape:
        return credit(0, "spectra_for_parts")
    if shape == mixture.shape:
        return credit(0, "sum_of_parts")
    if shape != expected:
        swapped = sorted(shape) == sorted(expected)
        forms = f"forme attendue {expected}, rendue {shape}"
        return credit(0, "sides_swapped" if swapped else "wrong_shape", forms)
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
