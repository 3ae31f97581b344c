"""La factorisation positive, écrite à la main."""

import numpy as np


def nmf_parts(magnitudes, num_parts, *, seed):
    rng = np.random.default_rng(seed)
    num_frames, num_bins = magnitudes.shape
    activations = rng.random((num_frames, num_parts)) + 0.1
    spectra = rng.random((num_parts, num_bins)) + 0.1
    for _ in range(300):
        activations *= magnitudes @ spectra.T / (activations @ spectra @ spectra.T + 1e-9)
        spectra *= activations.T @ magnitudes / (activations.T @ activations @ spectra + 1e-9)
    return np.array([np.outer(activations[:, k], spectra[k]) for k in range(num_parts)])
