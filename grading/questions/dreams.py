"""Ce que les exercices 12 à 14 ont en commun : un petit réseau que l'on sait refaire en NumPy."""

from typing import NamedTuple

import numpy as np

from grading.asking import failures
from grading.inside import messages
from grading.questions import Ask, numbers

NAMES = ("basse", "haute")  # les deux couches, dans l'ordre


class Network(NamedTuple):
    """Deux convolutions 1×1 suivies de ReLU : chaque pixel y a sa réponse, sans ses voisins."""

    weights: list[np.ndarray]  # noyau (1, 1, 3, 5), biais (5,), noyau (1, 1, 5, 4), biais (4,)

    @property
    def options(self) -> dict:
        """De quoi le construire chez le rendu (voir `probes.plain_network`)."""
        stack = [
            ["Conv2D", {"filters": num, "name": name, "kernel_size": 1, "activation": "relu"}]
            for num, name in zip((5, 4), NAMES, strict=True)
        ]
        return {"shape": [None, None, 3], "stack": stack, "weights": self.weights}

    def extractor(self, *names: str) -> messages.Ingredient:
        """Ce que rendrait `dreams.extractor`."""
        return messages.Ingredient(
            "dream_extractor", {"network": self.options, "layer_names": list(names)}
        )

    def maps(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Rend les cartes `{couche: (h, w, c)}` d'une image `(h, w, 3)` de 0 à 255."""
        first, shift, second, other_shift = self.weights
        low = np.maximum((image / 127.5 - 1) @ first[0, 0] + shift, 0)
        return {"basse": low, "haute": np.maximum(low @ second[0, 0] + other_shift, 0)}


def draw_network(rng: np.random.Generator) -> Network:
    """Tire un réseau dont presque toutes les réponses sont positives."""
    first, second = rng.uniform(-0.5, 1, (1, 1, 3, 5)), rng.uniform(-0.5, 1, (1, 1, 5, 4))
    return Network([first, rng.uniform(0.5, 1, 5), second, rng.uniform(0.2, 0.5, 4)])


def relative_distance(found: np.ndarray, target: np.ndarray) -> float:
    """‖trouvé − voulu‖² / ‖voulu‖²."""
    return np.sum((found - target) ** 2) / np.sum(target**2)


def _summed(found, target) -> float:
    return np.sum((found - target) ** 2)


def _averaged(found, target) -> float:
    return np.mean((found - target) ** 2)


def _with_root(found, target) -> float:
    return np.sqrt(relative_distance(found, target))


def _over_found(found, target) -> float:
    """Divise par la norme de ce qui est trouvé, et non par celle de ce qui est voulu."""
    with np.errstate(all="ignore"):
        return relative_distance(target, found)


def _of_absolute_values(found, target) -> float:
    return np.abs(found - target).sum() / np.abs(target).sum()


def _over_squared_sum(found, target) -> float:
    """Divise par le carré de la somme, et non par la somme des carrés."""
    return np.sum((found - target) ** 2) / np.sum(target) ** 2


def _cell_by_cell(found, target) -> float:
    """Divise case par case, puis moyenne."""
    return np.mean(np.square(found - target) / np.square(target))


def _summed_cell_by_cell(found, target) -> float:
    """Divise case par case, puis additionne."""
    return np.sum(np.square(found - target) / np.square(target))


def _between_norms(found, target) -> float:
    """Retranche une norme de l'autre, au lieu de prendre celle de la différence."""
    return abs(np.sum(found**2) - np.sum(target**2)) / np.sum(target**2)


def _between_roots(found, target) -> float:
    """De même, avec la racine de chaque norme."""
    return (np.linalg.norm(found) / np.linalg.norm(target) - 1) ** 2


def _summed_before_square(found, target) -> float:
    """Additionne les différences, qui s'annulent entre elles, puis met au carré."""
    return np.sum(found - target) ** 2 / np.sum(target**2)


MEASURES = (  # ce qui se prend pour `relative_distance`, et ce qui s'en dit
    ("not_relative", _summed),
    ("not_relative", _averaged),
    ("distance_not_squared", _with_root),
    ("over_found_maps", _over_found),
    ("gaps_not_squared", _of_absolute_values),
    ("over_squared_sum", _over_squared_sum),
    ("divided_cell_by_cell", _cell_by_cell),
    ("divided_cell_by_cell", _summed_cell_by_cell),
    ("gap_of_norms", _between_norms),
    ("gap_of_norms", _between_roots),
    ("summed_before_square", _summed_before_square),
)


def variations(image: np.ndarray) -> np.ndarray:
    """Rend la variation totale de haut en bas, puis de gauche à droite."""
    return np.array([np.sum(np.diff(image, axis=axis) ** 2) for axis in (0, 1)])


def total_variation(image: np.ndarray) -> float:
    """Somme des carrés des différences entre voisins."""
    return float(variations(image).sum())


class Found(NamedTuple):
    """Une image du rendu, et ce qui est rendu avec elle."""

    pixels: np.ndarray  # en float64
    rest: list
    dtype: np.dtype  # celui de l'image rendue


def pictures(
    ask: Ask, function: str, positional: tuple, options: list[dict], **named
) -> list[Found]:
    """Fait faire des images à une fonction du rendu, une par jeu d'options.

    Args:
        ask: la question.
        function: son nom.
        positional: un réseau, l'image dont elle part, et d'autres arguments.
        options: ce que contient, à chaque fois, son argument nommé `options`.
        named: ses autres arguments nommés.

    Returns:
        L'image de chacune, et ce qui est rendu avec elle.

    Raises:
        failures.Failure: une exception, ou autre chose qu'une image de la bonne forme, de 0 à 255.
    """
    # D'une seule demande : une demande déjà faite n'est pas refaite, et le hasard s'y cacherait.
    given = [{**named, "options": messages.Ingredient("namespace", each)} for each in options]
    found = []
    for answer in ask.calls(function, [(positional, each) for each in given]):
        value = answer.value
        image, *rest = value if isinstance(value, tuple | list) and value else [value]
        pixels = numbers(answer._replace(value=image), positional[1].shape)
        if pixels.min() < -0.5 or pixels.max() > 255.5:
            raise failures.Failure("picture_out_of_range")
        found.append(Found(pixels, rest, np.asarray(image).dtype))
    if all(each.pixels.max() <= 1 for each in found):
        raise failures.Failure("picture_of_zero_one")
    return found
