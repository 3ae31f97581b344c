"""Exercice 20 : le spectrogramme et son inverse, le masque, la mesure, la factorisation positive.

Plusieurs spectrogrammes conviennent : à une échelle près, la première trame plus tôt ou plus tard.
Ce qui en dépend est comparé à ce que le rendu lui-même en fait.
"""

import numpy as np

from grading import pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same

RATE_HZ, WINDOW, HOP = 8000, 512, 256  # ce que dit l'énoncé
NUM_BINS = WINDOW // 2 + 1
TOLERANCE = 1e-3  # float32, et des sons d'amplitude 1
MAX_LEAK = 0.01  # part de l'énergie d'une note loin de sa fréquence : 0,05 sans fenêtre
MAX_ERROR = 0.15  # relative, de la somme des parties : 0,01 d'une NMF, 0,3 d'une SVD sans négatifs
NUM_STARTS = 5  # départs de la NMF : l'un d'eux peut finir loin, pas la plupart

# --- Le spectrogramme ----------------------------------------------------------------


def _value(answer: pupil.Answer) -> np.ndarray:
    """Rend un tableau du rendu.

    Raises:
        pupil.Failure: la fonction s'est arrêtée, ou n'a pas rendu de tableau.
    """
    if answer.error:
        raise pupil.failure_of(answer.error)
    if not isinstance(answer.value, np.ndarray):
        raise pupil.Failure("wrong_type")
    return answer.value


