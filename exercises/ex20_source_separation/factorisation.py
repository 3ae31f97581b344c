"""Factoriser le spectrogramme d'un seul micro : SVD, NMF, et dictionnaires appris.

D'après : S3 « CNN & Time-Frequency representation » (« SVD algorithm (unsupervised) in time or
time frequency domain »).
Commande : python -m exercises.ex20_source_separation

Un spectrogramme est à peu près une somme de parties : un spectre, joué plus ou moins fort au fil
des trames. La SVD en donne la meilleure somme, mais de parties signées, qui se compensent : ce ne
sont pas des sons. La NMF les veut positives. Reste à savoir de quelle source est chacune : un
oracle, qui connaît les sources, donne une borne ; des dictionnaires appris s'en passent.
"""

import numpy as np

from exercises.ex20_source_separation.spectrograms import NUM_BINS, SMALLEST, apply_masks, stft

# Des tailles essayées, 10, 20 et 40, celles-ci séparent le mieux les mélanges de validation.
NUM_PARTS = 20  # d'un mélange
NUM_SPECTRA = 40  # d'un dictionnaire
NUM_PASSES = 100  # mises à jour de la NMF, toujours autant
NUM_FRAMES = 4000  # trames d'apprentissage d'un dictionnaire, tirées au sort
SILENCE = 1e-3  # somme des modules d'une trame qui n'apprend rien


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
    activations, spectra = _nmf(magnitudes, num_parts, seed=seed)
    return activations.T[:, :, None] * spectra[:, None]


def _nmf(magnitudes, num_parts, *, seed):
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
    return model.fit_transform(magnitudes), model.components_


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


# --- Question : sans oracle, un dictionnaire par source ------------------------------


def learn_dictionary(sounds: np.ndarray, *, num_spectra: int = NUM_SPECTRA, seed: int):
    """Apprend d'une source seule les spectres dont elle est faite.

    Args:
        sounds: `(n, m)`.
        num_spectra: taille du dictionnaire.
        seed: graine des trames tirées, et du départ.

    Returns:
        `(num_spectra, NUM_BINS)` positifs, chacun de somme 1.
    """
    frames = np.abs(stft(sounds)).reshape(-1, NUM_BINS)
    frames = frames[frames.sum(axis=1) > SILENCE]
    kept = np.random.default_rng(seed).permutation(len(frames))[:NUM_FRAMES]
    spectra = _nmf(frames[kept], num_spectra, seed=seed)[1]
    return spectra / (spectra.sum(axis=1, keepdims=True) + SMALLEST)


def separate_by_dictionaries(sounds: np.ndarray, dictionaries: list[np.ndarray]) -> np.ndarray:
    """Explique chaque trame par les deux dictionnaires, figés ; chaque source a ce qu'il dit.

    Args:
        sounds: mélanges `(n, m)`.
        dictionaries: spectres `(k, NUM_BINS)` de la mélodie, puis des percussions.

    Returns:
        Sources `(n, 2, m)`.

    Source : Smaragdis, Raj et Shashanka, « Supervised and semi-supervised separation of sounds
    from single-channel mixtures », ICA 2007.
    """
    from sklearn.decomposition import non_negative_factorization

    mixtures, spectra = stft(sounds), np.concatenate(dictionaries)
    activations, _, _ = non_negative_factorization(
        np.abs(mixtures).reshape(-1, NUM_BINS),
        H=spectra,
        n_components=len(spectra),
        update_H=False,
        solver="mu",
        beta_loss="kullback-leibler",
        tol=0,
        max_iter=NUM_PASSES,
    )
    first = len(dictionaries[0])
    melody, percussion = (
        (activations[:, part] @ spectra[part]).reshape(mixtures.shape)
        for part in (slice(first), slice(first, None))
    )
    return apply_masks(mixtures, melody / (melody + percussion + SMALLEST), sounds.shape[-1])
