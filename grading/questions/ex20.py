"""Exercice 20 : le spectrogramme et son inverse, le masque, la mesure, la factorisation positive.

Plusieurs spectrogrammes conviennent : à une échelle près, la première trame plus tôt ou plus tard.
Ce qui en dépend est comparé à ce que le rendu lui-même en fait.
"""

from functools import partial

import numpy as np
from scipy import signal

from grading.asking import failures
from grading.questions import (
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
SMALLEST = 1e-10  # part de l'énergie ajoutée aux rapports, dans `si_sdr`
TINY = 1e-12  # où nulle fenêtre ne pèse
UNEVEN = 100  # grossit l'écart d'une fenêtre symétrique, 0,003, au-delà de MAX_LEAK

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


def _hann(window: int) -> np.ndarray:
    return signal.windows.hann(window, sym=False)


def _a_window(num_samples: int, window: int) -> int:
    return window


def _none(num_samples: int, window: int) -> int:
    return 0


def _up_to_hop(num_samples: int, window: int) -> int:
    """Complète le son jusqu'à un multiple de `HOP` : aucun zéro, parfois."""
    return -num_samples % HOP


def _framed(*, before: bool = True, after=_a_window, taper=_hann):
    """Rend `stft` avec, au choix, une erreur.

    Args:
        before: mettre les zéros de tête.
        after: rend le nombre de zéros qui finissent le son, d'après sa longueur et `window`.
        taper: rend ce qui multiplie chaque trame.
    """

    def stft(sounds, *, window=WINDOW):
        margins = [(0, 0)] * (sounds.ndim - 1)
        zeros = (before * (window - HOP), after(sounds.shape[-1], window))
        sounds = np.pad(sounds, [*margins, zeros])
        return np.fft.rfft(_frames(sounds, window) * taper(window))

    return stft


def _bounds_kept(spectrograms) -> np.ndarray:
    """Dit si un son d'un seul échantillon, au début, au milieu, puis à la fin, s'entend encore."""
    energy = (np.abs(spectrograms) ** 2).sum((-2, -1))
    return energy > MIN_KEPT * energy[1]


def _weights(spectrograms) -> np.ndarray:
    """Mesure la fenêtre : d'un son d'un seul échantillon, chaque trame garde ce qu'elle en pèse.

    Returns:
        De combien varie la somme des poids d'un échantillon, d'une place à l'autre, puis la somme
        moyenne de leurs carrés. Rien n'y dépend de l'échelle, ni de la place de la première trame.
    """
    weights = np.sqrt((np.abs(spectrograms) ** 2).mean(-1))  # (n, t)
    sums = weights.sum(-1)
    varies, mean = np.ptp(sums) / sums.mean(), sums.mean()
    return np.array([UNEVEN * varies, (weights**2).sum(-1).mean() / mean**2])


CUT = [
    Mistake("zeros_before_missing", _framed(before=False), "3/4"),
    Mistake("last_frame_dropped", _framed(after=_none), "3/4"),
    Mistake("last_frame_dropped", _framed(after=_up_to_hop), "3/4"),
    Mistake("taper_missing", _without_taper),
    Mistake("symmetric_taper", _framed(taper=np.hanning), "3/4"),
    Mistake("hamming_taper", _framed(taper=np.hamming), "3/4"),
    Mistake("hamming_taper", _framed(taper=partial(signal.windows.hamming, sym=False)), "3/4"),
]


@question("ex20.stft")
def ask_stft(ask: Ask) -> Credit:
    """Compare des spectrogrammes ; la forme du résultat dit quelques erreurs."""
    found = ask.compare("stft", _spectrograms(ask), mistakes=CUT, tolerance=MAX_LEAK)
    whole = found.wrong and found.wrong.whole
    reason = whole and _said_by_form(np.asarray(whole[0].value), np.asarray(whole[1]))
    return found._replace(reason=reason, detail="") if reason else found


def _said_by_form(ours: np.ndarray, theirs: np.ndarray) -> str | None:
    """Dit une erreur que trahit la forme d'un spectrogramme, ou ce dont il est fait.

    Args:
        ours: ce que rend le rendu.
        theirs: ce que rend le corrigé.
    """
    *_, num_frames, bins = theirs.shape
    if ours.dtype.kind != "c" and ours.shape[-1:] == (bins,):
        return "phase_lost"
    if ours.shape[-1:] == (2 * (bins - 1),):
        return "negative_frequencies_kept"
    if ours.shape[-2:-1] == (bins,) != ours.shape[-1:]:
        return "frequencies_before_frames"
    if ours.ndim != theirs.ndim or ours.shape[-1] != bins:
        return None
    if ours.shape[:-2] == theirs.shape[:-2]:
        return "other_hop" if abs(ours.shape[-2] - num_frames) >= FEW_FRAMES else None
    return "frames_before_sounds" if ours.shape[1:-1] == theirs.shape[:-2] else None


def _spectrograms(ask: Ask) -> list:
    """Regarde où tombe une note, ce qui en fuit, puis plusieurs sons, puis une autre trame."""
    rng, num_samples = ask.rng, HOP * 30

    def note(window=WINDOW):
        """Joue une note entre deux fréquences de la transformée."""
        place = int(rng.integers(window // 12, window // 4)) + 0.5
        return np.sin(2 * np.pi * place / window * np.arange(num_samples))

    # De l'un, la dernière trame dépasse un peu ; de l'autre, elle finit avec lui, s'il en manque.
    bounds = [np.zeros((3, num_samples + more)) for more in (int(rng.integers(10, 100)), 0)]
    for each in bounds:
        each[[0, 1, 2], [0, num_samples // 2, -1]] = 1
    places = np.arange(0, HOP, HOP // 16)  # d'une trame à la suivante
    single = np.zeros((len(places), 12 * HOP))
    single[np.arange(len(places)), 6 * HOP + places] = 1
    one, profile = [((note(),), {})], partial(_profile, num_samples)
    notes = [
        ("1/2", one, partial(_strongest, num_samples)),
        ("1/2", one, profile),
        ("3/4", [((np.stack([note(), note()]),), {})], profile),
        ("3/4", [((note(2 * WINDOW),), {"window": 2 * WINDOW})], profile),
    ]
    return [
        *notes,
        ("1", [((rng.normal(size=(3, HOP)),), {})], _are_finite),  # il n'a que des bords
        ("1", [((each,), {}) for each in bounds], _bounds_kept),
        ("1", [((single,), {})], _weights),
    ]


def _are_finite(spectrogram: np.ndarray) -> np.ndarray:
    return np.isfinite(spectrogram).all(-2)


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


def _width_of(bins: int) -> int:
    return 2 * (bins - 1)


def _width_unread(bins: int) -> int:
    return WINDOW


def _bins_for_width(bins: int) -> int:
    return bins


def _margin(window: int) -> int:
    return window - HOP


def _no_margin(window: int) -> int:
    return 0


def _margin_of_hop(window: int) -> int:
    return HOP


def _added(*, width=_width_of, margin=_margin, tapered=True, power=2, adds=True):
    """Rend `istft` avec, au choix, une erreur.

    Args:
        width: rend la largeur des trames, d'après le nombre de fréquences.
        margin: rend, de cette largeur, le nombre de zéros à ôter avant le son.
        tapered: multiplier encore chaque trame par la fenêtre.
        power: puissance des fenêtres dont la somme divise celle des trames ; 0 : rien ne divise.
        adds: additionner les trames ; sinon, chacune efface ce que la précédente a mis.
    """

    def istft(spectrograms, num_samples):
        window = width(spectrograms.shape[-1])
        taper, start = _hann(window), margin(window)
        frames = np.fft.irfft(spectrograms, n=window) * (taper if tapered else 1)
        num_frames = frames.shape[-2]
        sounds = np.zeros((*frames.shape[:-2], (num_frames - 1) * HOP + window))
        weights = np.zeros(sounds.shape[-1])
        for number in range(num_frames):
            place = slice(number * HOP, number * HOP + window)
            sounds[..., place] = frames[..., number, :] + (sounds[..., place] if adds else 0)
            weights[place] += taper**power
        sounds = sounds / np.maximum(weights, TINY) if power else sounds
        return sounds[..., start : start + num_samples]

    return istft


EXACT = ({"tapered": False, "power": 1}, {"tapered": True, "power": 2})  # deux inverses justes
UNDIVIDED = ({"tapered": False, "power": 0}, {"tapered": True, "power": 0})
INVERSES = [
    Mistake("frames_end_to_end", _end_to_end),
    *(Mistake("margin_kept", _added(margin=_no_margin, **how)) for how in (*UNDIVIDED, *EXACT)),
    Mistake("not_divided_by_windows", _added(**UNDIVIDED[0]), "1/2"),
    Mistake("not_divided_by_windows", _added(**UNDIVIDED[1])),
    Mistake("windows_not_squared", _added(tapered=True, power=1)),
    Mistake("windows_squared", _added(tapered=False, power=2)),
    *(Mistake("frames_overwritten", _added(adds=False, **how)) for how in (*UNDIVIDED, *EXACT)),
    *(Mistake("margin_of_hop", _added(margin=_margin_of_hop, **how)) for how in EXACT),
    *(Mistake("width_unread", _added(width=_width_unread, **how)) for how in EXACT),
    *(Mistake("bins_for_width", _added(width=_bins_for_width, **how)) for how in EXACT),
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
    # Du second nombre d'échantillons, celui des trames ne dit rien.
    lengths = [HOP * 12, HOP * 12 - int(ask.rng.integers(20, 200))]
    sounds = [((ask.rng.normal(size=(3, num)).astype(np.float32),), {}) for num in lengths]
    mixtures = _made(ask, "stft", sounds)
    masks = [ask.rng.random(each.shape).astype(np.float32) for each in mixtures]
    calls = [(each, {}) for each in zip(mixtures, masks, lengths, strict=True)]

    def separated(share_of):
        """Rend `apply_masks`, où `share_of` change ce qui multiplie le mélange."""

        def sources(mixtures, masks, num_samples):
            shares = [share_of(each) for each in (masks, 1 - masks)]
            calls = [((share * mixtures, num_samples), {}) for share in shares]
            return np.stack(_made(ask, "istft", calls), axis=1)

        return sources

    groups = [("3/4", calls[:1]), ("1", calls[1:])]
    mistakes = [
        Mistake("masks_rounded", separated(np.rint)),
        Mistake("masks_squared", separated(np.square)),
    ]
    right = separated(np.asarray)
    return ask.judge("apply_masks", groups, right, mistakes, tolerance=TOLERANCE)


def _ratio(*, scaled=True, centred=False, logarithm=np.log10, times=10, axis=-1, smallest=SMALLEST):
    """Rend `si_sdr` avec, au choix, une erreur.

    Args:
        scaled: mettre la cible au volume de l'estimation.
        centred: retrancher d'abord à chaque son sa moyenne.
        logarithm: celui du rapport.
        times: ce qui le multiplie.
        axis: celui des sommes ; None : tous les sons ensemble.
        smallest: part de l'énergie ajoutée aux deux termes du rapport.
    """

    def si_sdr(estimates, targets):
        def total(values):
            return np.sum(values, axis=axis, keepdims=True)

        if centred:
            estimates, targets = (
                each - each.mean(-1, keepdims=True) for each in (estimates, targets)
            )
        with np.errstate(all="ignore"):
            scale = total(estimates * targets) / total(targets**2) if scaled else 1
            kept, lost = total((scale * targets) ** 2), total((scale * targets - estimates) ** 2)
            floor = smallest * (kept + lost)
            found = times * logarithm((kept + floor) / (lost + floor))
        return found[..., 0] if axis == -1 else found.ravel()[0]

    return si_sdr


def _over_whole_target(estimates, targets) -> np.ndarray:
    """Met l'estimation au volume de la source, dont toute l'énergie est celle qui compte."""
    return 10 * np.log10(1 + 10 ** (_ratio()(estimates, targets) / 10))


RATIOS = [
    Mistake("perfect_not_finite", _ratio(smallest=0), "3/4"),
    Mistake("volume_not_fitted", _ratio(scaled=False)),
    Mistake("estimate_fitted", _over_whole_target),
    Mistake("natural_decibels", _ratio(logarithm=np.log)),
    Mistake("amplitude_decibels", _ratio(times=20)),
    Mistake("decibels_not_multiplied", _ratio(times=1)),
    Mistake("ratio_inverted", _ratio(times=-10)),
    Mistake("ratio_inverted", _ratio(times=-1)),
    Mistake("means_removed", _ratio(centred=True)),
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
            lambda found: np.where(
                np.isfinite(found), np.clip(found, -MIN_PERFECT_DB, MIN_PERFECT_DB), 0
            ),
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
    of_seeds = [
        ("3/4", "seed_ignored", not same(first, again, tolerance=1e-4)),
        ("3/4", "seed_unread", len({*seeds}) > 1 and (found == first).all()),
    ]
    return first_fault(
        ("0", "not_a_number", not np.isfinite(found).all()),
        ("1/4", "negative_parts", found.min() < -1e-9),
        ("1/2", "sum_far_from_mixture", np.median(lost) > MAX_ERROR * np.linalg.norm(mixture)),
        ("1/2", "parts_not_spectra", (values[:, 1] > 1e-3 * values[:, 0].max()).any()),
        *of_seeds,
    )
