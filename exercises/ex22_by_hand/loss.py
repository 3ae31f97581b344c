"""La perte, d'où part le retour : softmax et entropie croisée, ensemble.

D'après : S4 « backpropagation pour CNN ? ».
Commande : python -m exercises.ex22_by_hand
"""

import numpy as np

# --- Question : des scores aux probabilités, et à la perte ---------------------------


def softmax(scores: np.ndarray) -> np.ndarray:
    """Change des scores en probabilités : `p[i] = exp(s[i]) / Σ exp(s[j])`.

    Args:
        scores: `(n, classes)`, nombres quelconques : leur plus grand est d'abord retiré, ce qui ne
            change rien au quotient, et `exp` ne déborde pas.

    Returns:
        `(n, classes)` dans [0, 1], de somme 1.
    """
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Rend la perte moyenne des images, et son gradient par rapport aux scores.

        aller :  L = -1/n · Σ ln p[classe vraie]
        retour : dL/ds = (p - 1 à la classe vraie) / n

    Le gradient est l'erreur elle-même : c'est pourquoi softmax et perte se dérivent ensemble.

    Args:
        scores: `(n, classes)`.
        labels: classes vraies `(n,)`, entiers.

    Returns:
        `(L, dL/ds)` ; le second de la forme des scores.

    Source : Bridle, « Probabilistic interpretation of feedforward classification network
    outputs », 1990.
    """
    images = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))  # ln p = s - ln Σ exp(s), sans ln 0
    loss = float(np.mean(log_sums - shifted[images, labels]))
    gradient = softmax(scores)
    gradient[images, labels] -= 1
    return loss, gradient / len(scores)