def _tone(rng, window: int, num_samples: int) -> tuple[np.ndarray, int]:
    """Joue une note entre deux fréquences de la transformée ; rend aussi la première des deux."""
    place = int(rng.integers(window // 12, window // 4))
    return np.sin(2 * np.pi * (place + 0.5) / window * np.arange(num_samples)), place


def _shape_credit(found: np.ndarray, leading: tuple, num_samples: int, window: int):
    """Rend ce que vaut une forme fausse, ou None."""
    bins, frames = window // 2 + 1, num_samples / HOP
    if found.ndim != len(leading) + 2 or found.shape[:-2] != leading:
        return credit(0, "wrong_shape")
    if found.shape[-1] == window:
        return credit("1/4", "negative_frequencies")
    if found.shape[-2] == bins and found.shape[-1] != bins:
        return credit("1/4", "transposed_axes")
    if found.shape[-1] != bins:
        return credit(0, "wrong_shape")
    if abs(found.shape[-2] - frames) > window / HOP + 2:
        return credit("1/4", "wrong_hop")
    return None


@question("ex20.stft")
def ask_stft(ask: Ask) -> Credit:
    """Regarde où tombe une note, ce qui en fuit, puis plusieurs sons, puis une autre trame."""
    rng, num_samples = ask.rng, HOP * 30
    tone, place = _tone(rng, WINDOW, num_samples)
    late = rng.normal(size=(2, num_samples)) * (np.arange(num_samples) > num_samples / 2)
    wide, wide_place = _tone(rng, 2 * WINDOW, num_samples)
    short = rng.normal(size=(3, WINDOW // 2))
    calls = [((tone,), {}), ((late,), {}), ((wide,), {"window": 2 * WINDOW}), ((short,), {})]
    answers = ask.calls("stft", calls)
    found = _value(answers[0])
    if found.dtype.kind != "c":
        return credit("1/4", "modulus_only")
    wrong = _shape_credit(found, (), num_samples, WINDOW) or _tone_credit(found, place)
    if wrong:
        return wrong
    found = _value(answers[1])
    wrong = _shape_credit(found, (2,), num_samples, WINDOW)
    if wrong:
        return credit("1/2", wrong.reason)
    power = (np.abs(found) ** 2).sum(-1)  # (2, t)
    if not np.isfinite(power).all():
        return credit("1/2", "not_a_number")
    half = power.shape[1] // 2 - 3
    if power[:, :half].sum() > 1e-3 * power.sum() or power.sum(1).min() < 0.1 * power.sum(1).max():
        return credit("1/2", "wrong_values")
    try:
        found, brief = _value(answers[2]), _value(answers[3])
    except pupil.Failure as failure:
        return credit("3/4", failure.reason, failure.detail)
    wrong = _shape_credit(found, (), num_samples, 2 * WINDOW) or _tone_credit(found, wide_place)
    if wrong:
        return credit("3/4", wrong.reason)
    if brief.ndim != 3 or len(brief) != 3 or brief.shape[2] != NUM_BINS or not brief.shape[1]:
        return credit("3/4", "wrong_shape")
    return RIGHT


def _tone_credit(found: np.ndarray, place: int) -> Credit | None:
    """Rend ce que vaut le spectrogramme d'une note, s'il est faux."""
    power = np.abs(found[len(found) // 4 : 3 * len(found) // 4]) ** 2
    spectrum = power.mean(0)
    if not np.isfinite(spectrum).all():
        return credit(0, "not_a_number")
    if spectrum.argmax() not in (place, place + 1):
        return credit(0, "wrong_values")
    near = spectrum[place - 3 : place + 5].sum()
    return credit("1/2", "no_window") if near < (1 - MAX_LEAK) * spectrum.sum() else None


@question("ex20.istft")
def ask_istft(ask: Ask) -> Credit:
    """Refait des sons d'après les spectrogrammes qu'en fait le rendu."""
    rng, num_samples = ask.rng, HOP * 21 + 37
    sounds = rng.normal(size=(2, num_samples)).astype(np.float32)
    short = rng.normal(size=(3, WINDOW // 2)).astype(np.float32)
    wide = {"window": 2 * WINDOW}
    made = ask.calls("stft", [((sounds,), {}), ((sounds,), wide), ((short,), {})])
    sizes = (num_samples, num_samples, short.shape[1])
    found = ask.calls(
        "istft", [((_value(each), num), {}) for each, num in zip(made, sizes, strict=True)]
    )
    first = _value(found[0])
    if first.shape != sounds.shape:
        return credit(0, "wrong_shape")
    if not np.isfinite(first).all():
        return credit(0, "not_a_number")
    inside = slice(2 * WINDOW, -2 * WINDOW)
    if not same(first[:, inside], sounds[:, inside], tolerance=TOLERANCE):
        return _distortion(first[:, inside], sounds[:, inside])
    if not same(first, sounds, tolerance=TOLERANCE):
        return credit("1/2", "edges_lost")
    for answer, expected in zip(found[1:], (sounds, short), strict=True):
        if answer.error:
            failure = pupil.failure_of(answer.error)
            return credit("3/4", failure.reason, failure.detail)
        if not same(answer.value, expected, tolerance=TOLERANCE):
            return credit("3/4", "one_window_only")
    return RIGHT


def _distortion(found: np.ndarray, expected: np.ndarray) -> Credit:
    """Nomme ce qui abîme un son : son volume, ou un volume qui bat à chaque trame."""
    loud = np.abs(expected) > 0.3
    ratios = np.where(loud, found / np.where(loud, expected, 1), np.nan)
    if np.nanstd(ratios) < 0.01 * abs(np.nanmean(ratios)):
        return credit("1/2", "wrong_volume")
    beat = np.abs(ratios[:, HOP:] - ratios[:, :-HOP])
    if np.nanmax(beat) < 0.01 * abs(np.nanmean(ratios)):
        return credit("1/4", "overlap_not_normalised")
    return credit(0, "wrong_values")


# --- Le masque -----------------------------------------------------------------------


@question("ex20.apply_masks")
def ask_apply_masks(ask: Ask) -> Credit:
    """Compare les sources à ce que l'inverse du rendu fait du mélange masqué."""
    rng, num_samples = ask.rng, HOP * 12
    sounds = rng.normal(size=(3, num_samples)).astype(np.float32)
    (made,) = ask.calls("stft", [((sounds,), {})])
    mixtures = _value(made)
    masks = rng.random(mixtures.shape).astype(np.float32)
    named = {
        "melody": masks * mixtures,
        "rest": (1 - masks) * mixtures,
        "whole": mixtures,
        "modulus": (masks * np.abs(mixtures)).astype(mixtures.dtype),
        "other": ((1 - masks) * np.abs(mixtures)).astype(mixtures.dtype),
        "round": np.round(masks) * mixtures,
        "left": (1 - np.round(masks)) * mixtures,
    }
    calls = [((each, num_samples), {}) for each in named.values()]
    sources = dict(zip(named, map(_value, ask.calls("istft", calls)), strict=True))

    def pair(first, second):
        return lambda *_: np.stack([sources[first], sources[second]], axis=1)

    mistakes = [
        Mistake("sources_swapped", pair("rest", "melody"), "1/2"),
        Mistake("rest_forgotten", pair("melody", "melody"), "1/2"),
        Mistake("rest_forgotten", pair("melody", "whole"), "1/2"),
        Mistake("phase_lost", pair("modulus", "other"), "1/4"),
        Mistake("mask_rounded", pair("round", "left"), "1/2"),
        Mistake("transposed_axes", lambda *_: pair("melody", "rest")().swapaxes(0, 1), "1/2"),
    ]
    calls = [((mixtures, masks, num_samples), {})]
    right = pair("melody", "rest")
    answers = ask.calls("apply_masks", calls)
    return judge(answers, [("1", calls)], right, mistakes, tolerance=TOLERANCE)


# --- La mesure -----------------------------------------------------------------------


def _project(one, other) -> np.ndarray:
    """Rend le multiple de `other` le plus proche de `one`, son par son."""
    return np.sum(one * other, -1, keepdims=True) / np.sum(other**2, -1, keepdims=True) * other


def _energy(sounds) -> np.ndarray:
    return np.sum(np.asarray(sounds) ** 2, axis=-1)


def _si_sdr(estimates, targets) -> np.ndarray:
    """Refait `si_sdr`, sauf pour une estimation parfaite."""
    scaled = _project(estimates, targets)
    return 10 * np.log10(_energy(scaled) / _energy(scaled - estimates))


@question("ex20.si_sdr")
def ask_si_sdr(ask: Ask) -> Credit:
    """Mesure des sons plus ou moins abîmés, à tout volume, puis un son intact."""
    rng = ask.rng

    def draw(*shape):
        targets = rng.normal(size=shape)
        noise = rng.uniform(0.1, 2, (*shape[:-1], 1)) * rng.normal(size=shape)
        return (rng.uniform(0.3, 3) * targets + noise, targets), {}

    one, several = [draw(400), draw(300)], [draw(3, 200), draw(2, 2, 250)]
    perfect = several[0][0][1]
    answers = ask.calls("si_sdr", [*one, *several, ((perfect, perfect), {})])

    def ratio(estimates, targets):
        return 10 ** (_si_sdr(estimates, targets) / 10)

    def unscaled(estimates, targets):
        return 10 * np.log10(_energy(targets) / _energy(targets - estimates))

    def reversed_projection(estimates, targets):
        scaled = _project(targets, estimates)
        return 10 * np.log10(_energy(scaled) / _energy(scaled - targets))

    def target_energy(estimates, targets):
        scaled = _project(estimates, targets)
        return 10 * np.log10(_energy(targets) / _energy(scaled - estimates))

    def together(estimates, targets):
        return np.mean(_si_sdr(estimates, targets))

    def flat(estimates, targets):
        return _si_sdr(np.ravel(estimates), np.ravel(targets))

    mistakes = [
        Mistake("sign_reversed", lambda e, t: -_si_sdr(e, t), "1/4"),
        Mistake("log_forgotten", ratio, "1/4"),
        Mistake("not_decibels", lambda e, t: _si_sdr(e, t) / 10, "1/2"),
        Mistake("not_decibels", lambda e, t: _si_sdr(e, t) * np.log(10), "1/2"),
        Mistake("not_decibels", lambda e, t: _si_sdr(e, t) * np.log(10) / 10, "1/4"),
        Mistake("amplitudes_for_energies", lambda e, t: _si_sdr(e, t) / 2, "1/2"),
        Mistake("amplitudes_for_energies", lambda e, t: _si_sdr(e, t) * 2, "1/2"),
        Mistake("volume_counts", unscaled, "1/2"),
        Mistake("volume_counts", target_energy, "1/2"),
        Mistake("wrong_projection", reversed_projection, "1/2"),
        Mistake("sounds_mixed", together, "1/2"),
        Mistake("sounds_mixed", flat, "1/2"),
    ]
    groups = [("1/2", one), ("1", several)]
    found = judge(answers[:-1], groups, _si_sdr, mistakes, tolerance=1e-4)
    if found.level < 1:
        return found
    values = as_floats(answers[-1].value)
    if values is None or values.shape != (3,):
        return credit("3/4", "wrong_shape")
    if not np.isfinite(values).all() or values.min() < 50:
        return credit("3/4", "perfect_estimate")
    return RIGHT


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
    first, *others, again = found = list(map(_value, ask.calls("nmf_parts", calls)))
    if any(each.shape != (num_parts, *mixture.shape) for each in found):
        return credit(0, "wrong_shape")
    if not all(np.isfinite(each).all() for each in found):
        return credit(0, "not_a_number")
    if any((each < -1e-9).any() for each in found):
        return credit("1/4", "negative_parts")
    lost = [np.linalg.norm(each.sum(0) - mixture) for each in (first, *others)]
    if np.median(lost) > MAX_ERROR * np.linalg.norm(mixture):
        return credit("1/2", "sum_far_from_mixture")
    values = np.linalg.svd(first, compute_uv=False)  # (k, t ou f)
    if (values[:, 1] > 1e-3 * values[:, 0].max()).any():
        return credit("1/2", "parts_not_spectra")
    if not same(first, again, tolerance=1e-4):
        return credit("3/4", "seed_ignored")
    return RIGHT


def _oracle(parts, sources, *, clipped=True, shared=True, swapped=False) -> np.ndarray:
    """Refait `oracle_mask`, partie par partie."""
    parts, mask = np.maximum(parts, 0) if clipped else parts, np.zeros(parts.shape[1:])
    total = parts.sum(0)
    for part in parts:
        share = np.divide(part, total, out=np.zeros(part.shape), where=total != 0)
        melody, percussion = (np.sum(share * each**2) for each in sources)
        if (melody > percussion) != swapped:
            mask += share if shared else part
    return mask


@question("ex20.oracle_mask")
def ask_oracle_mask(ask: Ask) -> Credit:
    """Donne des parties à deux sources ; certaines ont des cases négatives, ou toutes nulles."""
    rng, num_frames, num_bins = ask.rng, 7, 12

    def draw(*, signed=False, silent=False):
        """La mélodie est en bas, les percussions en haut ; chaque partie est surtout d'un côté."""
        low = np.arange(num_bins) < num_bins // 2
        order = rng.permutation([True, True, False, False, True])
        parts = rng.uniform(1, 2, (len(order), num_frames, num_bins))
        parts *= np.where(low == order[:, None], 1, 0.1)[:, None]
        if signed:
            parts *= np.where(rng.random(parts.shape) < 0.2, -0.3, 1)
        if silent:
            parts[:, int(rng.integers(num_frames))] = 0
        sources = rng.uniform(1, 2, (2, num_frames, num_bins)) * np.stack([low, ~low])[:, None]
        return (parts, sources + 0.05), {}

    positive, signed, silent = [draw(), draw()], [draw(signed=True) for _ in range(2)], [draw()]
    silent += [draw(silent=True)]
    mistakes = [
        Mistake("sources_swapped", lambda p, s: _oracle(p, s, swapped=True), "1/4"),
        Mistake("mask_above_one", lambda p, s: _oracle(p, s, shared=False), "1/4"),
        Mistake("negative_parts_kept", lambda p, s: _oracle(p, s, clipped=False), "1/2"),
        Mistake("negative_parts_kept", lambda p, s: _oracle(np.abs(p), s), "1/2"),
    ]
    groups = [("1/2", positive), ("3/4", signed), ("1", silent)]
    answers = ask.calls("oracle_mask", positive + signed + silent)
    return judge(answers, groups, _oracle, mistakes, tolerance=1e-4)
