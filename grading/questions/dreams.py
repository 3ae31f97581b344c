"""Ce que les exercices 12 à 14 ont en commun : un petit réseau que l'on sait refaire en NumPy."""

from typing import NamedTuple

import numpy as np

from grading import messages, pupil
from grading.questions import Ask, numbers

NAMES = ("basse", "haute")  # les deux couches, dans l'ordre


class Network(NamedTuple):
    """Deux convolutions 1×1 suivies de ReLU : chaque pixel y a sa réponse, sans ses voisins."""

    kernels: tuple[np.ndarray, np.ndarray]  # (3, c) et (c, c')
    biases: tuple[np.ndarray, np.ndarray]

    @property
    def options(self) -> dict:
        """De quoi le construire chez le rendu (voir `probes.plain_network`)."""
        same = {"kernel_size": 1, "activation": "relu"}
        stack = [
            ["Conv2D", {"filters": len(bias), "name": name, **same}]
            for name, bias in zip(NAMES, self.biases, strict=True)
        ]
        pairs = zip(self.kernels, self.biases, strict=True)
        weights = [
            each.astype(np.float32)
            for kernel, bias in pairs
            for each in (kernel[np.newaxis, np.newaxis], bias)
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
        low = np.maximum((image / 127.5 - 1) @ self.kernels[0] + self.biases[0], 0)
        high = np.maximum(low @ self.kernels[1] + self.biases[1], 0)
        return dict(zip(NAMES, (low, high), strict=True))

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


def total_variation(image: np.ndarray) -> float:
    """Somme des carrés des différences entre voisins."""
    return float(sum(np.sum(np.diff(image, axis=axis) ** 2) for axis in (0, 1)))


def pictures(
    ask: Ask, function: str, positional: tuple, options: list[dict], **named
) -> list[tuple]:
    """Fait faire des images à une fonction du rendu, une par jeu d'options.

    Args:
        ask: la question.
        function: son nom.
        positional: un réseau, l'image dont elle part, et d'autres arguments.
        options: ce que contient, à chaque fois, son argument nommé `options`.
        named: ses autres arguments nommés.

    Returns:
        Pour chacune, ses pixels, et la liste de ce qui est rendu avec eux.

    Raises:
        pupil.Failure: une exception, ou autre chose qu'une image de la bonne forme, de 0 à 255.
    """
    # D'une seule demande : une demande déjà faite n'est pas refaite, et le hasard s'y cacherait.
    given = [messages.Ingredient("namespace", each) for each in options]
    answers = ask.calls(function, [(positional, {**named, "options": each}) for each in given])
    found = []
    for answer in answers:
        if answer.error:
            raise pupil.failure_of(answer.error)
        value = answer.value.values if isinstance(answer.value, messages.Record) else answer.value
        image, *rest = value if isinstance(value, tuple | list) and value else [value]
        pixels = numbers(pupil.Answer(image), positional[1].shape)
        if pixels.min() < -0.5 or pixels.max() > 255.5:
            raise pupil.Failure("picture_out_of_range")
        found.append((pixels, rest))
    return found
