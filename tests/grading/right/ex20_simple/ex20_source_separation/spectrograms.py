"""Une trame après l'autre, avec NumPy seul."""

import numpy as np

WINDOW = 512
HOP = 256


def stft(sounds, *, window=WINDOW):
    m = sounds.shape[-1]
    num_frames = max(m, window) // HOP + 2
    padded = np.zeros((*sounds.shape[:-1], (num_frames - 1) * HOP + 2 * window))
    padded[..., window // 2 : window // 2 + m] = sounds
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = []
    for k in range(num_frames):
        frame = padded[..., k * HOP : k * HOP + window] * hann
        frames.append(np.fft.rfft(frame))
    return np.stack(frames, axis=-2).astype("complex64")


def istft(spectrograms, num_samples):
    window = 2 * (spectrograms.shape[-1] - 1)
    num_frames = spectrograms.shape[-2]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    sounds = np.zeros((*spectrograms.shape[:-2], num_frames * HOP + window))
    weights = np.zeros(num_frames * HOP + window)
    for k in range(num_frames):
        here = slice(k * HOP, k * HOP + window)
        sounds[..., here] += np.fft.irfft(spectrograms[..., k, :]) * hann
        weights[here] += hann**2
    sounds = sounds / np.maximum(weights, 1e-8)
    return sounds[..., window // 2 : window // 2 + num_samples].astype("float32")


def apply_masks(mixtures, masks, num_samples):
    melody = istft(masks * mixtures, num_samples)
    percussion = istft((1 - masks) * mixtures, num_samples)
    return np.stack([melody, percussion], axis=1)


def si_sdr(estimates, targets):
    product = (estimates * targets).sum(axis=-1, keepdims=True)
    source = product / (targets**2).sum(axis=-1, keepdims=True) * targets
    distortion = ((estimates - source) ** 2).sum(axis=-1)
    energy = (source**2).sum(axis=-1)
    return 10 * np.log10(energy / (distortion + 1e-10 * energy))
