"""La confiance d'un modèle : la mesurer, et la corriger par une température.

Un modèle est étalonné quand il a raison dans 80 % des cas où il dit 80 %.

Source : Guo et al., « On Calibration of Modern Neural Networks », arXiv 1706.04599, 2017.
"""

import numpy as np

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0  # entre lesquelles elle est cherchée
NUM_BINS = 15  # comme l'article


def expected_calibration_error(
    probabilities: np.ndarray, y: np.ndarray, *, num_bins: int = NUM_BINS
) -> float:
    """Mesure l'écart moyen entre la confiance annoncée et l'exactitude obtenue.

    Les images sont rangées par confiance (la plus grande probabilité) dans des intervalles égaux de
    [0, 1] ; l'écart d'un intervalle compte en proportion de ses images.

    Args:
        probabilities: `(n, classes)`, de somme 1 par ligne.
        y: classes vraies `(n,)` ou `(n, 1)`.
        num_bins: nombre d'intervalles.

    Returns:
        Écart dans [0, 1] ; 0 pour un modèle parfaitement étalonné.

    Source : Guo et al., arXiv 1706.04599, équation 3.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == np.reshape(y, -1)
    # Intervalles ]a, b] ; une confiance nulle va dans le premier.
    bins = np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=num_bins)
    return float(np.abs(gaps).sum() / len(confidence))


def soften(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divise par une température les scores dont le softmax a donné ces probabilités.

    Args:
        probabilities: `(n, classes)`, de somme 1 par ligne.
        temperature: plus de 1 rend moins sûr, moins de 1 plus sûr ; l'ordre ne change pas.

    Returns:
        Probabilités `(n, classes)`, de somme 1 par ligne.
    """
    powers = np.asarray(probabilities, np.float64) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, y: np.ndarray, temperature: float) -> float:
    """Mesure l'entropie croisée de probabilités dont une température a divisé les scores.

    Args:
        probabilities: `(n, classes)`, de somme 1 par ligne.
        y: classes vraies `(n,)` ou `(n, 1)`.
        temperature: voir `soften`.

    Returns:
        Moyenne de moins le logarithme de la probabilité de la classe vraie, en nats.
    """
    scores = np.log(np.clip(np.asarray(probabilities, np.float64), 1e-30, 1)) / temperature
    highest = scores.max(axis=1, keepdims=True)
    total = highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=1))
    return float(np.mean(total - scores[np.arange(len(scores)), np.reshape(y, -1)]))


def fit_temperature(probabilities: np.ndarray, y: np.ndarray) -> float:
    """Cherche la température qui rend les classes vraies les plus vraisemblables.

    Args:
        probabilities: `(n, classes)` sur des images de validation, jamais de test.
        y: classes vraies `(n,)` ou `(n, 1)`.

    Returns:
        Température entre 0,05 et 20.

    Source : Guo et al., arXiv 1706.04599, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return cross_entropy(probabilities, y, np.exp(log_temperature))

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def calibrate(val: np.ndarray, y_val: np.ndarray, test: np.ndarray, y_test: np.ndarray) -> dict:
    """Étalonne un modèle sur la validation et le mesure sur le test.

    Args:
        val: probabilités `(n, classes)` des images de validation.
        y_val: leurs classes.
        test: probabilités des images de test.
        y_test: leurs classes.

    Returns:
        `{"temperature", "ece_before", "ece_after", "num_bins"}`, les deux écarts sur le test.
    """
    temperature = fit_temperature(val, y_val)
    return {
        "temperature": temperature,
        "ece_before": expected_calibration_error(test, y_test),
        "ece_after": expected_calibration_error(soften(test, temperature), y_test),
        "num_bins": NUM_BINS,
    }
