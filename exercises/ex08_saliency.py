"""Carte de saillance : de quels pixels le score d'une classe dépend-il le plus ?

Document : S3 (diapositives), « Carte de saillance ».
Commande : python -m exercises.ex08_saliency samples/chien.webp --method smooth_grad

Le gradient du score par rapport à l'image dit de combien le score bouge quand un pixel change
un peu. Il est bruité, et nul là où le réseau est saturé. SmoothGrad répond au premier défaut, si
son propre bruit est assez petit ; les gradients intégrés répondent au second. Le score est celui
d'avant le softmax, qui mêle les classes.
"""

from collections.abc import Iterable

import keras
import numpy as np

from convnets.core.cli import run
from convnets.explaining import maps, verdict
from convnets.explaining.methods import SCORE, SCORE_PER_LEVEL

NUM_SAMPLES = 50  # images bruitées de SmoothGrad
NOISE = 0.02  # écart-type du bruit, en part de l'étendue de l'image ; choisi en validation (ex11)
STEPS = 64  # images entre la référence et l'image, pour les gradients intégrés
BASELINES = {"black": 0, "grey": 128}  # valeur de tous les pixels de la référence
BATCH_SIZE = 16  # images par appel du réseau ; 64, à travers InceptionV3, prendraient 5 Go


# --- Question : le gradient de la sortie par rapport à l'image -----------------------


