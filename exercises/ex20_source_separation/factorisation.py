"""Factoriser le spectrogramme d'un seul micro : une SVD, ou une NMF.

D'après : S3 « CNN & Time-Frequency representation » (« SVD algorithm (unsupervised) in time or
time frequency domain »).
Commande : python -m exercises.ex20_source_separation

Un spectrogramme est à peu près une somme de parties : un spectre, joué plus ou moins fort au fil
des trames. La SVD en donne la meilleure somme, mais de parties signées, qui se compensent : ce ne
sont pas des sons. La NMF les veut positives. Reste à savoir de quelle source est chacune : un
oracle, qui connaît les sources, donne une borne.
"""

import numpy as np

from exercises.ex20_source_separation.spectrograms import SMALLEST, apply_masks, stft

NUM_PARTS = 20  # d'un mélange : de 10, 20 et 40, le meilleur de la NMF, en validation
NUM_PASSES = 100  # mises à jour de la NMF, toujours autant


# --- Question : une somme de parties, signées ou positives ---------------------------


def svd_parts(magnitudes: np.ndarray, num_parts: int) -> np.ndarray:
    """Rend les premières composantes de la SVD : aucune somme d'autant de parties n'est plus près.

    Args:
        magnitudes: modules d'un mélange `(t, f)`.
        num_parts: nombre de composantes gardées.

    Returns:
        `(k, t, f)`, de somme la SVD tronquée. La première n'a qu'un signe ; les suivantes,
        orthogonales à elle, en ont deux.

    Source : Eckart et Young, Psychometrika 1, 1936.
    """
    left, values, right = np.linalg.svd(magnitudes, full_matrices=False)
    left = (left * values)[:, :num_parts]
    return left.T[:, :, None] * right[:num_parts, None]


def nmf_parts(magnitudes: np.ndarray, num_parts: int, *, seed: int) -> np.ndarray:
    """Rend les parties positives d'une NMF, dont la somme approche le mélange.

    Args:
        magnitudes: modules d'un mélange `(t, f)`.
        num_parts: nombre de parties.
        seed: graine du départ, dont le résultat dépend.

    Returns:
        `(num_parts, t, f)`, sans case négative.

    Source : Lee et Seung, Nature 401, 1999 ; la divergence de Kullback-Leibler, d'usage en audio.
    """
    from sklearn.decomposition import NMF

    # Sans tolérance, rien ne s'arrête avant NUM_PASSES.
    model = NMF(
        num_parts,
        init="random",
        solver="mu",
        beta_loss="kullback-leibler",
        tol=0,
        max_iter=NUM_PASSES,
        random_state=seed,
    )
    activations = model.fit_transform(magnitudes)
    return activations.T[:, :, None] * model.components_[:, None]


# --- Question : des parties au masque ------------------------------------------------


def oracle_mask(parts: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Fait un masque de Wiener de chaque partie, donnée à la source qu'elle laisse le plus passer.

    Args:
        parts: `(k, t, f)` ; une case négative n'est pas une part de son : elle compte pour zéro.
        sources: modules des vraies sources `(2, t, f)`. Une vraie séparation ne les a pas :
            c'est la borne de toute attribution par partie entière.

    Returns:
        Masque de la mélodie `(t, f)`, dans [0, 1].
    """
    parts = np.maximum(parts, 0)
    shares = parts / (parts.sum(axis=0) + SMALLEST)
    melody, percussion = np.einsum("ktf,stf->sk", shares, sources**2)
    return shares[melody > percussion].sum(axis=0)


def separate_by_oracle(sources: np.ndarray, factorise) -> np.ndarray:
    """Factorise chaque mélange et donne ses parties par `oracle_mask`.

    Args:
        sources: vraies sources `(n, 2, m)`.
        factorise: fonction des modules d'un mélange `(t, f)` à leurs parties `(k, t, f)` :
            `svd_parts` ou `nmf_parts`, leurs réglages donnés.

    Returns:
        Sources retrouvées `(n, 2, m)`.
    """
    spectrograms = stft(sources)
    mixtures = spectrograms.sum(axis=1)
    masks = [
        oracle_mask(factorise(np.abs(mixture)), np.abs(each))
        for mixture, each in zip(mixtures, spectrograms, strict=True)
    ]
    return apply_masks(mixtures, np.stack(masks), sources.shape[-1])
