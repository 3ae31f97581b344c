"""Ne pas oublier les classes rares d'une rue : une perte où elles pèsent plus lourd.

Document : S3 « Different problems, models & metrics » (scènes de rue, SegNet).
Commande : python -m exercises.ex18_segmentation.streets

Piétons, cyclistes et panneaux couvrent trop peu de pixels pour compter dans la perte ordinaire.
Ici, la même perte donne à chaque classe un poids d'autant plus grand qu'elle est rare : la racine
carrée de celui de l'article de SegNet.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from exercises.ex18_segmentation.measures import NUM_CLASSES, VOID

# Puissance des poids : 1, ceux de l'article ; 0, aucun poids. La validation a préféré leur racine
# carrée : 49,0 % d'IoU moyenne, contre 45,3 % avec ceux de l'article (une graine).
POWER = 0.5


def balance(masks: np.ndarray) -> np.ndarray:
    """Rend le poids de chaque classe : la fréquence médiane, divisée par la sienne.

    La fréquence d'une classe est sa part des pixels nommés, dans les seules photographies où elle
    est présente.

    Args:
        masks: `(n, h, w)` ; VOID ne compte pas.

    Returns:
        `(11,)` float64 ; 0 pour une classe absente de toutes les photographies.

    Source : Eigen et Fergus, arXiv 1411.4734, section 6.3.2 ; Badrinarayanan, Kendall et Cipolla,
    arXiv 1511.00561, section 4 (*median frequency balancing*).
    """
    named = (masks != VOID).sum(axis=(1, 2))
    counts = np.stack([(masks == k).sum(axis=(1, 2)) for k in range(NUM_CLASSES)])  # (11, n)
    around = (counts > 0) @ named  # pixels nommés des photographies où la classe est présente
    shares = np.divide(counts.sum(axis=1), around, out=np.zeros(NUM_CLASSES), where=around > 0)
    median = np.median(shares[shares > 0])
    return np.divide(median, shares, out=np.zeros(NUM_CLASSES), where=shares > 0)


def weighted_loss(weights: np.ndarray) -> Callable:
    """Rend une entropie croisée où l'erreur d'un pixel compte selon sa vraie classe.

    Args:
        weights: poids de chaque classe `(11,)` ; un pixel VOID pèse 0.
    """
    rows = np.vstack([np.diag(weights), np.zeros(NUM_CLASSES)]).astype("float32")  # (12, 11)

    def loss(masks, answers):
        targets = ops.take(rows, ops.cast(masks, "int32"), axis=0)  # (n, h, w, 11)
        return -ops.mean(ops.sum(targets * ops.log(answers + keras.config.epsilon()), axis=-1))

    return loss
