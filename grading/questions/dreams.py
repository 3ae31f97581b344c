"""Ce que les exercices 12 à 14 ont en commun : un petit réseau que l'on sait refaire en NumPy."""

from typing import NamedTuple

import numpy as np

from grading import messages, pupil
from grading.questions import Ask, Credit, Mistake, as_floats, credit

NAMES = ("basse", "haute")  # les deux couches, dans l'ordre


class Network(NamedTuple):
    """Deux convolutions 1×1 suivies de ReLU : chaque pixel y a sa réponse, sans ses voisins."""

    kernels: tuple[np.ndarray, np.ndarray]  # (3, c) et (c, c')
    biases: tuple[np.ndarray, np.ndarray]

    @property
    def options(self) -> dict:
        """De quoi le construire chez le rendu (voir `probes.plain_network`)."""
        weights = []
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            weights += [kernel[None, None].astype(np.float32), bias.astype(np.float32)]
        stack = [
            ["Conv2D", {"filters": len(bias), "kernel_size": 1, "activation": "relu", "name": name}]
            for name, bias in zip(NAMES, self.biases, strict=True)
        ]
        return {"shape": [None, None, 3], "stack": stack, "weights": weights}

    @property
    def base(self) -> messages.Ingredient:
        """Ce que rendrait `dreams.load_base`."""
        return messages.Ingredient("plain_network", self.options)

    def extractor(self, *names: str) -> messages.Ingredient:
        """Ce que rendrait `dreams.extractor`."""
        options = {"network": self.options, "layer_names": list(names)}
        return messages.Ingredient("dream_extractor", options)

    def maps(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Rend les cartes `{couche: (h, w, c)}` d'une image `(h, w, 3)` de 0 à 255."""
        x, found = image / 127.5 - 1, {}
        for name, kernel, bias in zip(NAMES, self.kernels, self.biases, strict=True):
            found[name] = x = np.maximum(x @ kernel + bias, 0)
        return found

    def gradient(self, image: np.ndarray, factors) -> np.ndarray:
        """Dérive la somme, couche par couche, de `facteur · moyenne des carrés` ; `(h, w, 3)`."""
        low, high = self.maps(image).values()
        by_high = 2 * factors[1] * high / high.size * (high > 0)
        by_low = 2 * factors[0] * low / low.size + by_high @ self.kernels[1].T
        return (by_low * (low > 0)) @ self.kernels[0].T / 127.5


def draw_network(rng: np.random.Generator) -> Network:
    """Tire un réseau dont presque toutes les réponses sont positives."""
    kernels = rng.uniform(-0.5, 1, (3, 5)), rng.uniform(-0.5, 1, (5, 4))
    return Network(kernels, (rng.uniform(0.5, 1, 5), rng.uniform(0.2, 0.5, 4)))


def relative_distance(found: np.ndarray, target: np.ndarray) -> float:
    """‖trouvé − voulu‖² / ‖voulu‖²."""
    return np.sum((found - target) ** 2) / np.sum(target**2)


def _absolute(found, target) -> float:
    return np.sum(np.abs(found - target)) / np.sum(np.abs(target))


DISTANCE_MISTAKES = (  # ce que l'on écrit au lieu de `relative_distance`
    Mistake("norm_not_squared", lambda f, t: np.sqrt(relative_distance(f, t)), "1/2"),
    Mistake("distance_not_relative", lambda f, t: np.sum((f - t) ** 2), "1/2"),
    Mistake("distance_not_relative", lambda f, t: np.mean((f - t) ** 2), "1/2"),
    Mistake("divided_by_found", lambda f, t: relative_distance(t, f), "1/2"),
    Mistake("absolute_differences", _absolute, "1/4"),
)


def total_variation(image: np.ndarray) -> float:
    """Somme des carrés des différences entre voisins."""
    return float(sum(np.sum(np.diff(image, axis=axis) ** 2) for axis in (0, 1)))


def one(ask: Ask, function: str, *positional, **named):
    """Appelle une fonction du rendu une fois ; rend ce qu'elle rend.

    Raises:
        pupil.Failure: une exception.
    """
    (answer,) = ask.calls(function, [(positional, named)])
    if answer.error:
        raise pupil.failure_of(answer.error)
    return answer.value


def picture_problem(found, shape: tuple) -> Credit | None:
    """Dit ce qui empêche une valeur d'être une image de cette forme, de 0 à 255 ; None si rien."""
    image = as_floats(found)
    if image is None:
        return credit(0, "wrong_type")
    if image.shape != shape:
        return credit(0, "wrong_shape")
    if not np.isfinite(image).all():
        return credit(0, "not_a_number")
    if image.min() < -0.5 or image.max() > 255.5:
        return credit("1/4", "picture_out_of_range")
    return None
