"""Du bruit à l'image : un chemin droit, la vitesse à y suivre, et la force de la phrase.

D'après : S3, figure (6), phrase → image.

Chaque image d'apprentissage est reliée à un bruit par un segment ; un point le parcourt en un temps
de 0 à 1, à vitesse constante : image − bruit. Beaucoup de segments passent par un même point : le
réseau, qui apprend par moindres carrés, répond leur vitesse moyenne. La suivre depuis un nouveau
bruit mène à une nouvelle image.

Sources : Lipman et al., « Flow Matching for Generative Modeling », arXiv 2210.02747 ; Ho et
Salimans, « Classifier-Free Diffusion Guidance », arXiv 2207.12598.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import softmax

Velocity = Callable[[np.ndarray, float], np.ndarray]  # points (n, ...) et instant → vitesses
NUM_STEPS = 20  # d'Euler
GUIDANCE = 2  # force de la phrase par défaut, fixée d'avance : aucune mesure ne l'a choisie


# --- Question : sur quel chemin apprendre ? ------------------------------------------


def travel(noise: np.ndarray, images: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Rend le point où l'on est à chaque instant, entre un bruit (0) et une image (1).

    Args:
        noise: `(n, h, w, c)`.
        images: de même forme.
        times: `(n,)`, dans [0, 1].

    Source : Lipman et al., équation 22, avec σ_min = 0.
    """
    times = times.reshape(-1, *[1] * (images.ndim - 1))
    return (1 - times) * noise + times * images


def exact_velocity(points: np.ndarray) -> Velocity:
    """Rend la vitesse du réseau parfait, quand le jeu d'apprentissage n'a que ces images.

    En x à l'instant t, chaque image compte d'autant plus que le bruit qui y menait est probable :
    c'est un softmax de distances. Suivre cette vitesse rend une image du jeu, au pixel près : un
    réseau n'invente que parce qu'il ne peut que l'approcher.

    Args:
        points: images `(m, ...)`, dans l'échelle du réseau.

    Returns:
        `velocity(x, t)`, pour x de forme `(n, ...)` et t dans [0, 1[.

    Source : Lipman et al., équation 8, où q est uniforme sur les images.
    """
    flat = points.reshape(len(points), -1)
    sizes = (flat**2).sum(axis=1)

    def velocity(x: np.ndarray, time: float) -> np.ndarray:
        found = x.reshape(len(x), -1)
        # |x − t·image|², sans |x|², le même pour toutes : (n, m)
        gaps = time**2 * sizes - 2 * time * found @ flat.T
        shares = softmax(-gaps / (2 * (1 - time) ** 2), axis=1)
        return ((shares @ flat - found) / (1 - time)).reshape(x.shape)

    return velocity


# --- Question : combien écouter la phrase ? ------------------------------------------


def guided(asked: Velocity, free: Velocity, guidance: float) -> Velocity:
    """Mêle deux vitesses, celle que demande la phrase et celle d'une phrase vide.

    Args:
        asked: vitesse avec la phrase.
        free: vitesse sans phrase.
        guidance: 0, la phrase n'est pas lue ; 1, elle l'est ; au-delà, on s'éloigne de ce qu'on
            aurait fait sans elle.

    Source : Ho et Salimans, équation 6, où w vaut `guidance` − 1.
    """

    def velocity(x: np.ndarray, time: float) -> np.ndarray:
        base = free(x, time)
        return base + guidance * (asked(x, time) - base)

    return velocity


# --- Question : suivre la vitesse ----------------------------------------------------


def follow(velocity: Velocity, noise: np.ndarray, *, num_steps: int = NUM_STEPS) -> np.ndarray:
    """Va du bruit à l'image, par des pas d'Euler tous égaux.

    Args:
        velocity: la vitesse.
        noise: `(n, ...)`.
        num_steps: nombre de pas.

    Returns:
        Tous les points du chemin, `(num_steps + 1, n, ...)` : le bruit d'abord, l'image à la fin.
    """
    points = [noise]
    for step in range(num_steps):
        points.append(points[-1] + velocity(points[-1], step / num_steps) / num_steps)
    return np.stack(points)


def to_unit(images: np.ndarray) -> np.ndarray:
    """Met des images uint8 dans [−1, 1], l'échelle du réseau ; rend des float32."""
    return images.astype(np.float32) / 127.5 - 1


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Défait `to_unit`, en bornant ce qui dépasse ; rend des uint8."""
    return np.clip(np.round((images + 1) * 127.5), 0, 255).astype(np.uint8)
