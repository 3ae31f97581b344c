"""Compter ce qu'un réseau contient et ce qu'il calcule ; deux réseaux à leur taille publiée.

D'après : S3 « AlexNet (2012) » et « Deep CNN / VGG / ResNet ».
Commande : python -m exercises.ex15_architectures.operations

Rien n'est entraîné ici.
"""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import NamedTuple

import keras
from keras import layers

from convnets.core.cli import FrenchParser, percent
from convnets.figures.charts import table


class Size(NamedTuple):
    """Ce que contient et ce que calcule un réseau."""

    parameters: int
    operations: int  # multiplications-additions, pour une image
    dense_share: float  # part des paramètres qui est dans des couches denses, dans [0, 1]


# --- Question : combien d'opérations pour une image ? --------------------------------


def operations(model: keras.Model) -> int:
    """Compte les multiplications-additions d'un réseau, pour une image.

    Une convolution fait un produit par poids du noyau et par position de la fenêtre, une couche
    dense un par poids. Comme le veut l'usage, les zéros ajoutés au bord comptent ; les biais,
    les poolings, les additions et les normalisations (qu'on fond, une fois le réseau appris,
    dans la convolution d'avant) ne comptent pas.

    Args:
        model: réseau à images de taille fixe, dont chaque couche sert une seule fois.

    Returns:
        Un nombre de multiplications-additions : une de chaque n'en fait qu'une.

    Raises:
        ValueError: taille d'image libre, ou couche à poids d'une autre sorte que Conv2D,
            DepthwiseConv2D, Dense et BatchNormalization.
    """
    return sum(_layer_operations(layer) for layer in model.layers)


def _layer_operations(layer: layers.Layer) -> int:
    if isinstance(layer, keras.Model):
        return operations(layer)
    if isinstance(layer, layers.BatchNormalization) or not layer.weights:
        return 0
    if not isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)):
        raise ValueError(
            f"{layer.name} est une couche {type(layer).__name__}, dont les opérations ne sont pas "
            "comptées ici : seules le sont Conv2D, DepthwiseConv2D et Dense."
        )
    positions = layer.output.shape[1:-1]
    if None in positions:
        raise ValueError(
            f"{layer.name} rend des cartes de taille libre {layer.output.shape} : construisez le "
            "réseau pour des images de taille fixe."
        )
    return prod(positions) * prod(layer.kernel.shape)


def measure(model: keras.Model) -> Size:
    """Mesure un réseau ; voir `operations` pour ce qui est compté.

    Args:
        model: réseau à images de taille fixe.

    Returns:
        Ses paramètres, normalisations comprises, ses opérations et la part de ses couches denses.
    """
    dense = sum(each.count_params() for each in model.layers if isinstance(each, layers.Dense))
    parameters = model.count_params()
    return Size(int(parameters), operations(model), dense / parameters if parameters else 0.0)


# --- Question : les réseaux, à leur taille publiée -----------------------------------


FULL_SIZE: dict[str, Callable[[], keras.Model]] = {
    "VGG16 (2014)": partial(keras.applications.VGG16, weights=None),
    "ResNet50 (2015)": partial(keras.applications.ResNet50, weights=None),
}


def main(argv: list[str] | None = None) -> int:
    """Construit les réseaux publiés, poids au hasard, et compte ce que contient chacun."""
    prog = "python -m exercises.ex15_architectures.operations"
    FrenchParser(prog=prog, description=__doc__.splitlines()[0]).parse_args(argv)
    rows = []
    for name, build_model in FULL_SIZE.items():
        size = measure(build_model())
        rows.append([name, size.parameters, size.operations, percent(size.dense_share)])
    print(table(["réseau", "paramètres", "opérations", "denses"], rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