def mean_gradient(
    model: keras.Model, class_index: int, batches: Iterable[np.ndarray]
) -> np.ndarray:
    """Moyenne le gradient du score d'une classe sur des images.

    Args:
        model: modèle terminé par un softmax ; il n'est pas modifié, et répond comme pour prédire.
        class_index: classe expliquée.
        batches: lots d'images réelles `(n, H, W, 3)`, dans l'échelle de 0 à 255.

    Returns:
        `(H, W, 3)` float32 : score par niveau de couleur, de 0 à 255.
    """
    import tensorflow as tf

    network, total, count = maps.float_model(model), 0.0, 0
    for batch in batches:
        images = tf.convert_to_tensor(batch, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(images)
            _, scores = network(images, training=False)
            score = scores[:, class_index]
        # Un score qui ne dépend pas de l'image a un gradient nul, et non pas absent.
        gradients = tape.gradient(score, images, unconnected_gradients="zero")
        total, count = total + gradients.numpy().sum(axis=0), count + len(batch)
    return total / count


def sensitivity(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Mesure, par pixel, le plus grand |gradient| des trois couleurs.

    Args:
        model: images uint8 `(n, H, W, 3)` → probabilités `(n, classes)`, softmax à la fin.
        image: `(H, W, 3)` uint8 dans [0, 255].
        class_index: classe expliquée.

    Returns:
        `(H, W)` float32 : de combien le score bouge, au plus, par niveau de couleur.

    Source : Simonyan, Vedaldi et Zisserman, arXiv 1312.6034, 2013, §3.1.
    """
    return abs(mean_gradient(model, class_index, [image[np.newaxis]])).max(axis=2)


def saliency(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Rend la carte de saillance, celle de `sensitivity` : `(H, W)` float32 dans [0, 1]."""
    return maps.normalise(sensitivity(model, image, class_index))


# --- Question : une carte moins bruitée ----------------------------------------------


def smooth_sensitivity(
    model: keras.Model,
    image: np.ndarray,
    class_index: int,
    *,
    num_samples: int = NUM_SAMPLES,
    noise: float = NOISE,
    seed: int = 0,
) -> np.ndarray:
    """Moyenne le gradient sur des copies bruitées de l'image, puis fait comme `sensitivity`.

    Args:
        model: comme pour `sensitivity`.
        image: `(H, W, 3)` uint8 dans [0, 255].
        class_index: classe expliquée.
        num_samples: nombre de copies.
        noise: écart-type du bruit, en part de l'étendue (maximum − minimum) de l'image. Chaque
            couleur de chaque pixel a le sien, et les copies ne sont pas coupées à [0, 255].
        seed: graine du bruit, entier d'au moins 0.

    Returns:
        `(H, W)` float32, le même au bit près pour la même graine.

    Raises:
        ValueError: bruit hors de [0, 1], graine négative.

    Source : Smilkov et al., arXiv 1706.03825, 2017, §3.
    """
    if not 0 <= noise <= 1:
        raise ValueError(f"Bruit de {noise} reçu : une part de l'étendue, de 0 à 1, est attendue.")
    rng, sigma = np.random.default_rng(seed), noise * float(np.ptp(image))
    sizes = (min(BATCH_SIZE, num_samples - start) for start in range(0, num_samples, BATCH_SIZE))
    batches = (image + rng.normal(0, sigma, (size, *image.shape)) for size in sizes)
    return abs(mean_gradient(model, class_index, batches)).max(axis=2)


def smooth_grad(model: keras.Model, image: np.ndarray, class_index: int, **options) -> np.ndarray:
    """Rend la carte de `smooth_sensitivity`, mêmes options : `(H, W)` float32 dans [0, 1]."""
    return maps.normalise(smooth_sensitivity(model, image, class_index, **options))


# --- Question : partager tout le score entre les pixels ------------------------------


def attributions(
    model: keras.Model,
    image: np.ndarray,
    class_index: int,
    *,
    steps: int = STEPS,
    baseline: str = "black",
) -> np.ndarray:
    """Partage entre les pixels ce que l'image gagne de score sur une référence unie.

    L'intégrale du gradient, de la référence à l'image, est faite par la règle du point milieu.

    Args:
        model: comme pour `sensitivity`.
        image: `(H, W, 3)` uint8 dans [0, 255].
        class_index: classe expliquée.
        steps: nombre de points de l'intégrale.
        baseline: référence, `"black"` (0) ou `"grey"` (128 partout). Un pixel égal à la référence
            ne reçoit rien : avec le noir, un objet noir passe inaperçu.

    Returns:
        `(H, W, 3)` float32, de signe quelconque ; leur somme est la différence des scores de
        l'image et de la référence, à l'erreur d'intégration près.

    Raises:
        ValueError: référence inconnue.

    Source : Sundararajan, Taly et Yan, arXiv 1703.01365, 2017, équations 1 et 3.
    """
    if baseline not in BASELINES:
        raise ValueError(f"Référence {baseline!r} reçue ; au choix : {', '.join(BASELINES)}.")
    reference = BASELINES[baseline]
    path = image.astype(np.float32) - reference  # (H, W, 3)
    shares = ((np.arange(steps) + 0.5) / steps).reshape(-1, 1, 1, 1)
    starts = range(0, steps, BATCH_SIZE)
    batches = (reference + shares[start : start + BATCH_SIZE] * path for start in starts)
    return path * mean_gradient(model, class_index, batches)


def shares(model: keras.Model, image: np.ndarray, class_index: int, **options) -> np.ndarray:
    """Additionne les trois couleurs d'`attributions`, mêmes options : `(H, W)` float32, signés."""
    return attributions(model, image, class_index, **options).sum(axis=2)


def integrated_gradients(
    model: keras.Model, image: np.ndarray, class_index: int, **options
) -> np.ndarray:
    """Rend la carte de `shares`, mêmes options : `(H, W)` float32 dans [0, 1].

    Ce qui plaide contre la classe vaut zéro, le plus grand un ; des zéros si rien n'est positif.
    """
    return maps.normalise(shares(model, image, class_index, **options))


METHODS = {
    "gradient": ("Gradient", sensitivity, SCORE_PER_LEVEL),
    "smooth_grad": ("SmoothGrad", smooth_sensitivity, SCORE_PER_LEVEL),
    "integrated": ("Gradients intégrés", shares, SCORE),
}


def main(argv: list[str] | None = None) -> int:
    """Dessine la carte de saillance d'une image."""
    parser = maps.explanation_parser("ex08_saliency", __doc__)
    parser.add_argument(
        "--method",
        choices=[*METHODS],
        default="gradient",
        metavar="METHODE",
        help=f"{', '.join(METHODS)} (gradient par défaut)",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        subject = maps.load_subject(options)
        method, measure, unit = METHODS[options.method]
        found = measure(subject.model, subject.image, subject.class_index)
        verdict.show(subject, found, options, options.method, method=method, unit=unit)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
